"""Removes applications, and directories as a whole: out of the way first, then bit by bit."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import shutil
import stat
import time
from pathlib import Path
from typing import Final

from antmediad.applications.change import announce, withdraw
from antmediad.applications.home import READ_ONLY
from antmediad.applications.registry import Registry
from antmediad.errors import ApplicationError
from antmediad.store.history import History, Version

logger = logging.getLogger(__name__)

GONE_WITHIN_S: Final = 20.0
"""How long it may take until an application whose directory is gone is no longer served."""
_LOOK_EVERY_S: Final = 0.01
_GONE = re.compile(r"\.[A-Za-z0-9_-]+\.[0-9a-f]{16}\.gone", re.ASCII)


async def remove_application(
    registry: Registry, history: History | None, name: str, *, actor: str
) -> None:
    """Remove an application's directory; when this returns, the application is not served.

    Its data and its settings on record stay.  What the directory held is still to be removed by
    `remove_gone`.  Of a symbolic link only the link is removed.

    Args:
        history: is told who removes it; None for nobody.
        actor: who that is.

    Raises:
        ApplicationError: there is no such application, or it cannot be removed.
    """
    if name not in registry.applications:
        raise ApplicationError(
            f"AppSettings is not available for app: {name}."
            " It's not available or it's being initialized"
        )
    if registry.home.read_only:
        raise ApplicationError(f"Application {name} is not removed: {READ_ONLY}")
    note = Version(name, 0, time.time(), "removed", "", False, actor)
    await announce(history, note)
    try:
        await asyncio.to_thread(put_aside, registry.home.webapps / name)
    except FileNotFoundError:
        # Somebody else removes it at this moment.
        pass
    except OSError as error:
        await withdraw(history, note)
        raise ApplicationError(
            f"Application {name} is not removed: {error.strerror or 'its directory is in use'}"
        ) from error
    until = time.monotonic() + GONE_WITHIN_S
    while name in registry.applications:
        if time.monotonic() >= until:
            raise ApplicationError(
                f"Application {name} is not removed in the {GONE_WITHIN_S:.0f} seconds."
            )
        await asyncio.sleep(_LOOK_EVERY_S)


def put_aside(path: Path) -> None:
    """Take *path* out of the way: a directory for `remove_gone`, anything else for good.

    Raises:
        OSError: it is not there, or that is not possible.
    """
    if stat.S_ISDIR(os.lstat(path).st_mode):
        os.rename(path, path.parent / f".{path.name}.{secrets.token_hex(8)}.gone")
    else:
        os.unlink(path)


def remove_gone(directory: Path) -> bool:
    """Remove what `put_aside` left in *directory*, also what a crash left; tell whether all went.

    Symbolic links in it are removed, not followed.  Blocks, for long when there is much.

    Raises:
        OSError: the directory cannot be read.
    """
    is_all_gone = True
    for name in os.listdir(directory):
        if not _GONE.fullmatch(name):
            continue
        shutil.rmtree(directory / name, ignore_errors=True)
        if os.path.lexists(directory / name):
            is_all_gone = False
            logger.warning("not all removed: directory=%s", directory / name)
    return is_all_gone
