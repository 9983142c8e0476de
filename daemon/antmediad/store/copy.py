"""Copies databases that are in use."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from antmediad.errors import StoreError


def copy_database(source: Path, target: Path) -> None:
    """Make *target* a copy of *source* as it is at one moment, whoever writes to it meanwhile.

    By the online backup of SQLite; in one step, so that a writer neither waits nor makes it begin
    anew.  The copy is one file, without a log beside it.

    Raises:
        StoreError: *source* is no database or cannot be read, or there is no room for the copy.
    """
    target.touch(mode=0o600, exist_ok=False)
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as before,
            closing(sqlite3.connect(target, isolation_level=None)) as after,
        ):
            before.backup(after)
            after.execute("PRAGMA journal_mode = DELETE").fetchall()
            after.execute("PRAGMA user_version").fetchall()
    except sqlite3.Error as error:
        raise StoreError(f"cannot copy {source}: {error}") from error
