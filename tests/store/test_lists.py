"""Pages and counts are those of a plain list, whatever was done to the records before."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from antmediad.rest.models import BROADCAST
from antmediad.store import lists
from antmediad.store.application import ApplicationStore
from antmediad.store.interface import BroadcastQuery, Record

NAMES = ("Camera {}", "camera-{}", "Straße {}", "ΟΔΟΣ {}", "nul\0{}", '"quoted" {}', "")
SEARCHES = (
    "c", "ra", "camera", "CAMERA 1", "straSSE", "οδος 2", "\0", '"', "s-1", "11", "no such", "aa-",
)  # fmt: skip


@pytest.fixture
def application(tmp_path: Path) -> Iterator[ApplicationStore]:
    opened = ApplicationStore(tmp_path / "app.db")
    yield opened
    asyncio.run(opened.close())


class Naive:
    """The same records in a dictionary."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}

    def matching(self, search: str, type_: str = "") -> list[Record]:
        text = search.casefold()
        return [
            record
            for record in self.records.values()
            if (not type_ or record["type"] == type_)
            and (text in (record["name"] or "").casefold() or text in record["streamId"].casefold())
        ]

    def page(self, query: BroadcastQuery) -> list[str]:
        def key(record: Record) -> Any:
            value = record[query.sort] if query.sort else ""
            folded = lists.searchable(value or "").encode() if query.sort == "name" else value
            return folded, record["streamId"]

        found = sorted(
            self.matching(query.search, query.type),
            key=key,
            reverse=query.descending and query.sort is not None,
        )
        return [record["streamId"] for record in found[query.offset : query.offset + query.size]]


def make(random_: random.Random, number: int) -> Record:
    name = random_.choice(NAMES).format(random_.randrange(500))
    return {
        **BROADCAST.create({"name": name or None}),
        "streamId": f"{random_.choice('aAbzs')}-{number}",
        "type": random_.choice(("liveStream", "liveStream", "ipCamera", "")),
        "status": random_.choice(("created", "finished")),
        "date": random_.randrange(1000),
    }


async def change_much(
    application: ApplicationStore, naive: Naive, random_: random.Random, step: int
) -> None:
    """Insert, update and delete hundreds of records at once."""
    broadcasts = application.broadcasts
    new = [make(random_, step * 10_000 + number) for number in range((2600, 400, 0, 50)[step])]
    await asyncio.gather(*(broadcasts.insert(record) for record in new))
    naive.records |= {record["streamId"]: record for record in new}
    ids = sorted(naive.records)
    random_.shuffle(ids)
    share = len(ids) // 3
    gone = ids[:share] if step < 3 else ids[: len(ids) - 3]
    for stream_id in ids[len(gone) : len(gone) + share // 2]:
        made = make(random_, 0)
        changed = {**made, "streamId": stream_id}
        naive.records[stream_id] = changed

        def replace(_: Record, changed: Record = changed) -> Record:
            return changed

        await broadcasts.update(stream_id, replace)
    await asyncio.gather(*(broadcasts.delete(one, with_subtracks=False) for one in gone))
    for stream_id in gone:
        del naive.records[stream_id]


def some_queries(random_: random.Random, records: int, searches: Sequence[str]) -> list[Any]:
    return [
        BroadcastQuery(
            offset=random_.choice((0, 3, 260, random_.randrange(records + 20))),
            size=random_.choice((1, 50, 250)),
            type=random_.choice(("", "", "liveStream", "ipCamera", "none")),
            search=random_.choice(searches),
            sort=random_.choice((None, "name", "date", "status")),
            descending=random_.random() < 0.5,
        )
        for _ in range(150)
    ]


@pytest.mark.parametrize("candidates", [lists.MAX_CANDIDATES, 0])
def test_pages_and_counts_are_those_of_a_plain_list(
    application: ApplicationStore, monkeypatch: pytest.MonkeyPatch, candidates: int
) -> None:
    # None: then trigrams never narrow a search down, and stretches are counted.
    monkeypatch.setattr(lists, "MAX_CANDIDATES", candidates)
    random_, naive, store = random.Random(candidates), Naive(), application.broadcasts

    for step in range(4):
        asyncio.run(change_much(application, naive, random_, step))

        assert store.count() == len(naive.records)
        for search in SEARCHES:
            assert store.count(search) == len(naive.matching(search)), (step, search)
        for query in some_queries(random_, len(naive.records), ("", *SEARCHES)):
            page = [orjson.loads(record)["streamId"] for record in store.list_json(query)]
            assert page == naive.page(query), (step, query)


def test_no_more_is_remembered_than_the_last_searches(application: ApplicationStore) -> None:
    store = application.broadcasts
    asyncio.run(store.insert(make(random.Random(0), 1)))

    for number in range(3 * lists.MAX_REMEMBERED):
        store.count(chr(ord("a") + number))

    assert len(store._lists._remembered) == lists.MAX_REMEMBERED
