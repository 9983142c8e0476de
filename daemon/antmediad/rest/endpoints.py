"""Endpoints, to which a broadcast is pushed on (rest-v2.md, sections 2.3 and 9.4)."""

from __future__ import annotations

from antmediad.api.answer import FAIL, OK, Answer, result
from antmediad.api.fields import Record
from antmediad.api.routes import Query, Route
from antmediad.rest.broadcasts import is_address, new_service_id
from antmediad.rest.call import Call
from antmediad.rest.models import ENDPOINT
from antmediad.store.interface import BroadcastTransaction


async def add(call: Call) -> Answer:
    """Add an endpoint to a broadcast."""
    stream_id = call.parameters["id"]
    call.integer("resolutionHeight")
    value = call.json()
    if value is None and "rtmpUrl" in call.query:
        value = {"endpointUrl": call.query["rtmpUrl"]}
    endpoint = ENDPOINT.create({} if value is None else value)
    url = endpoint["endpointUrl"]
    if url is None:
        return result(False, "Missing Endpoint url")

    def change(broadcasts: BroadcastTransaction) -> Answer:
        record = broadcasts.find(stream_id)
        if record is None:
            return result(False, f"Stream does not exist with Id: {stream_id}")
        endpoints = record["endPointList"] or []
        if any(one["endpointUrl"] == url for one in endpoints):
            message = f"Endpoint is not added to datastore for stream {stream_id}."
            return result(False, f"{message} It is already added ->{url}")
        service_id = _free_id(endpoint["endpointServiceId"], endpoints)
        if not is_address(url):
            return result(False, f"Endpoint is not added to stream: {stream_id}", service_id)
        added = {**endpoint, "type": "generic", "endpointServiceId": service_id}
        broadcasts.replace({**record, "endPointList": [*endpoints, added]})
        return result(True, None, service_id)

    return await call.store.broadcasts.transact(change)


async def remove(call: Call) -> Answer:
    """Remove an endpoint of a broadcast, by its id or by its URL."""
    call.integer("resolutionHeight")
    name, wanted = "endpointServiceId", call.query.get("endpointServiceId")
    if not wanted:
        name, wanted = "endpointUrl", call.query.get("endpointUrl") or call.query.get("rtmpUrl")
    if not wanted:
        return FAIL

    def change(broadcasts: BroadcastTransaction) -> Answer:
        record = broadcasts.find(call.parameters["id"])
        endpoints = (record and record["endPointList"]) or []
        rest = [one for one in endpoints if one[name] != wanted]
        if record is None or len(rest) == len(endpoints):
            return FAIL
        broadcasts.replace({**record, "endPointList": rest})
        return OK

    return await call.store.broadcasts.transact(change)


def _free_id(asked_id: str | None, endpoints: list[Record]) -> str:
    taken = {one["endpointServiceId"] for one in endpoints}
    service_id = asked_id or new_service_id()
    while service_id in taken:
        service_id = new_service_id()
    return service_id


_HEIGHT = Query("resolutionHeight", "integer", "which resolution to push; needs a media engine")
_ADD = (_HEIGHT, Query("rtmpUrl", description="instead of a body, as clients before 3.0 send it"))
_REMOVE = (
    Query("endpointServiceId", description="the endpoint's id"),
    Query("endpointUrl", description="its URL, when the id is not given"),
    Query("rtmpUrl", description="the same, as clients before 3.0 send it"),
    _HEIGHT,
)

ROUTES = tuple(
    route
    for name in ("endpoint", "rtmp-endpoint")
    for route in (
        Route(
            "POST",
            f"/broadcasts/{{id}}/{name}",
            add,
            consumes_json=True,
            query=_ADD,
            body=ENDPOINT,
        ),
        Route("DELETE", f"/broadcasts/{{id}}/{name}", remove, consumes_json=True, query=_REMOVE),
    )
)
