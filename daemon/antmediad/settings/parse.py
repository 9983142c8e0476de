"""Properties to settings: text becomes types once, and every problem of a file is told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Protocol

from antmediad.errors import Problem, SettingsError
from antmediad.settings.checks import Finding, check_application, check_server
from antmediad.settings.references import References, Resolver, refuse_references
from antmediad.settings.schema import (
    APPLICATION_KEYS,
    APPLICATION_SPELLINGS,
    SERVER_SPELLINGS,
    ServerSettings,
    Settings,
)
from antmediad.settings.setting import Setting
from antmediad.settings.spelling import (
    OBSOLETE_KEYS,
    application_suggestion,
    server_suggestion,
)
from antmediad.settings.values import Severity, convert, is_within, limits_broken

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
GUARD: Final = "jwtControlEnabled"
GUARD_GONE: Final = (
    f"was true and its line is gone; write {GUARD}=false to switch the JWT filter off"
)
NOT_USED: Final = "; the default counts"
BLANKS_DROPPED: Final = "found blanks before or after the value, which are dropped"
EXPRESSION: Final = "#{...} is kept as it stands; expressions are never executed here"


class Entry(Protocol):
    """One property of a file, as a reader found it."""

    @property
    def key(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def line(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a setting's value comes from.

    Attributes:
        line: the line that counts, from 1.
        spelling: the key as it stands there.
        source: ``file``; or what the value refers to, comma separated: ``env:NAME``,
            ``file:PATH``, ``credential:NAME``, ``default`` for the default of a placeholder.
    """

    line: int
    spelling: str
    source: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """A usable ``red5-web.properties``.

    Attributes:
        settings: what it says; secrets that are made at random when not set are empty.
        problems: warnings only, by line.
        origins: by current key, for the settings that stand in the file.
        unknown: keys that no setting declares, with their last values, not for showing; see
            `masked_unknown`.
    """

    settings: Settings
    problems: tuple[Problem, ...]
    origins: Mapping[str, Origin]
    unknown: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ParsedServer:
    """A usable ``red5.properties``; the attributes are those of `Parsed`."""

    settings: ServerSettings
    problems: tuple[Problem, ...]
    origins: Mapping[str, Origin]
    unknown: Mapping[str, str] = field(repr=False)


def parse_settings(  # noqa: PLR0913 - each keyword has a default that is right for a lone text
    entries: Iterable[Entry],
    *,
    application: str = "",
    environment: Mapping[str, str] = NOTHING,
    resolve: Resolver = refuse_references,
    guarded_by: Callable[[], str] | None = None,
    problems: Iterable[Problem] = (),
) -> Parsed:
    """Return the settings of an application's properties.

    Args:
        entries: in file order; of several with one key the last counts.
        application: the name of its directory; empty when there is none to compare with.
        environment: for ``${NAME}`` in values that are not secret.
        resolve: for values that are ``${env:NAME}``, ``${file:PATH}`` or ``${credential:NAME}``.
        guarded_by: given when the JWT filter was on before: the line that said so must not merely
            be gone, as it is from a file cut short.  Returns its spelling, and is called only when
            that matters; an older one may have said no all along, without counting beside it.
        problems: those of the reader, told together with the ones found here.

    Raises:
        SettingsError: with every problem, warnings too, sorted by line.
    """
    reading = _Reading(entries, APPLICATION_SPELLINGS, application_suggestion, problems)
    reading.convert(environment, resolve)
    settings = Settings(**reading.values)
    if guarded_by is not None and _has_lost_guard(settings, reading, guarded_by):
        reading.add("error", GUARD_GONE, reading.last_line, GUARD)
    reading.add_findings(check_application(settings, application))
    return Parsed(settings, reading.warnings(), reading.origins, reading.unknown)


def parse_server_settings(
    entries: Iterable[Entry],
    *,
    environment: Mapping[str, str] = NOTHING,
    resolve: Resolver = refuse_references,
    problems: Iterable[Problem] = (),
) -> ParsedServer:
    """Return the settings of the server's properties; arguments and errors as `parse_settings`."""
    reading = _Reading(entries, SERVER_SPELLINGS, server_suggestion, problems)
    reading.convert(environment, resolve)
    settings = ServerSettings(**reading.values)
    reading.add_findings(check_server(settings))
    return ParsedServer(settings, reading.warnings(), reading.origins, reading.unknown)


def _has_lost_guard(settings: Settings, reading: _Reading, guarded_by: Callable[[], str]) -> bool:
    """Tell whether the JWT filter is off because its line is gone, not because it says so."""
    switch = reading.origins.get(GUARD)
    if switch is None:
        return not reading.mentions(APPLICATION_KEYS[GUARD])
    return not settings.jwt_control_enabled and switch.spelling != GUARD and guarded_by() == GUARD


class _Reading:
    """One pass over one file, gathering values and problems."""

    def __init__(
        self,
        entries: Iterable[Entry],
        spellings: Mapping[str, tuple[Setting, ...]],
        suggestion: Callable[[str], str],
        problems: Iterable[Problem],
    ) -> None:
        self.values: dict[str, Any] = {}
        self.origins: dict[str, Origin] = {}
        self.unknown: dict[str, str] = {}
        self._failed: set[str] = set()
        self._problems = dict.fromkeys(problems)
        self._spellings = spellings
        self._entries: dict[str, Entry] = {}
        for entry in entries:
            earlier = self._entries.get(entry.key)
            if earlier is not None and entry.key in spellings:
                self.add(
                    "warning",
                    f"stands on line {earlier.line} and again on line {entry.line}, which counts",
                    entry.line,
                    entry.key,
                )
            self._entries[entry.key] = entry
        for key, entry in self._entries.items():
            if key not in spellings:
                self.unknown[key] = entry.value
                self._tell_of_unknown(entry, suggestion)

    @property
    def last_line(self) -> int:
        """The line of the last property, or 0 if there is none."""
        return max((entry.line for entry in self._entries.values()), default=0)

    def mentions(self, setting: Setting) -> bool:
        return any(key in self._entries for key in setting.spellings)

    def add(self, severity: Severity, message: str, line: int, key: str) -> None:
        self._problems[Problem(severity, message, line, key)] = None

    def convert(self, environment: Mapping[str, str], resolve: Resolver) -> None:
        """Fill values and origins from the entries that settings declare."""
        texts = {key: entry.value for key, entry in self._entries.items()}
        references = References(texts, self._spellings, environment, resolve)
        declared = {
            setting.key: setting
            for key in self._entries
            for setting in self._spellings.get(key, ())
        }
        for setting in declared.values():
            entry = self._chosen(setting)
            try:
                self._convert(setting, entry, references)
            except SettingsError as error:
                self._refuse(setting, entry, error)

    def add_findings(self, findings: Iterable[Finding]) -> None:
        """Add what settings say together, unless one of them has no value to go by."""
        for finding in findings:
            if self._failed.isdisjoint(finding.keys):
                origin = self.origins.get(finding.keys[0])
                line, key = (origin.line, origin.spelling) if origin else (0, finding.keys[0])
                self.add(finding.severity, finding.message, line, key)

    def warnings(self) -> tuple[Problem, ...]:
        """Return the problems by line.

        Raises:
            SettingsError: one of them is an error.
        """
        problems = tuple(sorted(self._problems, key=lambda problem: problem.line))
        if any(problem.severity == "error" for problem in problems):
            raise SettingsError(problems)
        return problems

    def _chosen(self, setting: Setting) -> Entry:
        """Return the entry that counts: that of the first spelling that has a value."""
        spelled = [self._entries[key] for key in setting.spellings if key in self._entries]
        if len(spelled) == 1:
            return spelled[0]
        chosen, *others = [entry for entry in spelled if entry.value.strip()] or spelled
        for other in others:
            if other.value.strip() != chosen.value.strip():
                self.add(
                    "warning",
                    f"on line {chosen.line} counts, and {other.key} on line {other.line} "
                    "says something else",
                    chosen.line,
                    chosen.key,
                )
        return chosen

    def _convert(self, setting: Setting, entry: Entry, references: References) -> None:
        if "${" in entry.value:
            expansion = references.expand(entry.value, secret=setting.secret)
            text, source = expansion.text, ", ".join(expansion.sources) or "file"
            for message in expansion.warnings:
                self._add_of(setting, entry, "warning", message)
        else:
            text, source = entry.value, "file"
        if "#{" in text and not setting.secret:
            self._add_of(setting, entry, "warning", EXPRESSION)
        if setting.is_trimmed and text != text.strip():
            self._add_of(setting, entry, "warning", BLANKS_DROPPED)
        value = convert(setting, text)
        self.origins[setting.key] = Origin(entry.line, entry.key, source)
        not_used = setting.misfit == "default" and not is_within(setting, value)
        self.values[setting.name] = setting.default if not_used else value
        for severity, message in limits_broken(setting, value):
            self._add_of(setting, entry, severity, message + (NOT_USED if not_used else ""))

    def _refuse(self, setting: Setting, entry: Entry, error: SettingsError) -> None:
        """Tell why a value has no meaning; where that is no error, the default counts."""
        for problem in error.problems:
            if setting.misfit == "default":
                self._add_of(setting, entry, "warning", problem.message + NOT_USED)
            else:
                self._add_of(setting, entry, problem.severity, problem.message)

    def _add_of(self, setting: Setting, entry: Entry, severity: Severity, message: str) -> None:
        if severity == "error":
            self._failed.add(setting.key)
        self.add(severity, message, entry.line, entry.key)

    def _tell_of_unknown(self, entry: Entry, suggestion: Callable[[str], str]) -> None:
        if entry.key in OBSOLETE_KEYS:
            self.add("warning", "no longer used", entry.line, entry.key)
        elif known := suggestion(entry.key):
            self.add("warning", f"unknown key; did you mean {known}?", entry.line, entry.key)
