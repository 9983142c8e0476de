"""Puts a backup in the place of what a home holds: all of it, or nothing.

Everything is written beside what it replaces, and then takes its place by renaming.  A journal
says what belongs where, from before the first change until after the last one; whatever ends the
process in between, the next start of a daemon or of a restore puts the old home back.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from antmediad.applications.archive import DATA, HOME, MANIFEST, Manifest, members, verify
from antmediad.applications.build import flush_directory
from antmediad.applications.home import Home
from antmediad.applications.lock import LOCK_NAME, Lock, begin
from antmediad.errors import BackupError

logger = logging.getLogger(__name__)

JOURNAL: Final = ".restore.json"
_GROWING: Final = ".restore.json.new"
_FINISHED: Final = ".restored.json"
_BESIDE = re.compile(r"\.[0-9a-f]{16}\.\d+\.(?:restored|replaced)")


@dataclass(frozen=True, slots=True)
class _Swap:
    """What takes the place of something: *staged* becomes *target*, which becomes *kept*."""

    target: Path
    staged: Path
    kept: Path

    def make(self) -> None:
        if os.path.lexists(self.target):
            os.rename(self.target, self.kept)
        os.rename(self.staged, self.target)

    def undo(self) -> None:
        """Put back what was there, however far `make` came."""
        if os.path.lexists(self.kept):
            if os.path.lexists(self.target):
                os.rename(self.target, self.staged)
            os.rename(self.kept, self.target)
        elif not os.path.lexists(self.staged):
            # It was put where nothing was before; or was not written yet.
            _remove(self.target)
        _remove(self.staged)


@dataclass(slots=True)
class _Journal:
    """What a restore does.

    Attributes:
        is_new: for each swap whether nothing is in its place before.
        directories: those that it makes, from the top down.
    """

    swaps: list[_Swap]
    is_new: list[bool]
    directories: list[Path] = field(default_factory=list)

    def undo(self) -> None:
        for swap, is_new in reversed(list(zip(self.swaps, self.is_new, strict=True))):
            if is_new or os.path.lexists(swap.kept):
                swap.undo()
            else:
                _remove(swap.staged)
        _remove_empty(self.directories)

    def write(self, path: Path) -> None:
        text = json.dumps(
            {
                "version": 1,
                "swaps": [
                    [str(swap.target), swap.staged.name, swap.kept.name, is_new]
                    for swap, is_new in zip(self.swaps, self.is_new, strict=True)
                ],
                "directories": [str(directory) for directory in self.directories],
            }
        )
        new = path.with_name(_GROWING)
        try:
            _write(new, [text.encode()], 0o600)
            os.rename(new, path)
            flush_directory(path.parent)
        except BaseException:
            for one in (new, path):
                with suppress(OSError):
                    os.unlink(one)
            raise


def restore_backup(
    home: Home, file: BinaryIO, *, force: bool = False, data_only: bool = False
) -> Manifest:
    """Put what the archive in *file* holds in the place of what *home* holds.

    The data is replaced as a whole, other files one by one; what the archive does not have, such
    as other applications and their videos, stays.  Owners stay; what is new belongs to whoever
    has the directory that it is in.  *file* must be seekable.

    Args:
        force: also when there is something in the home.
        data_only: replace the data, and nothing else.

    Raises:
        BackupError: the archive cannot be used, or the home is not empty; nothing was changed.
        HomeInUseError: a daemon serves the home.
        OSError: something cannot be written; the home is as it was.
    """
    root = home.own or home.path
    manifest = verify(file)
    file.seek(0)
    made = _make_directories([home.path, root])
    try:
        _check_room(root, manifest)
        with begin(root):
            _undo_unfinished(home)
            made += _make_directories([home.data], 0o700)
            lock = Lock(home.data)
            try:
                _give(home.data / LOCK_NAME, os.stat(home.data))
                if not force and not _is_empty(home):
                    raise BackupError(
                        f"{home.path}: holds something; expected an empty or a new directory, or"
                        " --force to replace it"
                    )
                wanted = [path for path in manifest.entries if not data_only or _is_data(path)]
                _replace(home, wanted, manifest, file)
            finally:
                lock.release()
    except BaseException:
        with suppress(OSError):
            if home.data in made:
                os.unlink(home.data / LOCK_NAME)
        _remove_empty(made)
        raise
    return manifest


def lock_to_serve(home: Home) -> Lock:
    """Take the lock of a home, once the old one is put back if a restore was interrupted.

    Raises:
        HomeInUseError: another process has it.
        BackupError: an interrupted restore cannot be undone.
        OSError: no lock can be had.
    """
    root = home.own or home.path
    with begin(root):
        try:
            if _undo_unfinished(home):
                logger.warning("interrupted restore undone: home=%s", home.path)
        except OSError as error:
            raise BackupError(
                f"{error.filename or root}: an interrupted restore cannot be undone"
                f" ({error.strerror or error}); run the restore again"
            ) from error
        return Lock(home.data)


def _undo_unfinished(home: Home) -> bool:
    """Put the old home back, if a restore did not come to its end; tell whether that was so."""
    root = home.own or home.path
    with suppress(FileNotFoundError):
        # A journal that was not written to its end: nothing else was begun.
        os.unlink(root / _GROWING)
    if os.path.lexists(root / _FINISHED):
        _tidy_up(root, _read_journal(home, root / _FINISHED))
    if not os.path.lexists(root / JOURNAL):
        return False
    journal = _read_journal(home, root / JOURNAL)
    journal.undo()
    os.unlink(root / JOURNAL)
    return True


def _replace(home: Home, paths: Sequence[str], manifest: Manifest, file: BinaryIO) -> None:
    root = home.own or home.path
    mark = secrets.token_hex(8)

    def swap_of(target: Path, number: int) -> _Swap:
        beside = target.parent / f".{mark}.{number}"
        return _Swap(target, Path(f"{beside}.restored"), Path(f"{beside}.replaced"))

    swaps = {DATA: swap_of(home.data, 0)}
    for number, path in enumerate(paths, 1):
        if not _is_data(path):
            swaps[path] = swap_of(home.path / path.removeprefix(HOME), number)
    parents = {swap.target.parent for swap in swaps.values()}
    for parent in parents:
        _check_links(home.path, parent)
    journal = _Journal(
        list(swaps.values()),
        [not os.path.lexists(swap.target) for swap in swaps.values()],
        _missing(parents),
    )
    journal.write(root / JOURNAL)
    try:
        _make_directories(parents)
        _stage(swaps, manifest, file)
        for swap in journal.swaps:
            swap.make()
        for parent in parents:
            flush_directory(parent)
        os.rename(root / JOURNAL, root / _FINISHED)
        flush_directory(root)
    except BaseException:
        if not os.path.lexists(root / _FINISHED):
            journal.undo()
            os.unlink(root / JOURNAL)
        raise
    _tidy_up(root, journal)


def _stage(swaps: dict[str, _Swap], manifest: Manifest, file: BinaryIO) -> None:
    """Write everything beside its place, durably."""
    data = swaps[DATA]
    data.staged.mkdir(mode=0o700)
    owner = os.stat(data.target)
    _give(data.staged, owner)
    directories = {data.staged}
    for member in members(file):
        entry = manifest.entries.get(member.path)
        if member.path == MANIFEST:
            continue
        if entry is None:
            raise BackupError("changed while it was read")
        if _is_data(member.path):
            staged = data.staged / member.path.removeprefix(DATA)
            directories.update(_make_directories([staged.parent], 0o700))
            _write(staged, member, 0o600)
            _give(staged, owner)
        elif member.path in swaps:
            swap = swaps[member.path]
            _write(swap.staged, member, entry.mode)
            is_there = os.path.lexists(swap.target)
            _give(swap.staged, os.lstat(swap.target) if is_there else os.stat(swap.target.parent))
        else:
            continue
        member.check(entry)
    for directory in directories:
        flush_directory(directory)


def _write(path: Path, chunks: Iterable[bytes], mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o600), "wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def _give(path: Path, like: os.stat_result) -> None:
    """As root, give *path* to whoever has *like*."""
    if os.geteuid() == 0:
        os.chown(path, like.st_uid, like.st_gid, follow_symlinks=False)


def _is_data(path: str) -> bool:
    return path.startswith(DATA)


def _missing(directories: Iterable[Path]) -> list[Path]:
    """Return what has to be made for *directories* to be there, from the top down."""
    missing = set()
    for directory in directories:
        while not os.path.lexists(directory):
            missing.add(directory)
            directory = directory.parent
    return sorted(missing)


def _make_directories(directories: Iterable[Path], mode: int = 0o755) -> list[Path]:
    """Make *directories*, and return those that were made, from the top down."""
    made = _missing(directories)
    for directory in made:
        directory.mkdir(mode=mode)
        _give(directory, os.stat(directory.parent))
    return made


def _remove_empty(directories: Sequence[Path]) -> None:
    """Remove those of *directories*, in the order in which they were made, that hold nothing."""
    for directory in reversed(directories):
        with suppress(OSError):
            os.rmdir(directory)


def _check_links(top: Path, directory: Path) -> None:
    """Check that no link of somebody else leads root out of the home."""
    if os.geteuid() != 0:
        return
    while directory not in (top, directory.parent):
        if directory.is_symlink() and os.lstat(directory).st_uid != 0:
            raise BackupError(
                f"{directory}: is a link that is not root's; expected a directory, or the command"
                " to be run as the daemon's user"
            )
        directory = directory.parent


def _check_room(root: Path, manifest: Manifest) -> None:
    disk = os.statvfs(root)
    room = disk.f_bavail * disk.f_frsize
    if manifest.size > room:
        raise BackupError(f"{root}: {manifest.size} bytes are needed, and there is room for {room}")


def _is_empty(home: Home) -> bool:
    """Tell whether there is nothing in the home, and no data, but the lock that we hold."""
    names = set(os.listdir(home.path))
    if home.own is None:
        names.discard(home.data.name)
    return not names and not set(os.listdir(home.data)) - {LOCK_NAME}


def _tidy_up(root: Path, journal: _Journal) -> None:
    """Remove what was replaced, after a restore that came to its end."""
    for swap in journal.swaps:
        _remove(swap.kept)
    os.unlink(root / _FINISHED)


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            os.unlink(path)
    except FileNotFoundError:
        pass


def _read_journal(home: Home, path: Path) -> _Journal:
    """Return the journal at *path*, of which only what a restore does is believed."""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        text = file.read()
    unusable = BackupError(f"{path}: is no journal of a restore; expected it to be removed")
    tops = (home.path, home.own or home.path)
    try:
        value = json.loads(text)
        journal = _Journal([], [], [Path(one) for one in value["directories"]])
        for target, staged, kept, is_new in value["swaps"]:
            place = Path(target)
            if not _BESIDE.fullmatch(staged) or not _BESIDE.fullmatch(kept):
                raise unusable
            journal.swaps.append(_Swap(place, place.parent / staged, place.parent / kept))
            journal.is_new.append(bool(is_new))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise unusable from None
    places = [*journal.directories, *(swap.target for swap in journal.swaps)]
    for place in places:
        if ".." in place.parts or not any(place.is_relative_to(top) for top in tops):
            raise unusable
        _check_links(home.path, place.parent)
    return journal
