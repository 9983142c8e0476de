"""The JSON objects of the REST API (rest-v2.md, section 3 of the contract)."""

from __future__ import annotations

from typing import Any

from antmediad.api.fields import (
    Coerce,
    Field,
    ListOf,
    Model,
    Nested,
    Texts,
    boolean,
    double,
    int32,
    int64,
    text,
)


def _client(name: str, coerce: Coerce, default: Any = None, null: Any = None) -> Field:
    """Declare a property that clients set, on creation and afterwards."""
    return Field(name, coerce, default, null, on_create=True, on_update=True)


def _once(name: str, coerce: Coerce, default: Any = None, null: Any = None) -> Field:
    """Declare a property that clients set on creation only."""
    return Field(name, coerce, default, null, on_create=True)


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
        Field("streamId", text, on_create=True, nullable=False),
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
        Field("duration", int64, 0, nullable=False),
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
        Field("seekTimeInMs", int64, 0, 0, on_create=True, on_update=True, coerce_on_update=int32),
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

TOKEN = Model(
    "Token",
    (
        _once("tokenId", text),
        _once("streamId", text),
        _once("expireDate", int64, 0, 0),
        _once("type", text),
        _once("roomId", text),
    ),
    ignored=("dbId",),
)

SUBSCRIBER = Model(
    "Subscriber",
    (
        _once("subscriberId", text),
        _once("subscriberName", text),
        _ours("streamId", text),
        Field("b32Secret", text, on_create=True, write_only=True),
        _once("type", text),
        _ours("connected", boolean, False),
        _ours("currentConcurrentConnections", int32, 0),
        _once("concurrentConnectionsLimit", int32, 1, 0),
        _ours("blockedType", text),
        _ours("blockedUntilUnitTimeStampMs", int64, 0),
        _once("registeredNodeIp", text),
        _once("avgVideoBitrate", int64, 0, 0),
        _once("avgAudioBitrate", int64, 0, 0),
        _once("totpExpiryPeriodSeconds", int32),
    ),
    ignored=("stats", "subscriberKey", "dbId"),
)

CONNECTION_EVENT = Model(
    "ConnectionEvent",
    (
        _ours("timestamp", int64, 0),
        _ours("eventType", text),
        _ours("instanceIP", text),
        _ours("type", text),
        _ours("eventProtocol", text),
        _ours("streamId", text),
        _ours("subscriberId", text),
    ),
)

SUBSCRIBER_STATS = Model(
    "SubscriberStats",
    (
        _ours("subscriberId", text),
        _ours("streamId", text),
        _ours("connectionEvents", ListOf(CONNECTION_EVENT)),
        _ours("avgVideoBitrate", int64, 0),
        _ours("avgAudioBitrate", int64, 0),
    ),
)

SIMPLE_STAT = Model("SimpleStat", (_ours("number", int64, 0),))

_WATCHERS = (
    _ours("totalRTMPWatchersCount", int32, -1),
    _ours("totalHLSWatchersCount", int32, -1),
    _ours("totalWebRTCWatchersCount", int32, -1),
    _ours("totalDASHWatchersCount", int32, -1),
)

BROADCAST_STATISTICS = Model("BroadcastStatistics", _WATCHERS)

APP_BROADCAST_STATISTICS = Model(
    "AppBroadcastStatistics", (*_WATCHERS, _ours("activeLiveStreamCount", int32, 0))
)

WEBRTC_AUDIO_SEND_STATS = Model(
    "WebRTCAudioSendStats",
    (
        _ours("audioPacketsSent", int64, 0),
        _ours("audioBytesSent", int64, 0),
        _ours("audioPacketsPerSecond", int64, 0),
        _ours("audioBytesSentPerSecond", int64, 0),
        _ours("timeMs", int64, 0),
    ),
)

WEBRTC_VIDEO_SEND_STATS = Model(
    "WebRTCVideoSendStats",
    (
        _ours("videoFirCount", int64, 0),
        _ours("videoPliCount", int64, 0),
        _ours("videoNackCount", int64, 0),
        _ours("videoPacketsSent", int64, 0),
        _ours("videoFramesEncoded", int64, 0),
        _ours("videoBytesSent", int64, 0),
        _ours("videoPacketsSentPerSecond", int64, 0),
        _ours("videoBytesSentPerSecond", int64, 0),
        _ours("videoFramesEncodedPerSecond", int64, 0),
        _ours("timeMs", int64, 0),
    ),
)

WEBRTC_SEND_STATS = Model(
    "WebRTCSendStats",
    (
        _ours("audioSendStats", Nested(WEBRTC_AUDIO_SEND_STATS)),
        _ours("videoSendStats", Nested(WEBRTC_VIDEO_SEND_STATS)),
    ),
)

WEBRTC_AUDIO_RECEIVE_STATS = Model(
    "WebRTCAudioReceiveStats",
    (
        _ours("audioPacketsReceived", int64, 0),
        _ours("audioBytesReceived", int64, 0),
        _ours("audioPacketsLost", int64, 0),
        _ours("audioJitter", double, 0.0),
        _ours("audioFractionLost", double, 0.0),
        _ours("audioPacketsReceivedPerSecond", int64, 0),
        _ours("audioBytesReceivedPerSecond", int64, 0),
    ),
)

WEBRTC_VIDEO_RECEIVE_STATS = Model(
    "WebRTCVideoReceiveStats",
    (
        _ours("videoFirCount", int64, 0),
        _ours("videoPliCount", int64, 0),
        _ours("videoNackCount", int64, 0),
        _ours("videoPacketsReceived", int64, 0),
        _ours("videoPacketsLost", int64, 0),
        _ours("videoFractionLost", double, 0.0),
        _ours("videoFrameReceived", int64, 0),
        _ours("videoBytesReceived", int64, 0),
        _ours("videoPacketsReceivedPerSecond", int64, 0),
        _ours("videoBytesReceivedPerSecond", int64, 0),
        _ours("videoFrameReceivedPerSecond", int64, 0),
        _ours("jitter", double, 0.0),
    ),
)

WEBRTC_RECEIVE_STATS = Model(
    "WebRTCReceiveStats",
    (
        _ours("audioReceiveStats", Nested(WEBRTC_AUDIO_RECEIVE_STATS)),
        _ours("videoReceiveStats", Nested(WEBRTC_VIDEO_RECEIVE_STATS)),
    ),
)

WEBRTC_CLIENT_STATS = Model(
    "WebRTCClientStats",
    (
        _ours("measuredBitrate", int32, 0),
        _ours("sendBitrate", int32, 0),
        _ours("videoFrameSendPeriod", double, 0.0),
        _ours("audioFrameSendPeriod", double, 0.0),
        _ours("clientId", int32, 0),
        _ours("videoPacketCount", int64, 0),
        _ours("audioPacketCount", int64, 0),
        _ours("videoSentStats", Nested(WEBRTC_VIDEO_SEND_STATS)),
        _ours("audioSentStats", Nested(WEBRTC_AUDIO_SEND_STATS)),
        _ours("clientInfo", text),
        _ours("clientIp", text),
    ),
)

BASIC_STREAM_INFO = Model(
    "BasicStreamInfo",
    (
        _ours("videoHeight", int32, 0),
        _ours("videoWidth", int32, 0),
        _ours("videoBitrate", int32, 0),
        _ours("audioBitrate", int32, 0),
        _ours("videoCodec", text),
    ),
)

PUSH_NOTIFICATION = Model(
    "PushNotificationToSubscribers",
    (
        _client("subscribers", Texts()),
        _client("jsonMessage", text),
    ),
)

VOD = Model(
    "VoD",
    (
        _ours("streamName", text),
        _ours("vodName", text),
        _ours("streamId", text),
        _ours("creationDate", int64, 0),
        _ours("startTime", int64, 0),
        _ours("duration", int64, 0),
        _ours("fileSize", int64, 0),
        _ours("filePath", text),
        _ours("vodId", text),
        _ours("type", text),
        _ours("previewFilePath", text),
        _ours("processStatus", text),
        _ours("processStartTime", int64, 0),
        _ours("processEndTime", int64, 0),
        _ours("description", text),
        _ours("metadata", text),
        _ours("latitude", text),
        _ours("longitude", text),
        _ours("altitude", text),
    ),
    ignored=("dbId",),
)
