"""One-time tokens in an SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import orjson

from antmediad.errors import RecordExistsError
from antmediad.store.database import Database
from antmediad.store.interface import Record

# Whatever deletes a broadcast deletes its tokens in the same transaction: they must not open a
# later stream of the same id.
TABLES = """
    CREATE TABLE token (
        number INTEGER PRIMARY KEY,
        token_id TEXT NOT NULL UNIQUE,
        stream_id TEXT NOT NULL,
        json BLOB NOT NULL
    );
    CREATE INDEX token_by_stream ON token (stream_id, number);
    CREATE TRIGGER broadcast_removed_with_tokens AFTER DELETE ON broadcast
        BEGIN DELETE FROM token WHERE stream_id = OLD.stream_id; END;
"""

PLAYING = """
    CREATE TABLE playing (session BLOB PRIMARY KEY, begun REAL NOT NULL) WITHOUT ROWID;
    CREATE INDEX playing_by_age ON playing (begun);
"""

PLAYING_S = 12 * 3600.0
MAX_PLAYING = 10_000


class Tokens:
    """A `TokenStore` in the tables of `TABLES`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read = database.read

    def find_json(self, token_id: str) -> bytes | None:
        rows = self._read("SELECT json FROM token WHERE token_id = ?", (token_id,))
        return rows[0][0] if rows else None

    def list_json(self, stream_id: str, offset: int, size: int) -> Sequence[bytes]:
        rows = self._read(
            "SELECT json FROM token WHERE stream_id = ? ORDER BY number LIMIT ? OFFSET ?",
            (stream_id, size, offset),
        )
        return [row[0] for row in rows]

    async def insert(self, record: Record) -> None:
        row = (record["tokenId"], record["streamId"], orjson.dumps(record))

        def insert(connection: sqlite3.Connection) -> None:
            try:
                connection.execute(
                    "INSERT INTO token (token_id, stream_id, json) VALUES (?, ?, ?)", row
                )
            except sqlite3.IntegrityError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_UNIQUE:
                    raise
                raise RecordExistsError("the token id is taken") from None

        await self._database.write(insert)

    async def validate(self, given: Record, now: float) -> bool:
        stored = self._find_valid(given, now)
        if stored is None or (given["roomId"] or "").strip():
            return stored is not None
        return await self._database.write(lambda connection: _consume(connection, stored))

    async def begin_playing(self, session: bytes, given: Record, now: float) -> float:
        begun = self._begun(session, now)
        stored = self._find_valid(given, now) if not begun else None
        if stored is None:
            return begun

        def begin(connection: sqlite3.Connection) -> float:
            if not _consume(connection, stored):
                # Perhaps it is the same client who has come before, with another request.
                rows = connection.execute(_BEGUN, (session, now - PLAYING_S)).fetchall()
                return rows[0][0] if rows else 0.0
            connection.execute("INSERT OR REPLACE INTO playing VALUES (?, ?)", (session, now))
            connection.execute("DELETE FROM playing WHERE begun <= ?", (now - PLAYING_S,))
            connection.execute(
                "DELETE FROM playing WHERE session IN"
                " (SELECT session FROM playing ORDER BY begun DESC LIMIT -1 OFFSET ?)",
                (MAX_PLAYING,),
            )
            return now

        return await self._database.write(begin)

    def _begun(self, session: bytes, now: float) -> float:
        rows = self._read(_BEGUN, (session, now - PLAYING_S))
        return float(rows[0][0]) if rows else 0.0

    def _find_valid(self, given: Record, now: float) -> Record | None:
        found = self.find_json(given["tokenId"]) if given["tokenId"] is not None else None
        if found is None:
            return None
        stored: Record = orjson.loads(found)
        if stored["type"] != given["type"] or int(now) >= stored["expireDate"]:
            return None
        of = "roomId" if (given["roomId"] or "").strip() else "streamId"
        return stored if stored[of] == given[of] else None

    async def delete_all(self, stream_id: str) -> int:
        return await self._database.write(
            lambda connection: (
                connection.execute("DELETE FROM token WHERE stream_id = ?", (stream_id,)).rowcount
            )
        )


_BEGUN = "SELECT begun FROM playing WHERE session = ? AND begun > ?"


def _consume(connection: sqlite3.Connection, stored: Record) -> bool:
    # A token never changes.  Of all who have come so far, one deletes it.
    deleted = connection.execute("DELETE FROM token WHERE token_id = ?", (stored["tokenId"],))
    return bool(deleted.rowcount)
