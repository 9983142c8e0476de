"""What was done, by whom; and what was refused of late."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from antmediad.api.answer import Answer, answer
from antmediad.api.json_schema import BOOLEAN, INTEGER, NUMBER, TEXT, list_of, object_of
from antmediad.api.routes import Query, Schema
from antmediad.errors import RequestError, StoreError
from antmediad.guard.reasons import REASONS
from antmediad.management.access import Access
from antmediad.management.call import Call
from antmediad.management.routes import Route
from antmediad.management.subject import find_application
from antmediad.observe.refusals import Refusal
from antmediad.store.audit import AuditEntry

MAX_ENTRIES: Final = 200
MAX_REFUSALS: Final = 200

_ENTRIES = Schema(
    object_of(
        {
            "count": INTEGER,
            "entries": list_of(
                object_of(
                    {
                        "at": NUMBER,
                        **dict.fromkeys(("actor", "source", "address", "action", "target"), TEXT),
                        "success": BOOLEAN,
                        "detail": TEXT,
                    }
                )
            ),
        }
    )
)
_REFUSALS = Schema(
    list_of(
        object_of(
            {
                "at": NUMBER,
                **dict.fromkeys(
                    ("application", "client", "method", "path", "reason", "meaning"), TEXT
                ),
            }
        )
    )
)


async def list_audit(call: Call) -> Answer:
    """Return entries of the audit log, the newest first."""
    audit = call.resources.management.audit
    target = call.query.get("target") or None
    offset, size = int(call.parameters["offset"]), int(call.parameters["size"])

    def read() -> tuple[int, list[AuditEntry]]:
        return audit.count(target), audit.entries(offset, min(size, MAX_ENTRIES), target)

    try:
        count, entries = await asyncio.to_thread(read)
    except StoreError as error:
        raise RequestError(503, "The audit log cannot be read") from error
    return answer({"count": count, "entries": [_entry(one) for one in entries]})


def _entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "actor": entry.actor,
        "source": entry.source,
        "address": entry.address,
        "action": entry.action,
        "target": entry.target,
        "success": entry.success,
        "detail": entry.detail,
    }


async def list_refusals(call: Call) -> Answer:
    """Return the latest refused requests of all applications, the newest first."""
    return _shown(await _recent(call, None))


async def list_refusals_of_application(call: Call) -> Answer:
    """Return the latest refused requests of an application, the newest first."""
    return _shown(await _recent(call, find_application(call).name))


async def _recent(call: Call, application: str | None) -> list[Refusal]:
    found = call.resources.refusals.recent(application, MAX_REFUSALS)
    if call.resources.peers is not None:
        found += await call.resources.peers.refusals(application, MAX_REFUSALS)
        found.sort(key=lambda one: one.at, reverse=True)
    return found[:MAX_REFUSALS]


def _shown(refusals: Iterable[Refusal]) -> Answer:
    return answer(
        [
            {
                "at": one.at,
                "application": one.application,
                "client": one.client,
                "method": one.method,
                "path": one.path,
                "reason": one.reason,
                "meaning": REASONS.get(one.reason, ""),
            }
            for one in refusals
        ]
    )


ROUTES = (
    Route(
        "GET",
        "/audit/{offset:int}/{size:int}",
        list_audit,
        access=Access.SYSTEM_READ,
        query=(Query("target", description="only entries about this application or user"),),
        answers={200: _ENTRIES},
    ),
    Route("GET", "/refusals", list_refusals, access=Access.SYSTEM_READ, answers={200: _REFUSALS}),
    Route(
        "GET",
        "/apps/{app}/refusals",
        list_refusals_of_application,
        access=Access.APPLICATION_READ,
        answers={200: _REFUSALS},
    ),
)
