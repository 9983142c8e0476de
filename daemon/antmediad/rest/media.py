"""Data in live streams, and media files (rest-v2.md, sections 2.12 and 2.13).

There is no media engine: no stream is live, no URL is opened and no file is made.
"""

from __future__ import annotations

from antmediad.api.answer import FAIL, Answer, result
from antmediad.api.routes import Query, Route
from antmediad.rest.call import Call
from antmediad.store.interface import Subtracks

_NOT_LIVE = result(False, "Stream is not available", None)


def send_data(call: Call) -> Answer:
    """Send a text to those who play a broadcast, over its data channel."""
    if not call.settings.data_channel_enabled:
        return result(False, "Data channels are not enabled")
    if not call.store.broadcasts.count_subtracks(Subtracks(main_track=call.parameters["id"])):
        return result(False, "Requested WebRTC stream does not exist")
    return result(False, "Operation not completed")


def add_id3(call: Call) -> Answer:
    """Add a text to the HLS stream of a broadcast, as ID3 tag."""
    if not call.settings.id3_tag_enabled:
        return result(False, "ID3 tag is not enabled", None)
    return _NOT_LIVE


def add_sei(_: Call) -> Answer:
    """Add a text to the video of a broadcast, as SEI message."""
    return _NOT_LIVE


def duration(call: Call) -> Answer:
    """Return how long the medium at a URL lasts; the URL is not opened."""
    if not call.query.get("url", "").strip():
        return FAIL
    return result(False, error_id=-2)


def hls_to_mp4(call: Call) -> Answer:
    """Make an MP4 file of an HLS stream."""
    if not call.parameters["hls_filename"].strip():
        return result(False, "HLS file name is empty")
    return result(False, "HLS to MP4 conversion has failed")


ROUTES = (
    Route("POST", "/broadcasts/{id}/data", send_data, consumes_json=True, body="text"),
    Route("POST", "/broadcasts/{id}/id3", add_id3, consumes_json=True, body="text"),
    Route("POST", "/broadcasts/{id}/sei", add_sei, consumes_json=True, body="text"),
    Route(
        "GET",
        "/broadcasts/duration",
        duration,
        consumes_json=True,
        query=(Query("url", description="of the medium"),),
    ),
    Route(
        "POST",
        "/broadcasts/{hls_filename}/hls-to-mp4",
        hls_to_mp4,
        consumes_json=True,
        query=(
            Query("download", "boolean", "answer with the file"),
            Query("deleteHLSFiles", "boolean", "remove the HLS files afterwards"),
        ),
    ),
)
