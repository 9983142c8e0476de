"""What every store of VoDs does, whatever is behind it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from antmediad.errors import RecordExistsError, StoreError
from antmediad.rest.models import VOD
from antmediad.store.application import ApplicationStore
from antmediad.store.interface import Record, Store, VodQuery, VodStore
from tests.together import run


def vod(vod_id: str, **properties: Any) -> Record:
    return {
        **VOD.create({}),
        "vodId": vod_id,
        "vodName": f"{vod_id}.mp4",
        "streamId": "file",
        "type": "uploadedVod",
        **properties,
    }


@pytest.fixture
def store(opened: Store) -> VodStore:
    return opened.vods


def fill(store: VodStore, *records: Record) -> None:
    run(*(store.insert(record) for record in records))


def find(store: VodStore, vod_id: str) -> Any:
    found = store.find_json(vod_id)
    return None if found is None else orjson.loads(found)


def ids(store: VodStore, **query: Any) -> list[str]:
    listed = store.list_json(VodQuery(**{"size": 1000, **query}))
    return [orjson.loads(record)["vodId"] for record in listed]


def test_a_record_is_found_as_it_was_inserted(store: VodStore) -> None:
    record = vod("a", vodName="é\0\n𝄞", fileSize=2**62, metadata='{"a":1}')

    fill(store, record)

    assert store.find_json("a") == orjson.dumps(record)
    assert store.find_json("b") is None
    assert ids(store) == ["a"]


def test_of_records_inserted_together_one_taken_id_keeps_out_all(store: VodStore) -> None:
    fill(store, vod("a", vodName="first"))

    with pytest.raises(RecordExistsError):
        run(store.insert(vod("x"), vod("a", vodName="second"), vod("y")))
    assert ids(store) == ["a"]
    assert find(store, "a")["vodName"] == "first"
    assert store.count() == 1


def test_inserting_nothing_changes_nothing(store: VodStore) -> None:
    run(store.insert())

    assert store.count() == 0


def test_an_update_replaces_the_record_and_what_finds_it(store: VodStore) -> None:
    fill(store, vod("a", vodName="before"), vod("b"))

    updated = run(
        store.update("a", lambda record: {**record, "vodName": "after"}),
        store.update("missing", lambda record: {**record, "vodName": "after"}),
    )

    assert updated == [True, False]
    assert (store.count("before"), ids(store, search="AFTER")) == (0, ["a"])
    assert store.count() == 2


def test_deleting_removes_the_one_record_once(store: VodStore) -> None:
    fill(store, vod("a"), vod("b"))

    assert sorted(run(store.delete("a"), store.delete("a"))) == [False, True]
    assert ids(store) == ["b"]


def test_deleting_an_import_spares_other_streams_and_other_types(store: VodStore) -> None:
    fill(
        store,
        *(vod(f"user{n}", streamId="folder", type="userVod") for n in range(5)),
        vod("recorded", streamId="folder", type="streamVod"),
        vod("other", streamId="folder2", type="userVod"),
        vod("case", streamId="Folder", type="userVod"),
    )

    assert run(store.delete_imported("folder"), store.delete_imported("none")) == [5, 0]
    assert ids(store) == ["case", "other", "recorded"]
    assert store.count() == 3


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ({}, ["a", "b", "c", "d"]),
        ({"descending": True}, ["a", "b", "c", "d"]),
        ({"sort": "name"}, ["d", "b", "c", "a"]),
        ({"sort": "name", "descending": True}, ["a", "c", "b", "d"]),
        ({"sort": "date"}, ["a", "c", "d", "b"]),
        ({"sort": "date", "descending": True}, ["b", "d", "c", "a"]),
    ],
)
def test_records_come_in_the_order_asked_for(
    store: VodStore, query: dict[str, Any], order: list[str]
) -> None:
    fill(
        store,
        vod("c", vodName="Beta", creationDate=2),
        vod("a", vodName="gamma", creationDate=1),
        vod("d", vodName=None, creationDate=2),
        vod("b", vodName="ALPHA", creationDate=3),
    )

    assert ids(store, **query) == order


@pytest.mark.parametrize("sort", [None, "name", "date"])
@pytest.mark.parametrize("descending", [False, True])
def test_pages_put_together_are_the_list(
    store: VodStore, sort: str | None, descending: bool
) -> None:
    fill(store, *(vod(f"v{n:02}", vodName=f"N{n % 3}", creationDate=n % 2) for n in range(47)))
    query = {"sort": sort, "descending": descending}

    pages = [ids(store, offset=offset, size=10, **query) for offset in range(0, 50, 10)]

    assert list(itertools.chain(*pages)) == ids(store, **query)
    assert len(set(ids(store, **query))) == 47


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("v-", ["v-1", "v-2"]),
        ("V-1", ["v-1"]),
        ("HOLIDAY", ["v-1"]),
        ("folder", ["v-2"]),
        ("camera", ["v-1"]),
        ("beach", ["v-2"]),
        ('"KIND":"intro"', ["v-2"]),
        ("%", []),
        ("_", []),
        (".*", []),
        ("latitude", []),
        ("straße", ["v-2"]),
        ("filmcamera", []),
    ],
)
def test_search_is_for_a_literal_in_six_properties_in_any_letter_case(
    store: VodStore, search: str, found: list[str]
) -> None:
    fill(
        store,
        vod("v-1", vodName="Holiday film", streamName="Camera", latitude="latitude"),
        vod(
            "v-2",
            vodName="STRASSE",
            streamId="Folder",
            description="At the Beach",
            metadata='{"kind":"intro"}',
        ),
    )

    assert ids(store, search=search) == found
    assert store.count(search) == len(found)


def test_filter_search_sort_and_page_work_together(store: VodStore) -> None:
    fill(
        store,
        *(vod(f"a{n}", vodName=f"Z{9 - n}", streamId="s1") for n in range(5)),
        vod("a9", streamId="S1"),
        vod("b", streamId="s1"),
    )
    query = {"stream_id": "s1", "search": "A", "sort": "name", "offset": 1, "size": 2}

    assert ids(store, **query) == ["a3", "a2"]
    assert ids(store, **query, descending=True) == ["a1", "a2"]


def test_counts_follow_what_is_stored(store: VodStore) -> None:
    run(store.insert(*(vod(str(n), streamId="f", type="userVod") for n in range(10))))
    run(store.delete("3"), store.insert(vod("x")))

    assert (store.count(), store.count("x")) == (10, 1)
    run(store.delete_imported("f"))
    assert store.count() == 1


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.find_json("a"),
        lambda store: store.list_json(VodQuery(size=1)),
        lambda store: store.count(),
        lambda store: asyncio.run(store.insert(vod("b"))),
        lambda store: asyncio.run(store.update("a", lambda record: record)),
        lambda store: asyncio.run(store.delete("a")),
        lambda store: asyncio.run(store.delete_imported("a")),
    ],
    ids=["find", "list", "count", "insert", "update", "delete", "delete-imported"],
)
def test_a_closed_store_says_so(
    opened: Store, store: VodStore, use: Callable[[VodStore], object]
) -> None:
    asyncio.run(opened.close())

    with pytest.raises(StoreError):
        use(store)


def test_what_a_script_had_not_finished_has_failed_when_the_store_is_opened_again(
    tmp_path: Path,
) -> None:
    states = [None, "inqueue", "processing", "finished", "failed"]
    first = ApplicationStore(tmp_path / "app.db")
    fill(first.vods, *(vod(str(n), processStatus=state) for n, state in enumerate(states)))
    asyncio.run(first.close())

    second = ApplicationStore(tmp_path / "app.db")

    after = [find(second.vods, str(n))["processStatus"] for n in range(5)]
    assert after == [None, "failed", "failed", "finished", "failed"]
    assert second.vods.count() == 5
    asyncio.run(second.close())
