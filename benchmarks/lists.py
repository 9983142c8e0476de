"""Lists, searches and counts of 100,000 broadcasts, beside an empty list."""

from __future__ import annotations

import asyncio
import http.client
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from antmediad.applications.home import Home
from antmediad.rest.models import BROADCAST
from antmediad.settings.schema import Settings
from antmediad.store.application import ApplicationStore
from benchmarks.load import free_port, running
from tests.daemon import write_properties

BROADCASTS = 100_000
TIMES = 50
WANTED = 10

_LISTS = (
    "list/0/50",
    "list/50000/50",
    "list/99950/50",
    "list/50000/50?sort_by=name&order_by=asc",
    "list/50000/50?sort_by=date&order_by=desc",
    "list/50000/50?sort_by=status&order_by=desc",
    "list/40000/50?type_by=liveStream",
    "list/5000/50?type_by=ipCamera&sort_by=name&order_by=desc",
    "count",
)
_TEXTS = ("424242", "stream004243", "camera 4242", "no such text", "42", "stream", "zz")


def run() -> None:
    """Print the times of one client on one connection: the first request, and the median."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory, "home")
        for name in ("Empty", "LiveApp"):
            path = home / "webapps" / name / "WEB-INF" / "red5-web.properties"
            write_properties(path, webapp__contextPath=f"/{name}")
        asyncio.run(_fill(Home(home).database_of("LiveApp", Settings().db_name)))
        port = free_port()
        daemon = [sys.executable, "-m", "antmediad", "serve", "--home", str(home)]
        with running([*daemon, "--host", "127.0.0.1", "--port", str(port)], port):
            connection = http.client.HTTPConnection("127.0.0.1", port)
            _time(connection, "/Empty/rest/v2/broadcasts/list/0/50")
            _, empty = _time(connection, "/Empty/rest/v2/broadcasts/list/0/50")
            print(f"an empty list: {empty * 1e6:,.0f} us")
            for request in (
                *_LISTS,
                *(f"list/0/50?search={quote(text)}" for text in _TEXTS),
                *(f"count/{quote(text)}" for text in _TEXTS),
                "list/40000/50?search=stream&sort_by=name&order_by=desc",
            ):
                first, median = _time(connection, f"/LiveApp/rest/v2/broadcasts/{request}")
                print(
                    f"{request}: {median * 1e6:,.0f} us, {median / empty:.1f} times an empty list's"
                    f" (wanted: at most {WANTED}); the first one {first * 1e6:,.0f} us"
                )


async def _fill(path: Path) -> None:
    store, chance = ApplicationStore(path), random.Random(0)
    for start in range(0, BROADCASTS, 500):
        await asyncio.gather(
            *(store.broadcasts.insert(_made(chance, start + n)) for n in range(500))
        )
    await store.close()


def _made(chance: random.Random, number: int) -> dict[str, object]:
    """Return a broadcast: half of them with ids and names of a series, half with random ones."""
    stream_id, name = f"stream{number:06}", f"Stream {number}"
    if number % 2:
        stream_id = f"{chance.getrandbits(80):x}{number}"
        name = f"Camera {chance.randrange(1_000_000)}"
    kind = "ipCamera" if number % 10 == 0 else "liveStream"
    record = BROADCAST.create({"name": name, "type": kind})
    return {**record, "streamId": stream_id, "date": 1_700_000_000_000 + number}


def _time(connection: http.client.HTTPConnection, path: str) -> tuple[float, float]:
    """Return the seconds that the first request takes, and the median of the next ones."""
    seconds = []
    for _ in range(TIMES + 1):
        start = time.perf_counter()
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        seconds.append(time.perf_counter() - start)
        if response.status != 200:
            sys.exit(f"not answered with success: {path} {body!r}")
    return seconds[0], statistics.median(seconds[1:])
