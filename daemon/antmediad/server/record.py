"""Puts the settings that came into force on record, however long that takes."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from antmediad.errors import StoreError
from antmediad.store.history import History, Version

logger = logging.getLogger(__name__)

FIRST_RETRY_S, LAST_RETRY_S = 1.0, 60.0
MAX_WAITING = 10_000
"""Versions that wait while the disk is full; the oldest go first."""


class Recorder:
    """Writes versions in their order.  What cannot be written is tried again.

    That a JWT filter was on is on this record, and holds over a restart: a version must not be
    lost because the disk was full at the moment it came into force.
    """

    def __init__(self, history: History, first_retry_s: float = FIRST_RETRY_S) -> None:
        """Write to *history*, which is closed with this."""
        self.on_record: Callable[[str], None] = lambda _: None
        """Called with an application after versions of it went on record."""
        self.history = history
        self._first_retry_s = first_retry_s
        self._waiting: deque[tuple[Version, bytes | None]] = deque(maxlen=MAX_WAITING)
        self._writing: asyncio.Task[None] | None = None

    def append(self, version: Version, content: bytes | None) -> None:
        """Put *version* on record soon; needs a running event loop."""
        self._waiting.append((version, content))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Try once more what is not on record yet, and close the history."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        if self._waiting and not await self._write_all():
            logger.error("settings not on record: versions=%d", len(self._waiting))
        await self.history.close()

    async def _write(self) -> None:
        retry_s = self._first_retry_s
        while self._waiting:
            if await self._write_all():
                retry_s = self._first_retry_s
            else:
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, LAST_RETRY_S)

    async def _write_all(self) -> bool:
        """Write what waits; tell whether all of that is on record now."""
        batch = list(self._waiting)
        # All at once, so that they share their way to the disk.
        outcomes = await asyncio.gather(
            *(self.history.append(version, content) for version, content in batch),
            return_exceptions=True,
        )
        failed = []
        for entry, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, StoreError):
                failed.append(entry)
            elif isinstance(outcome, BaseException):
                raise outcome
        later = list(self._waiting)[len(batch) :]
        self._waiting = deque((*failed, *later), maxlen=MAX_WAITING)
        for name in {version.application for version, _ in batch}:
            self.on_record(name)
        for version, _ in failed[:1]:
            logger.error(
                "settings not on record yet: application=%s versions=%d",
                version.application,
                len(failed),
            )
        return not failed
