"""The database of the management API: users, login sessions, login attempts, the audit log."""

from __future__ import annotations

from pathlib import Path

from antmediad.store.accounts import Accounts
from antmediad.store.attempts import Attempts
from antmediad.store.audit import Audit
from antmediad.store.database import Database

# Texts that identify (`key`, `subject`, `digest`) are compared byte by byte.
_MIGRATIONS = (
    """
    CREATE TABLE user (
        key TEXT PRIMARY KEY,
        email TEXT NOT NULL,
        user_type TEXT,
        scope TEXT,
        app_types TEXT NOT NULL,
        first_name TEXT,
        last_name TEXT,
        full_name TEXT,
        picture TEXT,
        created_at REAL NOT NULL,
        password_hash TEXT NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE session (
        digest BLOB PRIMARY KEY,
        user TEXT NOT NULL,
        address TEXT NOT NULL,
        created_at REAL NOT NULL,
        seen_at REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX session_of_user ON session (user, created_at);

    CREATE TABLE attempt (
        subject BLOB PRIMARY KEY,
        times TEXT NOT NULL,
        last_at REAL NOT NULL,
        blocked_until REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX attempt_by_age ON attempt (last_at);

    CREATE TABLE known_address (
        user TEXT NOT NULL,
        address TEXT NOT NULL,
        seen_at REAL NOT NULL,
        PRIMARY KEY (user, address)
    ) WITHOUT ROWID;

    CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at REAL NOT NULL,
        actor TEXT NOT NULL,
        source TEXT NOT NULL,
        address TEXT NOT NULL,
        action TEXT NOT NULL,
        target TEXT NOT NULL,
        success INTEGER NOT NULL,
        detail TEXT NOT NULL
    );
    CREATE INDEX audit_by_target ON audit (target, id);
    CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
        WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    """,
)


class ManagementStore:
    """What the management API keeps.  It may be open in several processes at once.

    The file holds password hashes: it is 0600, in a directory of the daemon's own.

    Attributes:
        accounts: users and their login sessions.
        attempts: what lockout remembers of logins.
        audit: who did what.
    """

    def __init__(self, path: Path | None) -> None:
        """Open *path*; None keeps everything in memory.

        Raises:
            StoreError: the file cannot be used.
        """
        self._database = Database(path, _MIGRATIONS)
        self._divide()

    @classmethod
    def for_reading(cls, path: Path) -> ManagementStore:
        """Open the database that a daemon may be writing, without changing anything.

        Raises:
            StoreError: it cannot be read.
        """
        store = cls.__new__(cls)
        store._database = Database.for_reading(path)
        store._divide()
        return store

    def _divide(self) -> None:
        self.accounts = Accounts(self._database)
        self.attempts = Attempts(self._database)
        self.audit = Audit(self._database)

    async def close(self) -> None:
        """Finish writing, and close."""
        await self._database.close()
