"""Whom a command runs for, and whom it runs as."""

from __future__ import annotations

import getpass
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from antmediad.applications.home import Home
from antmediad.errors import UsageError


def user_name() -> str:
    """Return the name of the person at the keyboard, as far as that can be known."""
    name = os.environ.get("SUDO_USER")
    if name:
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


@contextmanager
def as_owner(home: Home) -> Iterator[None]:
    """As root, do something as `become_owner` has it, and be root again.

    Raises:
        UsageError: the system does not allow it.
    """
    user, group, groups = os.geteuid(), os.getegid(), os.getgroups()
    become_owner(home)
    try:
        yield
    finally:
        if os.geteuid() != user:
            os.seteuid(user)
            os.setegid(group)
            os.setgroups(groups)


def become_owner(home: Home) -> None:
    """As root, go on as the user whose data this is: the daemon's.

    What is made in the directory then belongs to that user from the beginning, so that the daemon
    can use it; and a link that the daemon's user has put there leads root nowhere.

    Raises:
        UsageError: the system does not allow it.
    """
    if os.geteuid() != 0:
        return
    owner = _first_that_exists(home.data, home.own, home.path).stat()
    if owner.st_uid == 0:
        return
    try:
        name = pwd.getpwuid(owner.st_uid).pw_name
    except KeyError:
        name = ""
    try:
        if name:
            os.initgroups(name, owner.st_gid)
        else:
            os.setgroups([])
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)
    except OSError as error:
        raise UsageError(
            f"cannot become the owner of {home.data} ({error.strerror or error});"
            " run this as that user"
        ) from error


def _first_that_exists(*paths: Path | None) -> Path:
    return next(path for path in paths if path is not None and path.exists())
