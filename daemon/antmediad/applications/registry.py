"""The applications and the server, each with the settings snapshot that is in force."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from antmediad.applications.home import Home
from antmediad.applications.read import References, Signature, read_file, stat_signature
from antmediad.errors import Problem, SettingsError, StoreError
from antmediad.observe.metrics import Metrics
from antmediad.properties.reader import Document, parse_properties
from antmediad.settings.parse import Origin, parse_server_settings, parse_settings
from antmediad.settings.schema import ServerSettings, Settings
from antmediad.store.history import Version

logger = logging.getLogger(__name__)

S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)
State = Literal["active", "stale", "failed"]
Result = Literal["in_force", "unchanged", "kept"]


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


@dataclass(frozen=True, slots=True)
class Content:
    """A properties file as read."""

    text: bytes
    digest: str
    signature: Signature


class Past(Protocol):
    """The versions that were in force before this process; `store.history.History` is one."""

    def latest(self) -> dict[str, Version]: ...
    def content(self, application: str, generation: int) -> bytes | None: ...


class SettingsFile(ABC, Generic[S]):
    """A properties file, and the last good snapshot that was made of it."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        self.snapshot: Snapshot[S] | None = None
        self.errors: tuple[Problem, ...] = ()
        self.references: dict[Path, Signature] = {}
        self.seen: Signature = ()
        """The signature of the file when it was last looked at."""

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
        environment: Mapping[str, str],
        latest: Version | None,
    ) -> Parsed[S]:
        """Return the settings that *document* makes.

        Raises:
            SettingsError: it makes none.
        """

    @abstractmethod
    def describe(self, settings: S) -> str:
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
        environment: Mapping[str, str],
        latest: Version | None,
    ) -> Parsed[Settings]:
        if self.snapshot is not None:
            was_guarded = self.snapshot.settings.jwt_control_enabled
        else:
            was_guarded = latest is not None and latest.guarded
        return parse_settings(
            document.properties,
            application=self.name,
            environment=environment,
            resolve=references.resolve,
            was_guarded=was_guarded,
            problems=document.problems,
        )

    def describe(self, settings: Settings) -> str:
        ip = "on" if settings.ip_filter_enabled else "off"
        return f"ip_filter={ip} jwt_filter={jwt_filter(settings)}"

    def is_guarded(self, settings: Settings) -> bool:
        return settings.jwt_control_enabled


class Server(SettingsFile[ServerSettings]):
    """The server itself, whose file is ``conf/red5.properties``."""

    def parse(
        self,
        document: Document,
        references: References,
        environment: Mapping[str, str],
        latest: Version | None,
    ) -> Parsed[ServerSettings]:
        return parse_server_settings(
            document.properties,
            environment=environment,
            resolve=references.resolve,
            problems=document.problems,
        )

    def describe(self, settings: ServerSettings) -> str:
        return f"host={settings.http_host} port={settings.http_port}"


SERVER = ""
"""The name under which the server's own settings file goes, which no application can have."""

AnyFile = Application | Server


def jwt_filter(settings: Settings) -> Literal["off", "secret", "jwks"]:
    """Return in one word how the JWT filter decides."""
    if not settings.jwt_control_enabled:
        return "off"
    return "jwks" if settings.jwks_url else "secret"


class Registry:
    """Keeps the settings in force; the only part of the daemon whose settings change.

    A file that cannot be used never changes what is in force: the errors are kept beside it.
    """

    def __init__(
        self,
        home: Home,
        past: Past | None = None,
        environment: Mapping[str, str] = os.environ,
        metrics: Metrics | None = None,
    ) -> None:
        """Read *home*; *past* tells what was in force before.

        Raises:
            StoreError: the past cannot be read.
        """
        self.home = home
        self.applications: dict[str, Application] = {}
        self.server = Server(SERVER, home.server_properties)
        self.on_change: Callable[[str], None] = lambda _: None
        """Called with a name after its snapshot or state changed, or the application went."""
        self.on_version: Callable[[Version, bytes | None], None] = lambda *_: None
        """Called with each version that came into force, and the bytes of its file."""
        self._past = past
        self._latest = past.latest() if past is not None else {}
        self._environment = environment
        self._metrics = metrics or Metrics()

    def files(self) -> Iterator[AnyFile]:
        """Iterate over the server's file and those of all applications."""
        yield self.server
        yield from tuple(self.applications.values())

    def reload(self, name: str) -> Result:
        """Read the file of *name* and put it in force, if it is good and differs.

        `SERVER` is the server's.  An application that was not known is known from now on.
        """
        file = self._file(name)
        try:
            content = self._read(file)
        except SettingsError as error:
            return self._keep(file, error.problems)
        if self._is_in_force(file, content):
            return self._count(name, "unchanged")
        try:
            return self._parse_and_put(file, content)
        except SettingsError as error:
            return self._keep(file, error.problems)

    async def reload_aside(self, name: str) -> Result:
        """Do what `reload` does, parsing on another thread; for large files."""
        file = self._file(name)
        try:
            content = self._read(file)
            if self._is_in_force(file, content):
                return self._count(name, "unchanged")
            parsed, references = await asyncio.to_thread(self._parse, file, content)
        except SettingsError as error:
            return self._keep(file, error.problems)
        return self._put(file, content, parsed, references)

    def _parse_and_put(self, file: SettingsFile[S], content: Content) -> Result:
        parsed, references = self._parse(file, content)
        return self._put(file, content, parsed, references)

    def _put(
        self,
        file: SettingsFile[S],
        content: Content,
        parsed: Parsed[S],
        references: References,
        source: str = "file",
    ) -> Result:
        """Put *parsed* in force for *file*; everything that can fail has been done."""
        was, was_state = file.snapshot, file.state
        file.errors = ()
        file.references = references.files
        warnings = tuple(p for p in parsed.problems if p.severity == "warning")
        same = was is not None and (was.settings, was.unknown) == (parsed.settings, parsed.unknown)
        latest = self._latest.get(file.name)
        if was is not None:
            generation = was.generation if same else was.generation + 1
        elif latest is not None:
            generation = latest.generation + (latest.digest != content.digest)
        else:
            generation = 1
        file.snapshot = Snapshot(
            settings=parsed.settings,
            generation=generation,
            path=file.path,
            digest=content.digest,
            taken_at=was.taken_at if was is not None and same else time.time(),
            warnings=warnings,
            origins=parsed.origins,
            unknown=parsed.unknown,
        )
        if same and was_state == "active":
            return self._count(file.name, "unchanged")
        if latest is None or latest.generation != generation:
            version = Version(
                application=file.name,
                generation=generation,
                taken_at=file.snapshot.taken_at,
                source=source,
                digest=content.digest,
                guarded=file.is_guarded(parsed.settings),
            )
            self._remember(version, content.text)
        logger.info(
            "settings in force: %s generation=%d warnings=%d %s",
            _label(file),
            generation,
            len(warnings),
            file.describe(parsed.settings),
        )
        for problem in warnings:
            logger.warning("settings warning: %s file=%s %s", _label(file), file.path, problem)
        self.on_change(file.name)
        return self._count(file.name, "in_force")

    def restore(self, name: str) -> None:
        """Put the last version on record in force beside the errors of the file, if there is one.

        For the start: what was in force before it stays in force when the file is wrong now.
        """
        file = self._file(name)
        latest = self._latest.get(name)
        if file.snapshot is not None or latest is None or self._past is None:
            return
        errors = file.errors
        try:
            text = self._past.content(name, latest.generation)
            if text is None:
                return
            self._parse_and_put(file, Content(text, latest.digest, file.seen))
        except (SettingsError, StoreError):
            return
        # Of the file on disk, not of the version that was restored.
        file.errors = errors
        self.on_change(name)

    def remove(self, name: str) -> None:
        """Forget an application whose directory is gone.  Its data stays."""
        if self.applications.pop(name, None) is None:
            return
        latest = self._latest.get(name)
        if latest is not None and latest.digest:
            gone = Version(name, latest.generation + 1, time.time(), "removed", "", False)
            self._remember(gone, None)
        logger.info("application removed: application=%s", name)
        self.on_change(name)

    def _file(self, name: str) -> Any:
        if name == SERVER:
            return self.server
        if name not in self.applications:
            self.applications[name] = Application(name, self.home.properties_of(name))
        return self.applications[name]

    def _read(self, file: SettingsFile[S]) -> Content:
        file.seen = stat_signature(file.path)
        try:
            text, file.seen = read_file(file.path)
        except FileNotFoundError:
            if file.name == SERVER and not self._had_a_file(file):
                # A home that never had a conf/red5.properties is served with the defaults.
                return Content(b"", "", ())
            raise _unusable(
                "the file is gone; expected it back, or its directory removed"
            ) from None
        except OSError as error:
            text_of_error = error.strerror or str(error)
            raise _unusable(f"cannot be read: {text_of_error}") from error
        return Content(text, hashlib.sha256(text).hexdigest(), file.seen)

    def _had_a_file(self, file: SettingsFile[S]) -> bool:
        latest = self._latest.get(file.name)
        return bool((file.snapshot and file.snapshot.digest) or (latest and latest.digest))

    def _is_in_force(self, file: SettingsFile[S], content: Content) -> bool:
        return (
            file.snapshot is not None
            and file.state == "active"
            and file.snapshot.digest == content.digest
            and all(stat_signature(path) == seen for path, seen in file.references.items())
        )

    def _parse(self, file: SettingsFile[S], content: Content) -> tuple[Parsed[S], References]:
        document = parse_properties(content.text)
        references = References(file.path.parent, self._environment)
        # Kept even when parsing fails: the file that is missing now may come.
        file.references = references.files
        if content.digest and not document.properties:
            empty = Problem("error", "no settings in it; expected key=value lines")
            raise SettingsError((*document.problems, empty))
        latest = self._latest.get(file.name)
        return file.parse(document, references, self._environment, latest), references

    def _keep(self, file: SettingsFile[S], problems: Sequence[Problem]) -> Result:
        problems = tuple(problems)
        if file.errors == problems:
            return self._count(file.name, "kept")
        file.errors = problems
        for problem in problems:
            if problem.severity == "error":
                logger.error(
                    "settings kept: %s state=%s file=%s %s",
                    _label(file),
                    file.state,
                    file.path,
                    problem,
                )
        self.on_change(file.name)
        return self._count(file.name, "kept")

    def _remember(self, version: Version, content: bytes | None) -> None:
        self._latest[version.application] = version
        self.on_version(version, content)

    def _count(self, name: str, result: Result) -> Result:
        self._metrics.reloads[name, result] += 1
        return result


def _unusable(message: str) -> SettingsError:
    return SettingsError((Problem("error", message),))


def _label(file: SettingsFile[S]) -> str:
    return f"application={file.name}" if file.name != SERVER else "server"
