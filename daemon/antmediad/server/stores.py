"""The data of each application, opened when it is first asked for."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from antmediad.applications.home import Home
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

    def __init__(self, home: Home, on_commit: OnCommit = lambda *_: None) -> None:
        self._home = home
        self._on_commit = on_commit
        self._open: dict[str, tuple[Path | None, Store]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._open)

    def of(self, application: str, settings: Settings) -> Store:
        """Return the store that *settings* name.

        Raises:
            StoreError: there is no such kind of store here, or it cannot be opened.
        """
        path: Path | None
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
            self._close_later(known[1])
        return store

    def release(self, application: str) -> None:
        """Close the store of an application that is gone; data in memory waits for its return."""
        path, store = self._open.get(application, (None, None))
        if path is not None and store is not None:
            del self._open[application]
            self._close_later(store)

    async def close(self) -> None:
        """Finish all writes, and close all stores."""
        for task in self._closing:
            task.cancel()
        stores = [store for _, store in self._open.values()]
        self._open.clear()
        await asyncio.gather(*(store.close() for store in stores), *self._closing)

    def _close_later(self, store: Store) -> None:
        async def close() -> None:
            try:
                await asyncio.sleep(CLOSE_AFTER_S)
            except asyncio.CancelledError:
                # The server stops: no request is under way any more.
                pass
            await store.close()

        task = asyncio.create_task(close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
