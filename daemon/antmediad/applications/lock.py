"""The lock that keeps a second daemon, or a restore, off a home that is served."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from antmediad.applications.write import turn
from antmediad.errors import HomeInUseError, SettingsWriteError

LOCK_NAME: Final = "lock"
"""In the directory of the data."""
BEGIN_WITHIN_S: Final = 5.0
"""How long to wait for another process that begins to serve, or restores."""


@contextmanager
def begin(root: Path) -> Iterator[None]:
    """Be the only one to look at what a restore left, and to take the lock, below *root*.

    Raises:
        HomeInUseError: another process is at it, and stays at it.
        OSError: that cannot be found out.
    """
    with ExitStack() as held:
        try:
            held.enter_context(turn(root, BEGIN_WITHIN_S))
        except SettingsWriteError:
            raise HomeInUseError(
                f"{root}: is being restored by another antmediad; expected that to be over"
            ) from None
        yield


class Lock:
    """Held by one process at a time; the kernel's, so that it ends with its process.

    A process made by `os.fork` holds it together with its parent.
    """

    def __init__(self, data: Path) -> None:
        """Take the lock of the home whose data is in *data*, a directory made when missing.

        Raises:
            HomeInUseError: another process has it.
            OSError: that cannot be found out.
        """
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Open for writing: where locks go over a network, an exclusive one needs that.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._handle = os.open(data / LOCK_NAME, flags, 0o600)
        try:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                    raise
                pid = os.pread(self._handle, 20, 0).decode("ascii", "replace").strip()
                by = f" (process {pid})" if pid.isdigit() else ""
                raise HomeInUseError(
                    f"{data}: is in use by another antmediad{by}; expected that one to be stopped,"
                    " or another directory"
                ) from None
            # For whoever is refused; without room for it the lock is as good.
            with suppress(OSError):
                os.ftruncate(self._handle, 0)
                os.pwrite(self._handle, b"%d\n" % os.getpid(), 0)
        except BaseException:
            os.close(self._handle)
            raise

    def fileno(self) -> int:
        """Return the handle; a process that inherits it holds the lock as well."""
        return self._handle

    def release(self) -> None:
        """Let another process have it."""
        os.close(self._handle)
