"""The state of the applications and of the server: what is in force, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from antmediad.api.answer import Answer, answer
from antmediad.api.json_schema import (
    BOOLEAN_OR_NULL,
    INTEGER,
    NUMBER_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    list_of,
    object_of,
)
from antmediad.api.routes import Schema
from antmediad.applications.settings_file import AnyFile, Application, jwt_filter
from antmediad.management.access import Access
from antmediad.management.call import Call
from antmediad.management.conditions import shown_digest
from antmediad.management.problems import PROBLEMS, shown_problems
from antmediad.management.rights import SYSTEM, Role, is_system, role_for
from antmediad.management.routes import Route
from antmediad.management.subject import find_application
from antmediad.observe.metrics import Counts

_STATUS: dict[str, Any] = object_of(
    {
        "name": TEXT,
        "state": {"enum": ["active", "stale", "failed"]},
        "generation": INTEGER,
        "takenAt": NUMBER_OR_NULL,
        "path": TEXT,
        "digest": TEXT_OR_NULL,
        "problems": PROBLEMS,
        "ipFilter": BOOLEAN_OR_NULL,
        "jwtFilter": {"enum": ["off", "secret", "jwks", None]},
        "requests": object_of(
            {
                "passed": INTEGER,
                "refused": INTEGER,
                "reasons": {"type": "object", "additionalProperties": INTEGER},
            }
        ),
    }
)
_STATUSES = Schema(
    object_of(
        {
            "applications": list_of(_STATUS),
            "server": {"oneOf": [_STATUS, {"type": "null"}]},
        }
    )
)


async def list_states(call: Call) -> Answer:
    """Return the state of every application that the caller may read, and of the server."""
    registry, rights = call.resources.registry, call.caller.rights
    others = await _verdicts_of_others(call)
    applications = [
        _described(call, application, others)
        for name, application in sorted(registry.applications.items())
        if role_for(rights, name) is not None
    ]
    is_shown = is_system(rights, Role.READ_ONLY)
    server = _described(call, registry.server, others) if is_shown else None
    return answer({"applications": applications, "server": server})


async def show_state(call: Call) -> Answer:
    """Return the state of an application."""
    find_application(call)
    others = await _verdicts_of_others(call)
    return answer(_described(call, find_application(call), others))


async def _verdicts_of_others(call: Call) -> Mapping[str, Counts]:
    peers = call.resources.peers
    return await peers.verdicts() if peers is not None else {}


def _described(call: Call, file: AnyFile, others: Mapping[str, Counts]) -> dict[str, Any]:
    snapshot, metrics = file.snapshot, call.resources.metrics
    settings = None
    counts = metrics.elsewhere
    if isinstance(file, Application):
        # Not by [name], which would make figures for it.
        counts = metrics.requests.get(file.name) or Counts()
        settings = file.snapshot.settings if file.snapshot is not None else None
    elsewhere = others.get(file.name) or Counts()
    refused = counts.refused + elsewhere.refused
    return {
        "name": file.name,
        "state": file.state,
        "generation": file.generation,
        "takenAt": snapshot.taken_at if snapshot is not None else None,
        "path": str(file.path),
        "digest": (
            shown_digest(call, snapshot.digest, file.name or SYSTEM)
            if snapshot is not None
            else None
        ),
        "problems": shown_problems(file.problems),
        "ipFilter": settings.ip_filter_enabled if settings is not None else None,
        "jwtFilter": jwt_filter(settings) if settings is not None else None,
        "requests": {
            "passed": counts.passed + elsewhere.passed,
            "refused": refused.total(),
            "reasons": dict(refused),
        },
    }


ROUTES = (
    Route("GET", "/apps", list_states, access=Access.SIGNED_IN, answers={200: _STATUSES}),
    Route(
        "GET",
        "/apps/{app}",
        show_state,
        access=Access.APPLICATION_READ,
        answers={200: Schema(_STATUS)},
    ),
)
