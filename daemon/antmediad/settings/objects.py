"""Settings as the JSON objects of the management API, and what such an object changes."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NamedTuple, NoReturn

from antmediad.errors import Problem, PropertyTypeError, SettingsError
from antmediad.settings.checks import EXCLUSIVE
from antmediad.settings.included import included_secrets, without
from antmediad.settings.ladder import Step, parse_steps, steps_from, steps_of, text_of_steps
from antmediad.settings.references import REFERENCE_REFUSED, is_reference
from antmediad.settings.schema import APPLICATION_KEYS, SERVER_KEYS, ServerSettings, Settings
from antmediad.settings.setting import (
    MASK,
    MASK_REFUSED,
    Setting,
    Value,
    has_mask,
    masked,
    text_of,
    without_userinfo,
)
from antmediad.settings.unmask import MAX_DEPTH, is_portable, is_same, unmasked
from antmediad.settings.values import convert, is_within, limits_broken

LADDER_TEXT: Final = "encoderSettingsString"
LADDER: Final = "encoderSettings"
AT_LEAST: Final[Mapping[str, int]] = MappingProxyType({"hlsListSize": 5, "hlsTime": 1})
"""Texts that Ant Media Server reads as whole numbers, and raises to these when they are saved."""
SERVER_WRITABLE: Final = ("serverName", "licenceKey", "nodeGroup", "logLevel")
"""All that Ant Media Server takes of a server object."""
SERVER_FOUND_OUT: Final = ("offlineLicense", "webRTCLogLevel", "sslEnabled", "hostAddress")
"""Properties of a server object that no setting stands for; a client sends them back in vain."""
READ_ONLY: Final = "cannot be changed here; edit conf/red5.properties"

_NUMBERS: Final = ("int", "long", "float")
_WHOLE_NUMBER = re.compile(r"\s*[+-]?[0-9]{1,10}\s*")


def _by_json_name(declared: Mapping[str, Setting]) -> Mapping[str, Setting]:
    named = {one.json_name: one for one in declared.values() if one.json_name is not None}
    return MappingProxyType(named)


APPLICATION_PROPERTIES: Final = _by_json_name(APPLICATION_KEYS)
"""The settings of an application by their JSON names; `LADDER` comes on top."""
SERVER_PROPERTIES: Final = _by_json_name(SERVER_KEYS)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a posted object changes.

    Attributes:
        texts: values by current key, as a file has them before escaping; None for the default.
        ignored: names in the object that no property has.
    """

    texts: Mapping[str, str | None] = field(repr=False)
    ignored: tuple[str, ...] = ()


def application_object(
    settings: Settings, *, reveal: bool = False, warnings: Iterable[Problem] = ()
) -> dict[str, Any]:
    """Return an application's settings by their JSON names, and ``encoderSettings``.

    Args:
        reveal: do not mask secrets.
        warnings: of the file; they tell whether placeholders brought secrets into other values.
    """
    shown = _object(settings, APPLICATION_KEYS, reveal, warnings)
    shown[LADDER] = steps_of(settings.encoder_settings_string)
    return shown


def server_object(
    settings: ServerSettings,
    *,
    host_address: str,
    ssl_enabled: bool,
    reveal: bool = False,
    warnings: Iterable[Problem] = (),
) -> dict[str, Any]:
    """Return the server's settings by their JSON names; other arguments as `application_object`.

    Args:
        host_address: the address that this host goes by.
        ssl_enabled: whether HTTPS is served.
    """
    return {
        **_object(settings, SERVER_KEYS, reveal, warnings),
        # Of a licence checked elsewhere and of WebRTC there is nothing here.
        "offlineLicense": False,
        "webRTCLogLevel": None,
        "sslEnabled": ssl_enabled,
        "hostAddress": host_address,
    }


def changes_of(
    posted: Mapping[str, Any], base: Settings, *, warnings: Iterable[Problem] = ()
) -> Changes:
    """Return what a posted object, whole or partial, changes of an application's settings.

    What is absent stays, and so does what says the same in another form; a mask stands for what
    it was shown for.  Null is back to the default, for texts.

    Args:
        base: the settings that the object was made from.
        warnings: as `application_object` was given them.

    Raises:
        PropertyTypeError: with every problem; their keys are JSON names, and no value is told.
        SettingsError: as that, when none is about a type.
    """
    reading = _Posted(base, APPLICATION_KEYS, warnings)
    for name, value in posted.items():
        declared = APPLICATION_PROPERTIES.get(name)
        if name == LADDER:
            continue
        if declared is None:
            reading.ignored.append(name)
        elif name in AT_LEAST:
            reading.read(declared, _raised(name, value, getattr(base, declared.name), reading))
        else:
            reading.read(declared, value)
    _read_ladder(posted, base, reading)
    after = dataclasses.replace(base, **reading.values)
    for keys in EXCLUSIVE:
        on = [key for key in keys if getattr(after, APPLICATION_KEYS[key].name)]
        if len(on) > 1 and not reading.texts.keys().isdisjoint(on):
            reading.add(f"excludes {', '.join(on[1:])}; expected only one to be on", on[0])
    return reading.changes()


def server_changes_of(
    posted: Mapping[str, Any], base: ServerSettings, *, warnings: Iterable[Problem] = ()
) -> Changes:
    """Return what a posted object changes of the server's settings; as `changes_of`.

    Raises:
        PropertyTypeError: as there.
        SettingsError: as there; also for a property that changed and is not one of
            `SERVER_WRITABLE`.
    """
    reading = _Posted(base, SERVER_KEYS, warnings)
    for name, value in posted.items():
        declared = SERVER_PROPERTIES.get(name)
        if name in SERVER_FOUND_OUT:
            continue
        if declared is None:
            reading.ignored.append(name)
        elif name not in SERVER_WRITABLE:
            reading.compare(declared, value)
        elif name == "logLevel" and (value is None or value == ""):
            reading.add(f"expected one of {', '.join(declared.choices)}", name)
        else:
            reading.read(declared, value)
    return reading.changes()


def _object(
    settings: Settings | ServerSettings,
    declared: Mapping[str, Setting],
    reveal: bool,
    warnings: Iterable[Problem],
) -> dict[str, Any]:
    secrets = () if reveal else included_secrets(settings, declared, warnings)
    shown: dict[str, Any] = {}
    for one in declared.values():
        if one.json_name is not None:
            value: Value = getattr(settings, one.name)
            text = text_of(value) if reveal else without(secrets, masked(one, value))
            shown[one.json_name] = _json_of(one, value, text)
    return shown


def _json_of(declared: Setting, value: Value, text: str) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return _document(text) if declared.kind == "object" else text


def _document(text: str) -> Any:
    """Return the document that a text holds; the text itself, if nothing can be done with it."""
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return document if is_portable(document) else text


class _Change(NamedTuple):
    value: Value
    text: str | None


class _Posted:
    """A posted object while it is read: changes and problems."""

    def __init__(
        self,
        base: Settings | ServerSettings,
        declared: Mapping[str, Setting],
        warnings: Iterable[Problem],
    ) -> None:
        self.texts: dict[str, str | None] = {}
        self.values: dict[str, Any] = {}
        self.ignored: list[str] = []
        self._base = base
        self._shown = _object(base, declared, False, warnings)
        self._problems: list[Problem] = []
        self._error: type[SettingsError] = SettingsError

    def add(self, message: str, name: str) -> None:
        self._problems.append(Problem("error", message, 0, name))

    def read(self, declared: Setting, posted: object) -> None:
        """Take one property as it was posted."""
        try:
            change = self._change(declared, posted)
        except SettingsError as error:
            for problem in error.problems:
                self.add(problem.message, declared.json_name or declared.key)
            if isinstance(error, PropertyTypeError):
                self._error = PropertyTypeError
            return
        if change is not None:
            self.texts[declared.key] = change.text
            self.values[declared.name] = change.value

    def compare(self, declared: Setting, posted: object) -> None:
        """Take one property that must be as it is."""
        try:
            if self._change(declared, posted) is None:
                return
        except SettingsError:
            pass
        self.add(READ_ONLY, declared.json_name or declared.key)

    def changes(self) -> Changes:
        """Return what was gathered.

        Raises:
            PropertyTypeError: one of its properties has the wrong type.
            SettingsError: there were other problems.
        """
        if self._problems:
            raise self._error(tuple(self._problems))
        return Changes(MappingProxyType(self.texts), tuple(self.ignored))

    def _change(self, declared: Setting, posted: object) -> _Change | None:
        """Return what a property changes, None if it stays.

        Raises:
            SettingsError: it cannot be so; the problem has no key.
        """
        base: Value = getattr(self._base, declared.name)
        shown = self._shown[declared.json_name or ""]
        if posted is None and shown is None:
            return None
        change = _read(declared, posted, base, shown)
        if change is None or change.value == base or (not change.value and base in ("", None)):
            return None
        if change.text is not None:
            _check(declared, change)
        return change


def _read(declared: Setting, posted: object, base: Value, shown: Any) -> _Change | None:
    if posted is None:
        if declared.kind == "bool" or declared.kind in _NUMBERS:
            _refuse_type(_expected(declared))
        return _Change(declared.default, None)
    if declared.kind == "object":
        return _read_object(declared, posted, base, shown)
    text = _text_posted(declared, posted)
    if text == shown or (declared.secret and text == MASK):
        return None
    if has_mask(text):
        _refuse(MASK_REFUSED)
    value = _converted(declared, text)
    if isinstance(value, bool | int | float) or declared.kind == "level":
        return _Change(value, text_of(value))
    if isinstance(value, tuple) and isinstance(base, tuple):
        # One of several URLs was changed, and the others were shown without their passwords.
        was = {without_userinfo(one): one for one in base if isinstance(one, str)}
        items = tuple(was.get(one, one) for one in value if isinstance(one, str))
        if was and items != value:
            return _Change(items, text_of(items))
    return _Change(value, text)


def _read_object(declared: Setting, posted: object, base: Value, shown: Any) -> _Change | None:
    document = _document(posted) if isinstance(posted, str) else posted
    if is_same(document, shown):
        return None
    if not isinstance(document, dict):
        _refuse_type("expected a JSON object")
    if not is_portable(document):
        _refuse(f"expected {MAX_DEPTH} levels of nesting or less, and numbers of 64 bits")
    was = _document(text_of(base))
    try:
        meant = unmasked(document, was, shown)
        text = json.dumps(meant, separators=(",", ":"), ensure_ascii=False)
    except (ValueError, TypeError) as error:
        _refuse(str(error))
    return None if is_same(meant, was) else _Change(convert(declared, text), text)


def _text_posted(declared: Setting, posted: object) -> str:
    """Return the text of a property that is none of a file's objects, from any scalar that fits."""
    if isinstance(posted, str):
        return posted
    if isinstance(posted, bool):
        if declared.kind == "bool":
            return text_of(posted)
    elif isinstance(posted, int | float) and declared.kind != "bool":
        whole = isinstance(posted, float) and posted.is_integer()
        return text_of(int(posted) if whole else posted)
    _refuse_type(_expected(declared))


def _converted(declared: Setting, text: str) -> Value:
    try:
        return convert(declared, text)
    except SettingsError as error:
        if declared.kind == "bool" or declared.kind in _NUMBERS:
            raise PropertyTypeError(error.problems) from None
        raise


def _expected(declared: Setting) -> str:
    if declared.kind == "bool":
        return "expected true or false"
    return "expected a number" if declared.kind in _NUMBERS else "expected a text"


def _check(declared: Setting, change: _Change) -> None:
    """Check what a file is not checked for, or only warned of: here nothing is lost by refusing.

    Raises:
        SettingsError: the problem has no key.
    """
    text = change.text or ""
    # Whoever may change one application must not read files and variables of the daemon by it.
    if is_reference(text, secret=declared.secret):
        _refuse(REFERENCE_REFUSED)
    if declared.misfit != "kept" and not is_within(declared, change.value):
        for _, message in limits_broken(declared, change.value):
            _refuse(message)


def _raised(name: str, posted: object, base: str, reading: _Posted) -> object:
    """Return a whole number kept as text, not below what Ant Media Server raises it to."""
    is_number = isinstance(posted, int | float) and not isinstance(posted, bool)
    text = str(posted) if is_number else posted
    if text is None:
        return str(AT_LEAST[name])
    if is_number and isinstance(text, str):
        text = text.removesuffix(".0")
    if text == base:
        return base
    if not isinstance(text, str) or not _WHOLE_NUMBER.fullmatch(text):
        reading.add("expected a whole number", name)
        return base
    if _WHOLE_NUMBER.fullmatch(base) and int(text) == int(base):
        return base
    return str(max(int(text), AT_LEAST[name]))


def _read_ladder(posted: Mapping[str, Any], base: Settings, reading: _Posted) -> None:
    """Take the ladder from its text and from its list, whichever was changed."""
    in_force = steps_of(base.encoder_settings_string)
    steps: list[Step] | None = None
    if LADDER_TEXT in reading.texts:
        try:
            steps = parse_steps(reading.texts[LADDER_TEXT] or "")
        except ValueError as error:
            reading.add(str(error), LADDER_TEXT)
            return
        if steps == in_force:
            del reading.texts[LADDER_TEXT], reading.values["encoder_settings_string"]
            steps = None
    entries = posted.get(LADDER, in_force)
    try:
        if not isinstance(entries, list | None):
            raise ValueError("expected an array of objects")
        listed = steps_from(entries or ())
    except ValueError as error:
        reading.add(str(error), LADDER)
        return
    name = LADDER_TEXT
    if listed != in_force:
        if steps is not None and steps != listed:
            reading.add(
                f"and {LADDER_TEXT} say different things; expected one of them, or both alike",
                LADDER,
            )
            return
        if steps is None:
            name, steps = LADDER, listed
            reading.texts[LADDER_TEXT] = text_of_steps(steps) if steps else None
            reading.values["encoder_settings_string"] = text_of_steps(steps) if steps else ""
    for position, step in enumerate(steps or (), 1):
        if step["height"] <= 0:
            reading.add(f"expected the height of entry {position} to be above 0", name)


def _refuse(message: str) -> NoReturn:
    raise SettingsError((Problem("error", message),))


def _refuse_type(message: str) -> NoReturn:
    raise PropertyTypeError((Problem("error", message),))
