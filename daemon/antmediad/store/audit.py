"""The audit log: who did what, from where, and whether it succeeded."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from antmediad.store.database import Database

MAX_TEXT_CHARS = 1000
"""Of each text of an entry; what is longer is cut, so that no request can fill the disk fast."""

_COLUMNS = "at, actor, source, address, action, target, success, detail"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that was done, or refused.

    Attributes:
        at: seconds since 1970.
        actor: an e-mail, ``token:SUB``, ``cli:USER``; empty when nobody is known.
        source: ``panel``, ``api``, ``cli``, ``file``.
        address: of the client; empty without one.
        action: such as ``login``, ``login refused``, ``user created``, ``settings changed``.
        target: an application or an e-mail.
        detail: what else is to be known.  Never a secret: whoever makes the entry sees to it.
        id: given by the log, rising from 1.
    """

    at: float
    actor: str
    source: str
    action: str
    target: str
    success: bool
    address: str = ""
    detail: str = ""
    id: int = 0


class Audit:
    """Entries can be added and read; the database itself refuses to change or remove one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, entry: AuditEntry) -> None:
        """Add *entry*, with an id of the log's own.

        Raises:
            StoreError: it cannot be written.
        """
        row = (
            entry.at,
            *map(_bounded, (entry.actor, entry.source, entry.address, entry.action, entry.target)),
            entry.success,
            _bounded(entry.detail),
        )

        def record(connection: sqlite3.Connection) -> None:
            connection.execute(
                f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                row,
            )

        await self._database.write(record)

    def entries(self, offset: int, size: int, target: str | None = None) -> list[AuditEntry]:
        """Return *size* entries after the *offset* newest ones, the newest first.

        Args:
            target: only those about it; None for all.

        Raises:
            StoreError: the log cannot be read.
        """
        where, values = ("", ()) if target is None else ("WHERE target = ?", (_bounded(target),))
        rows = self._database.read(
            f"SELECT id, {_COLUMNS} FROM audit {where}"  # noqa: S608 - constants
            " ORDER BY id DESC LIMIT ? OFFSET ?",
            # For SQLite, a limit below 0 is none.
            (*values, max(size, 0), max(offset, 0)),
        )
        return [_entry(row) for row in rows]

    def count(self, target: str | None = None) -> int:
        """Return the number of entries, of all or about *target*."""
        where, values = ("", ()) if target is None else ("WHERE target = ?", (_bounded(target),))
        rows = self._database.read(f"SELECT count(*) FROM audit {where}", values)  # noqa: S608
        return int(rows[0][0])


def _bounded(text: str) -> str:
    return text[:MAX_TEXT_CHARS].encode(errors="backslashreplace").decode()


def _entry(row: tuple[int, float, str, str, str, str, str, int, str]) -> AuditEntry:
    number, at, actor, source, address, action, target, success, detail = row
    return AuditEntry(
        id=number,
        at=at,
        actor=actor,
        source=source,
        address=address,
        action=action,
        target=target,
        success=bool(success),
        detail=detail,
    )
