"""Put settings, certificates, users and data of a home into one archive, while the daemon runs.

The archive holds secrets and password hashes: it is readable for its owner only. Keep it that way.
Videos are in it with --streams only."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from antmediad.applications.backup import Made, make_backup
from antmediad.applications.build import flush_directory
from antmediad.applications.home import Home
from antmediad.cli.main import add_home, home_of
from antmediad.cli.output import counted, plain
from antmediad.cli.process import as_owner
from antmediad.errors import BackupError, UsageError

EXAMPLES = """examples:
  antmediad backup /var/backups/antmediad-$(date +%F).tar.gz
  antmediad backup --streams /mnt/large/antmediad.tar.gz
  antmediad backup - | ssh elsewhere 'umask 077; cat > antmediad.tar.gz'

Copies of databases are made in TMPDIR, one at a time.
exit status: 0 made, 2 not made, and no file is left."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("file", metavar="FILE", help="the new archive; - for standard output")
    parser.add_argument("--force", action="store_true", help="replace FILE if it is there")
    parser.add_argument("--streams", action="store_true", help="with the videos: they may be large")
    add_home(parser)


def run(options: argparse.Namespace) -> int:
    """Make the backup."""
    home = home_of(options)
    if options.file == "-":
        if sys.stdout.isatty():
            raise UsageError("a backup is no text: name a file, or send it elsewhere")
        made = _make(home, sys.stdout.buffer, options.streams)
        sys.stdout.buffer.flush()
    else:
        path = Path(options.file).absolute()
        with _new_file(path, options.force) as file:
            made = _make(home, file, options.streams)
    count, size = len(made.manifest.entries), made.manifest.size
    for line in made.left_out:
        _tell(f"not in it: {plain(line)}")
    _tell(f"backup made: {counted(count, 'file')}, {size} bytes; it holds secrets")
    return 0


def _make(home: Home, file: BinaryIO, with_streams: bool) -> Made:
    with as_owner(home):
        return make_backup(home, file, with_streams=with_streams)


@contextmanager
def _new_file(path: Path, force: bool) -> Iterator[BinaryIO]:
    """Give a file that is at *path* once it is whole, and on the disk.

    Raises:
        UsageError: there is one already.
    """
    if not force and os.path.lexists(path):
        raise _exists(path)
    growing = path.with_name(f".{secrets.token_hex(8)}.antmediad-backup")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(growing, flags, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if force:
            os.replace(growing, path)
        else:
            _put_where_nothing_is(growing, path)
        flush_directory(path.parent)
    except OSError as error:
        raise BackupError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        with suppress(OSError):
            os.unlink(growing)


def _put_where_nothing_is(growing: Path, path: Path) -> None:
    try:
        os.link(growing, path)
    except FileExistsError:
        raise _exists(path) from None
    except OSError:
        # A file system without links: there somebody else may be faster.
        os.rename(growing, path)


def _exists(path: Path) -> UsageError:
    return UsageError(f"{path}: is there already; name another file, or --force to replace it")


def _tell(line: str) -> None:
    # Not on standard output, where the archive may be going.
    print(line, file=sys.stderr)
