"""The objects of the API, against the examples of the contract (rest-v2.md, section 3)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from antmediad.rest.models import BROADCAST, ENCODER_SETTINGS, ENDPOINT, PLAY_LIST_ITEM

# As the contract has it, but for what creation writes: id, date, addresses.
FRESH = (
    b'{"streamId":null,"status":"created","playListStatus":null,"type":"liveStream",'
    b'"publishType":null,"name":"test","description":null,"publish":true,"date":0,'
    b'"plannedStartDate":0,"plannedEndDate":0,"duration":0,"endPointList":null,'
    b'"playListItemList":null,"publicStream":true,"is360":false,"listenerHookURL":null,'
    b'"category":null,"ipAddr":null,"username":null,"password":null,"quality":null,"speed":0.0,'
    b'"streamUrl":null,"originAdress":null,"mp4Enabled":0,"webMEnabled":0,"seekTimeInMs":0,'
    b'"subtracksLimit":-1,"expireDurationMS":0,"rtmpURL":null,"zombi":false,'
    b'"pendingPacketSize":0,"hlsViewerCount":0,"dashViewerCount":0,"webRTCViewerCount":0,'
    b'"rtmpViewerCount":0,"startTime":0,"receivedBytes":0,"bitrate":0,"width":0,"height":0,'
    b'"encoderQueueSize":0,"dropPacketCountInIngestion":0,"dropFrameCountInEncoding":0,'
    b'"packetLostRatio":0.0,"packetsLost":0,"jitterMs":0,"rttMs":0,"userAgent":"N/A",'
    b'"remoteIp":null,"latitude":null,"longitude":null,"altitude":null,'
    b'"mainTrackStreamId":null,"absoluteStartTimeMs":0,"webRTCViewerLimit":-1,'
    b'"hlsViewerLimit":-1,"dashViewerLimit":-1,"subFolder":null,"currentPlayIndex":0,'
    b'"metaData":null,"playlistLoopEnabled":true,"updateTime":0,"role":null,'
    b'"hlsParameters":null,"autoStartStopEnabled":false,"encoderSettingsList":null,'
    b'"virtual":false,"maxIdleTime":0,"anyoneWatching":false}'
)

# Section 3.1, owner "client" and "client (create)": a value for each, other than the default.
CLIENTS: dict[str, Any] = {
    "name": "n",
    "description": "d",
    "publish": False,
    "plannedStartDate": 1,
    "plannedEndDate": 2,
    "endPointList": [
        {
            "status": "created",
            "type": "generic",
            "endpointUrl": "rtmp://example.org/a",
            "endpointServiceId": "custom123456",
        }
    ],
    "playListItemList": [
        {
            "streamUrl": "http://example.org/a.mp4",
            "type": "VoD",
            "name": "a",
            "durationInMs": 1,
            "seekTimeInMs": 2,
        }
    ],
    "publicStream": False,
    "is360": True,
    "listenerHookURL": "http://example.org/hook",
    "category": "c",
    "ipAddr": "192.0.2.1",
    "username": "u",
    "password": "p",
    "streamUrl": "rtsp://example.org/a",
    "seekTimeInMs": 3,
    "subtracksLimit": 4,
    "expireDurationMS": 5,
    "latitude": "1.0",
    "longitude": "2.0",
    "altitude": "3.0",
    "mainTrackStreamId": "main",
    "webRTCViewerLimit": 6,
    "hlsViewerLimit": 7,
    "dashViewerLimit": 8,
    "subFolder": "a/b",
    "metaData": "{}",
    "playlistLoopEnabled": False,
    "role": "r",
    "hlsParameters": {"hlsTime": "2", "hlsListSize": "5", "hlsPlayListType": "event"},
    "autoStartStopEnabled": True,
    "encoderSettingsList": [
        {
            "height": 720,
            "videoBitrate": 2_500_000,
            "audioBitrate": 128_000,
            "forceEncode": False,
            "forceSameResolutionEncode": True,
        }
    ],
    "virtual": True,
    "maxIdleTime": 9,
}
ON_CREATION: dict[str, Any] = {
    "streamId": "s",
    "type": "playlist",
    "mp4Enabled": 1,
    "webMEnabled": -1,
}
SERVERS: dict[str, Any] = {
    "status": "broadcasting",
    "playListStatus": "broadcasting",
    "publishType": "RTMP",
    "date": 1,
    "duration": 2,
    "quality": "good",
    "speed": 1.5,
    "originAdress": "192.0.2.9",
    "rtmpURL": "rtmp://example.org/x",
    "zombi": True,
    "pendingPacketSize": 3,
    "hlsViewerCount": 4,
    "dashViewerCount": 5,
    "webRTCViewerCount": 6,
    "rtmpViewerCount": 7,
    "startTime": 8,
    "receivedBytes": 9,
    "bitrate": 10,
    "width": 11,
    "height": 12,
    "encoderQueueSize": 13,
    "dropPacketCountInIngestion": 14,
    "dropFrameCountInEncoding": 15,
    "packetLostRatio": 0.5,
    "packetsLost": 16,
    "jitterMs": 17,
    "rttMs": 18,
    "userAgent": "browser",
    "remoteIp": "192.0.2.8",
    "absoluteStartTimeMs": 19,
    "currentPlayIndex": 20,
    "updateTime": 21,
    "anyoneWatching": True,
}


def test_a_new_broadcast_is_written_as_in_the_contract() -> None:
    assert orjson.dumps(BROADCAST.create({"name": "test"})) == FRESH


def test_every_property_is_somebodys() -> None:
    assert {*CLIENTS, *ON_CREATION, *SERVERS} == {field.name for field in BROADCAST.fields}
    assert len(BROADCAST.fields) == 71


@pytest.mark.parametrize("name", [*CLIENTS, *ON_CREATION])
def test_a_property_of_the_client_is_kept_on_creation(name: str) -> None:
    value = {**CLIENTS, **ON_CREATION}[name]

    assert BROADCAST.create({name: value}) == {**orjson.loads(FRESH), "name": None, name: value}


@pytest.mark.parametrize("name", CLIENTS)
def test_a_property_of_the_client_can_be_changed(name: str) -> None:
    assert BROADCAST.update({name: CLIENTS[name]}) == {name: CLIENTS[name]}


@pytest.mark.parametrize("name", [*ON_CREATION, *SERVERS])
def test_a_property_that_is_not_the_clients_to_change_is_not_changed(name: str) -> None:
    assert BROADCAST.update({name: {**ON_CREATION, **SERVERS}[name]}) == {}


@pytest.mark.parametrize("name", SERVERS)
def test_a_property_of_the_server_is_ignored_on_creation(name: str) -> None:
    assert BROADCAST.create({name: SERVERS[name]}) == BROADCAST.create({})


def test_a_type_of_null_is_a_live_stream() -> None:
    assert BROADCAST.create({"type": None})["type"] == "liveStream"
    assert BROADCAST.create({"type": "somethingElse"})["type"] == "somethingElse"


@pytest.mark.parametrize(
    ("name", "null"),
    [
        ("publish", False),
        ("publicStream", False),
        ("playlistLoopEnabled", False),
        ("subtracksLimit", 0),
        ("webRTCViewerLimit", 0),
        ("maxIdleTime", 0),
        ("name", None),
        ("endPointList", None),
        ("hlsParameters", None),
    ],
)
def test_null_on_creation_is_zero_for_what_is_a_primitive_in_java(name: str, null: Any) -> None:
    assert BROADCAST.create({name: None})[name] is null


@pytest.mark.parametrize("name", [field.name for field in BROADCAST.fields])
def test_null_changes_nothing(name: str) -> None:
    assert BROADCAST.update({name: None}) == {}


@pytest.mark.parametrize(
    "name", ["dbId", "subTrackStreamIds", "conferenceMode", "viewerCount", "anyoneWatching"]
)
def test_names_that_old_clients_send_are_ignored(name: str) -> None:
    assert BROADCAST.create({name: True}) == BROADCAST.create({})
    assert BROADCAST.update({name: True}) == {}


def test_the_older_name_of_an_endpoints_url_is_understood() -> None:
    sent = [{"rtmpUrl": "rtmp://example.org/a", "status": "broadcasting", "broadcastId": "b"}]

    assert BROADCAST.update({"endPointList": sent})["endPointList"] == [
        {
            "status": "created",
            "type": None,
            "endpointUrl": "rtmp://example.org/a",
            "endpointServiceId": None,
        }
    ]


@pytest.mark.parametrize(
    ("model", "fresh"),
    [
        (
            ENDPOINT,
            '{"status":"created","type":null,"endpointUrl":null,"endpointServiceId":null}',
        ),
        (
            PLAY_LIST_ITEM,
            '{"streamUrl":null,"type":null,"name":null,"durationInMs":0,"seekTimeInMs":0}',
        ),
        (
            ENCODER_SETTINGS,
            '{"height":0,"videoBitrate":0,"audioBitrate":0,"forceEncode":true,'
            '"forceSameResolutionEncode":false}',
        ),
    ],
    ids=["Endpoint", "PlayListItem", "EncoderSettings"],
)
def test_a_nested_object_has_its_defaults(model: Any, fresh: str) -> None:
    assert orjson.dumps(model.create({})).decode() == fresh
