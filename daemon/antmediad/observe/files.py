"""Files of log lines: of bounded size, and never in the way of what is logged."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 10 * 1024 * 1024
KEPT = 5
MODE = 0o640
DIRECTORY_MODE = 0o750
RETRY_S = 5.0
"""How long nothing is tried after a write failed."""


class LogFile:
    """A file that lines are appended to, by one thread.

    At `MAX_BYTES` it becomes ``NAME.1``, and a new one begins.  When another program has moved
    it away, the next line begins a new one as well.  What cannot be written is lost: that is
    told once, and how much it was when writing works again.

    Args:
        tell: called with what an operator has to know, as the methods of a logger are.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        path: Path,
        tell: Callable[..., None],
        *,
        max_bytes: int = MAX_BYTES,
        kept: int = KEPT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self._tell = tell
        self._max_bytes = max_bytes
        self._kept = kept
        self._clock = clock
        self._handle = -1
        self._retry_at = 0.0
        self._lost = 0
        self._is_failing = False
        self._is_torn = False

    def write(self, lines: bytes, count: int = 1) -> None:
        """Append *lines*, *count* of them, each with its newline; never raises OSError."""
        if self._is_failing and self._clock() < self._retry_at:
            self._lost += count
            return
        try:
            self._append(lines)
        except OSError as error:
            self._fail(error, count)
            return
        if self._is_failing:
            lost, self._lost, self._is_failing = self._lost, 0, False
            self._tell("log file written again: file=%s lost=%d", self.path, lost)

    def retry(self) -> None:
        """Try again with the next line, however short ago it failed; for any thread."""
        self._retry_at = 0.0

    def close(self) -> None:
        """Close the file; the next line would open it again."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _append(self, lines: bytes) -> None:
        size = self._open()
        if size and size + len(lines) > self._max_bytes and self._rotate():
            size = self._open()
        if self._is_torn and size:
            lines = b"\n" + lines
        while lines:
            # A disk that becomes full takes a part; what comes later begins a line of its own.
            self._is_torn = True
            lines = lines[os.write(self._handle, lines) :]
        self._is_torn = False

    def _open(self) -> int:
        """Have the file open that is at the path now, and return its size."""
        if self._handle >= 0:
            with suppress(FileNotFoundError):
                there = os.stat(self.path)
                here = os.fstat(self._handle)
                if (there.st_ino, there.st_dev) == (here.st_ino, here.st_dev):
                    return here.st_size
            self.close()
        with suppress(FileExistsError):
            os.mkdir(self.path.parent, DIRECTORY_MODE)
        # Not blocking: at the path may be a pipe that nobody reads.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        handle = os.open(self.path, flags, MODE)
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            os.close(handle)
            raise OSError(errno.EINVAL, "is no regular file")
        self._handle = handle
        return status.st_size

    def _rotate(self) -> bool:
        """Begin a new file, and tell whether that was possible."""
        try:
            # Of two processes that write to it, one is to do this.  The lock ends with the handle.
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            here, there = os.fstat(self._handle), os.stat(self.path)
            if here.st_ino == there.st_ino:
                names = [str(self.path), *(f"{self.path}.{n}" for n in range(1, self._kept + 1))]
                for older, newer in zip(names[:0:-1], names[-2::-1], strict=True):
                    with suppress(FileNotFoundError):
                        os.replace(newer, older)
        except OSError:
            # Better a file that is too long than lines that are lost.
            return False
        self.close()
        return True

    def _fail(self, error: OSError, count: int) -> None:
        with suppress(OSError):
            self.close()
        self._lost += count
        self._retry_at = self._clock() + RETRY_S
        if not self._is_failing:
            self._is_failing = True
            reason = error.strerror or error
            self._tell("log file not written: file=%s error=%s", self.path, reason)


class LogFileHandler(logging.Handler):
    """Writes records to a `LogFile`."""

    def __init__(self, file: LogFile, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.file = file

    def emit(self, record: logging.LogRecord) -> None:
        """Append the record's line."""
        try:
            line = self.format(record)
        except Exception:
            self.handleError(record)
            return
        self.file.write(f"{line}\n".encode(errors="backslashreplace"))

    def close(self) -> None:
        """Close the file."""
        self.file.close()
        super().close()
