"""VoDs in an SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

import orjson

from antmediad.errors import RecordExistsError
from antmediad.store.database import Database
from antmediad.store.interface import Record, VodQuery

# As in the table of broadcasts, the columns beside the JSON text are copies, `name` and `search`
# case-folded.  `unfinished` marks what waits for a script, or is in one.
TABLES = """
    CREATE TABLE vod (
        vod_id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        search TEXT NOT NULL,
        stream_id TEXT NOT NULL,
        type TEXT NOT NULL,
        date INTEGER NOT NULL,
        unfinished INTEGER NOT NULL,
        json BLOB NOT NULL
    );
    CREATE INDEX vod_by_name ON vod (name, vod_id);
    CREATE INDEX vod_by_date ON vod (date, vod_id);
    CREATE INDEX vod_by_stream ON vod (stream_id, vod_id);
    CREATE INDEX vod_unfinished ON vod (vod_id) WHERE unfinished;
    CREATE TABLE vod_total (vods INTEGER NOT NULL);
    INSERT INTO vod_total VALUES (0);
    CREATE TRIGGER vod_added AFTER INSERT ON vod
        BEGIN UPDATE vod_total SET vods = vods + 1; END;
    CREATE TRIGGER vod_removed AFTER DELETE ON vod
        BEGIN UPDATE vod_total SET vods = vods - 1; END;
"""

_COLUMNS = "vod_id, name, search, stream_id, type, date, unfinished, json"
_VALUES = "?, ?, ?, ?, ?, ?, ?, ?"
_SEARCHED = ("vodId", "vodName", "streamId", "streamName", "description", "metadata")
_UNFINISHED = ("inqueue", "processing")


class Vods:
    """A `VodStore` in the tables of `TABLES`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read = database.read

    def find_json(self, vod_id: str) -> bytes | None:
        rows = self._read("SELECT json FROM vod WHERE vod_id = ?", (vod_id,))
        return rows[0][0] if rows else None

    def list_json(self, query: VodQuery) -> Sequence[bytes]:
        where, parameters = _condition(query.stream_id, query.search)
        direction = "DESC" if query.sort and query.descending else "ASC"
        order = f"vod_id {direction}"
        if query.sort:
            order = f"{query.sort} {direction}, {order}"
        rows = self._read(
            f"SELECT json FROM vod {where} ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608
            (*parameters, query.size, query.offset),
        )
        return [row[0] for row in rows]

    def count(self, search: str = "") -> int:
        if not search:
            return int(self._read("SELECT vods FROM vod_total")[0][0])
        where, parameters = _condition("", search)
        return int(self._read(f"SELECT count(*) FROM vod {where}", parameters)[0][0])  # noqa: S608

    async def insert(self, *records: Record) -> None:
        def insert(connection: sqlite3.Connection) -> None:
            try:
                connection.executemany(
                    f"INSERT INTO vod ({_COLUMNS}) VALUES ({_VALUES})",  # noqa: S608
                    map(_row, records),
                )
            except sqlite3.IntegrityError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_UNIQUE:
                    raise
                raise RecordExistsError("the VoD id is taken") from None

        await self._database.write(insert)

    async def update(self, vod_id: str, change: Callable[[Record], Record]) -> bool:
        def update(connection: sqlite3.Connection) -> bool:
            rows = connection.execute("SELECT json FROM vod WHERE vod_id = ?", (vod_id,)).fetchall()
            for row in rows:
                _replace(connection, change(orjson.loads(row[0])))
            return bool(rows)

        return await self._database.write(update)

    async def delete(self, vod_id: str) -> bool:
        def delete(connection: sqlite3.Connection) -> bool:
            deleted = connection.execute("DELETE FROM vod WHERE vod_id = ?", (vod_id,))
            return bool(deleted.rowcount)

        return await self._database.write(delete)

    async def delete_imported(self, stream_id: str) -> int:
        def delete(connection: sqlite3.Connection) -> int:
            return connection.execute(
                "DELETE FROM vod WHERE stream_id = ? AND type = 'userVod'", (stream_id,)
            ).rowcount

        return await self._database.write(delete)


def fail_unfinished(connection: sqlite3.Connection) -> None:
    """Mark as failed what a script was to process: the process that ran it is gone."""
    rows = connection.execute("SELECT json FROM vod WHERE unfinished").fetchall()
    for row in rows:
        _replace(connection, {**orjson.loads(row[0]), "processStatus": "failed"})


def _replace(connection: sqlite3.Connection, record: Record) -> None:
    connection.execute(
        f"UPDATE vod SET ({_COLUMNS}) = ({_VALUES}) WHERE vod_id = ?",  # noqa: S608
        (*_row(record), record["vodId"]),
    )


def _condition(stream_id: str, search: str) -> tuple[str, tuple[str, ...]]:
    conditions, parameters = [], []
    if stream_id:
        conditions.append("stream_id = ?")
        parameters.append(stream_id)
    if search:
        conditions.append("instr(search, ?)")
        parameters.append(search.casefold())
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    return where, tuple(parameters)


def _row(record: Record) -> tuple[str | int | bytes, ...]:
    return (
        record["vodId"],
        (record["vodName"] or "").casefold(),
        # Line breaks between them: search texts have none, so none matches across.
        "\n".join((record[name] or "").casefold() for name in _SEARCHED),
        record["streamId"] or "",
        record["type"] or "",
        record["creationDate"],
        record["processStatus"] in _UNFINISHED,
        orjson.dumps(record),
    )
