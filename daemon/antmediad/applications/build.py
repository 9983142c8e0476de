"""Builds directories that are given their names once they are whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def build_directory(
    directory: Path, files: Mapping[str, tuple[bytes, int]], mode: int = 0o755
) -> None:
    """Make a directory and the files in it, durably but for its own name.

    When the process is root's, all of that belongs to the owner of the directory around it: the
    daemon may run as root, and those who edit the files not.  Blocks.

    Args:
        files: content and mode by path in the directory; the directories on the way are made.
        mode: of the directories.

    Raises:
        OSError: it is there, or cannot be made; a part of it may have been.
    """
    made = [directory]
    directory.mkdir(mode=mode)
    for name, (content, file_mode) in files.items():
        path = directory / name
        if path.parent not in made:
            path.parent.mkdir(mode=mode)
            made.append(path.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(path, flags, file_mode), "wb") as file:
            file.write(content)
            _keep_owner(directory.parent, file.fileno())
            file.flush()
            os.fsync(file.fileno())
    for path in reversed(made):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            _keep_owner(directory.parent, descriptor)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _keep_owner(directory: Path, descriptor: int) -> None:
    if os.geteuid() == 0:
        owner = os.stat(directory)
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def flush_directory(path: Path) -> None:
    """Make durable which names a directory holds.

    Raises:
        OSError: that is not possible.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
