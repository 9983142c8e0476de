"""Users of the management API, and their login sessions."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from antmediad.errors import RecordExistsError, StoreError
from antmediad.store.database import Database

MAX_EMAIL_CHARS = 254
"""RFC 5321, section 4.5.3.1.3: a path has at most 256 octets, two of them angle brackets."""
SESSION_IDLE_S = 1800.0
SESSION_LONGEST_S = 12 * 3600.0
MAX_SESSIONS = 100
"""Of one user at a time."""

_COLUMNS = (
    "email, user_type, scope, app_types, first_name, last_name, full_name, picture, created_at"
)
_ALL_USERS = f"SELECT {_COLUMNS} FROM user ORDER BY key"  # noqa: S608 - a constant


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One user, without the password.

    Attributes:
        email: as it was given; no two users' e-mails differ in case only.
        user_type: Ant Media Server's ``userType``, as it was sent: ADMIN, USER, READ_ONLY.
        scope: what ``user_type`` is about: ``system`` or an application.
        app_types: ``appNameUserType``: types by application, or by ``system``.
        picture: the text that was sent; it is never fetched.
        created_at: seconds since 1970.
    """

    email: str
    user_type: str | None = None
    scope: str | None = None
    app_types: Mapping[str, str] = field(default_factory=dict)
    first_name: str | None = None
    last_name: str | None = None
    full_name: str | None = None
    picture: str | None = None
    created_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Session:
    """One login.  Times are seconds since 1970.

    Attributes:
        email: the user's, as it is stored.
        address: from which the login came.
    """

    email: str
    created_at: float
    seen_at: float
    address: str


def key_of(email: str) -> str:
    """Return what e-mails are compared by: case does not count.

    Half a surrogate pair, which JSON can bring along, becomes text that can be stored.
    """
    return email.casefold().encode(errors="backslashreplace").decode()


def check_email(email: str) -> None:
    """Return if *email* can name a user; its syntax is not looked at, as in Ant Media Server.

    Raises:
        StoreError: it is empty, too long, or holds what cannot be shown.
    """
    fits = 0 < len(email) <= MAX_EMAIL_CHARS
    if not fits or not email.isprintable() or email != email.strip():
        raise StoreError(
            f"e-mail: expected 1 to {MAX_EMAIL_CHARS} printable characters, without a blank"
            " before or after"
        )


CheckUsers = Callable[[Sequence[User]], None]
"""Raises if a change must not be made to these users."""


class Accounts:
    """Users and sessions.  What is found is what is stored now, by any process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Users

    def find_user(self, email: str) -> User | None:
        """Return the user with this e-mail.

        Raises:
            StoreError: the database cannot be read; so do all that read.
        """
        rows = self._database.read(
            f"SELECT {_COLUMNS} FROM user WHERE key = ?",  # noqa: S608 - a constant
            (key_of(email),),
        )
        return _user(rows[0]) if rows else None

    def users(self) -> list[User]:
        """Return all users, by e-mail."""
        return [_user(row) for row in self._database.read(_ALL_USERS)]

    def has_users(self) -> bool:
        """Tell whether there is any user."""
        return bool(self._database.read("SELECT 1 FROM user LIMIT 1"))

    def password_hash(self, email: str) -> str | None:
        """Return the hash of a user's password; None if there is no such user."""
        rows = self._database.read("SELECT password_hash FROM user WHERE key = ?", (key_of(email),))
        return rows[0][0] if rows else None

    async def add_user(self, user: User, password_hash: str) -> None:
        """Add *user*.

        Raises:
            RecordExistsError: there is one with this e-mail.
            StoreError: the e-mail cannot name a user, or nothing can be written; the latter is
                raised by all that write.
        """
        check_email(user.email)

        def add(connection: sqlite3.Connection) -> None:
            if not _insert(connection, user, password_hash):
                raise RecordExistsError("a user with this e-mail exists")

        await self._database.write(add)

    async def add_first_user(self, user: User, password_hash: str) -> bool:
        """Add *user* if there is no user at all, and tell whether that was so.

        It is one transaction: of several processes that try at once, one succeeds.

        Raises:
            StoreError: the e-mail cannot name a user.
        """
        check_email(user.email)

        def add(connection: sqlite3.Connection) -> bool:
            if connection.execute("SELECT 1 FROM user LIMIT 1").fetchone():
                return False
            return _insert(connection, user, password_hash)

        return await self._database.write(add)

    async def replace_user(self, user: User, check: CheckUsers = lambda _: None) -> bool:
        """Replace all of the user with this e-mail but the password and `created_at`.

        Args:
            check: called with all users in the same transaction, before: what it raises is raised,
                and nothing is changed.

        Returns:
            Whether there is one.
        """

        def replace(connection: sqlite3.Connection) -> bool:
            check(_users(connection))
            replaced = connection.execute(
                "UPDATE user SET (email, user_type, scope, app_types, first_name, last_name,"
                " full_name, picture) = (?, ?, ?, ?, ?, ?, ?, ?) WHERE key = ?",
                (*_row(user)[:-1], key_of(user.email)),
            )
            return replaced.rowcount > 0

        return await self._database.write(replace)

    async def set_password(
        self, email: str, password_hash: str, except_digest: bytes | None = None
    ) -> bool:
        """Set a user's password, and end the user's sessions but *except_digest*.

        Returns:
            Whether there is such a user.
        """
        key = key_of(email)

        def change(connection: sqlite3.Connection) -> bool:
            changed = connection.execute(
                "UPDATE user SET password_hash = ? WHERE key = ?", (password_hash, key)
            )
            _end_sessions(connection, key, except_digest)
            return changed.rowcount > 0

        return await self._database.write(change)

    async def rehash_password(self, email: str, old_hash: str, new_hash: str) -> bool:
        """Put another hash of the same password in the place of *old_hash*; sessions go on.

        Returns:
            Whether *old_hash* was there still: a password set meanwhile stays.
        """

        def change(connection: sqlite3.Connection) -> bool:
            changed = connection.execute(
                "UPDATE user SET password_hash = ? WHERE key = ? AND password_hash = ?",
                (new_hash, key_of(email), old_hash),
            )
            return changed.rowcount > 0

        return await self._database.write(change)

    async def remove_user(self, email: str, check: CheckUsers = lambda _: None) -> bool:
        """Remove a user with all sessions; tell whether there was one.

        Args:
            check: as of `replace_user`.
        """
        key = key_of(email)

        def remove(connection: sqlite3.Connection) -> bool:
            check(_users(connection))
            _end_sessions(connection, key, None)
            connection.execute("DELETE FROM known_address WHERE user = ?", (key,))
            return connection.execute("DELETE FROM user WHERE key = ?", (key,)).rowcount > 0

        return await self._database.write(remove)

    # Sessions

    async def start_session(
        self,
        digest: bytes,
        email: str,
        address: str,
        now: float,
        verified_hash: str | None = None,
    ) -> bool:
        """Start a session, and forget those that are over.

        A user has at most `MAX_SESSIONS`: the oldest end.

        Args:
            digest: SHA-256 of the session's id; the id itself is stored nowhere.
            now: seconds since 1970.
            verified_hash: the password hash that the login was checked against.

        Returns:
            Whether it was started: not if the user is gone, or the password was changed since
            *verified_hash* was read.
        """
        key = key_of(email)

        def start(connection: sqlite3.Connection) -> bool:
            connection.execute(
                "DELETE FROM session WHERE seen_at < ? OR created_at < ?",
                (now - SESSION_IDLE_S, now - SESSION_LONGEST_S),
            )
            user = connection.execute(
                "SELECT password_hash FROM user WHERE key = ?", (key,)
            ).fetchone()
            if user is None or verified_hash not in (None, user[0]):
                return False
            connection.execute(
                "DELETE FROM session WHERE digest IN (SELECT digest FROM session WHERE user = ?"
                " ORDER BY created_at DESC LIMIT -1 OFFSET ?)",
                (key, MAX_SESSIONS - 1),
            )
            connection.execute(
                "INSERT INTO session (digest, user, address, created_at, seen_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (digest, key, address, now, now),
            )
            return True

        return await self._database.write(start)

    def find_session(self, digest: bytes, now: float) -> Session | None:
        """Return a session that is not over; one whose user is gone is."""
        rows = self._database.read(
            "SELECT user.email, session.created_at, seen_at, address"
            " FROM session JOIN user ON user.key = session.user"
            " WHERE digest = ? AND seen_at >= ? AND session.created_at >= ?",
            (digest, now - SESSION_IDLE_S, now - SESSION_LONGEST_S),
        )
        return Session(*rows[0]) if rows else None

    async def touch_session(self, digest: bytes, now: float) -> None:
        """Note that a session is in use; once a minute is often enough.

        One that is over stays so.
        """

        def touch(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE session SET seen_at = max(seen_at, ?) WHERE digest = ? AND seen_at >= ?",
                (now, digest, now - SESSION_IDLE_S),
            )

        await self._database.write(touch)

    async def end_session(self, digest: bytes) -> None:
        """End one session."""

        def end(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM session WHERE digest = ?", (digest,))

        await self._database.write(end)


def _users(connection: sqlite3.Connection) -> list[User]:
    return [_user(row) for row in connection.execute(_ALL_USERS)]


def _insert(connection: sqlite3.Connection, user: User, password_hash: str) -> bool:
    inserted = connection.execute(
        f"INSERT INTO user (key, {_COLUMNS}, password_hash)"  # noqa: S608 - a constant
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (key_of(user.email), *_row(user), password_hash),
    )
    return inserted.rowcount > 0


def _end_sessions(connection: sqlite3.Connection, key: str, except_digest: bytes | None) -> None:
    connection.execute(
        "DELETE FROM session WHERE user = ? AND digest IS NOT ?", (key, except_digest)
    )


def _row(user: User) -> tuple[object, ...]:
    return (
        user.email,
        _storable(user.user_type),
        _storable(user.scope),
        json.dumps(dict(user.app_types)),
        _storable(user.first_name),
        _storable(user.last_name),
        _storable(user.full_name),
        _storable(user.picture),
        user.created_at,
    )


def _storable(text: str | None) -> str | None:
    return None if text is None else text.encode(errors="backslashreplace").decode()


def _user(row: tuple[Any, ...]) -> User:
    email, user_type, scope, app_types, first_name, last_name, full_name, picture, created_at = row
    return User(
        email=email,
        user_type=user_type,
        scope=scope,
        app_types=json.loads(app_types),
        first_name=first_name,
        last_name=last_name,
        full_name=full_name,
        picture=picture,
        created_at=created_at,
    )
