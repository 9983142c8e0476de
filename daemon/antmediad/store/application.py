"""All data of one application, in an SQLite database."""

from __future__ import annotations

from pathlib import Path

from antmediad.store import broadcasts
from antmediad.store.broadcasts import Broadcasts
from antmediad.store.database import Database

MIGRATIONS = (broadcasts.TABLES,)


class ApplicationStore:
    """A `Store` in a file (``mapdb``) or, without a path, in memory (``memorydb``)."""

    def __init__(self, path: Path | None) -> None:
        """Open the database at *path*.

        Raises:
            StoreError: it cannot be used.
        """
        self._database = Database(path, MIGRATIONS)
        self.broadcasts = Broadcasts(self._database)

    async def close(self) -> None:
        await self._database.close()
