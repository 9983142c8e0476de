"""Pages and counts are those of a plain list, whatever was done to the records before."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from antmediad.rest.models import BROADCAST
from antmediad.store import lists
from antmediad.store.application import ApplicationStore
from antmediad.store.interface import BroadcastQuery, BroadcastTransaction, Record

T = TypeVar("T")

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
        text = lists.searchable(search)
        return [
            record
            for record in self.records.values()
            if (not type_ or record["type"] == type_)
            and any(
                text in lists.searchable(one) for one in (record["name"] or "", record["streamId"])
            )
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


def ids(page: Sequence[bytes]) -> list[str]:
    return [orjson.loads(record)["streamId"] for record in page]


def fences_of_nothing(application: ApplicationStore) -> int:
    """Return how many stretches have no records, but for the first of each list."""
    sql = "SELECT count(*) FROM fence WHERE records = 0 AND stream_id <> ''"
    return int(application._database.read(sql)[0][0])


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

        async def compare(step: int = step) -> None:
            assert await store.count() == len(naive.records)
            assert fences_of_nothing(application) == 0
            for search in SEARCHES:
                assert await store.count(search) == len(naive.matching(search)), (step, search)
            for query in some_queries(random_, len(naive.records), ("", *SEARCHES)):
                assert ids(await store.list_json(query)) == naive.page(query), (step, query)

        asyncio.run(compare())


# Each line of what one rule or another takes for the same, or for more than itself.
ALIKE = (
    "aA",
    "sS\u017fß",
    "kK\u212a",
    "iIİ\u0131",
    "Σ\u03c3ς",
    "%_\\-",
    "'\"*?[^]",
    "\0\1\n",
    "\ufffd\ufffe\uffff",
)
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@st.composite
def names_and_searches(draw: st.DrawFn) -> tuple[list[str], set[str]]:
    """Return names of few characters, and what to search for: these, and parts of the names."""
    alphabet = draw(st.sampled_from(ALIKE)) + draw(st.sampled_from(ALIKE))
    names = draw(st.lists(st.text(alphabet, max_size=5) | ANY, min_size=2, max_size=8))
    parts = {name[start:end] for name in names for start in range(5) for end in range(6)}
    return names, {*alphabet, *parts} - {""}


@settings(max_examples=200)
@given(
    names_and_searches(),
    st.sampled_from((lists.MAX_CANDIDATES, 0)),
    st.sampled_from((None, "name", "date", "status")),
)
# SQLite refuses a pattern of this length.
@example((["aaa"], {"a" * 100_000}), 0, None)
def test_any_text_is_found_as_in_a_plain_list(
    texts: tuple[list[str], set[str]], candidates: int, sort: Any
) -> None:
    names, searches = texts
    naive, application = Naive(), ApplicationStore(None)

    async def compare() -> None:
        for number, name in enumerate(names):
            record = {**make(random.Random(number), number), "name": name}
            await application.broadcasts.insert(record)
            naive.records[record["streamId"]] = record
        for search in searches:
            query = BroadcastQuery(size=50, search=search, sort=sort)
            count = await application.broadcasts.count(search)
            assert count == len(naive.matching(search))
            assert ids(await application.broadcasts.list_json(query)) == naive.page(query)
        await application.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lists, "MAX_CANDIDATES", candidates)
        asyncio.run(compare())


STEADY = 1500


async def fill_steadily(application: ApplicationStore) -> None:
    """Insert `STEADY` records with a "+" in their names and as many without, mixed."""
    made = [make(random.Random(number), number) for number in range(2 * STEADY)]
    for number, record in enumerate(made):
        record["name"] = f"{'+-'[number % 2]}{number}"
    await asyncio.gather(*(application.broadcasts.insert(record) for record in made))


def swap(
    random_: random.Random, stream_ids: Sequence[str], transaction: BroadcastTransaction
) -> None:
    """Take the "+" from one record and give it to another: their number stays the same."""
    found = [transaction.find(one) for one in random_.sample(stream_ids, 40)]
    for sign, other in ("+-", "-+"):
        record = next(one for one in found if one and one["name"][0] == sign)
        record["name"] = other + record["name"][1:]
        transaction.replace(record)


async def steps_of(work: Coroutine[Any, Any, T]) -> tuple[int, T]:
    """Return how many rounds of the event loop *work* lets pass, and its result."""
    task, steps = asyncio.ensure_future(work), 0
    while not task.done():
        await asyncio.sleep(0)
        steps += 1
    return steps, await task


@pytest.fixture(params=["file", "memory"])
def steady(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ApplicationStore]:
    """A store of some stretches, filled, in a file or in memory."""
    opened = ApplicationStore(tmp_path / "app.db" if request.param == "file" else None)
    asyncio.run(fill_steadily(opened))
    yield opened
    asyncio.run(opened.close())


def test_searches_between_writes_see_one_state(
    steady: ApplicationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "STRETCHES_AT_ONCE", 1)
    store, random_, searching = steady.broadcasts, random.Random(0), True

    async def write() -> int:
        stream_ids = ids(await store.list_json(BroadcastQuery(size=2 * STEADY)))
        swaps = 0
        while searching:
            await store.transact(lambda transaction: swap(random_, stream_ids, transaction))
            swaps += 1
            await asyncio.sleep(0)
        return swaps

    async def search() -> None:
        nonlocal searching
        try:
            for number in range(60):
                sort = (None, "name", "date", "status")[number % 4]
                query = BroadcastQuery(offset=STEADY - 20, size=50, search="+", sort=sort)  # type: ignore[arg-type]
                count, page = await asyncio.gather(store.count("+"), store.list_json(query))
                assert count == STEADY
                assert ["+"] * 20 == [orjson.loads(record)["name"][0] for record in page]
        finally:
            searching = False

    async def both() -> int:
        swaps, _ = await asyncio.gather(write(), search())
        return swaps

    assert asyncio.run(both()) > 0


def test_a_search_lets_others_come_between_and_is_remembered(
    steady: ApplicationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "STRETCHES_AT_ONCE", 1)

    async def search() -> None:
        stretches = len(steady._database.read("SELECT 1 FROM fence WHERE sort='id' AND type=''"))
        first, count = await steps_of(steady.broadcasts.count("+"))
        again, _ = await steps_of(steady.broadcasts.count("+"))

        assert stretches >= 3
        assert (first >= stretches, count, again) == (True, STEADY, 1)

    asyncio.run(search())


def test_one_search_of_several_is_at_work_in_a_round_of_the_event_loop(
    steady: ApplicationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "STRETCHES_AT_ONCE", 1)
    texts = ("+", "-", "1", "2", "+1", "-1")

    async def count_all() -> list[int]:
        return await asyncio.gather(*(steady.broadcasts.count(text) for text in texts))

    async def search() -> None:
        alone, _ = await steps_of(steady.broadcasts.count("3"))
        together, _ = await steps_of(count_all())

        assert together >= (len(texts) - 1) * (alone - 2)

    asyncio.run(search())


def test_a_search_ends_even_if_all_stretches_change_all_the_time(
    steady: ApplicationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "STRETCHES_AT_ONCE", 1)
    change = "UPDATE broadcast SET date = date + 1 WHERE number % 100 = 0"

    async def search() -> int:
        task = asyncio.ensure_future(steady.broadcasts.count("+"))
        while not task.done():
            await steady._database.write(lambda connection: connection.execute(change).rowcount)
            await asyncio.sleep(0)
        return await task

    assert asyncio.run(search()) == STEADY


def test_no_more_is_remembered_than_the_last_searches(application: ApplicationStore) -> None:
    store = application.broadcasts
    asyncio.run(store.insert(make(random.Random(0), 1)))

    async def count() -> None:
        for number in range(3 * lists.MAX_REMEMBERED):
            await store.count(chr(ord("a") + number))

    asyncio.run(count())

    assert len(store._lists._remembered) == lists.MAX_REMEMBERED
