"""Creates applications: a directory that is there as a whole, or not at all."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import re
import secrets
import shutil
import time
from pathlib import Path
from typing import Final

from antmediad.applications.build import build_directory
from antmediad.applications.change import announce, withdraw
from antmediad.applications.home import (
    PROPERTIES_NAME,
    READ_ONLY,
    RESERVED,
    WEB_INF,
    Home,
    exists,
    is_application_name,
)
from antmediad.applications.registry import Registry
from antmediad.applications.write import digest_of, turn
from antmediad.errors import ApplicationError, ApplicationExistsError, SettingsWriteError
from antmediad.store.history import History, Version

logger = logging.getLogger(__name__)

MAX_NAME_CHARS: Final = 64
IN_FORCE_WITHIN_S: Final = 20.0
"""How long an application may take until it is in force."""
_LOOK_EVERY_S: Final = 0.01
_WAIT_S: Final = 10.0
_NEW = re.compile(r"\.[A-Za-z0-9_-]+\.[0-9a-f]{16}\.new", re.ASCII)


def check_new_name(name: str) -> None:
    """Check that an application can be created with this name.

    Raises:
        ApplicationError: it cannot; the first text is Ant Media Server's.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name, re.ASCII):
        raise ApplicationError(
            "Application name is not alphanumeric. Please provide alphanumeric characters"
        )
    if len(name) > MAX_NAME_CHARS:
        raise ApplicationError(
            f"Application name is too long. Expected {MAX_NAME_CHARS} characters or less"
        )
    if name.lower() in RESERVED or not is_application_name(name):
        raise ApplicationError("Application name is reserved. Please choose another")


def settings_of(name: str) -> bytes:
    """Return the properties file of a new application: the six keys that one is shipped with."""
    return (
        f"webapp.contextPath=/{name}\n"
        "webapp.virtualHosts=*\n"
        f"appName={name}\n"
        "db.type=mapdb\n"
        f"db.name={name.lower()}\n"
        "db.host=localhost\n"
    ).encode("ascii")


async def create_application(  # noqa: PLR0913 - who creates what where
    registry: Registry,
    history: History | None,
    name: str,
    *,
    source: str,
    actor: str,
    within_s: float = IN_FORCE_WITHIN_S,
) -> None:
    """Create an application; when this returns, its settings are in force.

    Args:
        history: is told who creates it; None for nobody.
        source, actor: as of `change.change_settings`.
        within_s: how long to wait for that, seconds.

    Raises:
        ApplicationExistsError: there is one of this name.
        ApplicationError: the name cannot be used, the home is read only, the directory cannot be
            made, or it is made and its settings did not come into force in time.
    """
    home = registry.home
    if home.read_only:
        raise ApplicationError(f"Application is not created: {READ_ONLY}")
    check_new_name(name)
    if name in registry.applications or exists(home.webapps / name):
        raise ApplicationExistsError("Application with the same name already exists")
    note = Version(name, 0, time.time(), source, digest_of(settings_of(name)), False, actor)
    await announce(history, note)
    try:
        with registry.expect_new(name):
            await asyncio.to_thread(make_directory, home, name)
    except BaseException:
        await withdraw(history, note)
        raise
    logger.info("application created: application=%s", name)
    until = time.monotonic() + within_s
    while not _is_in_force(registry, name):
        if time.monotonic() >= until:
            raise ApplicationError(
                f"Application {name} is not created in the {within_s:.0f} seconds."
            )
        await asyncio.sleep(_LOOK_EVERY_S)


def _is_in_force(registry: Registry, name: str) -> bool:
    application = registry.applications.get(name)
    return application is not None and application.snapshot is not None


def make_directory(home: Home, name: str) -> None:
    """Make the directory of a new application, durably; of two who do so at once one fails.

    It grows under another name.  What a crash leaves of that is removed by the next creation.
    Blocks.

    Raises:
        ApplicationExistsError: there is something of this name.
        ApplicationError: it cannot be made; nothing was.
    """
    growing = home.webapps / f".{name}.{secrets.token_hex(8)}.new"
    try:
        with turn(home.webapps, _WAIT_S) as webapps:
            _remove_leftovers(home.webapps)
            try:
                # A secret may be written into the file later.
                build_directory(
                    growing, {f"{WEB_INF}/{PROPERTIES_NAME}": (settings_of(name), 0o640)}
                )
                if exists(home.webapps / name):
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
                # Fails on a directory that holds something, whoever makes that one now.
                os.rename(growing, home.webapps / name)
            except BaseException:
                shutil.rmtree(growing, ignore_errors=True)
                raise
            os.fsync(webapps)
    except SettingsWriteError as error:
        raise ApplicationError(f"Application is not created: {error}") from error
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            raise ApplicationExistsError("Application with the same name already exists") from None
        raise ApplicationError(
            f"Application is not created: {error.strerror or 'its directory cannot be made'}"
        ) from error


def _remove_leftovers(webapps: Path) -> None:
    for name in os.listdir(webapps):
        if _NEW.fullmatch(name):
            shutil.rmtree(webapps / name, ignore_errors=True)
