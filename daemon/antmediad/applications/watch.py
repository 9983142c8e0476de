"""Reports changes of entries of directories, through the inotify bindings of watchdog.

watchdog's own observers start a thread for each directory and report no difference between a
file that is being written and one that has been; the daemon watches thousands of directories
and must know that difference, so it reads the events itself, on the event loop.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import logging
import os
import re
import struct
from collections.abc import Callable
from enum import Enum

from watchdog.observers.inotify_c import (
    InotifyConstants,
    inotify_add_watch,
    inotify_init,
    inotify_rm_watch,
)

logger = logging.getLogger(__name__)

# As much as is handled in one turn of the event loop: a few thousand events.
_BUFFER_BYTES = 64 * 1024
_EVENT = struct.Struct("iIII")

ANY = ""
"""In place of an entry's name: every entry of the directory."""


class Role(Enum):
    """What an entry of a directory is watched for."""

    STRUCTURE = 0
    """That it comes and goes; never that it is written, for it may be a video segment."""
    CONTENTS = 1
    """That it comes and goes, and is written."""


class Change(Enum):
    """What happened to an entry of a directory."""

    ENTRY = 0
    """It came, went, or got other permissions; or something of that happened to the directory."""
    WRITING = 1
    """Somebody writes it, and has not closed it yet."""
    WRITTEN = 2
    """Whoever wrote it has closed it, or it was moved here complete."""


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
# Added to what is watched already: a directory has one mask, whoever watches it.
_HOW = InotifyConstants.IN_ONLYDIR | InotifyConstants.IN_MASK_ADD
_COMPLETE = InotifyConstants.IN_CLOSE_WRITE | InotifyConstants.IN_MOVED_TO

Entry = tuple[int, str, Role]
"""What is watched: the number of a directory, the name in it, and what for."""

OnChange = Callable[[str, str, Change], None]
"""Takes the owner, the name of the entry (empty: the directory itself), and what happened."""


class Watch:
    """Entries of directories, each watched for one or more owners."""

    def __init__(self, on_change: OnChange, on_overflow: Callable[[], None]) -> None:
        """Report through *on_change*.

        *on_overflow* is called when the kernel dropped events: anything may have changed.

        Raises:
            OSError: inotify is not there, or its limits are reached.
        """
        self._on_change = on_change
        self._on_overflow = on_overflow
        self._owners: dict[int, dict[str, set[tuple[str, Role]]]] = {}
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
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            # The number may be another file's from now on.
            self._descriptor = -1
            self._owners.clear()

    def add(self, owner: str, directory: str, name: str, role: Role) -> Entry:
        """Watch the entry *name* of *directory*, which need not be there, or `ANY` entry.

        Raises:
            OSError: the directory cannot be watched.
        """
        number = int(
            inotify_add_watch(self._descriptor, os.fsencode(directory), _MASKS[role] | _HOW)
        )
        if number < 0:
            raise _os_error()
        self._owners.setdefault(number, {}).setdefault(name, set()).add((owner, role))
        return number, name, role

    def remove(self, owner: str, entry: Entry) -> None:
        """Stop watching what `add` returned, for *owner*."""
        number, name, role = entry
        by_name = self._owners.get(number, {})
        owners = by_name.get(name, set())
        owners.discard((owner, role))
        if not owners:
            by_name.pop(name, None)
        if not by_name and self._owners.pop(number, None) is not None:
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
        by_name = self._owners.get(number)
        if by_name is None:
            return
        if mask & InotifyConstants.IN_IGNORED:
            del self._owners[number]
            return
        if mask & _COMPLETE:
            change = Change.WRITTEN
        elif mask & InotifyConstants.IN_MODIFY:
            change = Change.WRITING
        else:
            change = Change.ENTRY
        if name:
            owners = {*by_name.get(name, ()), *by_name.get(ANY, ())}
        else:
            owners = {owner for entry in by_name.values() for owner in entry}
        for owner, role in owners:
            # Another owner may watch the same directory for what is written in it.
            if role is Role.CONTENTS or not mask & _WRITES:
                self._on_change(owner, name, change)


_LIMITS = {
    errno.ENOSPC: "limit of inotify watches reached (fs.inotify.max_user_watches)",
    errno.EMFILE: "limit of inotify instances reached (fs.inotify.max_user_instances)",
}


def _os_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, _LIMITS.get(number) or os.strerror(number))


# File systems whose changes on another machine raise no event here.
_REMOTE = (
    *(b"nfs", b"cifs", b"smb", b"9p", b"ceph", b"glusterfs", b"afs", b"lustre", b"beegfs"),
    *(b"gpfs", b"ocfs2", b"gfs2", b"virtiofs", b"vboxsf", b"prl_fs", b"fuse"),
)
_OCTAL = re.compile(rb"\\([0-7]{3})")


def is_remote(path: str, mounts: str = "/proc/self/mountinfo") -> bool:
    """Tell whether *path* is on a file system for which inotify tells only half.

    *mounts* is as described in proc_pid_mountinfo(5).
    """
    real = os.fsencode(os.path.realpath(path)) + b"/"
    longest, kind = 0, b""
    try:
        with open(mounts, "rb") as lines:
            for line in lines:
                before, _, after = line.partition(b" - ")
                point = _OCTAL.sub(lambda found: bytes([int(found[1], 8)]), before.split(b" ")[4])
                # The last of several mounts on one point hides the others.
                if real.startswith(point.rstrip(b"/") + b"/") and len(point) >= longest:
                    longest, kind = len(point), after.split(b" ")[0]
    except (OSError, IndexError, ValueError):
        return False
    return kind.startswith(_REMOTE)
