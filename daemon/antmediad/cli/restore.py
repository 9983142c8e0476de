"""Put a backup in the place of what a home holds, or check one.

The whole archive is checked before anything is written, and a restore that fails or is interrupted
leaves the old home as it was. No daemon may be serving it."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from antmediad.applications.archive import Manifest, verify
from antmediad.applications.restore import restore_backup
from antmediad.cli.main import add_home, home_of
from antmediad.cli.output import counted, plain
from antmediad.errors import BackupError, UsageError

EXAMPLES = """examples:
  antmediad restore --check antmediad.tar.gz
  antmediad restore --home /srv/antmedia antmediad.tar.gz      into a new home
  antmediad restore --force antmediad.tar.gz                   in the place of what is there
  antmediad restore --force --data-only antmediad.tar.gz       users and data, but no settings files

What the archive does not have stays, but data is replaced as a whole. What was replaced is removed:
make a backup of it first. As root, owners stay as they are.
exit status: 0 done, 2 not done, and nothing was changed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("file", metavar="FILE", help="the archive; - for standard input")
    parser.add_argument("--check", action="store_true", help="check the archive, change nothing")
    parser.add_argument("--force", action="store_true", help="replace what is in the home")
    parser.add_argument("--data-only", action="store_true", help="replace data, and no other file")
    add_home(parser)


def run(options: argparse.Namespace) -> int:
    """Restore or check."""
    try:
        with _opened(options.file) as file:
            if options.check:
                print(f"good: {_described(verify(file))}")
                return 0
            home = home_of(options, may_be_new=True)
            manifest = restore_backup(home, file, force=options.force, data_only=options.data_only)
    except BackupError as error:
        raise BackupError(f"{options.file}: {error}") from error
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise BackupError(f"not restored: {place}{error.strerror or error}") from error
    into = home.data if options.data_only else home.path
    print(f"restored to {plain(into)}: {_described(manifest)}")
    return 0


def _described(manifest: Manifest) -> str:
    return (
        f"{counted(len(manifest.entries), 'file')}, {manifest.size} bytes,"
        f" made {plain(manifest.made_at)} by antmediad {plain(manifest.made_by)}"
    )


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name != "-":
        with open(name, "rb") as file:
            yield file
        return
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("standard input: expected a backup")
    # It is read twice: to be checked, and to be used.
    with tempfile.TemporaryFile() as spooled:
        shutil.copyfileobj(sys.stdin.buffer, spooled)
        spooled.seek(0)
        yield cast("BinaryIO", spooled)
