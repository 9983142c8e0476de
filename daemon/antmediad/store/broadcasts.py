"""Broadcasts in an SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import orjson

from antmediad.errors import RecordExistsError
from antmediad.store import lists
from antmediad.store.database import Database
from antmediad.store.interface import (
    ACTIVE,
    BroadcastQuery,
    BroadcastTransaction,
    Record,
    Subtracks,
)

T = TypeVar("T")

# The columns beside the JSON text are copies of its properties, to find and to sort by.
# `name` is `searchable`: names sort and are found in any letter case.
TABLES = f"""
    CREATE TABLE broadcast (
        number INTEGER PRIMARY KEY,
        stream_id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        type TEXT NOT NULL,
        status TEXT NOT NULL,
        date INTEGER NOT NULL,
        main_track TEXT,
        role TEXT,
        json BLOB NOT NULL
    );
    CREATE INDEX broadcast_by_main_track ON broadcast (main_track, stream_id)
        WHERE main_track IS NOT NULL;
    CREATE INDEX broadcast_by_main_track_and_role ON broadcast (main_track, role, stream_id)
        WHERE main_track IS NOT NULL;
    CREATE INDEX broadcast_by_main_track_and_status ON broadcast (main_track, status, stream_id)
        WHERE main_track IS NOT NULL;
    {lists.TABLES}
"""

_COLUMNS = "stream_id, name, type, status, date, main_track, role, json"
_VALUES = "?, ?, ?, ?, ?, ?, ?, ?"

# UNION, not UNION ALL: what was reached before is not followed again, should there be a cycle.
_MAIN_TRACKS = """
    WITH RECURSIVE above (track) AS (
        SELECT main_track FROM broadcast WHERE stream_id = ? AND main_track IS NOT NULL
        UNION
        SELECT main_track FROM above JOIN broadcast ON stream_id = track
            WHERE main_track IS NOT NULL
    )
    SELECT track FROM above
"""


class Broadcasts:
    """A `BroadcastStore` in the tables of `TABLES`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read = database.read
        self._lists = lists.Lists(database)

    def find_json(self, stream_id: str) -> bytes | None:
        rows = self._read("SELECT json FROM broadcast WHERE stream_id = ?", (stream_id,))
        return rows[0][0] if rows else None

    async def list_json(self, query: BroadcastQuery) -> Sequence[bytes]:
        return await self._lists.page(query)

    async def count(self, search: str = "") -> int:
        return await self._lists.count(search)

    def count_status(self, status: str) -> int:
        rows = self._read("SELECT count(*) FROM broadcast WHERE status = ?", (status,))
        return int(rows[0][0])

    def list_subtracks_json(self, which: Subtracks, offset: int, size: int) -> Sequence[bytes]:
        where, parameters = _subtracks(which)
        order = "+stream_id" if which.active else "stream_id"
        rows = self._read(
            f"SELECT json FROM broadcast {where} ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608
            (*parameters, size, offset),
        )
        return [row[0] for row in rows]

    def count_subtracks(self, which: Subtracks) -> int:
        where, parameters = _subtracks(which)
        return int(
            self._read(f"SELECT count(*) FROM broadcast {where}", parameters)[0][0]  # noqa: S608
        )

    async def insert(self, record: Record) -> None:
        row = _row(record)

        def insert(connection: sqlite3.Connection) -> None:
            try:
                connection.execute(
                    f"INSERT INTO broadcast ({_COLUMNS}) VALUES ({_VALUES})",  # noqa: S608
                    row,
                )
            except sqlite3.IntegrityError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_UNIQUE:
                    raise
                raise RecordExistsError("the stream id is taken") from None

        await self._database.write(insert)

    async def update(self, stream_id: str, change: Callable[[Record], Record | None]) -> bool:
        def update(connection: sqlite3.Connection) -> bool:
            transaction = _Transaction(connection)
            record = transaction.find(stream_id)
            if record is None:
                return False
            changed = change(record)
            if changed is not None:
                transaction.replace(changed)
            return True

        return await self._database.write(update)

    async def update_all(self, change: Callable[[Record], Record | None]) -> int:
        def update(connection: sqlite3.Connection) -> int:
            transaction, last, replaced = _Transaction(connection), -1, 0
            # In pages: not all at once in memory, and nothing is read while it is replaced.
            while rows := connection.execute(
                "SELECT number, json FROM broadcast WHERE number > ? ORDER BY number LIMIT 500",
                (last,),
            ).fetchall():
                for _, text in rows:
                    changed = change(orjson.loads(text))
                    if changed is not None:
                        transaction.replace(changed)
                        replaced += 1
                last = rows[-1][0]
            return replaced

        return await self._database.write(update)

    async def transact(self, change: Callable[[BroadcastTransaction], T]) -> T:
        return await self._database.write(lambda connection: change(_Transaction(connection)))

    async def delete(self, stream_id: str, *, with_subtracks: bool) -> bool:
        def delete(connection: sqlite3.Connection) -> bool:
            removed = connection.execute(
                "DELETE FROM broadcast WHERE stream_id = ?", (stream_id,)
            ).rowcount
            if removed and with_subtracks:
                connection.execute("DELETE FROM broadcast WHERE main_track = ?", (stream_id,))
            return bool(removed)

        return await self._database.write(delete)


class _Transaction:
    """A `BroadcastTransaction`: what one change on the writer's connection sees."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def find(self, stream_id: str) -> Record | None:
        row = self._execute(
            "SELECT json FROM broadcast WHERE stream_id = ?", (stream_id,)
        ).fetchone()
        return None if row is None else orjson.loads(row[0])

    def replace(self, record: Record) -> None:
        self._execute(
            f"UPDATE broadcast SET ({_COLUMNS}) = ({_VALUES}) WHERE stream_id = ?",  # noqa: S608
            (*_row(record), record["streamId"]),
        )

    def main_tracks_of(self, stream_id: str) -> Collection[str]:
        return {row[0] for row in self._execute(_MAIN_TRACKS, (stream_id,))}

    def count_subtracks(self, which: Subtracks) -> int:
        where, parameters = _subtracks(which)
        row = self._execute(
            f"SELECT count(*) FROM broadcast {where}",  # noqa: S608
            parameters,
        ).fetchone()
        return int(row[0])


def _subtracks(which: Subtracks) -> tuple[str, tuple[str, ...]]:
    conditions, parameters = ["main_track = ?"], [which.main_track]
    if which.active:
        conditions.append("status IN (?, ?)")
        parameters += ACTIVE
    if which.role:
        # Few are active: a plus keeps SQLite from looking for them among all of a role.
        conditions.append("+role = ?" if which.active else "role = ?")
        parameters.append(which.role)
    return f"WHERE {' AND '.join(conditions)}", tuple(parameters)


def _row(record: Record) -> tuple[str | int | bytes | None, ...]:
    return (
        record["streamId"],
        lists.searchable(record["name"] or ""),
        record["type"],
        record["status"],
        record["date"],
        record["mainTrackStreamId"] or None,
        record["role"] or None,
        orjson.dumps(record),
    )
