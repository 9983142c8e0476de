"""Writes properties files: in place, checked before, whole or not at all, one writer at a time."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import pwd
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from antmediad.applications.read import Signature, read_file, signature_of
from antmediad.errors import Problem, SettingsConflictError, SettingsError, SettingsWriteError
from antmediad.properties.editor import edit, split_lines
from antmediad.settings.schema import APPLICATION_SPELLINGS
from antmediad.settings.setting import Setting, Spellings

NO_FILE: Final = ""
"""In place of a digest: there is no file."""
NEW_MODE: Final = 0o640
"""Of a file that is new: it may hold secrets, and a group of administrators may read it."""
WAIT_S: Final = 10.0
"""For how long a writer waits for its turn."""
_TRY_AGAIN_S: Final = 0.01

Check = Callable[[bytes], Sequence[Problem]]


def digest_of(content: bytes) -> str:
    """Return what identifies a version of a file: its SHA-256, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def edit_settings(
    content: bytes,
    changes: Mapping[str, str | None],
    spellings: Spellings = APPLICATION_SPELLINGS,
) -> bytes:
    """Return a properties file with some of its settings changed, and nothing else.

    Args:
        changes: new values as a file has them before escaping, None for the default.  Keys may
            be in any spelling, and such that no setting has.
        spellings: the settings that such a file has; by default an application's.

    Raises:
        SettingsError: the change cannot be made; a problem names the key.
    """
    by_key: dict[str, str | None] = {}
    for spelling, value in changes.items():
        for key in keys_of(spelling, spellings):
            if by_key.setdefault(key, value) != value:
                raise _refused("expected one value, not two of two spellings", spelling)
    standing = {line.key for line in split_lines(content)}
    for key, value in tuple(by_key.items()):
        for shared in _spellings_of(key, spellings, shared=True):
            # Of itself, the line of a value comes before one that is shared.
            if (value and value.strip()) or shared not in standing:
                continue
            others = [one.key for one in spellings[shared] if one.key != key]
            if not all(other in by_key for other in others):
                raise _refused(
                    f"{shared} stands for it and for {', '.join(others)}; expected a value, or"
                    " both to be unset",
                    key,
                )
            by_key[shared] = None
    # Of its own spellings only: no line that stands for another setting too is changed.
    return edit(content, by_key, lambda key: _spellings_of(key, spellings, shared=False) or (key,))


def keys_of(spelling: str, spellings: Spellings = APPLICATION_SPELLINGS) -> tuple[str, ...]:
    """Return the current keys of the settings that a spelling stands for, else itself."""
    return tuple(one.key for one in spellings.get(spelling, ())) or (spelling,)


def _spellings_of(key: str, spellings: Spellings, *, shared: bool) -> tuple[str, ...]:
    """Return the spellings of a setting: those that are its own, or those that are shared."""
    declared = _declared(key, spellings)
    of_setting = declared.spellings if declared is not None else ()
    return tuple(one for one in of_setting if (len(spellings[one]) > 1) == shared)


def _declared(key: str, spellings: Spellings) -> Setting | None:
    return next((one for one in spellings.get(key, ()) if one.key == key), None)


def check_change(before: bytes, after: bytes, check: Check) -> tuple[Problem, ...]:
    """Return what is odd about *after*, once nothing forbids to write it in place of *before*.

    Errors that *before* has too, on lines that stay, forbid nothing: whoever mends a file may do
    it in steps, and a credential of the service cannot be read by everyone who changes settings.

    Args:
        check: returns what is wrong with a file; `Registry.check` with a name.

    Raises:
        SettingsError: the daemon would refuse the change; the problems name keys and lines.
    """
    problems = check(after)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        known = {(p.key, p.message) for p in check(before) if p.severity == "error"}
        changed = changed_keys(before, after)
        new = [p for p in errors if p.key in changed or (p.key, p.message) not in known]
        if new:
            raise SettingsError(tuple(new))
    return tuple(problems)


def changed_keys(before: bytes, after: bytes) -> set[str]:
    """Return the keys, as spelled in the files, whose values differ between two versions."""
    old, new = (
        {
            line.key: line.raw if line.value is None else line.value
            for line in split_lines(one)
            if line.key is not None
        }
        for one in (before, after)
    )
    return {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}


def write_settings(
    path: Path, content: bytes, expected_digest: str, *, wait_s: float = WAIT_S
) -> None:
    """Replace a properties file by *content*, atomically and durably.

    Mode, owner and access list stay; of a symbolic link, what it leads to is replaced.  After a
    crash the file is the old one or the new one, and what is left beside it is removed by the
    next writer.  Blocks; a server calls it on a thread.

    Args:
        expected_digest: of the file that is to be replaced, as `digest_of` gives it; `NO_FILE`
            when there is none yet.  Then one of mode 0640 is made, in a directory that is there.
        wait_s: seconds to wait for other writers.

    Raises:
        SettingsConflictError: the file is another one, or is gone; nothing was changed.
        SettingsWriteError: it cannot be written.
    """
    try:
        target = Path(os.path.realpath(path))
        with turn(target.parent, wait_s) as directory:
            if Path(os.path.realpath(path)) != target:
                raise SettingsConflictError
            _remove_leftovers(target)
            _replace(target, content, expected_digest, directory)
    except FileNotFoundError:
        if expected_digest == NO_FILE:
            raise SettingsWriteError("cannot be made: its directory is missing") from None
        raise SettingsConflictError from None
    except OSError as error:
        raise SettingsWriteError(
            f"cannot be written ({error.strerror or error}); nothing was changed"
        ) from error


@contextmanager
def turn(directory: Path, wait_s: float) -> Iterator[int]:
    """Be the only writer in a directory; the lock is the kernel's, and ends with its process.

    Raises:
        SettingsWriteError: somebody else is for longer than *wait_s*.
        OSError: there is no such directory.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        until = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise SettingsWriteError(
                        "another writer has its turn and does not end it; nothing was changed"
                    ) from None
                time.sleep(_TRY_AGAIN_S)
        yield descriptor
    finally:
        os.close(descriptor)


def _remove_leftovers(target: Path) -> None:
    """Remove what killed writers left: nobody else is writing now."""
    pattern = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{16}}\.new")
    for name in os.listdir(target.parent):
        if pattern.fullmatch(name):
            with suppress(OSError):
                os.unlink(target.parent / name)


def _replace(target: Path, content: bytes, expected_digest: str, directory: int) -> None:
    signature: Signature | None = None
    if expected_digest != NO_FILE:
        before, signature = read_file(target)
        if digest_of(before) != expected_digest:
            raise SettingsConflictError
    new = target.parent / f".{target.name}.{secrets.token_hex(8)}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(new, flags, 0o600)
    try:
        with open(descriptor, "wb") as file:
            if signature and not os.access(target, os.W_OK, effective_ids=True):
                # Renaming over it would work; but a file that is read-only is so on purpose.
                raise OSError(errno.EACCES, os.strerror(errno.EACCES))
            file.write(content)
            file.flush()
            if signature:
                _take_over(target, file.fileno())
            else:
                os.fchmod(file.fileno(), NEW_MODE)
            os.fsync(file.fileno())
        # Others, who know of no turns, may have written meanwhile.
        if signature is None:
            _put_where_nothing_is(new, target)
        elif signature_of(os.stat(target)) != signature:
            raise SettingsConflictError
        else:
            os.rename(new, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(new)
        raise
    try:
        os.fsync(directory)
    except OSError as error:
        raise SettingsWriteError(
            f"written, but may be lost if the power fails now ({error.strerror})"
        ) from error


def _put_where_nothing_is(new: Path, target: Path) -> None:
    """Give a new file its name, unless somebody has made one: renaming would replace that."""
    try:
        os.link(new, target)
    except FileExistsError:
        raise SettingsConflictError from None
    os.unlink(new)


def _take_over(target: Path, descriptor: int) -> None:
    """Give the new file owner, mode and access list of the old one."""
    old, new = os.stat(target), os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        try:
            os.fchown(descriptor, old.st_uid, old.st_gid)
        except PermissionError as error:
            try:
                owner = pwd.getpwuid(old.st_uid).pw_name
            except KeyError:
                owner = str(old.st_uid)
            raise OSError(
                errno.EPERM, f"its owner could not be kept: run this as root or as {owner}"
            ) from error
    os.fchmod(descriptor, old.st_mode & 0o7777)
    # Not all file systems have any, and not every name may be set by everyone.
    with suppress(OSError):
        for name in os.listxattr(target):
            with suppress(OSError):
                os.setxattr(descriptor, name, os.getxattr(target, name))


def _refused(message: str, key: str) -> SettingsError:
    return SettingsError((Problem("error", message, 0, key),))
