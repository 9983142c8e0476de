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
        found = self.find_json(given["tokenId"]) if given["tokenId"] is not None else None
        if found is None:
            return False
        stored = orjson.loads(found)
        if stored["type"] != given["type"] or int(now) >= stored["expireDate"]:
            return False
        if (given["roomId"] or "").strip():
            return bool(stored["roomId"] == given["roomId"])
        if stored["streamId"] != given["streamId"]:
            return False

        # A token never changes.  Of all who have come so far, one deletes it.
        def consume(connection: sqlite3.Connection) -> bool:
            return bool(
                connection.execute(
                    "DELETE FROM token WHERE token_id = ?", (stored["tokenId"],)
                ).rowcount
            )

        return await self._database.write(consume)

    async def delete_all(self, stream_id: str) -> int:
        return await self._database.write(
            lambda connection: (
                connection.execute("DELETE FROM token WHERE stream_id = ?", (stream_id,)).rowcount
            )
        )
