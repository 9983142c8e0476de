"""Statistics; those of a media engine are zero (rest-v2.md, section 2.7)."""

from __future__ import annotations

import orjson

from antmediad.api.answer import Answer, answer
from antmediad.api.fields import ListOf
from antmediad.api.routes import Route
from antmediad.rest.call import Call
from antmediad.rest.models import (
    APP_BROADCAST_STATISTICS,
    BASIC_STREAM_INFO,
    BROADCAST_STATISTICS,
    WEBRTC_AUDIO_RECEIVE_STATS,
    WEBRTC_AUDIO_SEND_STATS,
    WEBRTC_CLIENT_STATS,
    WEBRTC_RECEIVE_STATS,
    WEBRTC_SEND_STATS,
    WEBRTC_VIDEO_RECEIVE_STATS,
    WEBRTC_VIDEO_SEND_STATS,
)

_NOTHING_SENT = answer(
    {
        "audioSendStats": WEBRTC_AUDIO_SEND_STATS.create({}),
        "videoSendStats": WEBRTC_VIDEO_SEND_STATS.create({}),
    }
)
_NOTHING_RECEIVED = answer(
    {
        "audioReceiveStats": WEBRTC_AUDIO_RECEIVE_STATS.create({}),
        "videoReceiveStats": WEBRTC_VIDEO_RECEIVE_STATS.create({}),
    }
)


def of_broadcast(call: Call) -> Answer:
    """Return how many watch a broadcast; -1 for what is not known."""
    statistics = BROADCAST_STATISTICS.create({})
    stored = call.store.broadcasts.find_json(call.parameters["id"])
    if stored is not None:
        record = orjson.loads(stored)
        statistics["totalHLSWatchersCount"] = record["hlsViewerCount"]
        statistics["totalWebRTCWatchersCount"] = record["webRTCViewerCount"]
        statistics["totalDASHWatchersCount"] = record["dashViewerCount"]
    return answer(statistics)


def of_application(call: Call) -> Answer:
    """Return how many watch the application's broadcasts, and how many of these are live."""
    return answer(
        {
            **APP_BROADCAST_STATISTICS.create({}),
            # Nobody can watch without a media engine.
            "totalHLSWatchersCount": 0,
            "totalWebRTCWatchersCount": 0,
            "totalDASHWatchersCount": 0,
            "activeLiveStreamCount": call.store.broadcasts.count_status("broadcasting"),
        }
    )


def webrtc_sent(_: Call) -> Answer:
    """Return what was sent over WebRTC: nothing."""
    return _NOTHING_SENT


def webrtc_received(_: Call) -> Answer:
    """Return what was received over WebRTC: nothing."""
    return _NOTHING_RECEIVED


def webrtc_clients(_: Call) -> Answer:
    """Return the statistics of the WebRTC clients of a broadcast: there are none."""
    return Answer(b"[]")


def stream_info(_: Call) -> Answer:
    """Return the resolutions and bitrates of a broadcast: there are none."""
    return Answer(b"[]")


ROUTES = (
    Route(
        "GET",
        "/broadcasts/{id}/broadcast-statistics",
        of_broadcast,
        answers={200: BROADCAST_STATISTICS},
    ),
    Route(
        "GET",
        "/broadcasts/total-broadcast-statistics",
        of_application,
        answers={200: APP_BROADCAST_STATISTICS},
    ),
    Route(
        "GET",
        "/broadcasts/webrtc-send-low-level-stats",
        webrtc_sent,
        answers={200: WEBRTC_SEND_STATS},
    ),
    Route(
        "GET",
        "/broadcasts/webrtc-receive-low-level-stats",
        webrtc_received,
        answers={200: WEBRTC_RECEIVE_STATS},
    ),
    Route(
        "GET",
        "/broadcasts/{id}/webrtc-client-stats/{offset:int}/{size:int}",
        webrtc_clients,
        answers={200: ListOf(WEBRTC_CLIENT_STATS)},
    ),
    Route(
        "GET",
        "/broadcasts/{id}/stream-info",
        stream_info,
        consumes_json=True,
        answers={200: ListOf(BASIC_STREAM_INFO)},
    ),
)
