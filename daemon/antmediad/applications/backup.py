"""Makes a backup of a home, while a daemon serves it or not."""

from __future__ import annotations

import io
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from antmediad.applications.archive import DATA, HOME, ArchiveWriter, Manifest
from antmediad.applications.certificate import MAX_PEM_BYTES
from antmediad.applications.home import Home, find_applications
from antmediad.applications.read import MAX_PROPERTIES_BYTES, read_file
from antmediad.applications.registry import Registry
from antmediad.applications.settings_file import SERVER
from antmediad.errors import BackupError, StoreError
from antmediad.settings.schema import ServerSettings
from antmediad.store.copy import copy_database

SMALL_BYTES: Final = 1024 * 1024
"""Up to here a file is read at once: what is rewritten in place is then there as a whole."""
KEY_SETS: Final = "key-sets"


@dataclass(slots=True)
class Made:
    """A backup that was made.

    Attributes:
        left_out: what a restored home will lack, in words.
    """

    manifest: Manifest
    left_out: list[str] = field(default_factory=list)


def make_backup(home: Home, file: BinaryIO, *, with_streams: bool = False) -> Made:
    """Write a backup of *home* to *file*: settings, certificates, data, and if told so, videos.

    The data comes first: a record without a change that was made meanwhile is completed by the
    next start, a change without its record would be one of nobody.

    Raises:
        BackupError, StoreError: something cannot be read, or changes too much meanwhile.
        OSError: the archive cannot be written.
    """
    writer = ArchiveWriter(file)
    left_out: list[str] = []
    _add_data(home, writer)
    _add_file(writer, home, home.server_properties, MAX_PROPERTIES_BYTES)
    try:
        applications = sorted(find_applications(home))
    except OSError as error:
        raise _unreadable(home.webapps, error) from error
    for name in applications:
        path = home.properties_of(name)
        if not _add_file(writer, home, path, MAX_PROPERTIES_BYTES):
            left_out.append(f"{path}: is not there")
    left_out += _add_certificates(home, writer)
    if with_streams:
        for name in applications:
            left_out += _add_streams(home, name, writer)
    return Made(writer.finish(), left_out)


def _add_data(home: Home, writer: ArchiveWriter) -> None:
    for path in sorted(_files_below(home.data)):
        name = f"{DATA}{path.relative_to(home.data)}"
        if path.suffix != ".db":
            content = _read(path, MAX_PROPERTIES_BYTES)
            if content is not None:
                writer.add(name, io.BytesIO(content), len(content), 0o600)
            continue
        with tempfile.TemporaryDirectory(prefix="antmediad-backup-") as directory:
            copy = Path(directory, "copy.db")
            try:
                copy_database(path, copy)
            except StoreError:
                if not os.path.lexists(path):
                    # With its application: that has been removed meanwhile.
                    continue
                raise
            with copy.open("rb") as copied:
                writer.add(name, copied, os.fstat(copied.fileno()).st_size, 0o600)


def _files_below(data: Path) -> Iterator[Path]:
    """Yield the databases, and the key sets; not what is being removed, and no links."""
    for directory in (data, *_directories_in(data)):
        suffix = ".json" if directory == data / KEY_SETS else ".db"
        for name in _names_in(directory):
            path = directory / name
            if path.suffix == suffix and not name.startswith("."):
                status = _status(path)
                if status is not None and stat.S_ISREG(status.st_mode):
                    yield path


def _directories_in(data: Path) -> Iterator[Path]:
    for name in _names_in(data):
        status = _status(data / name)
        if not name.startswith(".") and status is not None and stat.S_ISDIR(status.st_mode):
            yield data / name


def _names_in(directory: Path) -> list[str]:
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(directory, error) from error


def _status(path: Path) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _add_file(writer: ArchiveWriter, home: Home, path: Path, max_bytes: int) -> bool:
    """Add a file of the home, or what a link there leads to; tell whether there is one."""
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode) & 0o777
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unreadable(path, error) from error
    content = _read(path, max_bytes)
    if content is None:
        return False
    name = f"{HOME}{path.relative_to(home.path)}"
    writer.add(name, io.BytesIO(content), len(content), mode)
    return True


def _read(path: Path, max_bytes: int) -> bytes | None:
    try:
        return read_file(path, max_bytes)[0]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error


def _add_certificates(home: Home, writer: ArchiveWriter) -> list[str]:
    registry = Registry(home)
    registry.reload(SERVER)
    snapshot = registry.server.snapshot
    settings = snapshot.settings if snapshot is not None else ServerSettings()
    conf = home.path / "conf"
    left_out = []
    paths = {
        home.path / name: None
        for name in (
            settings.http_ssl_certificate_file,
            settings.http_ssl_certificate_chain_file,
            settings.http_ssl_certificate_key_file,
        )
        if name
    }
    for path in paths:
        normal = Path(os.path.normpath(path))
        if normal.is_relative_to(conf) and normal not in (conf, home.server_properties):
            _add_file(writer, home, normal, MAX_PEM_BYTES)
        elif path.exists():
            left_out.append(f"{path}: is outside of {conf}")
    return left_out


def _add_streams(home: Home, application: str, writer: ArchiveWriter) -> list[str]:
    streams = home.webapps / application / "streams"
    left_out = []
    for directory, directories, names in os.walk(streams):
        directories[:] = sorted(name for name in directories if not name.startswith("."))
        below = Path(directory).relative_to(streams)
        for name in (*directories, *sorted(names)):
            path = Path(directory, name)
            if path.is_symlink():
                left_out.append(f"{path}: is a link to {os.path.realpath(path)}")
        for name in sorted(names):
            # A file that is hidden is not finished.
            if not name.startswith("."):
                place = f"{HOME}webapps/{application}/streams/{below / name}"
                _add_video(writer, Path(directory, name), place)
    return left_out


def _add_video(writer: ArchiveWriter, path: Path, place: str) -> None:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return
        file = open(os.open(path, flags), "rb")
    except FileNotFoundError:
        # A segment of a stream that is live comes and goes.
        return
    except OSError as error:
        raise _unreadable(path, error) from error
    with closing(file):
        status = os.fstat(file.fileno())
        mode = stat.S_IMODE(status.st_mode) & 0o777
        if status.st_size > SMALL_BYTES:
            writer.add(place, file, status.st_size, mode)
            return
        content = file.read(SMALL_BYTES)
        writer.add(place, io.BytesIO(content), len(content), mode)


def _unreadable(path: Path, error: OSError) -> BackupError:
    return BackupError(f"{path}: cannot be read ({error.strerror or error})")
