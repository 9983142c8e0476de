"""From a route to its answer: who may call, and what the audit log has of it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

import orjson

from antmediad.api.answer import Answer
from antmediad.errors import RequestError, StoreError
from antmediad.management.access import check_access
from antmediad.management.call import Call
from antmediad.management.routes import Route
from antmediad.store.audit import AuditEntry

logger = logging.getLogger(__name__)


async def dispatch(call: Call, route: Route, read: Callable[[], Awaitable[None]]) -> Answer:
    """Answer *call* by *route*, if its caller may.

    What changes something is in the audit log before it is answered, and so is what was refused
    to somebody known.

    Args:
        read: reads the body into the call; not before the caller is known to be allowed.

    Raises:
        RequestError: it is refused, or cannot be answered as asked.
        StoreError: data is out of reach.
    """
    try:
        check_access(route.access, call.identity, call.parameters)
        await read()
        found = route.handler(call)
        answer = found if isinstance(found, Answer) else await found
    except RequestError as error:
        if _is_recorded(call, route) and (call.identity is not None or call.note.action):
            await record(call, route, False, error.message)
        raise
    if _is_recorded(call, route):
        await record(call, route, *outcome_of(answer))
    return answer


def _is_recorded(call: Call, route: Route) -> bool:
    return route.is_recorded and not call.note.left_out


async def record(call: Call, route: Route | None, success: bool, message: str) -> None:
    """Put *call* on the audit log."""
    note = call.note
    names: Sequence[str] = list(call.parameters.values())
    if not note.action:
        note.action = f"{route.method} {route.path}" if route is not None else call.method
    entry = AuditEntry(
        at=call.now,
        actor=call.identity.actor if call.identity is not None else "",
        source=call.source,
        address=",".join(call.clients),
        action=note.action,
        target=note.target or (names[0] if names else ""),
        success=success,
        detail="; ".join(filter(None, (note.detail, message))),
    )
    logger.info(
        "management: actor=%s client=%s action=%s target=%s success=%s",
        entry.actor or "-",
        entry.address,
        entry.action,
        entry.target or "-",
        entry.success,
    )
    try:
        await call.resources.open_management().audit.record(entry)
    except StoreError as error:
        # What was done is done; the line above is all that is left of it.
        logger.error("audit log not written: error=%s", error)


def outcome_of(answer: Answer) -> tuple[bool, str]:
    """Return whether an answer tells of success, and otherwise what it says."""
    if answer.status >= 400:
        return False, f"status {answer.status}"
    if answer.body.startswith(b'{"success":'):
        value = orjson.loads(answer.body)
        return bool(value["success"]), "" if value["success"] else str(value.get("message") or "")
    return True, ""
