"""The form of a backup: a tar archive, compressed by gzip, whose last member lists the others.

Nothing in an archive is believed: only regular files are taken, only where a home has such files,
and only as the list at the end describes them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final, cast

from antmediad import __version__
from antmediad.applications.read import MAX_PROPERTIES_BYTES
from antmediad.errors import BackupError

FORMAT: Final = "antmediad-backup"
VERSION: Final = 1
MANIFEST: Final = "manifest.json"
HOME: Final = "home/"
DATA: Final = "data/"

MAX_MEMBERS: Final = 500_000
MAX_MANIFEST_BYTES: Final = 128 * 1024 * 1024
MAX_NAME_BYTES: Final = 4096
CHUNK_BYTES: Final = 1024 * 1024

# Videos do not become smaller by trying harder.
_LEVEL: Final = 1
# Where a member may be, and how large one there may be, bytes; None for as large as it likes.
_PLACES: Final = (
    (re.compile(r"home/conf/.+", re.DOTALL), MAX_PROPERTIES_BYTES),
    (
        re.compile(r"home/webapps/[A-Za-z0-9_-]+/WEB-INF/red5-web\.properties"),
        MAX_PROPERTIES_BYTES,
    ),
    (re.compile(r"home/webapps/[A-Za-z0-9_-]+/streams/.+", re.DOTALL), None),
    (re.compile(r"data/.+", re.DOTALL), None),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a backup.

    Attributes:
        path: below ``home/`` or ``data/``.
        size: bytes.
        sha256: hexadecimal.
        mode: its permissions.
    """

    path: str
    size: int
    sha256: str
    mode: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds.

    Attributes:
        made_by: the version of antmediad.
        made_at: ISO 8601, UTC.
    """

    made_by: str
    made_at: str
    entries: Mapping[str, Entry]

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(entry.size for entry in self.entries.values())


class ArchiveWriter:
    """Writes an archive, file by file, to what need not be seekable."""

    def __init__(self, file: BinaryIO) -> None:
        self._gzip = gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_LEVEL)
        self._tar = tarfile.open(fileobj=self._gzip, mode="w|", format=tarfile.GNU_FORMAT)
        self._entries: list[Entry] = []

    def add(self, path: str, source: BinaryIO, size: int, mode: int) -> None:
        """Add *size* bytes of *source*.

        Raises:
            BackupError: there are fewer, or there are more files than a backup may have.
            OSError: *source* cannot be read, or the archive not be written.
        """
        if len(self._entries) >= MAX_MEMBERS:
            raise BackupError(f"there are more than {MAX_MEMBERS} files")
        _check_place(path, size)
        hashed = _Hashed(source)
        try:
            self._tar.addfile(_header(path, size, mode), cast("Any", hashed))
        except OSError as error:
            if hashed.size < size and hashed.is_at_end:
                raise BackupError(f"{path}: became shorter while it was read; try again") from error
            raise
        self._entries.append(Entry(path, size, hashed.digest, mode))
        # It would remember the headers of all members.
        self._tar.members.clear()  # type: ignore[attr-defined]

    def finish(self) -> Manifest:
        """Write the list of what was added, and the end.

        Raises:
            OSError: the archive cannot be written.
        """
        manifest = Manifest(
            __version__,
            datetime.now(UTC).isoformat(timespec="seconds"),
            {entry.path: entry for entry in self._entries},
        )
        text = json.dumps(
            {
                "format": FORMAT,
                "version": VERSION,
                "madeBy": manifest.made_by,
                "madeAt": manifest.made_at,
                "files": [asdict(entry) for entry in self._entries],
            },
            indent=1,
        ).encode("ascii")
        if len(text) > MAX_MANIFEST_BYTES:
            raise BackupError("there are too many files, of too long names")
        header = _header(MANIFEST, len(text), 0o600)
        self._tar.addfile(header, cast("Any", _Hashed(_Bytes(text))))
        self._tar.close()
        self._gzip.close()
        return manifest


def _header(path: str, size: int, mode: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(path)
    header.size, header.mode = size, mode
    return header


class _Bytes:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._place = 0

    def read(self, size: int) -> bytes:
        start, self._place = self._place, self._place + size
        return self._content[start : self._place]


class _Hashed:
    """Passes bytes on, and hashes them."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._hash = hashlib.sha256()
        self.size = 0
        self.is_at_end = False

    def read(self, size: int) -> bytes:
        chunk = cast("bytes", self._source.read(size))
        self._hash.update(chunk)
        self.size += len(chunk)
        self.is_at_end = len(chunk) < size
        return chunk

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


# Reading


class Member:
    """A file in an archive, read once, from its beginning to its end."""

    def __init__(self, header: tarfile.TarInfo, source: Any) -> None:
        self.path = header.name
        self.size = header.size
        self._hashed = _Hashed(source)

    def __iter__(self) -> Iterator[bytes]:
        try:
            while chunk := self._hashed.read(CHUNK_BYTES):
                yield chunk
        except tarfile.TarError as error:
            raise BackupError("is no backup, or damaged") from error

    def check(self, entry: Entry) -> None:
        """Check, once it was read, that it is what *entry* says.

        Raises:
            BackupError: it is not.
        """
        if (self._hashed.size, self._hashed.digest) != (entry.size, entry.sha256):
            raise BackupError(f"is damaged: {printable(self.path)} is not what its list says")

    @property
    def found(self) -> tuple[int, str]:
        """How much was read, and its SHA-256."""
        return self._hashed.size, self._hashed.digest


def verify(file: BinaryIO) -> Manifest:
    """Return what an archive holds, once all of it was read and compared.

    Raises:
        BackupError: it is no archive, or damaged, or holds what no backup does.
        OSError: it cannot be read.
    """
    found: dict[str, tuple[int, str]] = {}
    text = b""
    for member in members(file):
        if text:
            raise BackupError("goes on after its list of files")
        if member.path == MANIFEST:
            text = b"".join(member)
            continue
        for _ in member:
            pass
        found[member.path] = member.found
    if not text:
        raise BackupError("is incomplete: the list of its files, at the end, is missing")
    manifest = _parse_manifest(text)
    if found != {path: (one.size, one.sha256) for path, one in manifest.entries.items()}:
        different = [
            path
            for path in sorted(found.keys() | manifest.entries.keys())
            if path not in manifest.entries
            or found.get(path) != (manifest.entries[path].size, manifest.entries[path].sha256)
        ]
        raise BackupError(f"is damaged: {printable(different[0])} is not what its list says")
    return manifest


def members(file: BinaryIO) -> Iterator[Member]:
    """Yield the members of an archive; each is to be read before the next.

    Raises:
        BackupError: it is no archive, or damaged, or has a member that no backup has.
        OSError: it cannot be read.
    """
    seen: set[str] = set()
    try:
        source = cast("Any", _Decompressed(file))
        with tarfile.open(fileobj=source, mode="r|", tarinfo=_Header) as tar:
            while (header := tar.next()) is not None:
                if header.name in seen:
                    raise BackupError(f"has two members {printable(header.name)}")
                if len(seen) > MAX_MEMBERS:
                    raise BackupError(f"has more than {MAX_MEMBERS} members")
                seen.add(header.name)
                _check_place(header.name, header.size)
                yield Member(header, tar.extractfile(header))
                tar.members.clear()  # type: ignore[attr-defined]
    except (tarfile.TarError, RecursionError) as error:
        # Each long name is read within the reading of the one before: nobody needs a thousand.
        raise BackupError("is no backup, or damaged") from error


class _Decompressed:
    """What gzip holds, with the errors of a file that is damaged made ours."""

    def __init__(self, file: BinaryIO) -> None:
        self._gzip = gzip.GzipFile(fileobj=file, mode="rb")

    def read(self, size: int) -> bytes:
        try:
            return self._gzip.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BackupError("is no backup, or damaged") from error


class _Header(tarfile.TarInfo):
    """A header that may only be that of a regular file, or of its long name.

    Others lead out of a home, as links do, or let memory grow with what they say of themselves.
    """

    @classmethod
    def frombuf(cls, buf: Any, encoding: Any, errors: Any) -> _Header:
        header = super().frombuf(buf, encoding, errors)
        is_file = header.type in (tarfile.REGTYPE, tarfile.AREGTYPE)
        is_name = header.type == tarfile.GNUTYPE_LONGNAME and header.size <= MAX_NAME_BYTES
        if header.size < 0 or not (is_file or is_name):
            raise BackupError(f"has a member that is no regular file: {printable(header.name)}")
        return header


def _check_place(path: str, size: int) -> None:
    if path == MANIFEST:
        limit: int | None = MAX_MANIFEST_BYTES
    else:
        found = [limit for place, limit in _PLACES if place.fullmatch(path)]
        if not found or any(name in ("", ".", "..") or "\0" in name for name in path.split("/")):
            raise BackupError(f"has a member where no backup has one: {printable(path)}")
        limit = found[0]
    if limit is not None and size > limit:
        raise BackupError(f"has a member that is too large: {printable(path)}")


def _parse_manifest(text: bytes) -> Manifest:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BackupError("is damaged: the list of its files cannot be read") from error
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise BackupError("is no backup of antmediad")
    if value.get("version") != VERSION:
        raise BackupError(
            f"is of an unknown version; expected {VERSION}, which antmediad {__version__} makes"
        )
    entries: dict[str, Entry] = {}
    match value:
        case {"madeBy": str(made_by), "madeAt": str(made_at), "files": list(files)}:
            for file in files:
                match file:
                    case {
                        "path": str(path),
                        "size": int(size),
                        "sha256": str(sha256),
                        "mode": int(mode),
                    }:
                        entries[path] = Entry(path, size, sha256, mode & 0o777)
                    case _:
                        raise BackupError("is damaged: the list of its files is malformed")
        case _:
            raise BackupError("is damaged: the list of its files is malformed")
    return Manifest(made_by, made_at, entries)


def printable(path: str) -> str:
    """Return a name from an archive in a form that steers no terminal."""
    return ascii(path[:200])
