"""The data of each application, opened when it is first asked for."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

from antmediad.applications.home import RESERVED, Home
from antmediad.applications.remove import put_aside, remove_gone
from antmediad.errors import StoreError
from antmediad.settings.schema import Settings
from antmediad.store.application import ApplicationStore
from antmediad.store.database import OnCommit
from antmediad.store.interface import Store

logger = logging.getLogger(__name__)

CLOSE_AFTER_S = 10.0
"""How long a store that was replaced stays open for the requests that have begun with it."""


class Stores:
    """Opens stores and keeps them open, one for each application."""

    def __init__(
        self, home: Home, on_commit: OnCommit = lambda *_: None, *, is_shared: bool = False
    ) -> None:
        """Keep data below *home*.

        Args:
            on_commit: that of `store.database.Database`.
            is_shared: whether other processes serve the same applications.
        """
        self._home = home
        self._is_shared = is_shared
        self._on_commit = on_commit
        self._open: dict[str, tuple[Path | None, Store]] = {}
        self._closing: dict[asyncio.Task[None], tuple[str, asyncio.Event]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def of(self, application: str, settings: Settings) -> Store:
        """Return the store that *settings* name.

        Raises:
            StoreError: there is no such kind of store here, or it cannot be opened.
        """
        path: Path | None
        self.check(settings)
        if settings.db_type == "mapdb":
            path = self._home.database_of(application, settings.db_name)
        elif settings.db_type == "memorydb":
            path = None
        else:
            raise StoreError(f"no store of type {settings.db_type}; expected mapdb or memorydb")
        known = self._open.get(application)
        if known is not None and known[0] == path:
            return known[1]
        store = ApplicationStore(path, self._on_commit)
        self._open[application] = (path, store)
        logger.info("store opened: application=%s path=%s", application, path or "memory")
        if known is not None:
            self._close_later(application, known[1])
        return store

    def check(self, settings: Settings) -> None:
        """Check that data of this kind can be held here.

        Raises:
            StoreError: it would be another one in each process.
        """
        if self._is_shared and settings.db_type == "memorydb":
            raise StoreError(
                "db.type=memorydb is the data of one process; expected mapdb, or no --workers"
            )

    def release(self, application: str) -> None:
        """Close the store of an application that is gone; data in memory waits for its return."""
        path, store = self._open.get(application, (None, None))
        if path is not None and store is not None:
            del self._open[application]
            self._close_later(application, store)

    async def drop(self, application: str) -> None:
        """Close the store of an application that is gone, and remove its data for good.

        Raises:
            StoreError: not all of it could be removed.
        """
        _, store = self._open.pop(application, (None, None))
        if store is not None:
            self._close_later(application, store)
        await self._close_now(application)
        if application.lower() in RESERVED:
            raise StoreError(f"data of {application} stays: the name is a reserved one")
        try:
            with suppress(FileNotFoundError):
                await asyncio.to_thread(put_aside, self._home.data_of(application))
                if not await asyncio.to_thread(remove_gone, self._home.data):
                    raise StoreError(f"data of {application} is not removed as a whole")
        except OSError as error:
            raise StoreError(
                f"data of {application} is not removed: {error.strerror or error}"
            ) from error
        logger.info("data removed: application=%s", application)

    async def close(self) -> None:
        """Finish all writes, and close all stores."""
        stores = [store for _, store in self._open.values()]
        self._open.clear()
        await asyncio.gather(*(store.close() for store in stores), self._close_now())

    async def _close_now(self, application: str | None = None) -> None:
        """Close at once what is to be closed later, of one application or of all."""
        closing = [
            (task, at_once)
            for task, (name, at_once) in self._closing.items()
            if application in (None, name)
        ]
        for _, at_once in closing:
            at_once.set()
        await asyncio.gather(*(task for task, _ in closing))

    def _close_later(self, application: str, store: Store) -> None:
        at_once = asyncio.Event()

        async def close() -> None:
            with suppress(TimeoutError):
                await asyncio.wait_for(at_once.wait(), CLOSE_AFTER_S)
            await store.close()

        task = asyncio.create_task(close())
        self._closing[task] = (application, at_once)
        task.add_done_callback(lambda task: self._closing.pop(task, None))
