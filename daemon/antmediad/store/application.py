"""All data of one application, in an SQLite database."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from antmediad.errors import StoreError
from antmediad.store import broadcasts, subscribers, tokens, vods
from antmediad.store.broadcasts import Broadcasts
from antmediad.store.database import Database, OnCommit
from antmediad.store.subscribers import Subscribers
from antmediad.store.tokens import Tokens
from antmediad.store.use import Use
from antmediad.store.vods import Vods

MIGRATIONS = (
    "".join((broadcasts.TABLES, tokens.TABLES, subscribers.TABLES, vods.TABLES)),
    tokens.PLAYING,
)


class ApplicationStore:
    """A `Store` in a file (``mapdb``) or, without a path, in memory (``memorydb``)."""

    def __init__(self, path: Path | None, on_commit: OnCommit = lambda *_: None) -> None:
        """Open the database at *path*; *on_commit* is that of `Database`.

        Raises:
            StoreError: it cannot be used.
        """
        self._use = Use(path)
        try:
            # What another process is at is not unfinished for good.
            fail = vods.fail_unfinished if self._use.is_first else _leave
            self._database = Database(path, MIGRATIONS, on_open=fail, on_commit=on_commit)
        except StoreError:
            self._use.end()
            raise
        self._use.share()
        self.broadcasts = Broadcasts(self._database)
        self.tokens = Tokens(self._database)
        self.subscribers = Subscribers(self._database)
        self.vods = Vods(self._database)

    async def close(self) -> None:
        await self._database.close()
        self._use.end()


def _leave(_: sqlite3.Connection) -> None:
    """Change nothing."""
