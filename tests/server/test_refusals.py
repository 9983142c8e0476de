"""Which refusals a running daemon keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from antmediad.applications.home import Home
from antmediad.observe.refusals import Refusal
from antmediad.server.daemon import Daemon
from tests.daemon import SECRET, write_properties


def refusals_after(home: Path, requests: Sequence[tuple[str, str]]) -> list[Refusal]:
    """Return what is kept, newest first, after requests of these methods and paths."""

    async def send(daemon: Daemon) -> None:
        async with aiohttp.ClientSession() as session:
            for method, path in requests:
                async with session.request(method, daemon.url + path):
                    pass
        daemon.stop()

    async def serve() -> list[Refusal]:
        sending: list[asyncio.Task[None]] = []
        daemon = Daemon(Home(home), "127.0.0.1", 0)
        await daemon.run(lambda ready: sending.append(asyncio.create_task(send(ready))))
        await sending[0]
        return daemon.refusals.recent()

    return asyncio.run(serve())


def test_refusals_of_the_guard_and_to_play_are_kept_those_of_nobody_are_not(home: Path) -> None:
    write_properties(
        home / "webapps" / "LiveApp" / "WEB-INF" / "red5-web.properties",
        jwtControlEnabled="true",
        jwtSecretKey=SECRET,
        playJwtControlEnabled="true",
    )

    kept = refusals_after(
        home,
        [
            ("DELETE", "/LiveApp/rest/v2/broadcasts/one?token=abc"),
            ("GET", "/LiveApp/streams/one.mp4?token=abc"),
            ("GET", "/Nobody/rest/v2/version"),
            ("GET", "/LiveApp/elsewhere"),
        ],
    )

    assert [(one.application, one.client, one.method, one.path, one.reason) for one in kept] == [
        ("LiveApp", "127.0.0.1", "GET", "/LiveApp/elsewhere", "no_token"),
        ("LiveApp", "127.0.0.1", "GET", "/LiveApp/streams/one.mp4", "bad_stream_token"),
        ("LiveApp", "127.0.0.1", "DELETE", "/LiveApp/rest/v2/broadcasts/one", "no_token"),
    ]
