"""The applications and the server, each with the settings snapshot that is in force."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import logging
import os
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from antmediad.applications.home import Home, is_application_name
from antmediad.applications.read import (
    UNSETTLED,
    References,
    Signature,
    read_file,
    settled,
    stat_signature,
)
from antmediad.errors import Problem, SettingsError, StoreError
from antmediad.observe.lines import Fields
from antmediad.observe.metrics import Metrics
from antmediad.properties.reader import Document, parse_properties
from antmediad.settings.parse import (
    GUARD,
    GUARD_GONE,
    Origin,
    parse_server_settings,
    parse_settings,
)
from antmediad.settings.schema import ServerSettings, Settings
from antmediad.store.history import Version

logger = logging.getLogger(__name__)

S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)
State = Literal["active", "stale", "failed"]
Result = Literal["in_force", "unchanged", "kept"]

MAX_LOGGED_PROBLEMS = 20
"""How many problems of a file are logged; all are told where its state is shown."""


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
        environment: Mapping[str, str],
        was_guarded: bool,
    ) -> Parsed[S]:
        """Return the settings that *document* makes.

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
        environment: Mapping[str, str],
        was_guarded: bool,
    ) -> Parsed[Settings]:
        return parse_settings(
            document.properties,
            application=self.name,
            environment=environment,
            resolve=references.resolve,
            was_guarded=was_guarded,
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
        environment: Mapping[str, str],
        was_guarded: bool,
    ) -> Parsed[ServerSettings]:
        return parse_server_settings(
            document.properties,
            environment=environment,
            resolve=references.resolve,
            problems=document.problems,
        )

    def describe(self, settings: ServerSettings) -> Fields:
        return Fields(host=settings.http_host, port=settings.http_port)


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
        *,
        assume_guarded: bool = False,
    ) -> None:
        """Read *home*; *past* tells what was in force before.

        Args:
            assume_guarded: whether an application of which nothing is known from before is to be
                taken for one whose JWT filter was on: for a past that cannot be read.

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
        self._assume_guarded = assume_guarded

    def files(self) -> Iterator[AnyFile]:
        """Iterate over the server's file and those of all applications."""
        yield self.server
        yield from tuple(self.applications.values())

    def recorded(self) -> set[str]:
        """Return the names of the applications on record that were not removed."""
        return {
            name
            for name, latest in self._latest.items()
            if latest.digest and is_application_name(name)
        }

    def reload(self, name: str) -> Result:
        """Read the file of *name* and put it in force, if it is good and differs.

        `SERVER` is the server's.  An application that was not known is known from now on.
        """
        file = self._file(name)
        file.reading += 1
        try:
            content = self._read(file)
            if self._is_in_force(file, content):
                return self._count(name, "unchanged")
            parsed, references = self._parse(file, content)
        except SettingsError as error:
            return self._keep(file, error.problems)
        return self._put(file, content, parsed, references)

    async def reload_aside(self, name: str) -> Result:
        """Do what `reload` does, reading on another thread; for large files.

        Of several readings of one file that go on at a time, the one begun last counts.
        """
        file = self._file(name)
        file.reading += 1
        reading = file.reading

        def read() -> tuple[Content, Parsed[Any], References] | None:
            content = self._read(file)
            if self._is_in_force(file, content):
                return None
            return content, *self._parse(file, content)

        error: SettingsError | None = None
        try:
            found = await asyncio.to_thread(read)
        except SettingsError as raised:
            found, error = None, raised
        if file.reading != reading or not self._is_known(file):
            return self._count(name, "unchanged")
        if error is not None:
            return self._keep(file, error.problems)
        if found is None:
            return self._count(name, "unchanged")
        return self._put(file, *found)

    def _put(
        self,
        file: SettingsFile[S],
        content: Content,
        parsed: Parsed[S],
        references: References,
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
            generation = latest.generation + (
                not self._says_the_same(file, content, parsed, latest)
            )
        else:
            generation = 1
        file.snapshot = Snapshot(
            # The same object as long as nothing changed: guards are made for it.
            settings=was.settings if was is not None and same else parsed.settings,
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
                source="file",
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
        for problem in warnings[:MAX_LOGGED_PROBLEMS]:
            logger.warning("settings warning: %s file=%s %s", _label(file), file.path, problem)
        self.on_change(file.name)
        return self._count(file.name, "in_force")

    def check(self, name: str, text: bytes) -> tuple[Problem, ...]:
        """Return what `reload` would find wrong if *text* were the file of *name*, by line.

        With an error among it, what is in force would stay.  Nothing changes, and any thread may
        call it.
        """
        known: Any = self.server if name == SERVER else self.applications.get(name)
        # Not the one that is followed, which a reload may be changing on another thread.
        file = copy.copy(known or Application(name, self.home.properties_of(name)))
        try:
            parsed, _ = self._parse(file, Content(text, hashlib.sha256(text).hexdigest()))
        except SettingsError as error:
            return error.problems
        return tuple(parsed.problems)

    def restore(self, name: str) -> None:
        """Put the last version on record in force beside the errors of the file, if there is one.

        For the start: what was in force before it stays in force when the file is wrong now.
        """
        file = self._file(name)
        latest = self._latest.get(name)
        if file.snapshot is not None or latest is None:
            return
        # Those of the file on disk, not of the version that is restored.
        errors, awaited = file.errors, file.references
        try:
            content = self._content_of(latest)
            if content is not None:
                self._put(file, content, *self._parse(file, content))
        except (SettingsError, StoreError) as error:
            logger.error("settings not restored: %s error=%s", _label(file), error)
        file.errors, file.references = errors, awaited
        if file.generation:
            self.on_change(name)

    @contextmanager
    def expect_new(self, name: str) -> Iterator[None]:
        """Take the application of this name that comes inside for a new one.

        Of one that was removed while nobody looked, what is on record says whether it was
        guarded; whoever creates an application anew does not lose that guard by accident.  If the
        creation fails, by an exception, nothing is forgotten: the one on record may come back.
        """
        latest = self._latest.get(name)
        if name in self.applications or (latest is not None and not latest.digest):
            yield
            return
        if latest is None and not self._assume_guarded:
            yield
            return
        generation = latest.generation + 1 if latest is not None else 0
        removed = Version(name, generation, time.time(), "removed", "", False)
        self._latest[name] = removed
        try:
            yield
        except BaseException:
            if self._latest.get(name) is removed:
                if latest is not None:
                    self._latest[name] = latest
                else:
                    del self._latest[name]
            raise
        self.on_version(removed, None)

    def remove(self, name: str) -> None:
        """Forget an application whose directory is gone.  Its data stays."""
        if self.applications.pop(name, None) is None:
            return
        self._metrics.forget(name)
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

    def _is_known(self, file: SettingsFile[S]) -> bool:
        return file.name == SERVER or self.applications.get(file.name) is file

    def _read(self, file: SettingsFile[S]) -> Content:
        try:
            text, signature = read_file(file.path)
        except FileNotFoundError:
            file.seen = stat_signature(file.path)
            if file.name == SERVER and not self._had_a_file(file):
                # A home that never had a conf/red5.properties is served with the defaults.
                return Content(b"", "")
            raise _unusable(
                "the file is gone; expected it back, or its directory removed"
            ) from None
        except OSError as error:
            # Perhaps only for the moment, as without a free descriptor: worth another try.
            file.seen = UNSETTLED
            raise _unusable(f"cannot be read: {error.strerror or error}") from error
        file.seen = settled(signature)
        return Content(text, hashlib.sha256(text).hexdigest())

    def _content_of(self, version: Version) -> Content | None:
        """Return the file of a version on record, None for that of an application removed.

        Raises:
            StoreError: it cannot be read.
        """
        text = self._past.content(version.application, version.generation) if self._past else None
        return Content(text, version.digest) if text is not None else None

    def _says_the_same(
        self, file: SettingsFile[S], content: Content, parsed: Parsed[S], latest: Version
    ) -> bool:
        """Tell whether *content* differs in comments and the like only from what is on record."""
        if latest.guarded != file.is_guarded(parsed.settings):
            return False
        if latest.digest == content.digest:
            return True
        try:
            before = self._content_of(latest)
            if before is None:
                return False
            document = parse_properties(before.text)
            references = References(file.path.parent, self._environment)
            then = file.parse(document, references, self._environment, was_guarded=False)
        except (SettingsError, StoreError):
            return False
        return (then.settings, then.unknown) == (parsed.settings, parsed.unknown)

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
        broken = any(problem.severity == "error" for problem in document.problems)
        if content.digest and not document.properties and not broken:
            empty = Problem("error", "no settings in it; expected key=value lines")
            raise SettingsError((*document.problems, empty))
        latest = self._latest.get(file.name)
        was_guarded = latest.guarded if latest is not None else self._assume_guarded
        try:
            parsed = file.parse(document, references, self._environment, was_guarded)
        except SettingsError:
            raise
        except Exception as error:
            # A mistake in the parser takes down neither the daemon nor the other applications.
            # Not logger.exception: the text of the error may be a value.
            logger.error(
                "parser failed: %s error=%s\n%s",
                _label(file),
                type(error).__name__,
                "".join(traceback.format_tb(error.__traceback__)),
            )
            raise _unusable("cannot be parsed, because of a mistake in antmediad") from error
        if latest is not None and was_guarded and not file.is_guarded(parsed.settings):
            self._check_switched_off(file, parsed, latest)
        return parsed, references

    def _check_switched_off(
        self, file: SettingsFile[S], parsed: Parsed[S], latest: Version
    ) -> None:
        """Check that the JWT filter is off because its line says so, not because it is gone.

        An older spelling may have said no all along, without counting beside the current one.

        Raises:
            SettingsError: the line that counted is gone.
        """
        if parsed.origins[GUARD].spelling == GUARD:
            return
        if file.snapshot is not None:
            was_current = file.snapshot.origins[GUARD].spelling == GUARD
        else:
            try:
                content = self._content_of(latest)
            except StoreError:
                content = None
            was_current = content is None or any(
                entry.key == GUARD for entry in parse_properties(content.text).properties
            )
        if was_current:
            raise SettingsError((Problem("error", GUARD_GONE, 0, GUARD),))

    def _keep(self, file: SettingsFile[S], problems: Sequence[Problem]) -> Result:
        problems = tuple(problems)
        if file.errors == problems:
            return self._count(file.name, "kept")
        file.errors = problems
        errors = [problem for problem in problems if problem.severity == "error"]
        for problem in errors[:MAX_LOGGED_PROBLEMS]:
            logger.error(
                "settings kept: %s state=%s file=%s %s",
                _label(file),
                file.state,
                file.path,
                problem,
            )
        if len(errors) > MAX_LOGGED_PROBLEMS:
            logger.error("settings kept: %s errors=%d", _label(file), len(errors))
        self.on_change(file.name)
        return self._count(file.name, "kept")

    def _remember(self, version: Version, content: bytes | None) -> None:
        self._latest[version.application] = version
        self.on_version(version, content)

    def _count(self, name: str, result: Result) -> Result:
        # Not of one that was removed while it was read: nothing would drop that figure again.
        if name == SERVER or name in self.applications:
            self._metrics.reloads[name, result] += 1
        return result


def _unusable(message: str) -> SettingsError:
    return SettingsError((Problem("error", message),))


def _label(file: SettingsFile[S]) -> Fields | str:
    return Fields(application=file.name) if file.name != SERVER else "server"
