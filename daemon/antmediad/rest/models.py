"""The JSON objects of the REST API (rest-v2.md, section 3 of the contract)."""

from __future__ import annotations

from antmediad.rest.fields import (
    Field,
    ListOf,
    Model,
    Nested,
    boolean,
    double,
    int32,
    int64,
    text,
)


def _client(name: str, coerce: object, default: object = None, null: object = None) -> Field:
    """Declare a property that clients set, on creation and afterwards."""
    return Field(name, coerce, default, null, on_create=True, on_update=True)  # type: ignore[arg-type]


def _once(name: str, coerce: object, default: object = None, null: object = None) -> Field:
    """Declare a property that clients set on creation only."""
    return Field(name, coerce, default, null, on_create=True)  # type: ignore[arg-type]


# A server or engine property: a client's value is checked and then ignored.
_ours = Field

ENDPOINT = Model(
    "Endpoint",
    (
        _ours("status", text, "created"),
        _client("type", text),
        _client("endpointUrl", text),
        _client("endpointServiceId", text),
    ),
    ignored=("broadcastId", "streamId", "name", "serverStreamId"),
    aliases={"rtmpUrl": "endpointUrl"},
)

PLAY_LIST_ITEM = Model(
    "PlayListItem",
    (
        _client("streamUrl", text),
        _client("type", text),
        _client("name", text),
        _client("durationInMs", int64, 0, 0),
        _client("seekTimeInMs", int64, 0, 0),
    ),
)

HLS_PARAMETERS = Model(
    "HLSParameters",
    (
        _client("hlsTime", text),
        _client("hlsListSize", text),
        _client("hlsPlayListType", text),
    ),
)

ENCODER_SETTINGS = Model(
    "EncoderSettings",
    (
        _client("height", int32, 0, 0),
        _client("videoBitrate", int32, 0, 0),
        _client("audioBitrate", int32, 0, 0),
        _client("forceEncode", boolean, True, False),
        _client("forceSameResolutionEncode", boolean, False, False),
    ),
)

BROADCAST = Model(
    "Broadcast",
    (
        _once("streamId", text),
        _ours("status", text, "created"),
        _ours("playListStatus", text),
        _once("type", text, "liveStream", "liveStream"),
        _ours("publishType", text),
        _client("name", text),
        _client("description", text),
        _client("publish", boolean, True, False),
        _ours("date", int64, 0),
        _client("plannedStartDate", int64, 0, 0),
        _client("plannedEndDate", int64, 0, 0),
        _ours("duration", int64, 0),
        _client("endPointList", ListOf(ENDPOINT)),
        _client("playListItemList", ListOf(PLAY_LIST_ITEM)),
        _client("publicStream", boolean, True, False),
        _client("is360", boolean, False, False),
        _client("listenerHookURL", text),
        _client("category", text),
        _client("ipAddr", text),
        _client("username", text),
        _client("password", text),
        _ours("quality", text),
        _ours("speed", double, 0.0),
        _client("streamUrl", text),
        _ours("originAdress", text),
        _once("mp4Enabled", int32, 0, 0),
        _once("webMEnabled", int32, 0, 0),
        _client("seekTimeInMs", int64, 0, 0),
        _client("subtracksLimit", int32, -1, 0),
        _client("expireDurationMS", int32, 0, 0),
        _ours("rtmpURL", text),
        _ours("zombi", boolean, False),
        _ours("pendingPacketSize", int32, 0),
        _ours("hlsViewerCount", int32, 0),
        _ours("dashViewerCount", int32, 0),
        _ours("webRTCViewerCount", int32, 0),
        _ours("rtmpViewerCount", int32, 0),
        _ours("startTime", int64, 0),
        _ours("receivedBytes", int64, 0),
        _ours("bitrate", int64, 0),
        _ours("width", int32, 0),
        _ours("height", int32, 0),
        _ours("encoderQueueSize", int32, 0),
        _ours("dropPacketCountInIngestion", int32, 0),
        _ours("dropFrameCountInEncoding", int32, 0),
        _ours("packetLostRatio", double, 0.0),
        _ours("packetsLost", int32, 0),
        _ours("jitterMs", int32, 0),
        _ours("rttMs", int32, 0),
        _ours("userAgent", text, "N/A"),
        _ours("remoteIp", text),
        _client("latitude", text),
        _client("longitude", text),
        _client("altitude", text),
        _client("mainTrackStreamId", text),
        _ours("absoluteStartTimeMs", int64, 0),
        _client("webRTCViewerLimit", int32, -1, 0),
        _client("hlsViewerLimit", int32, -1, 0),
        _client("dashViewerLimit", int32, -1, 0),
        _client("subFolder", text),
        _ours("currentPlayIndex", int32, 0),
        _client("metaData", text),
        _client("playlistLoopEnabled", boolean, True, False),
        _ours("updateTime", int64, 0),
        _client("role", text),
        _client("hlsParameters", Nested(HLS_PARAMETERS)),
        _client("autoStartStopEnabled", boolean, False, False),
        _client("encoderSettingsList", ListOf(ENCODER_SETTINGS)),
        _client("virtual", boolean, False, False),
        _client("maxIdleTime", int32, 0, 0),
        # Computed from the viewer counts, all 0 without a media engine.  A record as read must
        # be accepted when it comes back.
        _ours("anyoneWatching", boolean, False),
    ),
    ignored=("dbId", "subTrackStreamIds", "conferenceMode", "viewerCount"),
)

RESULT = Model(
    "Result",
    (
        _ours("success", boolean, False),
        _ours("message", text, ""),
        _ours("dataId", text, ""),
        _ours("errorId", int32, 0),
    ),
)

SIMPLE_STAT = Model("SimpleStat", (_ours("number", int64, 0),))

VERSION = Model(
    "Version",
    (
        _ours("versionName", text),
        _ours("versionType", text),
        _ours("buildNumber", text),
    ),
)
