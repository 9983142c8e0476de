"""Runs an application's ``vodUploadFinishScript``, one upload at a time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from antmediad.errors import StoreError
from antmediad.store.interface import Record, Store

logger = logging.getLogger(__name__)

MAX_WAITING = 100
TIMEOUT_S = 6 * 3600.0


class Script(NamedTuple):
    """What is to be run, with which file, of which VoD."""

    command: str
    path: Path
    vod_id: str


class Scripts:
    """The scripts of all applications that run, or wait until the one before has ended."""

    def __init__(self) -> None:
        self._under_way: Counter[str] = Counter()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: set[asyncio.Task[None]] = set()

    def has_room(self, application: str) -> bool:
        """Tell whether another upload of the application can be processed."""
        return self._under_way[application] < MAX_WAITING

    def start(self, application: str, script: Script, open_store: Callable[[], Store]) -> None:
        """Run *script* when it is its turn; the VoD's record tells how far it is."""
        self._under_way[application] += 1
        task = asyncio.create_task(self._process(application, script, open_store))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End what runs; what is not finished has failed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _process(
        self, application: str, script: Script, open_store: Callable[[], Store]
    ) -> None:
        status = "failed"
        try:
            async with self._turns[application]:
                await _note(open_store, script.vod_id, "processing", "processStartTime")
                if await _run(script.command, script.path):
                    status = "finished"
        except StoreError as error:
            logger.error("script not run: application=%s error=%s", application, error)
        finally:
            self._under_way[application] -= 1
            logger.info(
                "script ended: application=%s vod=%s %s", application, script.vod_id, status
            )
            with suppress(StoreError):
                await _note(open_store, script.vod_id, status, "processEndTime")


async def _run(command: str, path: Path) -> bool:
    """Run *command*, no shell, and tell whether it ended well."""
    try:
        process = await asyncio.create_subprocess_exec(
            command,
            str(path),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except (OSError, ValueError) as error:
        logger.error("script cannot be run: script=%s error=%s", command, error)
        return False
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await process.wait() == 0
    except TimeoutError:
        logger.error("script took too long: script=%s", command)
        return False
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _note(open_store: Callable[[], Store], vod_id: str, status: str, moment: str) -> None:
    def change(record: Record) -> Record:
        return {**record, "processStatus": status, moment: time.time_ns() // 1_000_000}

    await open_store().vods.update(vod_id, change)
