"""A properties file of an application or of the server: its settings, its text, and changes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from antmediad.api.answer import Answer, answer
from antmediad.api.json_schema import INTEGER, OBJECT, TEXT, TEXT_OR_NULL, list_of, object_of
from antmediad.api.routes import Schema
from antmediad.applications.change import Changed
from antmediad.applications.compare import shown_lines, shown_value
from antmediad.applications.read import read_file
from antmediad.applications.settings_file import AnyFile
from antmediad.applications.write import check_change, digest_of
from antmediad.errors import Problem, RequestError, SettingsError
from antmediad.management.access import Access
from antmediad.management.call import Call
from antmediad.management.changes import edited, make_change, read_changes
from antmediad.management.conditions import entity_tag, expected_digest, shown_digest
from antmediad.management.problems import PROBLEMS, REJECTION, rejection, shown_problems
from antmediad.management.routes import Route
from antmediad.management.subject import APPLICATION, NOT_AVAILABLE, SERVER_FILE, Subject
from antmediad.properties.editor import counting, split_lines
from antmediad.settings.form import form, values
from antmediad.settings.schema import APPLICATION_KEYS, SERVER_KEYS
from antmediad.settings.setting import masked, masked_unknown, text_of

_CHANGES = Schema(
    object_of(
        {
            "changes": {
                **OBJECT,
                "additionalProperties": TEXT_OR_NULL,
                "description": "new values by key; null for the default",
            }
        },
        required=["changes"],
    )
)
CHANGED = Schema(
    object_of(
        {
            "success": {"const": True},
            "message": TEXT,
            "digest": TEXT,
            "generation": INTEGER,
            "changed": list_of(TEXT),
            "problems": PROBLEMS,
        }
    )
)
"""The answer to a change that was made."""
_KEY = Schema(object_of({"key": TEXT}, required=["key"]))

_FORM = answer(
    {"application": form(APPLICATION_KEYS), "server": form(SERVER_KEYS)},
)


def settings_form(_: Call) -> Answer:
    """Return every setting with its help, its type and its limits."""
    return _FORM


async def show_settings(subject: Subject, call: Call) -> Answer:
    """Return the settings in force, secrets masked, and where they come from."""
    file = subject.find(call)
    snapshot = file.snapshot
    if snapshot is not None and file.state == "active":
        digest = snapshot.digest
        content = b""
    else:
        # It is the wrong file that is to be mended.
        content, digest = await asyncio.to_thread(read_text, file)
    if snapshot is not None:
        shown = values(
            snapshot.settings, snapshot.origins, subject.declared, warnings=snapshot.warnings
        )
        unknown = snapshot.unknown
    else:
        shown = values(subject.defaults, {}, subject.declared)
        unknown = _add_values_of(content, subject, shown)
    digest = shown_digest(call, digest)
    described = answer(
        {
            "digest": digest,
            "generation": file.generation,
            "state": file.state,
            "problems": shown_problems(file.problems),
            "values": shown,
            "unknown": [
                {"key": key, "text": masked_unknown(key, text)} for key, text in unknown.items()
            ],
        }
    )
    return Answer(described.body, headers=(entity_tag(digest),))


def read_text(file: AnyFile) -> tuple[bytes, str]:
    """Return a file and its digest; both are empty when it cannot be read."""
    try:
        content, _ = read_file(file.path)
    except OSError:
        return b"", ""
    return content, digest_of(content)


def _add_values_of(
    content: bytes, subject: Subject, shown: dict[str, dict[str, Any]]
) -> Mapping[str, str]:
    """Show what stands in a file that could never be used; return what no setting is."""
    lines = {
        line.key: line
        for line in split_lines(content)
        if line.key is not None and line.value is not None
    }
    for key, declared in subject.declared.items():
        found = {one: lines[one].value for one in declared.spellings if one in lines}
        if not found:
            continue
        spelling = counting(found)
        shown[key] = {
            "text": shown_value(spelling, found[spelling] or "", subject.spellings),
            "isDefault": False,
            "isSet": True,
            "origin": {
                "line": lines[spelling].number,
                "spelling": spelling,
                "source": "file",
            },
        }
    return {key: line.value or "" for key, line in lines.items() if key not in subject.spellings}


async def change_properties(subject: Subject, call: Call) -> Answer:
    """Change settings: the lines that they stand on, and nothing else of the file."""
    file = subject.find(call)
    call.note.action = "settings not changed"
    changes = read_changes(call)
    call.note.detail = ", ".join(changes)
    expected = expected_digest(call)

    def change(content: bytes) -> bytes:
        return edited(content, changes, subject, file)

    try:
        made = await make_change(subject, call, change, expected)
    except SettingsError as error:
        return rejection(error)
    note_change(call, made)
    return changed(made)


def note_change(call: Call, made: Changed, action: str = "settings changed") -> None:
    """Let the audit log say what was changed: the keys, never the values."""
    if made.before == made.after:
        call.note.detail = "nothing to change"
    else:
        call.note.action, call.note.detail = action, ", ".join(made.keys)


def changed(made: Changed) -> Answer:
    """Return the answer to a change that was made."""
    described = answer(
        {
            "success": True,
            "message": "" if made.before != made.after else "Nothing changed",
            "digest": made.after,
            "generation": made.generation,
            "changed": list(made.keys),
            "problems": shown_problems(made.problems),
        }
    )
    return Answer(described.body, headers=(entity_tag(made.after),))


async def check_properties(subject: Subject, call: Call) -> Answer:
    """Tell what would be wrong with changed settings; nothing is written."""
    # A question: it changes nothing.
    call.note.left_out = True
    file = subject.find(call)
    changes = read_changes(call)
    registry = call.resources.registry

    def find_problems() -> tuple[Problem, ...]:
        before, _ = read_text(file)
        try:
            after = edited(before, changes, subject, file)
            return check_change(before, after, lambda content: registry.check(file.name, content))
        except SettingsError as error:
            return error.problems

    problems = await call.resources.read_aside(find_problems)
    return answer({"problems": shown_problems(problems)})


def reveal(subject: Subject, call: Call) -> Answer:
    """Return a secret in clear."""
    file = subject.find(call)
    sent = call.object()
    spelling = call.text("key", sent, required=True)
    call.note.action, call.note.detail = "secret not revealed", spelling
    snapshot = file.snapshot
    if snapshot is None:
        raise RequestError(409, NOT_AVAILABLE)
    declared = subject.spellings.get(spelling)
    if declared is not None:
        value = getattr(snapshot.settings, declared[0].name)
        text, shown = text_of(value), masked(declared[0], value)
    elif spelling in snapshot.unknown:
        text = snapshot.unknown[spelling]
        shown = masked_unknown(spelling, text)
    else:
        raise RequestError(404, "key: no such setting")
    if text == shown and not (declared is not None and declared[0].secret):
        raise RequestError(400, "key: expected a setting that is masked")
    call.note.action = "secret revealed"
    return answer({"value": text})


async def show_file(subject: Subject, call: Call) -> Answer:
    """Return the lines of the file, secrets masked."""
    file = subject.find(call)

    def read() -> tuple[str, list[Any]]:
        content, digest = read_text(file)
        return digest, list(shown_lines(content, subject.spellings))

    digest, lines = await call.resources.read_aside(read)
    return answer(
        {
            "digest": shown_digest(call, digest),
            "path": str(file.path),
            "lines": lines,
            "problems": shown_problems(file.problems),
        }
    )


def _routes(subject: Subject) -> tuple[Route, ...]:
    base = subject.base
    rejections = {400: REJECTION, 412: REJECTION, 503: REJECTION}
    return (
        Route(
            "GET",
            f"{base}/settings",
            subject.handler(show_settings),
            access=subject.read,
            answers={200: Schema(OBJECT)},
        ),
        Route(
            "POST",
            f"{base}/settings",
            subject.handler(change_properties),
            consumes_json=True,
            body=_CHANGES,
            access=subject.change,
            answers={200: CHANGED, **rejections},
        ),
        Route(
            "POST",
            f"{base}/settings/check",
            subject.handler(check_properties),
            consumes_json=True,
            body=_CHANGES,
            access=subject.change,
            answers={200: Schema(object_of({"problems": PROBLEMS}))},
        ),
        Route(
            "POST",
            f"{base}/settings/reveal",
            subject.handler(reveal),
            consumes_json=True,
            body=_KEY,
            access=subject.change,
            answers={200: Schema(object_of({"value": TEXT}))},
        ),
        Route(
            "GET",
            f"{base}/file",
            subject.handler(show_file),
            access=subject.read,
            answers={200: Schema(OBJECT)},
        ),
    )


ROUTES = (
    Route(
        "GET",
        "/settings-form",
        settings_form,
        access=Access.SIGNED_IN,
        answers={200: Schema(OBJECT)},
    ),
    *_routes(APPLICATION),
    *_routes(SERVER_FILE),
)
