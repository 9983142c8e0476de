"""The home directory, and what is found in it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

PROPERTIES_NAME = "red5-web.properties"
WEB_INF = "WEB-INF"

# settings.md of the contract, section 10.1; `root` is the management application's name.
_NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)

RESERVED = frozenset(
    {
        *("root", "consoleapp"),  # the management application of Ant Media Server
        "system",  # in a user's rights: all applications
        # what is served beside the applications
        *("rest", "panel", "request", "openapi", "openapi-management"),
        *("healthz", "readyz", "metrics"),
        *("settings", "live-streams"),  # of the management API's paths below /applications
        "key-sets",  # beside the applications' data
    }
)
"""Names, in lower case, that no application is created with, whatever their letter case."""

READ_ONLY = "this home is read only"
"""What is answered to whoever wants to change something in a home that is served read-only."""


@dataclass(frozen=True, slots=True)
class Home:
    """``ANTMEDIA_HOME``: the directory that holds everything of one server.

    Attributes:
        path: its properties files and its applications are below.
        own: what antmediad writes of its own accord goes below; None for the home itself.
        read_only: whether nothing below *path* is ever changed, not even when asked to.
    """

    path: Path
    own: Path | None = None
    read_only: bool = False

    @property
    def webapps(self) -> Path:
        """The directory whose sub-directories are the applications."""
        return self.path / "webapps"

    @property
    def server_properties(self) -> Path:
        """The properties file of the server."""
        return self.path / "conf" / "red5.properties"

    @property
    def data(self) -> Path:
        """Where antmediad keeps what it has to remember."""
        return (self.own or self.path) / "data"

    @property
    def log(self) -> Path:
        """Where the log files are."""
        return (self.own or self.path) / "log"

    @property
    def history(self) -> Path:
        """The database of the settings that were in force."""
        return self.data / "settings.db"

    @property
    def management(self) -> Path:
        """The database of users, login sessions and the audit log."""
        return self.data / "management.db"

    def properties_of(self, application: str) -> Path:
        """Return the path of the application's properties file."""
        return self.webapps / application / WEB_INF / PROPERTIES_NAME

    def database_of(self, application: str, name: str) -> Path:
        """Return the path of the application's database file.

        A directory for each application, so that names that differ only in case, and
        applications that name the same database, never share a file.
        """
        return self.data_of(application) / f"{name or application}.db"

    def data_of(self, application: str) -> Path:
        """Return the path of the directory of the application's databases."""
        return self.data / application


def is_application_name(name: str) -> bool:
    """Tell whether a directory of this name can be an application."""
    return _NAME.fullmatch(name) is not None and name.lower() != "root"


def find_applications(home: Home) -> set[str]:
    """Return the names of the applications that are there.

    That something exists under the properties file's name makes a directory an application,
    even when it cannot be read: such an application is to be refused, not to be unknown.

    Raises:
        OSError: ``webapps`` cannot be read.
    """
    names = filter(is_application_name, os.listdir(home.webapps))
    return {name for name in names if exists(f"{home.webapps}/{name}/{WEB_INF}/{PROPERTIES_NAME}")}


def exists(path: str | Path) -> bool:
    """Tell whether there is something at *path*, if only something that may not be looked at."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
