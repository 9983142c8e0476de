"""Subscribers of streams and their connection events in an SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import orjson

from antmediad.store.database import Database
from antmediad.store.interface import Record, Subscriber

# A subscriber's secret is apart from the JSON text, which is served as it is.  Whatever deletes
# a broadcast deletes its subscribers and events in the same transaction.
TABLES = """
    CREATE TABLE subscriber (
        stream_id TEXT NOT NULL,
        subscriber_id TEXT NOT NULL,
        secret TEXT,
        json BLOB NOT NULL,
        PRIMARY KEY (stream_id, subscriber_id)
    ) WITHOUT ROWID;
    CREATE TABLE connection_event (
        number INTEGER PRIMARY KEY,
        stream_id TEXT NOT NULL,
        subscriber_id TEXT,
        json BLOB NOT NULL
    );
    CREATE INDEX connection_event_by_stream ON connection_event (stream_id, number);
    CREATE INDEX connection_event_by_subscriber
        ON connection_event (stream_id, subscriber_id, number);
    CREATE TRIGGER broadcast_removed_with_subscribers AFTER DELETE ON broadcast
        BEGIN
            DELETE FROM subscriber WHERE stream_id = OLD.stream_id;
            DELETE FROM connection_event WHERE stream_id = OLD.stream_id;
        END;
"""

_BLOCK = ("blockedType", "blockedUntilUnitTimeStampMs")
_OF_ONE = "stream_id = ? AND subscriber_id = ?"


class Subscribers:
    """A `SubscriberStore` in the tables of `TABLES`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read = database.read

    def find(self, stream_id: str, subscriber_id: str) -> Subscriber | None:
        rows = self._read(
            f"SELECT json, secret FROM subscriber WHERE {_OF_ONE}",  # noqa: S608
            (stream_id, subscriber_id),
        )
        return Subscriber(orjson.loads(rows[0][0]), rows[0][1]) if rows else None

    def list_json(self, stream_id: str, offset: int, size: int) -> Sequence[bytes]:
        rows = self._read(
            "SELECT json FROM subscriber WHERE stream_id = ?"
            " ORDER BY subscriber_id LIMIT ? OFFSET ?",
            (stream_id, size, offset),
        )
        return [row[0] for row in rows]

    async def put(self, record: Record) -> None:
        def put(connection: sqlite3.Connection) -> None:
            new = dict(record)
            secret = new.pop("b32Secret")
            stored = _find(connection, new)
            if stored is not None:
                new.update((name, stored[name]) for name in _BLOCK)
            connection.execute(
                "INSERT OR REPLACE INTO subscriber VALUES (?, ?, ?, ?)",
                (new["streamId"], new["subscriberId"], secret, orjson.dumps(new)),
            )

        await self._database.write(put)

    async def block(self, record: Record) -> None:
        def block(connection: sqlite3.Connection) -> None:
            new = {name: value for name, value in record.items() if name != "b32Secret"}
            stored = _find(connection, new)
            if stored is not None:
                new = {**stored, **{name: new[name] for name in _BLOCK}}
            connection.execute(
                "INSERT INTO subscriber (stream_id, subscriber_id, json) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET json = excluded.json",
                (new["streamId"], new["subscriberId"], orjson.dumps(new)),
            )

        await self._database.write(block)

    async def delete(self, stream_id: str, subscriber_id: str) -> bool:
        def delete(connection: sqlite3.Connection) -> bool:
            one = (stream_id, subscriber_id)
            connection.execute(f"DELETE FROM connection_event WHERE {_OF_ONE}", one)  # noqa: S608
            return bool(
                connection.execute(f"DELETE FROM subscriber WHERE {_OF_ONE}", one).rowcount  # noqa: S608
            )

        return await self._database.write(delete)

    async def delete_all(self, stream_id: str) -> int:
        def delete(connection: sqlite3.Connection) -> int:
            connection.execute("DELETE FROM connection_event WHERE stream_id = ?", (stream_id,))
            return connection.execute(
                "DELETE FROM subscriber WHERE stream_id = ?", (stream_id,)
            ).rowcount

        return await self._database.write(delete)

    def list_events_json(
        self, stream_id: str, subscriber_id: str, offset: int, size: int
    ) -> Sequence[bytes]:
        where, of = "stream_id = ?", [stream_id]
        if subscriber_id:
            where, of = _OF_ONE, [stream_id, subscriber_id]
        rows = self._read(
            f"SELECT json FROM connection_event WHERE {where}"  # noqa: S608
            " ORDER BY number LIMIT ? OFFSET ?",
            (*of, size, offset),
        )
        return [row[0] for row in rows]

    async def append_event(self, event: Record) -> None:
        row = (event["streamId"], event["subscriberId"], orjson.dumps(event))

        def append(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO connection_event (stream_id, subscriber_id, json) VALUES (?, ?, ?)",
                row,
            )

        await self._database.write(append)


def _find(connection: sqlite3.Connection, record: Record) -> Record | None:
    rows = connection.execute(
        f"SELECT json FROM subscriber WHERE {_OF_ONE}",  # noqa: S608
        (record["streamId"], record["subscriberId"]),
    ).fetchall()
    return orjson.loads(rows[0][0]) if rows else None
