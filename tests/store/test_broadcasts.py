"""What every store of broadcasts does, whatever is behind it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from antmediad.errors import RecordExistsError, StoreError
from antmediad.rest.models import BROADCAST
from antmediad.store.application import ApplicationStore
from antmediad.store.interface import (
    BroadcastQuery,
    BroadcastStore,
    BroadcastTransaction,
    Record,
    Store,
    Subtracks,
)
from tests.together import run


def broadcast(stream_id: str, **properties: Any) -> Record:
    return {**BROADCAST.create({}), "streamId": stream_id, **properties}


@pytest.fixture
def store(opened: Store) -> BroadcastStore:
    return opened.broadcasts


def fill(store: BroadcastStore, *records: Record) -> None:
    run(*(store.insert(record) for record in records))


def find(store: BroadcastStore, stream_id: str) -> Any:
    found = store.find_json(stream_id)
    return None if found is None else orjson.loads(found)


def ids(store: BroadcastStore, **query: Any) -> list[str]:
    listed = asyncio.run(store.list_json(BroadcastQuery(**{"size": 1000, **query})))
    return [orjson.loads(record)["streamId"] for record in listed]


def count(store: BroadcastStore, search: str = "") -> int:
    return asyncio.run(store.count(search))


def test_a_record_is_found_as_it_was_inserted(store: BroadcastStore) -> None:
    record = broadcast("a", name="é\0\n𝄞", duration=2**62, speed=0.1, endPointList=[])

    fill(store, record)

    assert store.find_json("a") == orjson.dumps(record)
    assert ids(store) == ["a"]


def test_a_stream_id_is_found_in_its_own_letter_case_only(store: BroadcastStore) -> None:
    fill(store, broadcast("a"), broadcast("A", name="other"))

    assert find(store, "A")["name"] == "other"
    assert store.find_json("aa") is None
    assert store.find_json("") is None


def test_a_taken_id_is_refused_and_its_record_stays(store: BroadcastStore) -> None:
    fill(store, broadcast("a", name="first"))

    with pytest.raises(RecordExistsError):
        fill(store, broadcast("a", name="second"))
    assert find(store, "a")["name"] == "first"
    assert count(store) == 1


def test_of_many_inserts_of_one_id_exactly_one_succeeds(store: BroadcastStore) -> None:
    async def insert(number: int) -> bool:
        try:
            await store.insert(broadcast("a", name=str(number)))
        except RecordExistsError:
            return False
        return True

    kept = run(*(insert(number) for number in range(50)))

    assert kept.count(True) == 1
    assert find(store, "a")["name"] == str(kept.index(True))
    assert count(store) == 1


def test_a_record_that_cannot_be_kept_is_not_taken_for_a_taken_id(store: BroadcastStore) -> None:
    with pytest.raises(StoreError) as error:
        fill(store, broadcast("a", type=None))

    assert not isinstance(error.value, RecordExistsError)
    assert count(store) == 0


def test_concurrent_updates_all_count(store: BroadcastStore) -> None:
    fill(store, broadcast("a"))

    def increment(record: Record) -> Record:
        return {**record, "duration": record["duration"] + 1}

    assert run(*(store.update("a", increment) for _ in range(100))) == [True] * 100
    assert find(store, "a")["duration"] == 100


def test_an_update_changes_what_is_searched_and_sorted_as_well(store: BroadcastStore) -> None:
    fill(store, broadcast("a", name="zebra"), broadcast("b", name="monkey"))

    run(store.update("a", lambda record: {**record, "name": "ant", "status": "finished"}))

    assert ids(store, sort="name") == ["a", "b"]
    assert ids(store, search="ant") == ["a"]
    assert ids(store, search="zebra") == []
    assert store.count_status("finished") == 1


def test_an_update_of_nothing_says_so(store: BroadcastStore) -> None:
    assert run(store.update("a", lambda record: record)) == [False]
    assert count(store) == 0


def test_an_update_that_decides_against_it_changes_nothing(store: BroadcastStore) -> None:
    fill(store, broadcast("a", name="kept"))

    assert run(store.update("a", lambda _: None)) == [True]
    assert find(store, "a")["name"] == "kept"


def test_an_update_that_fails_changes_nothing(store: BroadcastStore) -> None:
    fill(store, broadcast("a", name="kept"))

    def fail(record: Record) -> Record:
        record["name"] = "lost"
        raise KeyError("mistake")

    with pytest.raises(KeyError, match="mistake"):
        run(store.update("a", fail))
    assert find(store, "a")["name"] == "kept"


def test_all_records_are_changed_together_but_those_that_are_to_stay(store: BroadcastStore) -> None:
    fill(store, *(broadcast(f"{number:04}", duration=number) for number in range(1100)))

    def change(record: Record) -> Record | None:
        odd = record["duration"] % 2
        return {**record, "status": "finished"} if odd else None

    assert run(store.update_all(change)) == [550]
    assert store.count_status("finished") == 550

    def fail(record: Record) -> Record:
        if record["duration"] == 1099:
            raise ValueError
        return {**record, "status": "error"}

    with pytest.raises(ValueError, match=r"^$"):
        run(store.update_all(fail))
    assert store.count_status("error") == 0


def test_a_deleted_record_is_gone(store: BroadcastStore) -> None:
    fill(store, broadcast("a"), broadcast("b"))

    assert run(store.delete("a", with_subtracks=True)) == [True]
    assert run(store.delete("a", with_subtracks=True)) == [False]
    assert ids(store) == ["b"]
    assert count(store) == 1


def test_subtracks_go_with_their_main_track_one_level_deep(store: BroadcastStore) -> None:
    tracks = [broadcast(f"sub{n}", mainTrackStreamId="main") for n in range(300)]
    fill(store, broadcast("main"), *tracks, broadcast("below", mainTrackStreamId="sub0"))

    run(store.delete("main", with_subtracks=True))

    assert ids(store) == ["below"]
    assert count(store) == 1


def test_subtracks_can_stay(store: BroadcastStore) -> None:
    fill(store, broadcast("main"), broadcast("sub", mainTrackStreamId="main"))

    run(store.delete("main", with_subtracks=False))

    assert ids(store) == ["sub"]


def test_subtracks_of_what_is_not_there_stay(store: BroadcastStore) -> None:
    fill(store, broadcast("sub", mainTrackStreamId="main"), broadcast("no", mainTrackStreamId=""))

    assert run(store.delete("main", with_subtracks=True)) == [False]
    assert run(store.delete("", with_subtracks=True)) == [False]
    assert ids(store) == ["no", "sub"]


def subtracks(
    store: BroadcastStore, main_track: str, offset: int = 0, size: int = 1000, **which: Any
) -> list[str]:
    listed = store.list_subtracks_json(Subtracks(main_track=main_track, **which), offset, size)
    return [orjson.loads(record)["streamId"] for record in listed]


@pytest.mark.parametrize(
    ("which", "found"),
    [
        ({}, ["A", "b", "c", "d"]),
        ({"role": "guest"}, ["b", "c"]),
        ({"role": "Guest"}, []),
        ({"role": " "}, ["d"]),
        ({"active": True}, ["b", "d"]),
        ({"role": "guest", "active": True}, ["b"]),
        ({"role": "host", "active": True}, []),
    ],
)
def test_subtracks_are_found_by_role_and_status(
    store: BroadcastStore, which: dict[str, Any], found: list[str]
) -> None:
    fill(
        store,
        broadcast("d", mainTrackStreamId="main", status="preparing", role=" "),
        broadcast("c", mainTrackStreamId="main", status="finished", role="guest"),
        broadcast("b", mainTrackStreamId="main", status="broadcasting", role="guest"),
        broadcast("A", mainTrackStreamId="main", role=None),
        broadcast("main", role="guest", status="broadcasting"),
        broadcast("e", mainTrackStreamId="Main", role="guest", status="broadcasting"),
        broadcast("f", mainTrackStreamId="A", role="guest", status="broadcasting"),
    )

    assert subtracks(store, "main", **which) == found
    assert store.count_subtracks(Subtracks(main_track="main", **which)) == len(found)


def test_pages_of_subtracks_put_together_are_all_of_them(store: BroadcastStore) -> None:
    fill(
        store,
        *(broadcast(f"s{n:02}", mainTrackStreamId="main", role=f"r{n % 2}") for n in range(9)),
    )

    selections: list[dict[str, Any]] = [{}, {"role": "r0"}]
    for which in selections:
        pages = [subtracks(store, "main", offset, 2, **which) for offset in range(0, 10, 2)]
        assert list(itertools.chain(*pages)) == subtracks(store, "main", **which)
    assert subtracks(store, "main", 9, 2) == []
    assert subtracks(store, "main", 0, 0) == []


def test_who_is_a_subtrack_follows_its_record(store: BroadcastStore) -> None:
    fill(store, broadcast("sub", mainTrackStreamId="main", role="guest"))

    run(store.update("sub", lambda record: {**record, "role": "host"}))
    assert subtracks(store, "main", role="guest") == []
    assert subtracks(store, "main", role="host") == ["sub"]

    run(store.update("sub", lambda record: {**record, "mainTrackStreamId": ""}))
    assert subtracks(store, "main") == []
    assert store.count_subtracks(Subtracks(main_track="main")) == 0


def test_what_a_transaction_replaces_is_replaced_together(store: BroadcastStore) -> None:
    fill(store, broadcast("a", name="1"), broadcast("b", name="2"))

    def swap(broadcasts: BroadcastTransaction) -> str:
        a, b = broadcasts.find("a"), broadcasts.find("b")
        assert a is not None
        assert b is not None
        broadcasts.replace({**a, "name": b["name"]})
        broadcasts.replace({**b, "name": a["name"]})
        return f"{a['name']}{b['name']}"

    assert run(*(store.transact(swap) for _ in range(9))) == ["12", "21"] * 4 + ["12"]
    assert (find(store, "a")["name"], find(store, "b")["name"]) == ("2", "1")


def test_a_transaction_that_fails_changes_nothing(store: BroadcastStore) -> None:
    fill(store, broadcast("a"))

    def fail(broadcasts: BroadcastTransaction) -> None:
        broadcasts.replace(broadcast("a", name="lost"))
        raise KeyError("mistake")

    with pytest.raises(KeyError, match="mistake"):
        run(store.transact(fail))
    assert find(store, "a")["name"] is None


def test_a_transaction_sees_what_it_has_replaced(store: BroadcastStore) -> None:
    fill(store, broadcast("main"), broadcast("sub"))

    def change(broadcasts: BroadcastTransaction) -> tuple[int, Any, Any]:
        broadcasts.replace(broadcast("sub", mainTrackStreamId="main", status="preparing"))
        active = Subtracks(main_track="main", active=True)
        found = broadcasts.find("sub")
        assert found is not None
        return broadcasts.count_subtracks(active), found["status"], broadcasts.find("nowhere")

    assert run(store.transact(change)) == [(1, "preparing", None)]


@pytest.mark.parametrize(
    ("stream_id", "above"),
    [
        ("a", {"b", "c", "gone"}),
        ("c", {"gone"}),
        ("x", {"x", "y"}),
        ("to-x", {"x", "y"}),
        ("n", set()),
    ],
)
def test_main_tracks_are_found_all_the_way_up_even_where_that_has_no_end(
    store: BroadcastStore, stream_id: str, above: set[str]
) -> None:
    for one, main in [("a", "b"), ("b", "c"), ("c", "gone"), ("x", "y"), ("y", "x"), ("to-x", "x")]:
        fill(store, broadcast(one, mainTrackStreamId=main))
    fill(store, broadcast("top"), broadcast("empty", mainTrackStreamId=""))

    (found,) = run(store.transact(lambda broadcasts: set(broadcasts.main_tracks_of(stream_id))))

    assert found == above


@pytest.mark.parametrize(
    ("query", "order"),
    [
        pytest.param({}, ["B", "a", "c", "d"], id="none-by-id"),
        pytest.param({"descending": True}, ["B", "a", "c", "d"], id="none-has-no-direction"),
        pytest.param({"sort": "name"}, ["d", "B", "a", "c"], id="name"),
        pytest.param({"sort": "name", "descending": True}, ["c", "a", "B", "d"], id="name-desc"),
        pytest.param({"sort": "date"}, ["c", "B", "d", "a"], id="date"),
        pytest.param({"sort": "date", "descending": True}, ["a", "d", "B", "c"], id="date-desc"),
        pytest.param({"sort": "status"}, ["B", "c", "d", "a"], id="status"),
        pytest.param({"sort": "status", "descending": True}, ["a", "d", "c", "B"], id="status-d"),
    ],
)
def test_the_order_is_total_and_null_names_come_first(
    store: BroadcastStore, query: dict[str, Any], order: list[str]
) -> None:
    fill(
        store,
        broadcast("a", name="ÄHNLICH", date=4, status="finished"),
        broadcast("B", name="Zebra", date=2),
        broadcast("c", name="ähnlich", date=1),
        broadcast("d", name=None, date=2),
    )

    assert ids(store, **query) == order


@pytest.mark.parametrize("sort", [None, "name", "date", "status"])
@pytest.mark.parametrize("descending", [False, True])
def test_pages_put_together_are_the_list(
    store: BroadcastStore, sort: str | None, descending: bool
) -> None:
    # Many equal values, so that only the total order keeps records from moving between pages.
    fill(store, *(broadcast(f"s{n:02}", name=f"N{n % 3}", date=n % 2) for n in range(47)))
    query = {"sort": sort, "descending": descending}

    pages = [ids(store, offset=offset, size=10, **query) for offset in range(0, 50, 10)]

    assert list(itertools.chain(*pages)) == ids(store, **query)
    assert [len(page) for page in pages] == [10, 10, 10, 10, 7]
    assert len(ids(store, **query)) == 47


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"size": 0}, 0),
        ({"offset": 3}, 0),
        ({"offset": 2**31 - 1, "size": 250}, 0),
        ({"offset": 2}, 1),
        ({"size": 2**31 - 1}, 3),
    ],
)
def test_a_page_past_the_end_is_empty(
    store: BroadcastStore, query: dict[str, int], found: int
) -> None:
    fill(store, broadcast("a"), broadcast("b"), broadcast("c"))

    assert len(ids(store, **query)) == found


def test_a_type_is_matched_exactly(store: BroadcastStore) -> None:
    fill(store, broadcast("a", type="VoD"), broadcast("b", type="vod"), broadcast("c"))

    assert ids(store, type="VoD") == ["a"]
    assert ids(store, type="Vo") == []
    assert ids(store, type="") == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("a-", ["a-1"]),
        ("A-", ["a-1"]),
        ("kamera", ["a-1", "c"]),
        ("ÖST", ["a-1"]),
        ("öst", ["a-1"]),
        ("%", ["percent"]),
        ("_", ["under_score"]),
        ("*", ["star"]),
        ("?", []),
        (".*", []),
        ("[a-z]", []),
        ("\\", ["star"]),
        ("'", ["percent"]),
        ('"', ["under_score"]),
        ("ΟΔΟΣ", ["greek"]),
        ("οδος", ["greek"]),
        ("οδοσ", ["greek"]),
        ("STRASSE", ["german"]),
        ("straße", ["german"]),
        ("\0", ["nul"]),
        ("after", ["nul"]),
        ("a-1 kamera", []),
        ("x" * 100_000, []),
    ],
)
def test_search_is_for_a_literal_in_any_letter_case(
    store: BroadcastStore, search: str, found: list[str]
) -> None:
    fill(
        store,
        broadcast("a-1", name="Kamera Ost-Öst"),
        broadcast("c", name="KAMERA west"),
        broadcast("d", name=None),
        broadcast("german", name="Hauptstraße"),
        broadcast("greek", name="ΟΔΟΣΗ"),
        broadcast("nul", name="before\0after"),
        broadcast("percent", name="100% 'sure'"),
        broadcast("star", name="a*b\\c"),
        broadcast("under_score", name='a "quoted" name'),
    )

    assert ids(store, search=search) == found
    assert count(store, search) == len(found)


def test_filter_search_sort_and_page_work_together(store: BroadcastStore) -> None:
    fill(
        store,
        *(broadcast(f"cam{n}", name=f"Z{9 - n}", type="ipCamera") for n in range(5)),
        *(broadcast(f"cam-live{n}", name="A") for n in range(5)),
        broadcast("other", name="A", type="ipCamera"),
    )
    query = {"type": "ipCamera", "search": "CAM", "sort": "name", "offset": 1, "size": 2}

    assert ids(store, **query) == ["cam3", "cam2"]
    assert ids(store, **query, descending=True) == ["cam1", "cam2"]


def test_counts_follow_what_is_stored(store: BroadcastStore) -> None:
    assert (count(store), store.count_status("created")) == (0, 0)

    fill(store, *(broadcast(str(n), status="broadcasting") for n in range(10)), broadcast("x"))
    run(*(store.delete(str(n), with_subtracks=False) for n in range(3)))

    assert count(store) == 8
    assert count(store, "x") == 1
    assert store.count_status("broadcasting") == 7
    assert store.count_status("Broadcasting") == 0


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.find_json("a"),
        lambda store: asyncio.run(store.list_json(BroadcastQuery(size=1))),
        lambda store: count(store),
        lambda store: store.count_status("created"),
        lambda store: asyncio.run(store.insert(broadcast("b"))),
        lambda store: asyncio.run(store.update("a", lambda record: record)),
        lambda store: asyncio.run(store.delete("a", with_subtracks=True)),
        lambda store: asyncio.run(store.transact(lambda broadcasts: broadcasts.find("a"))),
        lambda store: store.list_subtracks_json(Subtracks(main_track="a"), 0, 1),
        lambda store: store.count_subtracks(Subtracks(main_track="a")),
    ],
    ids=[
        "find",
        "list",
        "count",
        "count-status",
        "insert",
        "update",
        "delete",
        "transact",
        "subtracks",
        "count-subtracks",
    ],
)
def test_a_closed_store_says_so(
    opened: Store, store: BroadcastStore, use: Callable[[BroadcastStore], object]
) -> None:
    fill(store, broadcast("a"))
    asyncio.run(opened.close())

    with pytest.raises(StoreError):
        use(store)


def test_a_store_in_a_file_opens_with_all_it_had(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    first = ApplicationStore(path)
    fill(first.broadcasts, broadcast("a", name="kept"), broadcast("b"))
    asyncio.run(first.close())

    second = ApplicationStore(path)

    assert find(second.broadcasts, "a")["name"] == "kept"
    assert count(second.broadcasts) == 2
    asyncio.run(second.close())
