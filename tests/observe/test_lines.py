"""Log records as lines."""

from __future__ import annotations

import json
import logging
import math
from pathlib import PurePath

import pytest

from antmediad.errors import Problem
from antmediad.observe.lines import (
    Fields,
    JournalFormatter,
    JsonFormatter,
    LineFormatter,
    event_of,
    fields_of,
)


def record_of(text: str, *arguments: object, level: int = logging.INFO) -> logging.LogRecord:
    record = logging.LogRecord("antmediad.test", level, __file__, 1, text, arguments, None)
    record.created, record.msecs = 1_763_758_023.123, 123
    record.__dict__.update(event=event_of(record), fields=fields_of(record))
    return record


@pytest.mark.parametrize(
    ("text", "arguments", "fields"),
    [
        pytest.param("started", (), {}, id="none"),
        pytest.param("a: b=%s c=%d", ("x", 7), {"b": "x", "c": 7}, id="texts and numbers"),
        pytest.param("a: b=%s c=%s", (True, 1.5), {"b": True, "c": 1.5}, id="types stay"),
        pytest.param("a: b=%gs", (10.0,), {"b": 10.0}, id="a unit is no part of the value"),
        pytest.param("a: b=%r", (OSError("no"),), {"b": "OSError('no')"}, id="repr"),
        pytest.param("a: b=%s", (PurePath("/x"),), {"b": "/x"}, id="objects as their text"),
        pytest.param("a: b=%s", ("x y=z",), {"b": "x y=z"}, id="what looks like a field is none"),
        pytest.param("a: b=%s%s c=%s", (1, 2, 3), {"b": 1, "c": 3}, id="nameless"),
        pytest.param("a: 100%% b=%s", (1,), {"b": 1}, id="percent sign"),
        pytest.param("a: %s b=%s", (Fields(c="d"), 1), {"c": "d", "b": 1}, id="several in one"),
        pytest.param(
            "a: %s",
            (Problem("error", "wrong", 3, "key"),),
            {"line": 3, "key": "key", "problem": "wrong"},
            id="problem",
        ),
        pytest.param("a: b=%s", (math.inf,), {"b": "inf"}, id="no number of JSON"),
        pytest.param("a: b=%s", (None,), {"b": None}, id="nothing"),
        pytest.param("a: b=%(b)s", ({"b": 1},), {}, id="by name"),
    ],
)
def test_fields_are_the_arguments_by_name(
    text: str, arguments: tuple[object, ...], fields: dict[str, object]
) -> None:
    assert fields_of(record_of(text, *arguments)) == fields


def test_an_event_is_the_constant_text() -> None:
    assert event_of(record_of("request refused: path=%s", "a: b")) == "request refused"
    assert event_of(record_of("%s: error=%s", "certificate kept", "x")) == "certificate kept"


def test_fields_without_names_in_the_text_have_them_in_the_line() -> None:
    line = LineFormatter().format(record_of("a: %s x=%d", Fields(b="c", d=2), 3))

    assert line == "2025-11-21T20:47:03.123Z INFO a: b=c d=2 x=3"


HOSTILE = 'a\nb\x1b[2J\u2028\x85\udcff"'


def test_whatever_is_logged_is_one_line() -> None:
    record = record_of("a: b=%s", HOSTILE)
    record.exc_text = "Traceback\n  there"

    for formatter in (LineFormatter(), JournalFormatter(), JsonFormatter()):
        line = formatter.format(record)
        assert len(line.splitlines()) == 1
        assert line.isascii()
        assert line.isprintable()


def test_json_has_everything() -> None:
    record = record_of("a: b=%s", HOSTILE, level=logging.ERROR)
    record.exc_text = "Traceback\n  there"

    assert json.loads(JsonFormatter().format(record)) == {
        "ts": "2025-11-21T20:47:03.123Z",
        "level": "ERROR",
        "logger": "antmediad.test",
        "event": "a",
        "fields": {"b": HOSTILE.replace("\udcff", "\\udcff")},
        "message": "a: b=" + HOSTILE.replace("\udcff", "\\udcff"),
        "exception": "Traceback\n  there",
    }


@pytest.mark.parametrize(
    ("level", "priority"),
    [("DEBUG", 7), ("INFO", 6), ("WARNING", 4), ("ERROR", 3), ("CRITICAL", 3)],
)
def test_the_journal_is_told_the_priority(level: str, priority: int) -> None:
    record = record_of("stopped", level=logging.getLevelNamesMapping()[level])

    assert JournalFormatter().format(record) == f"<{priority}>{level} stopped"
