"""Reports changes in directories, through the inotify bindings of watchdog.

watchdog's own observers start a thread for each directory and report no difference between a
file that is being written and one that has been; the daemon watches thousands of directories
and must know that difference, so it reads the events itself, on the event loop.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import struct
from collections import defaultdict
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

from watchdog.observers.inotify_c import (
    InotifyConstants,
    inotify_add_watch,
    inotify_init,
    inotify_rm_watch,
)

logger = logging.getLogger(__name__)

_BUFFER_BYTES = 256 * 1024
_EVENT = struct.Struct("iIII")


class Role(Enum):
    """What a directory is watched for."""

    STRUCTURE = 0
    """Entries that come and go; never the writing of a file, which may be a video segment."""
    CONTENTS = 1
    """Entries that come and go, and are written."""


class Change(Enum):
    """What happened to an entry of a directory."""

    ENTRY = 0
    """It came, went, was renamed, or got other permissions."""
    WRITING = 1
    """Somebody writes it, and has not closed it yet."""
    WRITTEN = 2
    """Whoever wrote it has closed it."""


_ENTRIES = (
    InotifyConstants.IN_CREATE
    | InotifyConstants.IN_DELETE
    | InotifyConstants.IN_MOVED_FROM
    | InotifyConstants.IN_MOVED_TO
    | InotifyConstants.IN_ATTRIB
    | InotifyConstants.IN_DELETE_SELF
    | InotifyConstants.IN_MOVE_SELF
)
# Not "opened" and not "closed without writing": reading a file raises those, so a reload that
# reads it would report a change to itself, for ever.
_WRITES = InotifyConstants.IN_MODIFY | InotifyConstants.IN_CLOSE_WRITE
_MASKS = {Role.STRUCTURE: _ENTRIES, Role.CONTENTS: _ENTRIES | _WRITES}

OnChange = Callable[[str, Role, str, Change], None]


class Watch:
    """Directories, each watched for one or more owners."""

    def __init__(self, on_change: OnChange, on_overflow: Callable[[], None]) -> None:
        """Report through *on_change* (owner, role, name of the entry, what happened).

        *on_overflow* is called when the kernel dropped events: anything may have changed.

        Raises:
            OSError: inotify is not there, or its limits are reached.
        """
        self._on_change = on_change
        self._on_overflow = on_overflow
        self._owners: defaultdict[int, set[tuple[str, Role]]] = defaultdict(set)
        self._descriptor: int = inotify_init()
        if self._descriptor < 0:
            raise _os_error()
        os.set_blocking(self._descriptor, False)
        os.set_inheritable(self._descriptor, False)

    def start(self) -> None:
        """Begin to report, on the running event loop."""
        asyncio.get_running_loop().add_reader(self._descriptor, self._read)

    def close(self) -> None:
        """Stop reporting."""
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)

    def add(self, owner: str, directory: Path, role: Role) -> int:
        """Watch *directory* for *owner*, and return the number of the watch.

        A directory has one number, under whatever name and for however many owners.

        Raises:
            OSError: it cannot be watched.
        """
        mask = _MASKS[role] | InotifyConstants.IN_ONLYDIR | InotifyConstants.IN_MASK_ADD
        number = int(inotify_add_watch(self._descriptor, os.fsencode(directory), mask))  # type: ignore[arg-type]
        if number < 0:
            raise _os_error()
        self._owners[number].add((owner, role))
        return number

    def remove(self, owner: str, number: int) -> None:
        """Stop watching for *owner*."""
        remaining = {entry for entry in self._owners.pop(number, ()) if entry[0] != owner}
        if remaining:
            self._owners[number] = remaining
        else:
            # Fails when the directory is gone, and its watch with it.
            inotify_rm_watch(self._descriptor, number)  # type: ignore[arg-type]

    def _read(self) -> None:
        try:
            events = os.read(self._descriptor, _BUFFER_BYTES)
        except BlockingIOError:
            return
        position = 0
        while position < len(events):
            number, mask, _, length = _EVENT.unpack_from(events, position)
            position += _EVENT.size
            name = os.fsdecode(events[position : position + length].rstrip(b"\0"))
            position += length
            self._report(number, mask, name)

    def _report(self, number: int, mask: int, name: str) -> None:
        if mask & InotifyConstants.IN_Q_OVERFLOW:
            logger.warning("events lost: the queue of inotify overflowed, looking at everything")
            self._on_overflow()
            return
        if mask & InotifyConstants.IN_IGNORED:
            self._owners.pop(number, None)
            return
        if mask & InotifyConstants.IN_CLOSE_WRITE:
            change = Change.WRITTEN
        elif mask & InotifyConstants.IN_MODIFY:
            change = Change.WRITING
        else:
            change = Change.ENTRY
        for owner, role in tuple(self._owners.get(number, ())):
            self._on_change(owner, role, name, change)


def _os_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


# File systems whose changes on another machine raise no event here.
_REMOTE = ("nfs", "cifs", "smb", "9p", "ceph", "glusterfs", "afs", "lustre", "virtiofs", "fuse")


def is_remote(path: Path, mounts: str = "/proc/self/mountinfo") -> bool:
    """Tell whether *path* is on a file system for which inotify tells only half."""
    found: Any = ("", "")
    real = os.path.realpath(path)
    try:
        with open(mounts, encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                before, _, after = line.partition(" - ")
                point = before.split(" ")[4].encode().decode("unicode_escape")
                inside = point == "/" or real == point or real.startswith(point + "/")
                if inside and len(point) >= len(found[0]):
                    found = (point, after.split(" ")[0])
    except (OSError, IndexError, ValueError):
        return False
    return bool(found[1].startswith(_REMOTE))
