"""Log records as lines."""

from __future__ import annotations

import json
import logging
import math
import re
import time
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

# What could start a line of its own, or steer a terminal that shows the log.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# In the constant text of an event: what an argument is put in for, and its name before it.
_PLACE = re.compile(r"(?:(\w+)=)?%(?:%|[-#0 +]*\d*(?:\.\d+)?([a-zA-Z]))")
# sd-daemon(3), after syslog(3).
_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))


def printable(text: str) -> str:
    """Return *text* with escapes for what is no character to be shown; always valid UTF-8."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


@runtime_checkable
class HasFields(Protocol):
    """An argument of a log line that is several fields, or one whose name it knows itself."""

    def log_fields(self) -> Mapping[str, object]:
        """Return the fields by name."""


class Fields(dict[str, object]):
    """Fields whose names are not in the constant text of the event."""

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self.items())

    def log_fields(self) -> Mapping[str, object]:
        """Return the fields by name."""
        return self


def event_of(record: logging.LogRecord) -> str:
    """Return what stands before the first colon: the event, the same for all of its kind."""
    event = str(record.msg).partition(":")[0]
    return record.getMessage().partition(":")[0] if "%" in event else event


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    """Return the arguments of *record* by the names that its text gives them."""
    if not isinstance(record.args, tuple):
        return {}
    fields: dict[str, object] = {}
    arguments = iter(record.args)
    for place in _PLACE.finditer(str(record.msg)):
        name, conversion = place.groups()
        if conversion is None:
            continue
        argument = next(arguments, None)
        if name is not None:
            fields[name] = _value_of(argument, conversion)
        elif isinstance(argument, HasFields):
            fields.update(
                (key, _value_of(value, "s")) for key, value in argument.log_fields().items()
            )
    return fields


def _value_of(argument: object, conversion: str) -> object:
    if isinstance(argument, bool | int) or argument is None:
        return argument
    if isinstance(argument, float) and math.isfinite(argument):
        return argument
    return _unicode(repr(argument) if conversion == "r" else str(argument))


def _unicode(text: str) -> str:
    """Return *text* with escapes for what other readers of JSON refuse."""
    return text.encode(errors="backslashreplace").decode()


class LineFormatter(logging.Formatter):
    """``2026-11-21T20:47:03.123Z INFO settings in force: application=LiveApp``, in UTC."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, form: str = "%(asctime)s %(levelname)s %(message)s") -> None:
        super().__init__(form)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; what comes from outside cannot add a second one."""
        return printable(super().format(record))


class JournalFormatter(LineFormatter):
    """``<6>INFO settings in force: application=LiveApp``: the journal has its own clock."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and before it the priority that the journal is to note."""
        priority = next((one for least, one in _PRIORITIES if record.levelno >= least), 7)
        return f"<{priority}>{super().format(record)}"


class JsonFormatter(LineFormatter):
    """One JSON object, in ASCII; of a record that has its event and fields as attributes."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        shown: dict[str, object] = {
            "ts": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "event": _unicode(getattr(record, "event", "")),
            "fields": getattr(record, "fields", {}),
            "message": _unicode(record.getMessage()),
        }
        if record.exc_text:
            shown["exception"] = _unicode(record.exc_text)
        return json.dumps(shown)
