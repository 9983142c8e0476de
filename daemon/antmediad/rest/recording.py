"""Whether a broadcast is to be recorded (rest-v2.md, section 2.9)."""

from __future__ import annotations

from antmediad.api.answer import Answer, result
from antmediad.api.routes import Query, Route
from antmediad.rest.call import Call

_SWITCHES = {"mp4": "mp4Enabled", "webm": "webMEnabled"}
_ON, _OFF = 1, -1


async def switch(call: Call) -> Answer:
    """Switch the recording of a broadcast on or off, from its next start on."""
    stream_id = call.parameters["id"]
    call.integer("resolutionHeight")
    name = _SWITCHES.get(call.query.get("recordType", "mp4"))
    if name is None:
        message = f"No stream for this id: {stream_id} or unexpected record type."
        return result(False, f"{message} Record type is null", None)
    value = _ON if call.parameters["recording-status"].lower() == "true" else _OFF
    known = await call.store.broadcasts.update(stream_id, lambda record: {**record, name: value})
    return result(known, None, None)


ROUTES = (
    Route(
        "PUT",
        "/broadcasts/{id}/recording/{recording-status}",
        switch,
        consumes_json=True,
        query=(
            Query("recordType", description="mp4 or webm (mp4)"),
            Query("resolutionHeight", "integer", "which resolution; needs a media engine"),
            Query("fileName", description="of the recording; needs a media engine"),
        ),
    ),
)
