"""Statistics, recording, sources and cameras over HTTP (rest-v2.md, sections 2.7, 2.9 to 2.11)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.daemon import Daemon
from tests.rest_api import FAIL, OK, answered, create, read, result


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for the whole module: tests use stream ids of their own."""
    running = Daemon(tmp_path_factory.mktemp("sources") / "home")
    running.write("LiveApp")
    with running:
        yield running


numbers = itertools.count()


@pytest.fixture
def new_id() -> str:
    """A stream id that no other test uses."""
    return f"stream{next(numbers)}"


# --- statistics


def test_an_idle_broadcast_has_no_viewers_and_one_that_is_not_there_unknown_many(
    daemon: Daemon, new_id: str
) -> None:
    create(daemon, streamId=new_id)

    idle = daemon.call("GET", f"/broadcasts/{new_id}/broadcast-statistics")
    unknown = daemon.call("GET", "/broadcasts/nowhere/broadcast-statistics")

    assert (idle.status, unknown.status) == (200, 200)
    assert idle.body == (
        b'{"totalRTMPWatchersCount":-1,"totalHLSWatchersCount":0,'
        b'"totalWebRTCWatchersCount":0,"totalDASHWatchersCount":0}'
    )
    assert unknown.body == (
        b'{"totalRTMPWatchersCount":-1,"totalHLSWatchersCount":-1,'
        b'"totalWebRTCWatchersCount":-1,"totalDASHWatchersCount":-1}'
    )


ZEROS = {
    "total-broadcast-statistics": (
        '{"totalRTMPWatchersCount":-1,"totalHLSWatchersCount":0,"totalWebRTCWatchersCount":0,'
        '"totalDASHWatchersCount":0,"activeLiveStreamCount":0}'
    ),
    "webrtc-send-low-level-stats": (
        '{"audioSendStats":{"audioPacketsSent":0,"audioBytesSent":0,"audioPacketsPerSecond":0,'
        '"audioBytesSentPerSecond":0,"timeMs":0},"videoSendStats":{"videoFirCount":0,'
        '"videoPliCount":0,"videoNackCount":0,"videoPacketsSent":0,"videoFramesEncoded":0,'
        '"videoBytesSent":0,"videoPacketsSentPerSecond":0,"videoBytesSentPerSecond":0,'
        '"videoFramesEncodedPerSecond":0,"timeMs":0}}'
    ),
    "webrtc-receive-low-level-stats": (
        '{"audioReceiveStats":{"audioPacketsReceived":0,"audioBytesReceived":0,'
        '"audioPacketsLost":0,"audioJitter":0.0,"audioFractionLost":0.0,'
        '"audioPacketsReceivedPerSecond":0,"audioBytesReceivedPerSecond":0},'
        '"videoReceiveStats":{"videoFirCount":0,"videoPliCount":0,"videoNackCount":0,'
        '"videoPacketsReceived":0,"videoPacketsLost":0,"videoFractionLost":0.0,'
        '"videoFrameReceived":0,"videoBytesReceived":0,"videoPacketsReceivedPerSecond":0,'
        '"videoBytesReceivedPerSecond":0,"videoFrameReceivedPerSecond":0,"jitter":0.0}}'
    ),
    "onvif-devices": "[]",
    "{id}/webrtc-client-stats/0/50": "[]",
    "nowhere/webrtc-client-stats/-1/1000": "[]",
    "{id}/stream-info": "[]",
    "nowhere/stream-info": "[]",
}


@pytest.mark.parametrize("path", ZEROS)
def test_what_only_an_engine_knows_is_zero_or_empty(daemon: Daemon, new_id: str, path: str) -> None:
    create(daemon, streamId=new_id)

    response = daemon.call("GET", f"/broadcasts/{path.format(id=new_id)}")

    assert (response.status, response.body.decode()) == (200, ZEROS[path])


@pytest.mark.parametrize(
    "name",
    [
        "duration",
        "onvif-devices",
        "total-broadcast-statistics",
        "webrtc-send-low-level-stats",
        "webrtc-receive-low-level-stats",
    ],
)
def test_a_word_of_the_api_is_no_broadcast_for_any_method(daemon: Daemon, name: str) -> None:
    if daemon.call("GET", f"/broadcasts/list/0/1?search={name}").json == []:
        create(daemon, streamId=name)

    for method in ("PUT", "DELETE", "POST"):
        refused = daemon.call(method, f"/broadcasts/{name}", {"name": "changed"})
        assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")

    assert answered(daemon, "GET", f"/broadcasts/list/0/1?search={name}")[0]["name"] is None
    assert daemon.call("HEAD", f"/broadcasts/{name}").status == 200


# --- recording


@pytest.mark.parametrize(
    ("call", "name", "value"),
    [
        ("true", "mp4Enabled", 1),
        ("TRUE", "mp4Enabled", 1),
        ("false", "mp4Enabled", -1),
        ("yes", "mp4Enabled", -1),
        ("true?recordType=mp4", "mp4Enabled", 1),
        ("true?recordType=webm", "webMEnabled", 1),
        ("false?recordType=webm&resolutionHeight=-1&fileName=../a", "webMEnabled", -1),
    ],
)
def test_the_recording_of_a_broadcast_is_switched(
    daemon: Daemon, new_id: str, call: str, name: str, value: int
) -> None:
    before = create(daemon, streamId=new_id)

    for _ in range(2):
        switched = answered(daemon, "PUT", f"/broadcasts/{new_id}/recording/{call}")
        assert switched == result(True, None, None)

    assert read(daemon, new_id) == {**before, name: value}


def test_a_recording_that_cannot_be_switched_says_so(daemon: Daemon, new_id: str) -> None:
    before = create(daemon, streamId=new_id)

    for record_type in ("avi", "MP4", ""):
        message = f"No stream for this id: {new_id} or unexpected record type. Record type is null"
        path = f"/broadcasts/{new_id}/recording/true?recordType={record_type}"
        assert answered(daemon, "PUT", path) == result(False, message, None)
    unknown = answered(daemon, "PUT", "/broadcasts/nowhere/recording/true")
    height = daemon.call("PUT", f"/broadcasts/{new_id}/recording/true?resolutionHeight=a")

    assert unknown == result(False, None, None)
    assert height.status == 404
    assert read(daemon, new_id) == before


# --- start, stop, playlists, seek

ITEMS = [{"streamUrl": "http://example.com/a.mp4"}, {"streamUrl": "http://example.com/b.mp4"}]
SOURCE = {"type": "streamSource", "streamUrl": "rtsp://example.com"}
CAMERA = {"type": "ipCamera", "ipAddr": "192.0.2.1"}
NO_URL = "Stream url is null and it's not an IP camera to get stream url for id:{id}"
NO_TYPE = "Broadcast type is not supported. It can be StreamSource, IP Camera, VOD, Playlist"
NO_FETCHER = "Problem occured while fetching the stream"
NO_INDEX = "Index is out of the list. Please specify the correct index"
NOT_RUNNING = "No active playlist for id:{id}. Start the playlist first"


@pytest.mark.parametrize(
    ("stored", "answer"),
    [
        ({}, result(False, NO_URL)),
        ({"type": "VoD"}, result(False, NO_URL)),
        ({"type": "odd"}, result(False, NO_URL)),
        ({"streamUrl": ""}, result(False, NO_TYPE)),
        ({"type": "odd", "streamUrl": "rtsp://a"}, result(False, NO_TYPE)),
        (CAMERA, result(False, "Could not connect to 192.0.2.1 result:-1", error_id=-1)),
        ({**CAMERA, "streamUrl": "rtsp://a"}, result(False, NO_FETCHER)),
        (SOURCE, result(False, NO_FETCHER)),
        ({"type": "VoD", "streamUrl": "http://a"}, result(False, NO_FETCHER)),
        ({"type": "playlist"}, result(False, "There is no playlist  for stream id:{id}")),
        (
            {"type": "playlist", "playListItemList": [], "streamUrl": "rtsp://a"},
            result(False, "There is no playlist  for stream id:{id}"),
        ),
        ({"type": "playlist", "playListItemList": ITEMS}, FAIL),
    ],
)
def test_nothing_starts_without_an_engine(
    daemon: Daemon, new_id: str, stored: dict[str, Any], answer: dict[str, Any]
) -> None:
    before = create(daemon, streamId=new_id, **stored)

    started = answered(daemon, "POST", f"/broadcasts/{new_id}/start")

    assert started == {**answer, "message": answer["message"].format(id=new_id)}
    assert read(daemon, new_id) == before


@pytest.mark.parametrize(
    ("stored", "is_source"),
    [
        ({}, False),
        ({"type": None}, False),
        ({"type": "odd"}, False),
        (SOURCE, True),
        (CAMERA, True),
        ({"type": "VoD"}, True),
        ({"type": "playlist"}, True),
    ],
)
@pytest.mark.parametrize("query", ["", "?stopSubtracks=false"])
def test_nothing_is_there_to_be_stopped(
    daemon: Daemon, new_id: str, stored: dict[str, Any], is_source: bool, query: str
) -> None:
    before = create(daemon, streamId=new_id, **stored)

    stopped = answered(daemon, "POST", f"/broadcasts/{new_id}/stop{query}")

    message = f"No matching stream source in this server:{new_id}"
    assert stopped == (result(False, message, new_id) if is_source else FAIL)
    assert read(daemon, new_id) == before


@pytest.mark.parametrize(
    ("stored", "query", "message"),
    [
        (
            {},
            "",
            "This broadcast type is not playlist. This method is only available for playlists",
        ),
        ({"playListItemList": ITEMS}, "", NOT_RUNNING),
        ({"playListItemList": ITEMS}, "?index=1", NOT_RUNNING),
        ({"playListItemList": ITEMS}, "?index=-7", NOT_RUNNING),
        ({"playListItemList": ITEMS}, "?index=2", NO_INDEX),
        ({"playListItemList": []}, "?index=0", NO_INDEX),
        ({"playListItemList": None}, "", NO_INDEX),
    ],
)
def test_no_playlist_goes_on(
    daemon: Daemon, new_id: str, stored: dict[str, Any], query: str, message: str
) -> None:
    before = create(daemon, streamId=new_id, **stored, **({"type": "playlist"} if stored else {}))

    refused = answered(daemon, "POST", f"/broadcasts/playlists/{new_id}/next{query}")

    assert refused == result(False, message.format(id=new_id))
    assert read(daemon, new_id) == before


@pytest.mark.parametrize("index", ["", "a", "1.5", "99999999999"])
def test_an_index_that_is_no_integer_is_not_found(daemon: Daemon, index: str) -> None:
    assert daemon.call("POST", f"/broadcasts/playlists/a/next?index={index}").status == 404


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("POST", "nowhere/start", result(False, "No Stream Exists with id:nowhere")),
        ("POST", "nowhere/stop", FAIL),
        (
            "POST",
            "playlists/nowhere/next",
            result(False, "There is no playlist found. Please check Stream id again"),
        ),
        (
            "PUT",
            "nowhere/seek-time/9000000000",
            result(
                False,
                "Not active stream source found with this id: nowhere make sure you give the id"
                " of a running stream source",
            ),
        ),
        (
            "GET",
            "nowhere/ip-camera-error",
            result(False, "Camera is not found with streamId: nowhere"),
        ),
        ("POST", "nowhere/ip-camera/move", FAIL),
        ("POST", "nowhere/ip-camera/stop-move", result(False, "Camera not found")),
    ],
)
def test_a_source_that_is_not_there_says_so(
    daemon: Daemon, method: str, path: str, answer: dict[str, Any]
) -> None:
    assert answered(daemon, method, f"/broadcasts/{path}") == answer


def test_playlists_is_a_word_only_where_next_follows(daemon: Daemon) -> None:
    create(daemon, streamId="playlists")

    assert read(daemon, "playlists")["streamId"] == "playlists"
    assert answered(daemon, "PUT", "/broadcasts/playlists/recording/true")["success"] is True
    assert answered(daemon, "PUT", "/broadcasts/playlists", {"name": "n"}) == OK


@pytest.mark.parametrize("time", ["a", "1.5", "9223372036854775808"])
def test_a_time_that_is_no_integer_is_not_found(daemon: Daemon, time: str) -> None:
    assert daemon.call("PUT", f"/broadcasts/a/seek-time/{time}").status == 404


# --- cameras


def test_a_camera_that_is_there_is_not_asked(daemon: Daemon, new_id: str) -> None:
    before = create(daemon, streamId=new_id, **CAMERA)

    for stream_id in (new_id, "nowhere", "a%20b"):
        profiles = daemon.call("GET", f"/broadcasts/{stream_id}/ip-camera/device-profiles")
        assert (profiles.status, profiles.body) == (204, b"")
        assert "content-type" not in profiles.headers
    assert answered(daemon, "POST", f"/broadcasts/{new_id}/ip-camera/move?valueX=1") == FAIL
    stopped = answered(daemon, "POST", f"/broadcasts/{new_id}/ip-camera/stop-move")
    assert stopped == result(False, "Camera not found")
    error = answered(daemon, "GET", f"/broadcasts/{new_id}/ip-camera-error")
    assert error == result(False, f"Camera is not found with streamId: {new_id}")
    assert read(daemon, new_id) == before


MOVEMENT = (
    "Movement type is not supported. Supported types are continous, relative and absolute but was "
)


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("valueX=0.5&valueY=-.5&valueZ=1e-1", FAIL),
        ("movement=relative", FAIL),
        ("movement=continuous", FAIL),
        ("movement=absolute", FAIL),
        ("movement=Relative", result(False, f"{MOVEMENT}Relative")),
        ("movement=continous", result(False, f"{MOVEMENT}continous")),
        ("movement=", result(False, MOVEMENT)),
    ],
)
def test_a_camera_moves_in_three_ways(daemon: Daemon, query: str, answer: dict[str, Any]) -> None:
    assert answered(daemon, "POST", f"/broadcasts/a/ip-camera/move?{query}") == answer


@pytest.mark.parametrize("action", ["move", "move?movement=odd", "stop-move"])
@pytest.mark.parametrize("stream_id", ["a%20b", "%C3%A9", "a" * 256])
def test_a_camera_has_a_valid_stream_id(daemon: Daemon, action: str, stream_id: str) -> None:
    refused = answered(daemon, "POST", f"/broadcasts/{stream_id}/ip-camera/{action}")

    assert refused == result(False, "Stream id not valid")


@pytest.mark.parametrize("query", ["valueX=", "valueY=a", "valueZ=1,5", "valueX=0x1", "valueX=nan"])
def test_a_value_that_is_no_number_is_not_found(daemon: Daemon, query: str) -> None:
    assert daemon.call("POST", f"/broadcasts/a/ip-camera/move?{query}").status == 404


@pytest.mark.parametrize("action", ["move", "stop-move"])
def test_a_camera_moves_whatever_the_content_type(daemon: Daemon, action: str) -> None:
    path = f"/LiveApp/rest/v2/broadcasts/a/ip-camera/{action}"

    response = daemon.request("POST", path, "a=b", {"Content-Type": "text/plain"})

    assert response.status == 200
