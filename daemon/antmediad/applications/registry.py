"""The applications and the server, each with the settings snapshot that is in force."""

from __future__ import annotations

import asyncio
import copy
import logging
import os
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

from antmediad.applications.home import Home, is_application_name
from antmediad.applications.past import Past, has_switch, latest_of
from antmediad.applications.read import UNSETTLED, References, read_file, settled, stat_signature
from antmediad.applications.settings_file import (
    SERVER,
    AnyFile,
    Application,
    Parsed,
    Server,
    SettingsFile,
    Snapshot,
)
from antmediad.applications.write import digest_of
from antmediad.errors import Problem, SettingsError, StoreError
from antmediad.observe.lines import Fields
from antmediad.observe.metrics import Metrics
from antmediad.properties.reader import parse_properties
from antmediad.settings.parse import GUARD
from antmediad.store.history import Version

logger = logging.getLogger(__name__)

S = TypeVar("S")
Result = Literal["in_force", "unchanged", "kept"]

MAX_LOGGED_PROBLEMS = 20
"""How many problems of a file are logged; all are told where its state is shown."""


@dataclass(frozen=True, slots=True)
class Content:
    """A properties file as read."""

    text: bytes
    digest: str


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
        self._latest = latest_of(past) if past is not None else {}
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
            is_known = self._is_surely_of(file, parsed, content.digest, latest)
            generation = latest.generation if is_known else latest.generation + 1
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
            parsed, _ = self._parse(file, Content(text, digest_of(text)))
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
        return Content(text, digest_of(text))

    def _content_of(self, version: Version) -> Content | None:
        """Return the file of a version on record, None for that of an application removed.

        Raises:
            StoreError: it cannot be read.
        """
        text = self._past.content(version.application, version.generation) if self._past else None
        return Content(text, version.digest) if text is not None else None

    def _is_of(
        self, file: SettingsFile[S], made: Parsed[S] | Snapshot[S], digest: str, version: Version
    ) -> bool:
        """Tell whether *made* is what *version* says, whose text may have other comments.

        Args:
            digest: of the text that it was made of.

        Raises:
            SettingsError, StoreError: that text cannot be used or read any more.
        """
        if version.guarded != file.is_guarded(made.settings):
            return False
        if version.digest == digest:
            return True
        content = self._content_of(version)
        if content is None:
            return False
        references = References(file.path.parent, self._environment)
        then = file.parse(parse_properties(content.text), references)
        return (then.settings, then.unknown) == (made.settings, made.unknown)

    def _is_surely_of(
        self, file: SettingsFile[S], made: Parsed[S], digest: str, version: Version
    ) -> bool:
        try:
            return self._is_of(file, made, digest, version)
        except (SettingsError, StoreError):
            return False

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
        guarded_by = partial(self._guarded_by, file, latest) if was_guarded else None
        try:
            parsed = file.parse(document, references, guarded_by)
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
        return parsed, references

    def _guarded_by(self, file: SettingsFile[S], latest: Version | None) -> str:
        """Return the spelling that switched the JWT filter on, empty for an older one.

        Where the record says only that there was one, it is taken for the current one.
        """
        snapshot = file.snapshot
        if snapshot is not None and file.is_guarded(snapshot.settings):
            return snapshot.origins[GUARD].spelling
        if latest is None:
            return ""
        try:
            content = self._content_of(latest)
        except StoreError:
            content = None
        return GUARD if content is None or has_switch(content.text) else ""

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
