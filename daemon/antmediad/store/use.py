"""Who has a database open: a lock beside it, which ends with the process at the latest."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from antmediad.errors import StoreError

SUFFIX = ".use"


class Use:
    """The use of one database by one process; one in memory is used by nobody else.

    Not a lock on the database itself: closing any other handle of that file would drop SQLite's.

    Attributes:
        is_first: whether nobody else uses it, and nobody can begin to until `share`.
    """

    def __init__(self, path: Path | None) -> None:
        """Begin to use the database at *path*, once those who are opening it have done so.

        Raises:
            StoreError: the file of the lock cannot be made.
        """
        self._handle = -1
        self.is_first = True
        if path is None:
            return
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self._handle = os.open(path.with_name(path.name + SUFFIX), flags, 0o600)
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                fcntl.flock(self._handle, fcntl.LOCK_SH)
                self.is_first = False
        except OSError as error:
            self.end()
            raise StoreError(f"cannot use {path}: {error}") from error

    def share(self) -> None:
        """Let others use it, too."""
        if self._handle >= 0:
            fcntl.flock(self._handle, fcntl.LOCK_SH)

    def end(self) -> None:
        """Use it no longer."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
