"""The files of VoDs: below ``streams`` of an application, or where its links lead."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from antmediad.errors import AntmediadError

STREAMS = "streams"
IMPORTED = ("mp4", "flv", "mkv", "m3u8")
MAX_FILES = 100_000
MAX_ENTRIES = 1_000_000
MAX_DEPTH = 64

# With a dot in front, so that it is never served.
_UNFINISHED = ".upload"


class TooManyFilesError(AntmediadError):
    """A directory holds more than one import takes."""


class NewFile:
    """A file below ``streams`` that is there only once it is whole, and its record is kept.

    It grows under another name.  That name goes last, so that whatever ends the process before
    leaves a trace: see `settle`.  The methods block; any thread may call them.
    """

    def __init__(self, streams: Path, name: str) -> None:
        self._path = streams / name
        self._growing = streams / f".{name}{_UNFINISHED}"
        self._lock = threading.Lock()
        self._handle = -1
        self._is_complete = False
        self._is_over = False
        self.size = 0

    def create(self, size: int | None) -> None:
        """Begin with an empty file.

        Args:
            size: how large it is going to be, at most, when that is known.

        Raises:
            OSError: that is not possible; also when the disk has no room for *size*.
        """
        self._path.parent.mkdir(exist_ok=True)
        with self._lock:
            if self._is_over:
                raise OSError("file was discarded")
            self._handle = self._grow()
            if size is not None:
                disk = os.fstatvfs(self._handle)
                if size > disk.f_bavail * disk.f_frsize:
                    raise OSError("not enough room on the disk")

    def _grow(self) -> int:
        """Return the new file, locked for as long as this process lives."""
        while True:
            handle = os.open(
                self._growing, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644
            )
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_at(handle, self._growing):
                return handle
            # Another process has taken it for one that was left, before it was locked.
            os.close(handle)

    def write(self, data: bytes | bytearray) -> None:
        """Append *data*.

        Raises:
            OSError: it could not be written, or the file was discarded meanwhile.
        """
        with self._lock, memoryview(data) as rest:
            done = 0
            while done < len(rest):
                done += os.write(self._handle, rest[done:])
            self.size += done

    def complete(self) -> None:
        """Give the file its name, once all of it is on the disk.

        Raises:
            OSError: that is not possible.
        """
        with self._lock:
            os.fsync(self._handle)
            try:
                os.link(self._growing, self._path)
            except FileExistsError:
                raise
            except OSError:
                # A file system without links.
                os.rename(self._growing, self._path)
            self._is_complete = True
            _flush_directory(self._path.parent)

    def keep(self) -> None:
        """Have done with it: its record is kept."""
        self._is_complete = False
        self.discard()

    def leave(self) -> None:
        """Leave everything to `settle`: whether its record is kept is not known."""
        with self._lock:
            self._close()

    def discard(self) -> None:
        """Remove every trace of it, if that was not done already."""
        with self._lock:
            self._is_over = True
            if self._handle < 0:
                return
            if self._is_complete:
                self._path.unlink(missing_ok=True)
            self._growing.unlink(missing_ok=True)
            self._close()

    def _close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def find_unfinished(streams: Path) -> list[str]:
    """Return the names of the files below *streams* that grow, or once did."""
    try:
        entries = os.listdir(streams)
    except OSError:
        return []
    return [
        entry[1 : -len(_UNFINISHED)]
        for entry in entries
        if entry.startswith(".") and entry.endswith(_UNFINISHED)
    ]


@contextmanager
def taken_over(streams: Path, name: str) -> Iterator[bool]:
    """Take over a file of `find_unfinished` that no living process has; tell whether it is ours.

    Meanwhile no other process does so: what is on record of it stays as it is.
    """
    growing = streams / f".{name}{_UNFINISHED}"
    try:
        handle = os.open(growing, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = _is_at(handle, growing)
        except OSError:
            is_ours = False
        yield is_ours
    finally:
        os.close(handle)


def settle(streams: Path, name: str, is_kept: bool) -> bool:
    """Remove what a process left that ended before it could `NewFile.keep` or `discard`.

    To be called within `taken_over`.

    Args:
        is_kept: whether the file's record is kept; if not, the file goes, too.

    Returns:
        Whether that was done.
    """
    try:
        if not is_kept:
            (streams / name).unlink(missing_ok=True)
        (streams / f".{name}{_UNFINISHED}").unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _is_at(handle: int, path: Path) -> bool:
    """Tell whether an open file is still the one that *path* names."""
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    here = os.fstat(handle)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def resolve(streams: Path, segments: Sequence[str], roots: Iterable[str]) -> Path | None:
    """Return the path without links of something below *streams*, whether or not it is there.

    None for hidden files, and for what is neither below *streams* nor, by a link, below one of
    *roots*.
    """
    if not segments or any(not name or name[0] == "." or "\0" in name for name in segments):
        return None
    path = os.path.realpath(streams.joinpath(*segments))
    for base in (str(streams), *roots):
        below = relative_to(path, os.path.realpath(base))
        if below:
            return None if any(name[0] == "." for name in below.split("/")) else Path(path)
    return None


def relative_to(path: str, base: str) -> str | None:
    """Return what leads from *base* to *path*, empty for itself; None if it is not below.

    Both are absolute and in normal form.
    """
    if path == base:
        return ""
    start = base if base.endswith("/") else f"{base}/"
    return path[len(start) :] if path.startswith(start) else None


def delete(directory: Path, file_path: str, roots: Iterable[str]) -> None:
    """Remove a VoD's file, if it is there, and its preview.

    Args:
        directory: the application's.
        file_path: the record's ``filePath``.

    Raises:
        OSError: the file cannot be removed.
    """
    first, *segments = file_path.split("/")
    if first != STREAMS or not segments:
        return
    path = resolve(directory / STREAMS, segments, roots)
    if path is not None:
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            pass
        (directory / "previews" / f"{Path(segments[-1]).stem}.png").unlink(missing_ok=True)


def remove_link(link: Path, target: Path) -> bool:
    """Remove *link* if it leads to *target*, which has no links itself.

    Returns:
        Whether nothing of another kind has its name.

    Raises:
        OSError: it cannot be removed.
    """
    if not os.path.lexists(link):
        return True
    if not link.is_symlink() or os.path.realpath(link) != str(target):
        return False
    link.unlink(missing_ok=True)
    return True


class Found(NamedTuple):
    """A file to import: its path below the directory, and its size in bytes."""

    path: str
    size: int


def scan(directory: Path) -> list[Found]:
    """Return the media files below *directory*, however deep, in a fixed order.

    Links and hidden files are passed over, and what cannot be read.

    Raises:
        TooManyFilesError: there are more than `MAX_FILES` of them, or `MAX_ENTRIES` of anything.
    """
    found = sorted(_scan(directory))
    if len(found) > MAX_FILES:
        raise TooManyFilesError(f"{directory} holds more than {MAX_FILES} media files")
    return found


def _scan(directory: Path) -> Iterator[Found]:
    waiting = [("", 0)]
    entries = 0
    while waiting:
        below, depth = waiting.pop()
        try:
            with os.scandir(directory / below) as listing:
                for entry in listing:
                    entries += 1
                    if entries > MAX_ENTRIES:
                        raise TooManyFilesError(f"{directory} holds more than {MAX_ENTRIES} files")
                    path = f"{below}{entry.name}"
                    if entry.name.startswith(".") or not _is_utf8(entry.name):
                        continue
                    if entry.is_dir(follow_symlinks=False) and depth < MAX_DEPTH:
                        waiting.append((f"{path}/", depth + 1))
                    elif _has_suffix(path) and entry.is_file(follow_symlinks=False):
                        with suppress(FileNotFoundError):
                            yield Found(path, entry.stat(follow_symlinks=False).st_size)
        except OSError:
            continue


def _has_suffix(path: str) -> bool:
    _, dot, suffix = path.rpartition(".")
    return bool(dot) and suffix in IMPORTED


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _flush_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
