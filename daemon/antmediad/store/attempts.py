"""What is remembered of logins: times of attempts that failed, addresses of those that did not."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from antmediad.store.accounts import key_of
from antmediad.store.database import Database

MAX_SUBJECTS = 10_000
MAX_BLOCKED_SHARE = 0.5
"""Of the room for subjects: the rest is for counting, which room for a few would not allow."""
MAX_KNOWN_ADDRESSES = 100
"""Of one user."""
KNOWN_FOR_S = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class Failures:
    """The failed attempts of one subject that still count.  Times are seconds since 1970.

    Attributes:
        times: when they were, the earliest first.
        blocked_until: until when the subject is not to try again; 0 if it may.
    """

    times: tuple[float, ...] = ()
    blocked_until: float = 0.0


NONE = Failures()

Change = Callable[[Sequence[Failures]], Sequence[Failures]]


class Attempts:
    """Failed attempts by subject, and known addresses by user; both are bounded.

    A subject is whatever attempts are counted by, as a digest: a name that a stranger makes up
    takes no more room than another, and a password typed into the wrong field is not kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def failures(self, subject: bytes) -> Failures:
        """Return what *subject* failed at.

        Raises:
            StoreError: the database cannot be read.
        """
        rows = self._database.read(
            "SELECT times, blocked_until FROM attempt WHERE subject = ?", (subject,)
        )
        return _failures(rows[0]) if rows else NONE

    async def change(
        self, subjects: Sequence[bytes], change: Change, now: float, always: bool = False
    ) -> bool:
        """Put in the place of the subjects' failures what *change* makes of them, at once.

        When more than `MAX_SUBJECTS` are known, those go that failed longest ago, but never one
        that is blocked.

        Args:
            change: from and to failures in the order of *subjects*; may be called twice.
            always: whether new subjects are welcome, too, when the room is taken.

        Returns:
            Whether that was done: not for new subjects while others that are blocked take
            `MAX_BLOCKED_SHARE` of the room.

        Raises:
            StoreError: the database cannot be written.
        """

        def replace(connection: sqlite3.Connection) -> bool:
            before = [_find(connection, subject) for subject in subjects]
            after = change(before)
            known = all(old.times or not new.times for old, new in zip(before, after, strict=True))
            if not (known or always):
                (blocked,) = connection.execute(
                    "SELECT count(*) FROM attempt WHERE blocked_until > ?", (now,)
                ).fetchone()
                if blocked >= MAX_SUBJECTS * MAX_BLOCKED_SHARE:
                    return False
            for subject, failures in zip(subjects, after, strict=True):
                _put(connection, subject, failures)
            _forget(connection, now)
            return True

        return await self._database.write(replace)

    def is_known(self, email: str, address: str, now: float) -> bool:
        """Tell whether this user logged in from *address* within `KNOWN_FOR_S`."""
        return bool(
            self._database.read(
                "SELECT 1 FROM known_address WHERE user = ? AND address = ? AND seen_at >= ?",
                (key_of(email), address, now - KNOWN_FOR_S),
            )
        )

    async def remember_address(self, email: str, address: str, now: float) -> None:
        """Note that a user has logged in from *address*.

        Only users make rows, by logging in, and each at most `MAX_KNOWN_ADDRESSES`.
        """
        user = key_of(email)

        def remember(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM known_address WHERE seen_at < ?", (now - KNOWN_FOR_S,))
            connection.execute(
                "INSERT OR REPLACE INTO known_address (user, address, seen_at)"
                " SELECT key, ?, ? FROM user WHERE key = ?",
                (address, now, user),
            )
            connection.execute(
                "DELETE FROM known_address WHERE user = ?1 AND address IN (SELECT address FROM"
                " known_address WHERE user = ?1 ORDER BY seen_at DESC LIMIT -1 OFFSET ?2)",
                (user, MAX_KNOWN_ADDRESSES),
            )

        await self._database.write(remember)


def _find(connection: sqlite3.Connection, subject: bytes) -> Failures:
    row = connection.execute(
        "SELECT times, blocked_until FROM attempt WHERE subject = ?", (subject,)
    ).fetchone()
    return _failures(row) if row else NONE


def _put(connection: sqlite3.Connection, subject: bytes, failures: Failures) -> None:
    if failures.times:
        connection.execute(
            "INSERT OR REPLACE INTO attempt (subject, times, last_at, blocked_until)"
            " VALUES (?, ?, ?, ?)",
            (subject, json.dumps(failures.times), failures.times[-1], failures.blocked_until),
        )
    else:
        connection.execute("DELETE FROM attempt WHERE subject = ?", (subject,))


def _forget(connection: sqlite3.Connection, now: float) -> None:
    (rows,) = connection.execute("SELECT count(*) FROM attempt").fetchone()
    if rows > MAX_SUBJECTS:
        connection.execute(
            "DELETE FROM attempt WHERE subject IN (SELECT subject FROM attempt"
            " WHERE blocked_until <= ? ORDER BY last_at LIMIT ?)",
            (now, rows - MAX_SUBJECTS),
        )


def _failures(row: tuple[str, float]) -> Failures:
    times, blocked_until = row
    return Failures(tuple(json.loads(times)), blocked_until)
