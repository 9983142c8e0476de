"""Broadcasts: create, read, list, count, update, delete (rest-v2.md, sections 2.1, 2.2, 4, 5)."""

from __future__ import annotations

import re
import secrets
import string
import time
from collections.abc import Awaitable, Mapping
from ipaddress import AddressValueError, IPv4Address
from typing import Literal

from antmediad.api.answer import FAIL, OK, Answer, answer, answer_list, result
from antmediad.api.fields import ListOf, Record
from antmediad.api.models import RESULT
from antmediad.api.routes import Query, Route
from antmediad.errors import RecordExistsError, RequestError
from antmediad.rest.call import Call
from antmediad.rest.models import BROADCAST, SIMPLE_STAT
from antmediad.store.interface import BroadcastQuery, BroadcastTransaction

MAX_STREAM_ID_CHARS = 255

ID_TAKEN = "Stream id is already being used. Please change stream id or keep it empty"
ID_INVALID = "Stream id is not valid."
URL_INVALID = "Stream url is not valid. "
FOLDER_INVALID = "Subfolder is not valid. "
ENDPOINT_INVALID = "Endpoint url is not valid. "

_STREAM_ID = re.compile(r"[A-Za-z0-9._-]*", re.ASCII)
_STREAM_URL = re.compile(r"(?:https?|rtmps?|rtsps?|udp|srt)://.", re.DOTALL)
_ADDRESS_URL = re.compile(r"(?:https?|rtmps?|rtsp|srt)://.", re.DOTALL)
_ALPHANUMERIC = string.ascii_letters + string.digits
SOURCES = ("ipCamera", "streamSource", "VoD", "playlist")
_SORTS: Mapping[str, Literal["name", "date", "status"]] = {
    "name": "name",
    "date": "date",
    "status": "status",
}


def create(call: Call) -> Answer | Awaitable[Answer]:
    """Make a broadcast of the JSON body, or of nothing."""
    value = call.json()
    if isinstance(value, dict) and "streamId" in value and value["streamId"] is None:
        raise RequestError(400, "stream id cannot be null")
    record = BROADCAST.create({} if value is None else value)
    record["streamId"] = (record["streamId"] or "").strip()
    if record["streamId"] and not is_stream_id(record["streamId"]):
        return result(False, ID_INVALID, status=400)
    if call.flag("autoStart"):
        return _auto_start(call, None if value is None else record)
    return _create(call, record)


async def _create(call: Call, record: Record) -> Answer:
    # Taken comes before wrong; and once more, for good, when the record is inserted.
    if record["streamId"] and call.store.broadcasts.find_json(record["streamId"]) is not None:
        return result(False, ID_TAKEN, status=400)
    if record["type"] == "ipCamera" and not is_address(record["ipAddr"] or ""):
        return result(False, URL_INVALID, status=400)
    if record["type"] == "streamSource" and not is_stream_url(record["streamUrl"] or ""):
        return result(False, URL_INVALID, status=400)
    if ".." in (record["subFolder"] or ""):
        return result(False, FOLDER_INVALID, status=400)
    if not complete_endpoints(record["endPointList"]):
        return result(False, ENDPOINT_INVALID, status=400)
    main_id = record["mainTrackStreamId"]
    if main_id and record["streamId"]:
        stream_id = record["streamId"]
        if await call.store.broadcasts.transact(
            lambda broadcasts: leads_back(broadcasts, stream_id, main_id)
        ):
            return result(False, circle(stream_id, main_id), status=400)
    if record["playListItemList"] is not None:
        record["playListItemList"] = _with_url(record["playListItemList"])
    record["streamId"] = record["streamId"] or new_stream_id()
    record["date"] = time.time_ns() // 1_000_000
    record["originAdress"] = call.host.address
    record["rtmpURL"] = f"rtmp://{call.host.name}/{call.application}/{record['streamId']}"
    record["listenerHookURL"] = record["listenerHookURL"] or call.settings.listener_hook_url or None
    try:
        await call.store.broadcasts.insert(record)
    except RecordExistsError:
        return result(False, ID_TAKEN, status=400)
    return answer(record)


def _auto_start(call: Call, record: Record | None) -> Answer:
    """Answer as a server whose engine reaches no source: nothing is stored."""
    if record is None:
        return result(False, "unexpected parameters received")
    if record["streamId"] and call.store.broadcasts.find_json(record["streamId"]) is not None:
        return result(False, ID_TAKEN, status=400)
    if record["type"] == "ipCamera":
        address = record["ipAddr"] or ""
        if not is_address(address):
            return result(False, f"IP camera addr is not valid: {record['ipAddr'] or 'null'}")
        return result(False, f"Could not connect to {address} result:-1", error_id=-1)
    if record["type"] == "streamSource":
        if not is_stream_url(record["streamUrl"] or ""):
            return FAIL
        return result(False, "Problem occured while fetching the stream", error_id=-4)
    return result(False, "Auto start query needs an IP camera or stream source.")


def get(call: Call) -> Answer:
    """Return one broadcast."""
    record = call.store.broadcasts.find_json(call.parameters["id"])
    if record is None:
        raise RequestError(404, "Broadcast not found")
    return Answer(record)


async def update(call: Call) -> Answer:
    """Change the properties that the body names; null means unchanged."""
    stream_id, value = call.parameters["id"], call.json()
    if value is None:
        return FAIL
    changes = BROADCAST.update(value)
    unknown = result(False, f"Broadcast with streamId: {stream_id} does not exist")
    stored = call.store.broadcasts.find_json(stream_id)
    if stored is None:
        return unknown
    if ".." in changes.get("subFolder", ""):
        return result(False, FOLDER_INVALID)
    if not complete_endpoints(changes.get("endPointList")):
        return result(False, ENDPOINT_INVALID)

    def change(broadcasts: BroadcastTransaction) -> Answer:
        record = broadcasts.find(stream_id)
        if record is None:
            return unknown
        if leads_back(broadcasts, stream_id, changes.get("mainTrackStreamId")):
            return result(False, circle(stream_id, changes["mainTrackStreamId"]))
        new = {**record, **changes}
        if record["type"] in SOURCES:
            if new["playListItemList"] is not None:
                new["playListItemList"] = _with_url(new["playListItemList"])
            refusal = _refuse_source(record["type"], changes)
            if refusal is not None:
                return refusal
        new["listenerHookURL"] = new["listenerHookURL"] or None
        broadcasts.replace(new)
        return OK

    return await call.store.broadcasts.transact(change)


def leads_back(broadcasts: BroadcastTransaction, sub_id: str, main_id: str | None) -> bool:
    """Tell whether *main_id* as main track would put a stream above itself.

    Such a track would be in no room that anybody can find.
    """
    if not main_id:
        return False
    return main_id == sub_id or sub_id in broadcasts.main_tracks_of(main_id)


def circle(sub_id: str | None, main_id: str | None) -> str:
    """Return what a client is told who asks for such a main track."""
    sub_text = "null" if sub_id is None else sub_id
    return f"There is no stream with id:{sub_text} as subtrack or {main_id} as mainTrack"


def _refuse_source(kind: str, changes: Record) -> Answer | None:
    url = changes.get("streamUrl", "")
    if kind != "playlist" and url.strip() and not is_stream_url(url):
        return result(False, "Stream URL is not valid")
    address = changes.get("ipAddr", "")
    if kind == "ipCamera" and address.strip() and not is_address(address):
        return result(False, f"Could not connect to {address} result:-1", error_id=-1)
    return None


async def delete(call: Call) -> Answer:
    """Remove one broadcast, with its subtracks unless told otherwise."""
    if call.parameters["id"] == "bulk" and call.body.strip():
        return await _delete_bulk(call)
    return await _delete(call, call.parameters["id"], call.flag("deleteSubtracks", default=True))


async def _delete(call: Call, stream_id: str, with_subtracks: bool) -> Answer:
    if not await call.store.broadcasts.delete(stream_id, with_subtracks=with_subtracks):
        return FAIL
    return result(True, "broadcast is deleted but could not stopped ")


async def delete_all(call: Call) -> Answer:
    """Remove the broadcasts named by ``ids``, up to the first that is not there."""
    return await _delete_ids(call, call.query.get("ids", ""))


async def _delete_bulk(call: Call) -> Answer:
    """Remove the broadcasts of a JSON list of ids, as clients before 3.0 ask for it.

    Not a route of its own: it would hide a broadcast that is named "bulk".
    """
    ids = call.json()
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise RequestError(400, "expected a JSON list of stream ids")
    return await _delete_ids(call, ",".join(ids))


async def _delete_ids(call: Call, ids: str) -> Answer:
    if not ids.strip():
        return result(False, "ids parameter is blank")
    outcome = FAIL
    for stream_id in ids.split(","):
        outcome = await _delete(call, stream_id, with_subtracks=False)
        if outcome is FAIL:
            break
    return outcome


async def list_page(call: Call) -> Answer:
    """Return one page of broadcasts."""
    offset, size = call.page()
    if not size:
        return answer_list(())
    sort, order = call.query.get("sort_by", ""), call.query.get("order_by", "").strip()
    query = BroadcastQuery(
        offset=offset,
        size=size,
        type=unless_blank(call.parameters.get("type") or call.query.get("type_by", "")),
        search=search_text(call.query.get("search", "")),
        sort=_SORTS.get(sort) if order else None,
        descending=order == "desc",
    )
    return answer_list(await call.store.broadcasts.list_json(query))


async def count(call: Call) -> Answer:
    """Return how many broadcasts there are, or match a text."""
    text = search_text(call.parameters.get("search", ""))
    return answer({"number": await call.store.broadcasts.count(text)})


def count_active(call: Call) -> Answer:
    """Return how many broadcasts are live."""
    return answer({"number": call.store.broadcasts.count_status("broadcasting")})


def is_stream_id(stream_id: str) -> bool:
    """Tell whether a stream may be named so; it ends up in paths."""
    return (
        _STREAM_ID.fullmatch(stream_id) is not None
        and len(stream_id) <= MAX_STREAM_ID_CHARS
        and stream_id not in (".", "..")
    )


def new_stream_id() -> str:
    """Return an id that nobody can guess: 16 random characters and the time."""
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(16)) + str(time.time_ns())


def is_stream_url(url: str) -> bool:
    """Tell whether a source can be pulled from *url*, by its scheme."""
    return _STREAM_URL.match(url) is not None


def is_address(url: str) -> bool:
    """Tell whether *url* is one of a camera or an endpoint: with a scheme, or an IPv4 address."""
    if _ADDRESS_URL.match(url):
        return True
    host = re.split(r"[:/?]", url.partition("@")[2] or url, maxsplit=1)[0]
    try:
        IPv4Address(host)
    except AddressValueError:
        return False
    return True


def complete_endpoints(endpoints: list[Record] | None) -> bool:
    """Give each endpoint an id of its own; tell whether all have a usable address."""
    taken = set()
    for endpoint in endpoints or ():
        if not is_address(endpoint["endpointUrl"] or ""):
            return False
        if not endpoint["endpointServiceId"] or endpoint["endpointServiceId"] in taken:
            endpoint["endpointServiceId"] = new_service_id()
        taken.add(endpoint["endpointServiceId"])
    return True


def new_service_id() -> str:
    """Return a new ``endpointServiceId``."""
    return "custom" + "".join(secrets.choice(_ALPHANUMERIC) for _ in range(6))


def _with_url(items: list[Record]) -> list[Record]:
    return [item for item in items if item["streamUrl"]]


def search_text(text: str) -> str:
    """Return what to search for: one line, empty for nothing."""
    return unless_blank(re.sub(r"[\n\r\t|]", "_", text))


def unless_blank(text: str) -> str:
    """Return *text*, or nothing when it is blank."""
    return text if text.strip() else ""


_PAGE = (
    Query("sort_by", description="name, date or status; together with order_by"),
    Query("order_by", description="desc for descending, anything else for ascending"),
    Query("search", description="text in name or stream id, in any letter case"),
)

ROUTES = (
    Route(
        "POST",
        "/broadcasts/create",
        create,
        consumes_json=True,
        query=(Query("autoStart", "boolean", "start pulling the source at once"),),
        body=BROADCAST,
        answers={200: (BROADCAST, RESULT), 400: RESULT},
    ),
    Route(
        "GET",
        "/broadcasts/list/{offset:int}/{size:int}",
        list_page,
        query=(Query("type_by", description="only broadcasts of this type"), *_PAGE),
        answers={200: ListOf(BROADCAST)},
    ),
    Route(
        "GET",
        "/broadcasts/filter-list/{offset:int}/{size:int}/{type}",
        list_page,
        query=_PAGE,
        answers={200: ListOf(BROADCAST)},
    ),
    Route("GET", "/broadcasts/count", count, answers={200: SIMPLE_STAT}),
    Route("GET", "/broadcasts/count/{search}", count, answers={200: SIMPLE_STAT}),
    Route("GET", "/broadcasts/active-live-stream-count", count_active, answers={200: SIMPLE_STAT}),
    Route(
        "DELETE",
        "/broadcasts",
        delete_all,
        consumes_json=True,
        query=(Query("ids", description="stream ids, separated by commas"),),
    ),
    Route("GET", "/broadcasts/{id}", get, answers={200: BROADCAST, 404: RESULT}),
    Route("PUT", "/broadcasts/{id}", update, consumes_json=True, body=BROADCAST),
    Route(
        "DELETE",
        "/broadcasts/{id}",
        delete,
        consumes_json=True,
        query=(Query("deleteSubtracks", "boolean", "remove its subtracks, too (true)"),),
    ),
)
