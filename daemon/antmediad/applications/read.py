"""Reads files that others write, and may be writing at this moment."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Mapping
from pathlib import Path

MAX_PROPERTIES_BYTES = 16 * 1024 * 1024
MAX_REFERENCE_BYTES = 64 * 1024
_ATTEMPTS = 3

_STEP_NS = 2_000_000_000

Signature = tuple[int, ...]

UNSETTLED: Signature = ()
"""Equals the signature of no file: it has to be read to know whether it changed."""


def read_file(path: Path, max_bytes: int = MAX_PROPERTIES_BYTES) -> tuple[bytes, Signature]:
    """Return the bytes of *path*, and what tells this state of the file from another.

    Raises:
        OSError: it cannot be read, is no regular file, or has more than *max_bytes*.
    """
    # Opening a device may already do something.
    _check_kind(os.stat(path), max_bytes)
    # Without O_NONBLOCK, opening a FIFO waits for somebody to write to it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        for _ in range(_ATTEMPTS):
            before = os.fstat(descriptor)
            _check_kind(before, max_bytes)
            content = os.pread(descriptor, before.st_size + 1, 0)
            after = os.fstat(descriptor)
            if signature_of(before) == signature_of(after) and len(content) == after.st_size:
                return content, signature_of(after)
        raise OSError("still being written")
    finally:
        os.close(descriptor)


def _check_kind(status: os.stat_result, max_bytes: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError("not a regular file")
    if status.st_size > max_bytes:
        raise OSError(f"larger than {max_bytes} bytes")


def signature_of(status: os.stat_result) -> Signature:
    """Return what changes with every change of a file; its time of change cannot be set."""
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def stat_signature(path: Path) -> Signature:
    """Return the signature of *path* as it is now; what is not there has one, too."""
    try:
        return signature_of(os.stat(path))
    except OSError as error:
        return (error.errno or -1,)


def settled(signature: Signature) -> Signature:
    """Return *signature* to compare with later, or `UNSETTLED` when the file is too young for it.

    File systems keep times in steps (of 4 ms, of 2 s): a change right after this one may leave
    the same signature.
    """
    changed_ns = signature[-1] if len(signature) > 1 else 0
    return signature if changed_ns < time.time_ns() - _STEP_NS else UNSETTLED


class References:
    """Resolves ``${env:...}``, ``${file:...}`` and ``${credential:...}`` of one properties file.

    Attributes:
        environment: where ``${env:...}`` is looked up.
        files: what was read, with settled signatures; a change of one is a change of the settings.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        """Resolve relative paths from *directory*, that of the properties file."""
        self.files: dict[Path, Signature] = {}
        self.environment = environment
        self._directory = directory

    def resolve(self, kind: str, name: str) -> str:
        """Return the text that a reference stands for, without the line end of its last line.

        Raises:
            LookupError: there is no such variable or credential.
            OSError, UnicodeError: the file cannot be read, or is not UTF-8.
        """
        if kind == "env":
            return self.environment[name]
        if kind == "file":
            path = self._directory / name
        else:
            if not re.fullmatch(r"[\w.-]+", name, re.ASCII) or name in (".", ".."):
                raise LookupError(name)
            path = Path(self.environment["CREDENTIALS_DIRECTORY"]) / name
        # Noted before it is read: a file that is missing now may come.
        self.files[path] = settled(stat_signature(path))
        try:
            content, signature = read_file(path, MAX_REFERENCE_BYTES)
        except FileNotFoundError:
            raise
        except OSError:
            # Perhaps only for the moment, as without a free descriptor: worth another try.
            self.files[path] = UNSETTLED
            raise
        self.files[path] = settled(signature)
        return re.sub(r"\r?\n\Z", "", content.decode())
