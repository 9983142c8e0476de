"""The record of the settings that were in force."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from antmediad.errors import StoreError
from antmediad.server.record import Recorder
from antmediad.store.history import History, Version


class FullDisk(History):
    """A history whose first writes fail."""

    failures = 3

    async def append(self, version: Version, content: bytes | None) -> int:
        if self.failures:
            self.failures -= 1
            raise StoreError("the disk is full")
        return await super().append(version, content)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("never came true")


def version(generation: int) -> Version:
    return Version("LiveApp", generation, 1.0, "file", f"digest {generation}", True)


def test_what_could_not_be_written_is_written_later(tmp_path: Path) -> None:
    async def record() -> None:
        history = FullDisk(tmp_path / "settings.db")
        recorder = Recorder(history, first_retry_s=0.01)
        recorder.append(version(1), b"one")
        recorder.append(version(2), b"two")
        await until(lambda: history.content("LiveApp", 2) is not None)
        await recorder.close()

    asyncio.run(record())

    kept = History(tmp_path / "settings.db")
    assert [kept.content("LiveApp", generation) for generation in (1, 2)] == [b"one", b"two"]
    asyncio.run(kept.close())


def test_the_end_is_one_more_chance(tmp_path: Path) -> None:
    async def record() -> None:
        history = FullDisk(tmp_path / "settings.db")
        history.failures = 1
        recorder = Recorder(history, first_retry_s=3600)
        recorder.append(version(1), b"one")
        await until(lambda: not history.failures)
        await recorder.close()

    asyncio.run(record())

    kept = History(tmp_path / "settings.db")
    assert kept.latest()["LiveApp"].guarded
    asyncio.run(kept.close())
