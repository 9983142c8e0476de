"""Reads a home's applications for commands: as the daemon would, changing nothing."""

from __future__ import annotations

import logging

from antmediad.applications.home import Home
from antmediad.applications.registry import Registry
from antmediad.applications.reload import Reloader
from antmediad.applications.settings_file import Application
from antmediad.errors import StoreError, UsageError
from antmediad.store.history import History


def read_home(home: Home) -> Registry:
    """Return the applications of a home, in the states that a daemon gives them.

    Raises:
        UsageError: the home cannot be read.
    """
    # The commands print the problems themselves.
    logging.getLogger("antmediad").setLevel(logging.CRITICAL + 1)
    try:
        past = History.for_reading(home.history) if home.history.exists() else None
        registry = Registry(home, past)
    except (StoreError, OSError):
        # Not ours to read, or not written yet: then nothing was in force before.
        registry = Registry(home)
    try:
        Reloader(registry).load()
    except OSError as error:
        raise UsageError(f"{home.webapps}: cannot be read ({error.strerror or error})") from error
    return registry


def find_application(registry: Registry, name: str) -> Application:
    """Return one application.

    Raises:
        UsageError: there is none of this name; the text names those that there are.
    """
    application = registry.applications.get(name)
    if application is None:
        names = ", ".join(sorted(registry.applications)) or "none"
        raise UsageError(f"no application {name!r}; there are: {names}")
    return application
