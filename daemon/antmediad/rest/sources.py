"""Sources that are pulled: start, stop, playlists, cameras (rest-v2.md, sections 2.10 and 2.11).

There is no media engine.  Each call answers as Ant Media Server does when the engine reaches
no source, and leaves what is stored as it is.
"""

from __future__ import annotations

import re

import orjson

from antmediad.api.answer import FAIL, Answer, result
from antmediad.api.fields import Record, Texts
from antmediad.api.routes import Query, Route
from antmediad.errors import RequestError
from antmediad.rest.broadcasts import SOURCES, is_stream_id
from antmediad.rest.call import Call

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_MOVEMENTS = ("relative", "continuous", "absolute")


def start(call: Call) -> Answer:
    """Start to pull a source, or to play a playlist."""
    stream_id = call.parameters["id"]
    record = _find(call)
    if record is None:
        return result(False, f"No Stream Exists with id:{stream_id}")
    if record["type"] == "playlist":
        if record["playListItemList"]:
            return FAIL
        return result(False, f"There is no playlist  for stream id:{stream_id}")
    if record["streamUrl"] is None:
        if record["type"] == "ipCamera":
            message = f"Could not connect to {record['ipAddr'] or 'null'} result:-1"
            return result(False, message, error_id=-1)
        message = "Stream url is null and it's not an IP camera to get stream url for id:"
        return result(False, f"{message}{stream_id}")
    if record["type"] not in SOURCES:
        message = "Broadcast type is not supported."
        return result(False, f"{message} It can be StreamSource, IP Camera, VOD, Playlist")
    return result(False, "Problem occured while fetching the stream")


def stop(call: Call) -> Answer:
    """Stop a broadcast."""
    stream_id = call.parameters["id"]
    record = _find(call)
    if record is None or record["type"] not in SOURCES:
        return FAIL
    return result(False, f"No matching stream source in this server:{stream_id}", stream_id)


def play_next(call: Call) -> Answer:
    """Play the next item of a playlist, or the one with an index."""
    index = call.integer("index", -1)
    record = _find(call)
    if record is None:
        return result(False, "There is no playlist found. Please check Stream id again")
    if record["type"] != "playlist":
        message = "This broadcast type is not playlist."
        return result(False, f"{message} This method is only available for playlists")
    items = record["playListItemList"]
    if items is None or index >= len(items):
        return result(False, "Index is out of the list. Please specify the correct index")
    stream_id = call.parameters["id"]
    return result(False, f"No active playlist for id:{stream_id}. Start the playlist first")


def seek(call: Call) -> Answer:
    """Go to a time, in milliseconds, of a source that is being pulled."""
    stream_id = call.parameters["id"]
    return result(
        False,
        f"Not active stream source found with this id: {stream_id}"
        " make sure you give the id of a running stream source",
    )


def camera_error(call: Call) -> Answer:
    """Return what went wrong with a camera."""
    return result(False, f"Camera is not found with streamId: {call.parameters['id']}")


def find_cameras(_: Call) -> Answer:
    """Return the addresses of the ONVIF cameras nearby; none is looked for."""
    return Answer(b"[]")


def camera_profiles(_: Call) -> Answer:
    """Return the stream URLs of a camera; no camera is asked."""
    return Answer(b"", 204)


def move_camera(call: Call) -> Answer:
    """Move a camera."""
    for name in ("valueX", "valueY", "valueZ"):
        value = call.query.get(name)
        if value is not None and not _NUMBER.fullmatch(value):
            raise RequestError(404, f"Not found: {name} is not a number")
    if not is_stream_id(call.parameters["id"]):
        return result(False, "Stream id not valid")
    movement = call.query.get("movement", "relative")
    if movement not in _MOVEMENTS:
        message = "Movement type is not supported."
        message += " Supported types are continous, relative and absolute but was"
        return result(False, f"{message} {movement}")
    return FAIL


def stop_camera(call: Call) -> Answer:
    """Stop the movement of a camera."""
    if not is_stream_id(call.parameters["id"]):
        return result(False, "Stream id not valid")
    return result(False, "Camera not found")


def _find(call: Call) -> Record | None:
    stored = call.store.broadcasts.find_json(call.parameters["id"])
    return None if stored is None else orjson.loads(stored)


ROUTES = (
    Route("POST", "/broadcasts/{id}/start", start, consumes_json=True),
    Route(
        "POST",
        "/broadcasts/{id}/stop",
        stop,
        consumes_json=True,
        query=(Query("stopSubtracks", "boolean", "stop its subtracks, too (true)"),),
    ),
    Route(
        "POST",
        "/broadcasts/playlists/{id}/next",
        play_next,
        consumes_json=True,
        query=(Query("index", "integer", "of the item, from 0; -1 for the next (-1)"),),
    ),
    Route("PUT", "/broadcasts/{id}/seek-time/{seekTimeMs:long}", seek, consumes_json=True),
    Route("GET", "/broadcasts/{id}/ip-camera-error", camera_error, consumes_json=True),
    Route("GET", "/broadcasts/onvif-devices", find_cameras, answers={200: Texts()}),
    Route(
        "GET",
        "/broadcasts/{id}/ip-camera/device-profiles",
        camera_profiles,
        answers={200: Texts(), 204: None},
    ),
    Route(
        "POST",
        "/broadcasts/{id}/ip-camera/move",
        move_camera,
        query=(
            Query("valueX", "number", "to the right (0)"),
            Query("valueY", "number", "upwards (0)"),
            Query("valueZ", "number", "zoom (0)"),
            Query("movement", description="relative, continuous or absolute (relative)"),
        ),
    ),
    Route("POST", "/broadcasts/{id}/ip-camera/stop-move", stop_camera),
)
