"""Applications as Ant Media Server's panels see them (management.md of the contract, section 4)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any, Final

from antmediad.api.answer import Answer, answer, result
from antmediad.api.json_schema import INTEGER, TEXT, list_of, object_of
from antmediad.api.routes import Query, Schema
from antmediad.applications.create import create_application
from antmediad.applications.remove import remove_application, remove_gone
from antmediad.errors import ApplicationError, RequestError, StoreError
from antmediad.management.access import Access
from antmediad.management.call import Call, Resources
from antmediad.management.routes import Route
from antmediad.management.subject import find_application
from antmediad.store.interface import ACTIVE, Record, Store

_NAMES = Schema(object_of({"applications": list_of(TEXT)}))
_COUNT: Final = {"type": "integer", "description": "-1 when it is not known"}
_INFOS = Schema(
    list_of(
        object_of(
            {
                "name": TEXT,
                "liveStreamCount": _COUNT,
                "vodCount": _COUNT,
                "storage": {**_COUNT, "description": "bytes; -1 when it cannot be told"},
            }
        )
    )
)
_LIVE = Schema(list_of(object_of({"name": TEXT, "watcherCount": INTEGER})))
_VIEWERS = ("hlsViewerCount", "dashViewerCount", "webRTCViewerCount", "rtmpViewerCount")
_APP_NAMES = (Query("appNames", description="names, separated by commas", required=True),)


# What there is


def names_in_force(resources: Resources) -> list[str]:
    """Return the names of the applications that are served, upper case first."""
    applications = resources.registry.applications
    return sorted(name for name, one in applications.items() if one.snapshot is not None)


async def open_stores(resources: Resources) -> AsyncIterator[tuple[str, Store | None]]:
    """Yield the applications that are served with their data, None when it is out of reach."""
    for name in names_in_force(resources):
        try:
            yield name, resources.open_store(name)
        except StoreError:
            yield name, None
        # Opening takes a moment, and there may be a thousand.
        await asyncio.sleep(0)


def list_names(call: Call) -> Answer:
    """Return the names of the applications that are served."""
    return answer({"applications": names_in_force(call.resources)})


async def list_infos(call: Call) -> Answer:
    """Return how much the applications hold: live streams, VoDs, bytes."""
    infos: list[dict[str, Any]] = []
    home = call.resources.registry.home
    async for name, store in open_stores(call.resources):
        live, vods = _counts(store)
        infos.append({"name": name, "liveStreamCount": live, "vodCount": vods})
    sizes = [call.resources.sizes.of(home.webapps / info["name"]) for info in infos]
    for info, size in zip(infos, await asyncio.gather(*sizes), strict=True):
        info["storage"] = size
    return answer(infos)


def _counts(store: Store | None) -> tuple[int, int]:
    if store is None:
        return -1, -1
    try:
        return store.broadcasts.count_status("broadcasting"), store.vods.count()
    except StoreError:
        return -1, -1


def list_live_streams(call: Call) -> Answer:
    """Return the live streams and how many watch them: without a media engine there are none."""
    find_application(call)
    return Answer(b"[]")


# Creating and removing


async def create(call: Call) -> Answer:
    """Create an application; it is served once this is answered."""
    name = call.parameters["app"]
    call.note.action, call.note.target = "application not created", name
    resources = call.resources
    try:
        async with resources.creating:
            await create_application(
                resources.registry,
                resources.history,
                name,
                source=call.source,
                actor=call.caller.actor,
            )
    except ApplicationError as error:
        return result(False, str(error))
    call.note.action = "application created"
    return result(True)


def create_from_file(call: Call) -> Answer:
    """Refuse to create an application from a WAR file: there is nothing that would run it."""
    call.note.action, call.note.target = "application not created", call.parameters["app"]
    return result(False, "A WAR file cannot be run here; create the application without one (POST)")


async def remove(call: Call) -> Answer:
    """Remove an application; its data only when told so, its settings on record never."""
    name = call.parameters["app"]
    call.note.action, call.note.target = "application not removed", name
    with_data = call.query.get("deleteDB", "").lower() == "true"
    resources = call.resources
    if not re.fullmatch(r"[a-zA-Z0-9_-]*", name, re.ASCII):
        return result(
            False, "appname contains invalid character and does not match regexp ^[a-zA-Z0-9_-]*$"
        )
    left = []
    # The data that is removed is not to be that of one created meanwhile.
    async with resources.creating:
        try:
            await remove_application(
                resources.registry, resources.history, name, actor=call.caller.actor
            )
        except ApplicationError as error:
            return result(False, str(error))
        call.note.action = "application removed"
        if with_data:
            call.note.detail = "with its data"
            try:
                await resources.drop_data(name)
            except StoreError as error:
                left.append(str(error))
    if not await asyncio.to_thread(remove_gone, resources.registry.home.webapps):
        left.append("files of its directory could not be removed")
    if left:
        return result(False, f"Application {name} is removed, but: {'; '.join(left)}")
    return result(True)


# States


async def reset(call: Call) -> Answer:
    """Set the viewers of all broadcasts to none, and those that were live to finished."""
    name = call.parameters["app"]
    call.note.action, call.note.target = "application not reset", name
    store = call.resources.open_store(name)
    if store is None:
        return result(False, f"No application adaptor with this name {name}")
    count = await store.broadcasts.update_all(_reset)
    call.note.action = "application reset"
    return result(True, f"Successfull operations: {count}")


def _reset(record: Record) -> Record | None:
    changes: Record = {name: 0 for name in _VIEWERS if record.get(name)}
    if record["status"] in ACTIVE:
        # What was only created stays so, other than in Ant Media Server.
        changes["status"] = "finished"
    return {**record, **changes} if changes else None


def shutdown_status(call: Call) -> Answer:
    """Tell whether the applications stopped in order when they stopped last: they always do."""
    _check_names(call)
    return result(True)


def clear_shutdown_status(call: Call) -> Answer:
    """Forget that an application stopped otherwise; there is nothing to forget."""
    _check_names(call)
    return answer(True)


def _check_names(call: Call) -> None:
    names = [name for name in call.query.get("appNames", "").split(",") if name]
    if not names:
        raise RequestError(400, "Bad parameter for appNames. ")
    if not all(name in call.resources.registry.applications for name in names):
        raise RequestError(
            404,
            "Either server may not be initialized or application name that does not exist is"
            " requested. ",
        )


ROUTES = (
    Route("GET", "/applications", list_names, access=Access.SYSTEM_READ, answers={200: _NAMES}),
    Route(
        "GET", "/applications-info", list_infos, access=Access.SYSTEM_READ, answers={200: _INFOS}
    ),
    Route(
        "GET",
        "/applications/live-streams/{app}",
        list_live_streams,
        access=Access.APPLICATION_READ,
        answers={200: _LIVE},
    ),
    Route("POST", "/applications/{app}", create, access=Access.SYSTEM_ADMIN),
    Route(
        "PUT",
        "/applications/{app}",
        create_from_file,
        form=object_of(
            {"file": {"type": "string", "contentMediaType": "application/octet-stream"}}
        ),
        access=Access.SYSTEM_ADMIN,
    ),
    Route(
        "DELETE",
        "/applications/{app}",
        remove,
        query=(Query("deleteDB", "boolean", "whether its data is removed, too"),),
        access=Access.SYSTEM_ADMIN,
    ),
    Route("POST", "/applications/{app}/reset", reset, access=Access.APPLICATION_ADMIN),
    Route(
        "GET",
        "/shutdown-proper-status",
        shutdown_status,
        query=_APP_NAMES,
        access=Access.SYSTEM_READ,
    ),
    Route(
        "GET",
        "/shutdown-properly",
        clear_shutdown_status,
        query=_APP_NAMES,
        access=Access.SYSTEM_ADMIN,
        is_change=True,
        answers={200: Schema({"const": True})},
    ),
)
