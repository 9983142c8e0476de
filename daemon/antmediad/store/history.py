"""The settings that were ever in force, by application and generation."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from antmediad.store.database import Database

_MIGRATIONS = (
    """
    CREATE TABLE version (
        application TEXT NOT NULL,
        generation INTEGER NOT NULL,
        taken_at REAL NOT NULL,
        source TEXT NOT NULL,
        digest TEXT NOT NULL,
        guarded INTEGER NOT NULL,
        content BLOB,
        PRIMARY KEY (application, generation)
    );
    """,
)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an application's properties file.

    Attributes:
        taken_at: when it came into force, seconds since 1970.
        source: where the change came from, such as ``file``.
        digest: SHA-256 of the content, hexadecimal; empty when the application was removed.
        guarded: whether its JWT filter was on.
    """

    application: str
    generation: int
    taken_at: float
    source: str
    digest: str
    guarded: bool


class History:
    """Versions of all applications, kept for good.  The contents hold secrets: the file is 0600."""

    def __init__(self, path: Path | None) -> None:
        """Open *path*; None keeps the history in memory.

        Raises:
            StoreError: the file cannot be used.
        """
        self._database = Database(path, _MIGRATIONS)

    @classmethod
    def for_reading(cls, path: Path) -> History:
        """Open the history that a daemon may be writing, without changing anything.

        Raises:
            StoreError: it cannot be read.
        """
        history = cls.__new__(cls)
        history._database = Database.for_reading(path)
        return history

    def latest(self) -> dict[str, Version]:
        """Return the newest version of each application."""
        rows = self._database.read(
            "SELECT application, max(generation), taken_at, source, digest, guarded"
            " FROM version GROUP BY application"
        )
        versions = [
            Version(application, generation, taken_at, source, digest, bool(guarded))
            for application, generation, taken_at, source, digest, guarded in rows
        ]
        return {version.application: version for version in versions}

    def content(self, application: str, generation: int) -> bytes | None:
        """Return the bytes of the properties file of one version."""
        rows = self._database.read(
            "SELECT content FROM version WHERE application = ? AND generation = ?",
            (application, generation),
        )
        return rows[0][0] if rows else None

    async def append(self, version: Version, content: bytes | None) -> None:
        """Keep *version*; a generation that is there already stays as it is."""

        def append(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR IGNORE INTO version VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    version.application,
                    version.generation,
                    version.taken_at,
                    version.source,
                    version.digest,
                    version.guarded,
                    content,
                ),
            )

        await self._database.write(append)

    async def close(self) -> None:
        """Finish writing, and close."""
        await self._database.close()
