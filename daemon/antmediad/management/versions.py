"""The versions of a properties file that were in force: listed, compared, restored."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from antmediad.api.answer import Answer, answer
from antmediad.api.json_schema import OBJECT, list_of, object_of
from antmediad.api.routes import Query, Schema
from antmediad.applications.compare import differences
from antmediad.applications.read import read_file
from antmediad.applications.versions import shown_versions
from antmediad.errors import RequestError, SettingsError
from antmediad.management.call import Call
from antmediad.management.changes import make_change
from antmediad.management.conditions import expected_digest, shown_digest
from antmediad.management.problems import REJECTION, rejection
from antmediad.management.properties import CHANGED, changed, note_change
from antmediad.management.routes import Route
from antmediad.management.subject import APPLICATION, SERVER_FILE, Subject
from antmediad.store.history import MAX_GENERATION, History

MAX_VERSIONS: Final = 200
"""How many of them are listed; older ones are still on record."""
MAX_COMPARED_LINES: Final = 5000
"""Of each version: comparing takes time that grows with the square of it."""
MAX_EQUAL_PAIRS: Final = 250_000
"""Of lines of the one and the other version, such as blank ones: with them it grows further."""

_GENERATION: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": MAX_GENERATION}
_WHICH = Schema(object_of({"generation": _GENERATION}, required=["generation"]))


async def list_versions(subject: Subject, call: Call) -> Answer:
    """Return the versions that were in force, the newest first, with the keys that changed."""
    subject.find(call)
    history, name = _history(call), subject.name_of(call)
    versions = await call.resources.read_aside(lambda: shown_versions(history, name, MAX_VERSIONS))
    return answer(
        [{**one, "digest": shown_digest(call, one["digest"] or "") or None} for one in versions]
    )


async def compare(subject: Subject, call: Call) -> Answer:
    """Return what differs between two versions, or a version and the file; secrets masked."""
    file = subject.find(call)
    history, name = _history(call), subject.name_of(call)
    old = _generation("from", call.query.get("from", ""))
    new = _generation("to", call.query["to"]) if call.query.get("to") else None

    def read_and_compare() -> list[dict[str, str]]:
        before = _content_of(history, name, old)
        if new is not None:
            after = _content_of(history, name, new)
        else:
            try:
                after, _ = read_file(file.path)
            except OSError as error:
                raise RequestError(409, f"The file cannot be read: {error.strerror}") from error
        _check_comparable(before.splitlines(), after.splitlines())
        return [
            {"kind": line.kind, "text": line.text}
            for line in differences(before, after, subject.spellings)
        ]

    return answer({"lines": await call.resources.read_aside(read_and_compare)})


async def roll_back(subject: Subject, call: Call) -> Answer:
    """Write the file of an earlier version again, byte for byte."""
    subject.find(call)
    call.note.action = "settings not rolled back"
    sent = call.object().get("generation")
    if not isinstance(sent, int) or isinstance(sent, bool) or not 0 < sent <= MAX_GENERATION:
        raise RequestError(400, "generation: expected a whole number from 1")
    call.note.detail = f"generation {sent}"
    expected = expected_digest(call)
    history, name = _history(call), subject.name_of(call)
    content = await asyncio.to_thread(_content_of, history, name, sent)
    try:
        made = await make_change(subject, call, lambda _: content, expected)
    except SettingsError as error:
        return rejection(error)
    note_change(call, made, "settings rolled back")
    call.note.detail = f"generation {sent}: {call.note.detail}"
    return changed(made)


def _history(call: Call) -> History:
    history = call.resources.history
    if history is None:
        raise RequestError(503, "The versions that were in force cannot be read: see the log")
    return history


def _check_comparable(before: Sequence[bytes], after: Sequence[bytes]) -> None:
    """Check that two versions can be compared within a second or so.

    Raises:
        RequestError: 409, they cannot.
    """
    if max(len(before), len(after)) > MAX_COMPARED_LINES:
        expected = f"{MAX_COMPARED_LINES} lines or less"
    else:
        counts = Counter(after)
        if sum(count * counts[line] for line, count in Counter(before).items()) <= MAX_EQUAL_PAIRS:
            return
        expected = "fewer lines that are all the same"
    raise RequestError(409, f"Expected {expected}; try 'antmediad settings diff'")


def _generation(name: str, text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= MAX_GENERATION:
        return int(text)
    raise RequestError(400, f"{name}: expected a generation, a whole number from 1")


def _content_of(history: History, name: str, generation: int) -> bytes:
    content = history.content(name, generation)
    if content is None:
        raise RequestError(404, f"No file of generation {generation} is on record")
    return content


def _routes(subject: Subject) -> tuple[Route, ...]:
    base = subject.base
    return (
        Route(
            "GET",
            f"{base}/history",
            subject.handler(list_versions),
            access=subject.read,
            answers={200: Schema(list_of(OBJECT))},
        ),
        Route(
            "GET",
            f"{base}/diff",
            subject.handler(compare),
            access=subject.read,
            query=(
                Query("from", "long", "the older generation", required=True),
                Query("to", "long", "the newer generation; without it, the file on disk"),
            ),
            answers={200: Schema(OBJECT)},
        ),
        Route(
            "POST",
            f"{base}/rollback",
            subject.handler(roll_back),
            consumes_json=True,
            body=_WHICH,
            access=subject.change,
            answers={200: CHANGED, 400: REJECTION, 412: REJECTION, 503: REJECTION},
        ),
    )


ROUTES = (*_routes(APPLICATION), *_routes(SERVER_FILE))
