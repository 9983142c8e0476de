"""All data of one application, in an SQLite database."""

from __future__ import annotations

from pathlib import Path

from antmediad.store import broadcasts, subscribers, tokens, vods
from antmediad.store.broadcasts import Broadcasts
from antmediad.store.database import Database, OnCommit
from antmediad.store.subscribers import Subscribers
from antmediad.store.tokens import Tokens
from antmediad.store.vods import Vods

MIGRATIONS = ("".join((broadcasts.TABLES, tokens.TABLES, subscribers.TABLES, vods.TABLES)),)


class ApplicationStore:
    """A `Store` in a file (``mapdb``) or, without a path, in memory (``memorydb``)."""

    def __init__(self, path: Path | None, on_commit: OnCommit = lambda *_: None) -> None:
        """Open the database at *path*; *on_commit* is that of `Database`.

        Raises:
            StoreError: it cannot be used.
        """
        self._database = Database(
            path, MIGRATIONS, on_open=vods.fail_unfinished, on_commit=on_commit
        )
        self.broadcasts = Broadcasts(self._database)
        self.tokens = Tokens(self._database)
        self.subscribers = Subscribers(self._database)
        self.vods = Vods(self._database)

    async def close(self) -> None:
        await self._database.close()
