"""A properties file that is followed, and the last good snapshot that was made of it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, Protocol, TypeVar

from antmediad.applications.read import UNSETTLED, References, Signature, stat_signature
from antmediad.errors import Problem
from antmediad.observe.lines import Fields
from antmediad.properties.reader import Document
from antmediad.settings.parse import Origin, parse_server_settings, parse_settings
from antmediad.settings.schema import ServerSettings, Settings

S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)
State = Literal["active", "stale", "failed"]

SERVER = ""
"""The name under which the server's own settings file goes, which no application can have."""


class Parsed(Protocol[S_co]):
    """Settings as parsed, with what is to be said about them."""

    @property
    def settings(self) -> S_co: ...
    @property
    def problems(self) -> Sequence[Problem]: ...
    @property
    def origins(self) -> Mapping[str, Origin]: ...
    @property
    def unknown(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[S]):
    """Settings in force.  Replaced whole, never edited.

    Attributes:
        generation: grows by one with each change that comes into force, over restarts too.
        path, digest: the file they come from, and its SHA-256 in hexadecimal.
        taken_at: when they came into force, seconds since 1970.
        warnings: what is odd about the file.
        origins: where each value that is not a default comes from, by key.
        unknown: the raw values of the keys that are no settings.
    """

    settings: S
    generation: int
    path: Path
    digest: str
    taken_at: float
    warnings: tuple[Problem, ...]
    origins: Mapping[str, Origin]
    unknown: Mapping[str, str]


class SettingsFile(ABC, Generic[S]):
    """A properties file, and the last good snapshot that was made of it."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        self.snapshot: Snapshot[S] | None = None
        self.errors: tuple[Problem, ...] = ()
        self.references: dict[Path, Signature] = {}
        self.seen: Signature = UNSETTLED
        """The settled signature of the file when it was last read."""
        self.reading = 0
        """The number of the last attempt to read it."""
        self.turn = asyncio.Lock()
        """Held by the one who is changing the file."""

    @property
    def state(self) -> State:
        """``active``: what is on disk is in force; ``stale``: the last good; ``failed``: none."""
        if self.snapshot is None:
            return "failed"
        return "stale" if self.errors else "active"

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the file on disk."""
        if self.errors or self.snapshot is None:
            return self.errors
        return self.snapshot.warnings

    @property
    def generation(self) -> int:
        """The generation in force, 0 when none is."""
        return self.snapshot.generation if self.snapshot else 0

    @abstractmethod
    def parse(
        self,
        document: Document,
        references: References,
        guarded_by: Callable[[], str] | None = None,
    ) -> Parsed[S]:
        """Return the settings that *document* makes.

        Args:
            guarded_by: as of `parse_settings`.

        Raises:
            SettingsError: it makes none.
        """

    @abstractmethod
    def describe(self, settings: S) -> Fields:
        """Return what the log says about *settings* coming into force."""

    def is_guarded(self, settings: S) -> bool:
        """Tell whether *settings* switch a JWT filter on that may not be lost by accident."""
        return False

    def has_changed(self) -> bool:
        """Tell, by a look at the files' status only, whether there is something to read."""
        return stat_signature(self.path) != self.seen or any(
            stat_signature(path) != seen for path, seen in self.references.items()
        )


class Application(SettingsFile[Settings]):
    """One application, by the name of its directory."""

    def parse(
        self,
        document: Document,
        references: References,
        guarded_by: Callable[[], str] | None = None,
    ) -> Parsed[Settings]:
        return parse_settings(
            document.properties,
            application=self.name,
            environment=references.environment,
            resolve=references.resolve,
            guarded_by=guarded_by,
            problems=document.problems,
        )

    def describe(self, settings: Settings) -> Fields:
        ip = "on" if settings.ip_filter_enabled else "off"
        return Fields(ip_filter=ip, jwt_filter=jwt_filter(settings))

    def is_guarded(self, settings: Settings) -> bool:
        return settings.jwt_control_enabled


class Server(SettingsFile[ServerSettings]):
    """The server itself, whose file is ``conf/red5.properties``."""

    def parse(
        self,
        document: Document,
        references: References,
        guarded_by: Callable[[], str] | None = None,
    ) -> Parsed[ServerSettings]:
        return parse_server_settings(
            document.properties,
            environment=references.environment,
            resolve=references.resolve,
            problems=document.problems,
        )

    def describe(self, settings: ServerSettings) -> Fields:
        return Fields(host=settings.http_host, port=settings.http_port)


AnyFile = Application | Server


def jwt_filter(settings: Settings) -> Literal["off", "secret", "jwks"]:
    """Return in one word how the JWT filter decides."""
    if not settings.jwt_control_enabled:
        return "off"
    return "jwks" if settings.jwks_url else "secret"
