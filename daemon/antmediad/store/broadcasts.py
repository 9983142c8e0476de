"""Broadcasts in an SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

import orjson

from antmediad.errors import RecordExistsError
from antmediad.store.database import Database
from antmediad.store.interface import BroadcastQuery, Record

# The columns beside the JSON text are copies of its properties, to find and to sort by.
# `name` is case-folded: names sort and are found in any letter case.  Not in lower case, where
# a sigma depends on what follows, and so the start of a word would not be found in the word.
TABLES = """
    CREATE TABLE broadcast (
        stream_id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        search TEXT NOT NULL,
        type TEXT NOT NULL,
        status TEXT NOT NULL,
        date INTEGER NOT NULL,
        main_track TEXT,
        json BLOB NOT NULL
    );
    CREATE INDEX broadcast_by_name ON broadcast (name, stream_id);
    CREATE INDEX broadcast_by_date ON broadcast (date, stream_id);
    CREATE INDEX broadcast_by_status ON broadcast (status, stream_id);
    CREATE INDEX broadcast_by_type ON broadcast (type, stream_id);
    CREATE INDEX broadcast_by_main_track ON broadcast (main_track)
        WHERE main_track IS NOT NULL;
    CREATE TABLE total (broadcasts INTEGER NOT NULL);
    INSERT INTO total VALUES (0);
    CREATE TRIGGER broadcast_added AFTER INSERT ON broadcast
        BEGIN UPDATE total SET broadcasts = broadcasts + 1; END;
    CREATE TRIGGER broadcast_removed AFTER DELETE ON broadcast
        BEGIN UPDATE total SET broadcasts = broadcasts - 1; END;
"""

_COLUMNS = "stream_id, name, search, type, status, date, main_track, json"


class Broadcasts:
    """A `BroadcastStore` in the tables of `TABLES`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read = database.read

    def find_json(self, stream_id: str) -> bytes | None:
        rows = self._read("SELECT json FROM broadcast WHERE stream_id = ?", (stream_id,))
        return rows[0][0] if rows else None

    def list_json(self, query: BroadcastQuery) -> Sequence[bytes]:
        where, parameters = _condition(query.type, query.search)
        direction = "DESC" if query.sort and query.descending else "ASC"
        order = f"stream_id {direction}"
        if query.sort:
            order = f"{query.sort} {direction}, {order}"
        rows = self._read(
            f"SELECT json FROM broadcast {where} ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608
            (*parameters, query.size, query.offset),
        )
        return [row[0] for row in rows]

    def count(self, search: str = "") -> int:
        if not search:
            return int(self._read("SELECT broadcasts FROM total")[0][0])
        where, parameters = _condition("", search)
        return int(
            self._read(f"SELECT count(*) FROM broadcast {where}", parameters)[0][0]  # noqa: S608
        )

    def count_status(self, status: str) -> int:
        rows = self._read("SELECT count(*) FROM broadcast WHERE status = ?", (status,))
        return int(rows[0][0])

    async def insert(self, record: Record) -> None:
        row = _row(record)

        def insert(connection: sqlite3.Connection) -> None:
            try:
                connection.execute(
                    f"INSERT INTO broadcast ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                    row,
                )
            except sqlite3.IntegrityError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_UNIQUE:
                    raise
                raise RecordExistsError("the stream id is taken") from None

        await self._database.write(insert)

    async def update(self, stream_id: str, change: Callable[[Record], Record | None]) -> bool:
        def update(connection: sqlite3.Connection) -> bool:
            rows = connection.execute(
                "SELECT json FROM broadcast WHERE stream_id = ?", (stream_id,)
            ).fetchall()
            if not rows:
                return False
            changed = change(orjson.loads(rows[0][0]))
            if changed is not None:
                connection.execute(
                    f"UPDATE broadcast SET ({_COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
                    " WHERE stream_id = ?",
                    (*_row(changed), stream_id),
                )
            return True

        return await self._database.write(update)

    async def delete(self, stream_id: str, *, with_subtracks: bool) -> bool:
        def delete(connection: sqlite3.Connection) -> bool:
            removed = connection.execute(
                "DELETE FROM broadcast WHERE stream_id = ?", (stream_id,)
            ).rowcount
            if removed and with_subtracks:
                connection.execute("DELETE FROM broadcast WHERE main_track = ?", (stream_id,))
            return bool(removed)

        return await self._database.write(delete)


def _condition(type_: str, search: str) -> tuple[str, tuple[str, ...]]:
    conditions, parameters = [], []
    if type_:
        conditions.append("type = ?")
        parameters.append(type_)
    if search:
        conditions.append("instr(search, ?)")
        parameters.append(search.casefold())
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    return where, tuple(parameters)


def _row(record: Record) -> tuple[str | int | bytes | None, ...]:
    stream_id, name = record["streamId"], (record["name"] or "").casefold()
    return (
        stream_id,
        name,
        # A line break between the two: search texts have none, so none matches across.
        f"{name}\n{stream_id.casefold()}",
        record["type"],
        record["status"],
        record["date"],
        record["mainTrackStreamId"] or None,
        orjson.dumps(record),
    )
