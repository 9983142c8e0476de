"""Whose properties file a route is about: an application's, or the server's."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from antmediad.applications.settings_file import SERVER, AnyFile, Application
from antmediad.errors import RequestError
from antmediad.management.access import Access
from antmediad.management.call import Call
from antmediad.management.rights import SYSTEM
from antmediad.settings.schema import (
    APPLICATION_KEYS,
    APPLICATION_SPELLINGS,
    SERVER_KEYS,
    SERVER_SPELLINGS,
    ServerSettings,
    Settings,
)
from antmediad.settings.setting import Setting, Spellings
from antmediad.settings.spelling import application_suggestion, server_suggestion

NO_APPLICATION = "There is no such application"
NOT_AVAILABLE = "The settings cannot be used: see the problems of the file"

R = TypeVar("R")


def find_application(call: Call) -> Application:
    """Return the application that the path names.

    Raises:
        RequestError: 404, there is no such application.
    """
    application = call.resources.registry.applications.get(call.parameters["app"])
    if application is None:
        raise RequestError(404, NO_APPLICATION)
    return application


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is the same of every route about one kind of file.

    Attributes:
        base: of the paths; it has ``{app}`` for an application's file.
        declared: the settings that such a file has, by key.
        spellings: the same, by every spelling.
        defaults: what counts without a file.
        suggestion: returns the known key that an unknown one may have been meant for.
        read, change: what its readers, and those who change it, must be allowed.
    """

    base: str
    declared: Mapping[str, Setting]
    spellings: Spellings
    defaults: Settings | ServerSettings
    suggestion: Callable[[str], str]
    read: Access
    change: Access

    def name_of(self, call: Call) -> str:
        """Return the name under which the registry has the file."""
        return call.parameters.get("app", SERVER)

    def find(self, call: Call) -> AnyFile:
        """Return the file.

        Raises:
            RequestError: 404, there is no such application.
        """
        if "app" in call.parameters:
            return find_application(call)
        # In the log, as in rights: no application can have it to itself.
        call.note.target = SYSTEM
        return call.resources.registry.server

    def handler(self, function: Callable[[Subject, Call], R]) -> Callable[[Call], R]:
        """Return *function* as the handler of routes about this."""

        @functools.wraps(function)
        def handle(call: Call) -> R:
            return function(self, call)

        return handle


APPLICATION = Subject(
    base="/apps/{app}",
    declared=APPLICATION_KEYS,
    spellings=APPLICATION_SPELLINGS,
    defaults=Settings(),
    suggestion=application_suggestion,
    read=Access.APPLICATION_READ,
    change=Access.APPLICATION_ADMIN,
)
SERVER_FILE = Subject(
    base="/server",
    declared=SERVER_KEYS,
    spellings=SERVER_SPELLINGS,
    defaults=ServerSettings(),
    suggestion=server_suggestion,
    read=Access.SYSTEM_READ,
    change=Access.SYSTEM_ADMIN,
)
