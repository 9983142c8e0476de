"""Lists of an application with very many broadcasts, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import orjson
import pytest

from antmediad.applications.home import Home
from antmediad.rest.models import BROADCAST
from antmediad.settings.schema import Settings
from antmediad.store.application import ApplicationStore
from tests.daemon import Daemon

MANY = 20_000


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon whose LiveApp has `MANY` broadcasts, one a second, from stream00000 on."""
    running = Daemon(tmp_path_factory.mktemp("lists") / "home")
    running.write("LiveApp")
    database = Home(running.home).database_of("LiveApp", Settings().db_name)
    store = ApplicationStore(database)

    async def fill() -> None:
        for start in range(0, MANY, 1000):
            await asyncio.gather(*(store.broadcasts.insert(made(start + n)) for n in range(1000)))
        await store.close()

    asyncio.run(fill())
    with running:
        yield running


def made(number: int) -> dict[str, object]:
    kind = "ipCamera" if number % 10 == 0 else "liveStream"
    record = BROADCAST.create({"name": f"Camera {MANY - number:05}", "type": kind})
    return {**record, "streamId": f"stream{number:05}", "date": number * 1000}


def numbers(daemon: Daemon, path: str) -> list[int]:
    response = daemon.call("GET", f"/broadcasts/{path}")
    assert response.status == 200
    return [
        int(record["streamId"].removeprefix("stream")) for record in orjson.loads(response.body)
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("list/0/3", [0, 1, 2]),
        ("list/10000/3", [10_000, 10_001, 10_002]),
        ("list/19998/50", [19_998, 19_999]),
        ("list/20000/50", []),
        ("list/15000/2?sort_by=name&order_by=asc", [4999, 4998]),
        ("list/15000/2?sort_by=name&order_by=desc", [15_000, 15_001]),
        ("list/12345/2?sort_by=date&order_by=desc", [7654, 7653]),
        ("list/12345/2?sort_by=status&order_by=asc", [12_345, 12_346]),
        ("list/1500/2?type_by=ipCamera", [15_000, 15_010]),
        ("list/1500/2?type_by=ipCamera&sort_by=date&order_by=desc", [4990, 4980]),
        ("list/0/5?search=M01999", [1999]),
        ("list/0/5?search=camera%2000001", [19_999]),
        ("list/18000/2?search=STREAM", [18_000, 18_001]),
        ("list/900/2?search=am1&sort_by=date&order_by=desc", [19_099, 19_098]),
    ],
)
def test_a_page_is_right_at_any_offset(daemon: Daemon, path: str, expected: list[int]) -> None:
    assert numbers(daemon, path) == expected


@pytest.mark.parametrize(
    ("search", "found"), [("stream", MANY), ("m1", 10_000), ("99", None), ("stream0000", 10)]
)
def test_matches_are_counted(daemon: Daemon, search: str, found: int | None) -> None:
    expected = found
    if expected is None:
        expected = sum(
            search in f"{MANY - number:05}" or search in f"{number:05}" for number in range(MANY)
        )

    assert daemon.call("GET", f"/broadcasts/count/{search}").json == {"number": expected}
    assert daemon.call("GET", "/broadcasts/count").json == {"number": MANY}
