"""The settings as Ant Media Server's panels and scripts read and post them: one JSON object.

An object that is posted may be whole or hold a few properties: what is absent stays.  A client
that sends ``If-Match`` changes what it has read or nothing.  For one that does not, as the panels,
it is remembered what its session has read: of a whole object only what differs from that is a
change, so that it undoes nothing which others changed meanwhile.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from antmediad.api.answer import OK, Answer, answer, result
from antmediad.api.json_schema import OBJECT
from antmediad.api.models import RESULT
from antmediad.api.routes import Query, Schema
from antmediad.applications.change import ATTEMPTS
from antmediad.applications.settings_file import AnyFile
from antmediad.applications.write import edit_settings
from antmediad.errors import (
    PropertyTypeError,
    RequestError,
    SettingsConflictError,
    SettingsError,
)
from antmediad.management.access import check_role
from antmediad.management.call import Call
from antmediad.management.changes import make_change
from antmediad.management.conditions import entity_tag, expected_digest, shown_digest
from antmediad.management.dispatch import record
from antmediad.management.properties import note_change, read_text
from antmediad.management.rights import SYSTEM, Role
from antmediad.management.routes import Route
from antmediad.management.served import Served
from antmediad.management.subject import APPLICATION, NOT_AVAILABLE, SERVER_FILE, Subject
from antmediad.settings.objects import (
    APPLICATION_PROPERTIES,
    LADDER,
    LADDER_TEXT,
    SERVER_PROPERTIES,
    Changes,
    application_object,
    changes_of,
    server_changes_of,
    server_object,
)
from antmediad.settings.schema import ServerSettings
from antmediad.settings.setting import Setting

logger = logging.getLogger(__name__)

_OBJECT = Schema(OBJECT)
_REVEAL = Query("reveal", "boolean", "show secrets; for ADMIN only, and in the audit log")


async def show_settings(subject: Subject, call: Call) -> Answer:
    """Return the settings as one object, secrets masked."""
    file = subject.find(call)
    is_revealed = call.query.get("reveal") == "true"
    if is_revealed:
        await _check_reveal(call)
    snapshot = file.snapshot
    if snapshot is None:
        raise RequestError(409, NOT_AVAILABLE)
    digest = snapshot.digest
    if file.state != "active":
        _, digest = await asyncio.to_thread(read_text, file)
    served = Served(snapshot.settings, snapshot.warnings)
    call.resources.served.remember(call.caller.session, file.name, served)
    shown = answer(_object_of(served, call, is_revealed))
    return Answer(shown.body, headers=(entity_tag(shown_digest(call, digest)),))


async def _check_reveal(call: Call) -> None:
    call.note.action = "secrets not revealed"
    try:
        check_role(call.caller, call.parameters.get("app", SYSTEM), Role.ADMIN)
    except RequestError as error:
        await record(call, None, False, error.message)
        raise
    call.note.action = "secrets revealed"
    await record(call, None, True, "")


def _object_of(served: Served, call: Call, is_revealed: bool) -> dict[str, Any]:
    if isinstance(served.settings, ServerSettings):
        return server_object(
            served.settings,
            host_address=call.resources.address,
            ssl_enabled=call.resources.is_https_served(),
            reveal=is_revealed,
            warnings=served.warnings,
        )
    return application_object(served.settings, reveal=is_revealed, warnings=served.warnings)


async def change_settings(subject: Subject, call: Call) -> Answer:
    """Change settings: by a whole object, or by one that has only what is to change."""
    file = subject.find(call)
    call.note.action = "settings not changed"
    posted = call.object()
    expected = expected_digest(call)
    attempts = ATTEMPTS if expected is None else 1
    while True:
        attempts -= 1
        try:
            return await _change(subject, call, file, posted, expected)
        except SettingsConflictError as error:
            if not attempts:
                raise RequestError(412, str(error)) from error
        except PropertyTypeError as error:
            raise RequestError(400, str(error)) from error
        except SettingsError as error:
            # Clients of Ant Media Server look for success here, and show the message.
            return result(False, str(error))
        await call.resources.registry.reload_aside(file.name)


async def _change(
    subject: Subject, call: Call, file: AnyFile, posted: Mapping[str, Any], expected: str | None
) -> Answer:
    snapshot, remembered = file.snapshot, call.resources.served
    if snapshot is None:
        raise RequestError(409, NOT_AVAILABLE)
    current = Served(snapshot.settings, snapshot.warnings)
    before = remembered.find(call.caller.session, file.name)
    # Half of them: a client that is older than this daemon does not know every property.
    properties = _properties(current)
    is_whole = 2 * len(posted.keys() & properties.keys()) >= len(properties)
    base = before if before is not None and is_whole and expected is None else current
    # On a thread: an object may be large, and other requests are not to wait for it.
    changes = await asyncio.to_thread(_changes, posted, base, current)
    if expected is None and file.state == "active":
        # Made out against these settings: not to be made to others.
        expected = snapshot.digest
    change = partial(edit_settings, changes=changes.texts, spellings=subject.spellings)
    made = await make_change(subject, call, change, expected)
    if before is not None or is_whole:
        remembered.remember(call.caller.session, file.name, _after(base, changes.texts, file))
    if changes.ignored:
        logger.info(
            "settings posted with unknown properties: application=%s count=%d",
            file.name,
            len(changes.ignored),
        )
    note_change(call, made)
    return OK


def _properties(served: Served) -> Mapping[str, Setting]:
    is_server = isinstance(served.settings, ServerSettings)
    return SERVER_PROPERTIES if is_server else APPLICATION_PROPERTIES


def _changes(posted: Mapping[str, Any], base: Served, current: Served) -> Changes:
    """Return what *posted* changes of *base*, which its sender has read.

    Raises:
        SettingsError: something of it cannot be so.
        RequestError: 412, others have changed the same meanwhile, and to something else.
    """
    changes = _changes_of(posted, base)
    contested = {
        name: declared
        for name, declared in _properties(base).items()
        if declared.key in changes.texts
        and getattr(base.settings, declared.name) != getattr(current.settings, declared.name)
    }
    if not contested:
        return changes
    names = contested.keys() | ({LADDER} if LADDER_TEXT in contested else set())
    still = _changes_of({name: posted[name] for name in names & posted.keys()}, current).texts
    lost = sorted(name for name, declared in contested.items() if declared.key in still)
    if lost:
        raise RequestError(
            412, f"{', '.join(lost)}: changed by somebody else meanwhile; read the settings again"
        )
    texts = {
        key: text
        for key, text in changes.texts.items()
        if key not in {declared.key for declared in contested.values()}
    }
    return Changes(texts, changes.ignored)


def _changes_of(posted: Mapping[str, Any], base: Served) -> Changes:
    if isinstance(base.settings, ServerSettings):
        return server_changes_of(posted, base.settings, warnings=base.warnings)
    return changes_of(posted, base.settings, warnings=base.warnings)


def _after(base: Served, texts: Mapping[str, str | None], file: AnyFile) -> Served:
    """Return what a client has that had *base* and has changed some of it."""
    snapshot = file.snapshot
    if snapshot is None:
        return base
    known = {
        declared.name: getattr(snapshot.settings, declared.name)
        for declared in _properties(base).values()
        if declared.key in texts
    }
    return Served(dataclasses.replace(base.settings, **known), base.warnings)


def _routes(subject: Subject, path: str) -> tuple[Route, ...]:
    return (
        Route(
            "GET",
            path,
            subject.handler(show_settings),
            access=subject.read,
            query=(_REVEAL,),
            answers={200: _OBJECT},
        ),
        Route(
            "POST",
            path,
            subject.handler(change_settings),
            consumes_json=True,
            body=_OBJECT,
            access=subject.change,
            answers={200: RESULT, 412: RESULT},
        ),
    )


ROUTES = (
    *_routes(APPLICATION, "/applications/settings/{app}"),
    *_routes(SERVER_FILE, "/server-settings"),
)
