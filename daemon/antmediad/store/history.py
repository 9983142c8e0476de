"""The settings that were ever in force, by application and generation."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
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
    """
    ALTER TABLE version ADD COLUMN actor TEXT NOT NULL DEFAULT '';
    CREATE TABLE announced (
        application TEXT NOT NULL,
        digest TEXT NOT NULL,
        source TEXT NOT NULL,
        actor TEXT NOT NULL,
        announced_at REAL NOT NULL,
        PRIMARY KEY (application, digest)
    );
    """,
)

_COLUMNS = "application, generation, taken_at, source, digest, guarded, actor"
MAX_GENERATION = 2**63 - 1
"""The largest that the database can hold."""
FORGET_AFTER_S = 86_400.0
"""For how long an announcement is kept that a later version has overtaken."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an application's properties file.

    Attributes:
        taken_at: when it came into force, seconds since 1970.
        source: where the change came from, such as ``file`` or ``cli``.
        digest: SHA-256 of the content, hexadecimal; empty when the application was removed.
        guarded: whether its JWT filter was on.
        actor: who made the change; empty when nobody knows.
    """

    application: str
    generation: int
    taken_at: float
    source: str
    digest: str
    guarded: bool
    actor: str = ""


class History:
    """Versions of all applications, kept for good.  The contents hold secrets: the file is 0600.

    Attributes:
        on_kept: called with each version that this process has put on record, once it is there.
    """

    on_kept: Callable[[Version], None] = staticmethod(lambda _: None)

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
            f"SELECT {_COLUMNS} FROM version JOIN"  # noqa: S608 - a constant
            " (SELECT application, max(generation) AS generation FROM version GROUP BY application)"
            " USING (application, generation)"
        )
        return {version.application: version for version in map(_version, rows)}

    def versions(self, application: str, limit: int | None = None) -> list[Version]:
        """Return the versions of an application, the newest first, *limit* at most."""
        rows = self._database.read(
            f"SELECT {_COLUMNS} FROM version"  # noqa: S608 - a constant
            " WHERE application = ? ORDER BY generation DESC LIMIT ?",
            (application, -1 if limit is None else limit),
        )
        return [_version(row) for row in rows]

    def content(self, application: str, generation: int) -> bytes | None:
        """Return the bytes of the properties file of one version."""
        rows = self._database.read(
            "SELECT content FROM version WHERE application = ? AND generation = ?",
            (application, generation),
        )
        return rows[0][0] if rows else None

    async def append(self, version: Version, content: bytes | None) -> int:
        """Keep *version*, and return the generation that it is on record under.

        That is its own, unless another process that follows the same files was faster: when this
        very content is the newest on record it stays as it is, and when something else has the
        number, this one gets the next.  Of processes that see different changes of many quick
        ones, all end with the same.

        If its content was announced, it is kept with the source and the actor that were told.
        """

        def append(connection: sqlite3.Connection) -> tuple[int, Version | None]:
            newest, digest = connection.execute(
                "SELECT generation, digest FROM version WHERE application = ?"
                " ORDER BY generation DESC LIMIT 1",
                (version.application,),
            ).fetchone() or (-1, "")
            # An older number with the same content is another version: what the file refers to
            # has changed.
            if newest >= version.generation and digest == version.digest:
                return int(newest), None
            announced = connection.execute(
                "SELECT source, actor, announced_at FROM announced"
                " WHERE application = ? AND digest = ?",
                (version.application, version.digest),
            ).fetchone()
            source, actor, announced_at = announced or (version.source, version.actor, 0.0)
            (is_taken,) = connection.execute(
                "SELECT EXISTS (SELECT 1 FROM version WHERE application = ? AND generation = ?)",
                (version.application, version.generation),
            ).fetchone()
            # One below the newest that is free is one that could not be written at its time.
            generation = newest + 1 if is_taken else version.generation
            connection.execute(
                f"INSERT INTO version ({_COLUMNS}, content)"  # noqa: S608 - a constant
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    version.application,
                    generation,
                    version.taken_at,
                    source,
                    version.digest,
                    version.guarded,
                    actor,
                    content,
                ),
            )
            # Of several quick changes only the last one comes into force.
            connection.execute(
                "DELETE FROM announced WHERE application = ? AND announced_at <= ?",
                (version.application, max(announced_at, version.taken_at - FORGET_AFTER_S)),
            )
            kept = replace(version, generation=generation, source=source, actor=actor)
            return int(generation), kept

        generation, kept = await self._database.write(append)
        if kept is not None:
            self.on_kept(kept)
        return generation

    def newest(self, application: str) -> Version | None:
        """Return the newest version of one application, None when there is none."""
        rows = self._database.read(
            f"SELECT {_COLUMNS} FROM version"  # noqa: S608 - a constant
            " WHERE application = ? ORDER BY generation DESC LIMIT 1",
            (application,),
        )
        return _version(rows[0]) if rows else None

    def since_guarded(self, application: str, before: int) -> list[Version]:
        """Return the newest version whose JWT filter was on, and those after it, in their order.

        Args:
            before: only of generations below this one.
        """
        rows = self._database.read(
            f"SELECT {_COLUMNS} FROM version"  # noqa: S608 - a constant
            " WHERE application = ?1 AND generation < ?2 AND generation >= (SELECT max(generation)"
            " FROM version WHERE application = ?1 AND generation < ?2 AND guarded)"
            " ORDER BY generation",
            (application, before),
        )
        return [_version(row) for row in rows]

    async def announce(self, version: Version) -> None:
        """Tell that a version is about to be written by *version.actor*, from *version.source*.

        Whoever puts a file with its digest on record knows by that where it comes from.
        """

        def announce(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR REPLACE INTO announced VALUES (?, ?, ?, ?, ?)",
                (
                    version.application,
                    version.digest,
                    version.source,
                    version.actor,
                    version.taken_at,
                ),
            )

        await self._database.write(announce)

    async def withdraw(self, application: str, digest: str) -> None:
        """Take an announcement back: the version was not written."""

        def withdraw(connection: sqlite3.Connection) -> None:
            connection.execute(
                "DELETE FROM announced WHERE application = ? AND digest = ?", (application, digest)
            )

        await self._database.write(withdraw)

    async def close(self) -> None:
        """Finish writing, and close."""
        await self._database.close()


def _version(row: tuple[str, int, float, str, str, int, str]) -> Version:
    application, generation, taken_at, source, digest, guarded, actor = row
    return Version(application, generation, taken_at, source, digest, bool(guarded), actor)
