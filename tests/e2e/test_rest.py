"""Every endpoint of the REST API, over HTTP, as its contract has it (rest-v2.md)."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import itertools
import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from antmediad.rest.models import BROADCAST
from tests.daemon import DEADLINE_S, Daemon, Response, wait_until
from tests.rest_api import FAIL, OK, create, read, result

API = "/LiveApp/rest/v2"
DELETED = "broadcast is deleted but could not stopped "
TAKEN = "Stream id is already being used. Please change stream id or keep it empty"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for the whole module: tests use applications or stream ids of their own."""
    running = Daemon(tmp_path_factory.mktemp("rest") / "home", AMS_HOST_ADDRESS="192.0.2.5")
    running.write("LiveApp")
    running.write("Hooked", listenerHookURL="http://hook.example/app")
    running.write("Policy", contentSecurityPolicyHeaderValue="default-src 'self'")
    for name in ("Empty", "Lists", "Many", "Big"):
        running.write(name)
    with running:
        yield running


numbers = itertools.count()


@pytest.fixture
def new_id() -> str:
    """A stream id that no other test uses."""
    return f"stream{next(numbers)}"


def listed(daemon: Daemon, path: str, application: str = "Lists") -> list[str]:
    response = daemon.call("GET", f"/broadcasts/{path}", application=application)
    assert response.status == 200, response.body
    return [record["streamId"] for record in response.json]


def exchange(daemon: Daemon, *parts: bytes) -> bytes:
    """Send bytes as they are, and return all that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", daemon.port), DEADLINE_S) as connection:
        connection.sendall(b"".join(parts))
        return b"".join(iter(lambda: connection.recv(65536), b""))


def one_by_one(daemon: Daemon, data: bytes, responses: int) -> list[tuple[bytes, bytes]]:
    """Send *data* and return the heads and bodies of as many responses, in order."""
    with socket.create_connection(("127.0.0.1", daemon.port), DEADLINE_S) as connection:
        connection.sendall(data)
        file = connection.makefile("rb")
        received = []
        for _ in range(responses):
            head = b"".join(iter(file.readline, b"\r\n"))
            length = re.search(rb"(?i)content-length: (\d+)", head)
            received.append((head, file.read(int(length[1])) if length else b""))
        return received


def get_request(path: str, headers: str = "", version: str = "1.1") -> bytes:
    return f"GET {path} HTTP/{version}\r\nHost: localhost\r\n{headers}\r\n".encode()


# --- create


@pytest.mark.parametrize("body", [None, "", " ", "null", "{}"])
def test_a_broadcast_is_created_of_nothing(daemon: Daemon, body: str | None) -> None:
    response = daemon.request("POST", f"{API}/broadcasts/create", body)

    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert list(response.json) == [field.name for field in BROADCAST.fields]
    assert len(response.json) == 71
    assert response.json["type"] == "liveStream"
    assert response.json["status"] == "created"
    assert re.fullmatch(r"[A-Za-z0-9]{16}\d+", response.json["streamId"])


def test_a_new_broadcast_has_the_defaults_and_what_the_server_writes(daemon: Daemon) -> None:
    before = time.time_ns() // 1_000_000
    created = create(daemon, name="test")
    after = time.time_ns() // 1_000_000

    assert before <= created["date"] <= after
    assert created == {
        **BROADCAST.create({"name": "test"}),
        "streamId": created["streamId"],
        "date": created["date"],
        "originAdress": "192.0.2.5",
        "rtmpURL": f"rtmp://192.0.2.5/LiveApp/{created['streamId']}",
    }


def test_what_create_answers_is_what_is_read_byte_by_byte(daemon: Daemon) -> None:
    body = '{"name":"é\\u0000 \\ud834\\udd1e","metaData":"{\\"a\\":1}","speed":2.5}'
    created = daemon.request("POST", f"{API}/broadcasts/create", body.encode())

    response = daemon.call("GET", f"/broadcasts/{created.json['streamId']}")

    assert response.body == created.body
    assert response.json["name"] == "é\0 𝄞"
    assert b'"speed":0.0,' in response.body


def test_generated_ids_are_all_different(daemon: Daemon) -> None:
    assert len({create(daemon)["streamId"] for _ in range(20)}) == 20


def test_an_id_is_trimmed_and_then_taken(daemon: Daemon, new_id: str) -> None:
    assert create(daemon, streamId=f" \t{new_id}\n ")["streamId"] == new_id

    again = daemon.call("POST", "/broadcasts/create", {"streamId": new_id})

    assert (again.status, again.json) == (400, result(False, TAKEN))


@pytest.mark.parametrize("stream_id", ["", "   "])
def test_an_empty_id_is_generated(daemon: Daemon, stream_id: str) -> None:
    assert len(create(daemon, streamId=stream_id)["streamId"]) > 16


@pytest.mark.parametrize("stream_id", ["...", "-_.", "a.b", "x" * 255, "count", "list", "bulk"])
def test_an_unusual_id_is_valid(daemon: Daemon, stream_id: str) -> None:
    assert create(daemon, streamId=stream_id)["streamId"] == stream_id


@pytest.mark.parametrize(
    "stream_id", ["a b", "a/b", "ä", "a\0", "a\nb", "../a", "a,b", ".", "..", "x" * 256, "٣"]
)
def test_an_id_that_could_not_be_a_path_is_refused(daemon: Daemon, stream_id: str) -> None:
    response = daemon.call("POST", "/broadcasts/create", {"streamId": stream_id})

    assert (response.status, response.json) == (400, result(False, "Stream id is not valid."))


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"streamId": None}, "stream id cannot be null"),
        ({"duration": None}, "duration cannot be null"),
        ({"type": "ipCamera"}, "Stream url is not valid. "),
        ({"type": "ipCamera", "ipAddr": "localhost"}, "Stream url is not valid. "),
        ({"type": "ipCamera", "ipAddr": "rtsps://a"}, "Stream url is not valid. "),
        ({"type": "ipCamera", "ipAddr": "1.2.3"}, "Stream url is not valid. "),
        ({"type": "streamSource"}, "Stream url is not valid. "),
        ({"type": "streamSource", "streamUrl": ""}, "Stream url is not valid. "),
        ({"type": "streamSource", "streamUrl": "rtsp://"}, "Stream url is not valid. "),
        ({"type": "streamSource", "streamUrl": "RTSP://a"}, "Stream url is not valid. "),
        ({"type": "streamSource", "streamUrl": "file:///etc"}, "Stream url is not valid. "),
        ({"subFolder": "../a"}, "Subfolder is not valid. "),
        ({"subFolder": "a/..b"}, "Subfolder is not valid. "),
        ({"endPointList": [{}]}, "Endpoint url is not valid. "),
        ({"endPointList": [{"endpointUrl": "example"}]}, "Endpoint url is not valid. "),
    ],
)
def test_a_broadcast_that_cannot_work_is_refused(
    daemon: Daemon, sent: dict[str, Any], message: str
) -> None:
    response = daemon.call("POST", "/broadcasts/create", sent)

    assert (response.status, response.json) == (400, result(False, message))


@pytest.mark.parametrize(
    "sent",
    [
        {"type": "ipCamera", "ipAddr": "192.0.2.1"},
        {"type": "ipCamera", "ipAddr": "192.0.2.1:8080/onvif?a"},
        {"type": "ipCamera", "ipAddr": "user:secret@192.0.2.1"},
        {"type": "ipCamera", "ipAddr": "rtsp://camera.example"},
        {"type": "streamSource", "streamUrl": "srt://a"},
        {"type": "streamSource", "streamUrl": "udp://239.0.0.1:1234"},
        {"type": "streamSource", "streamUrl": "rtsps://a"},
        {"type": "liveStream", "streamUrl": "nonsense", "ipAddr": "nonsense"},
        {"type": None},
        {"type": "unheardOf"},
        {"subFolder": "a/b"},
    ],
)
def test_a_broadcast_that_can_work_is_created(daemon: Daemon, sent: dict[str, Any]) -> None:
    created = create(daemon, **sent)

    assert created.items() >= {**sent, "type": sent.get("type") or "liveStream"}.items()


def test_lists_are_cleaned_when_a_broadcast_is_created(daemon: Daemon) -> None:
    url = "rtmp://example.org/live"
    created = create(
        daemon,
        endPointList=[
            {"rtmpUrl": url, "status": "broadcasting"},
            {"endpointUrl": url, "endpointServiceId": "mine"},
            {"endpointUrl": url, "endpointServiceId": "mine"},
        ],
        playListItemList=[{"streamUrl": ""}, {"streamUrl": "a", "durationInMs": "7"}, {}],
    )

    ids = [endpoint.pop("endpointServiceId") for endpoint in created["endPointList"]]
    assert created["endPointList"] == [{"status": "created", "type": None, "endpointUrl": url}] * 3
    assert ids[1] == "mine"
    assert len(set(ids)) == 3
    assert all(re.fullmatch("custom[A-Za-z0-9]{6}", one) for one in (ids[0], ids[2]))
    assert [item["durationInMs"] for item in created["playListItemList"]] == [7]


@pytest.mark.parametrize(
    ("sent", "hook"),
    [
        ({}, "http://hook.example/app"),
        ({"listenerHookURL": ""}, "http://hook.example/app"),
        ({"listenerHookURL": None}, "http://hook.example/app"),
        ({"listenerHookURL": "http://own.example"}, "http://own.example"),
    ],
)
def test_the_hook_of_the_application_stands_in(
    daemon: Daemon, sent: dict[str, Any], hook: str
) -> None:
    assert create(daemon, "Hooked", **sent)["listenerHookURL"] == hook


@pytest.mark.parametrize("flag", ["true", "TRUE", "tRuE"])
@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        (None, 200, result(False, "unexpected parameters received")),
        ("{}", 200, result(False, "Auto start query needs an IP camera or stream source.")),
        (
            '{"type":"VoD"}',
            200,
            result(False, "Auto start query needs an IP camera or stream source."),
        ),
        ('{"type":"ipCamera"}', 200, result(False, "IP camera addr is not valid: null")),
        (
            '{"type":"ipCamera","ipAddr":"nowhere"}',
            200,
            result(False, "IP camera addr is not valid: nowhere"),
        ),
        (
            '{"type":"ipCamera","ipAddr":"192.0.2.1"}',
            200,
            result(False, "Could not connect to 192.0.2.1 result:-1", error_id=-1),
        ),
        ('{"type":"streamSource","streamUrl":"nowhere"}', 200, FAIL),
        (
            '{"type":"streamSource","streamUrl":"rtsp://a"}',
            200,
            result(False, "Problem occured while fetching the stream", error_id=-4),
        ),
        ('{"type":"streamSource","streamId":"a b"}', 400, result(False, "Stream id is not valid.")),
        ('{"type":"streamSource","streamId":"taken"}', 400, result(False, TAKEN)),
    ],
)
def test_auto_start_fails_without_an_engine_and_stores_nothing(
    daemon: Daemon, flag: str, body: str | None, status: int, answer: dict[str, Any]
) -> None:
    daemon.call("POST", "/broadcasts/create", {"streamId": "taken"})
    before = daemon.call("GET", "/broadcasts/count").json

    response = daemon.request("POST", f"{API}/broadcasts/create?autoStart={flag}", body)

    assert (response.status, response.json) == (status, answer)
    assert daemon.call("GET", "/broadcasts/count").json == before


def test_without_auto_start_a_source_is_stored(daemon: Daemon) -> None:
    body = '{"type":"streamSource","streamUrl":"rtsp://a"}'

    response = daemon.request("POST", f"{API}/broadcasts/create?autoStart=1", body)

    assert response.json["streamUrl"] == "rtsp://a"


def test_of_concurrent_creates_of_one_id_exactly_one_wins(daemon: Daemon, new_id: str) -> None:
    with contextlib.ExitStack() as opened:
        connections = []
        for number in range(48):
            body = json.dumps({"streamId": new_id, "name": str(number)})
            head = f"POST {API}/broadcasts/create HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            address = ("127.0.0.1", daemon.port)
            connection = opened.enter_context(socket.create_connection(address, DEADLINE_S))
            connection.sendall(f"{head}{body}".encode()[:-1])
            connections.append(connection)
        # All are one byte from the end: they end within less than a commit takes.
        for connection in connections:
            connection.sendall(b"}")
        answers = [connection.makefile("rb").read() for connection in connections]

    bodies = [json.loads(answer.partition(b"\r\n\r\n")[2]) for answer in answers]
    statuses = [int(answer.split()[1]) for answer in answers]
    assert sorted(statuses) == [200] + [400] * 47
    assert bodies.pop(statuses.index(200)) == read(daemon, new_id)
    assert bodies == [result(False, TAKEN)] * 47


# --- read


def test_a_broadcast_that_is_not_there_is_not_found(daemon: Daemon) -> None:
    response = daemon.call("GET", "/broadcasts/nowhere")

    assert (response.status, response.json) == (404, result(False, "Broadcast not found"))


@pytest.mark.parametrize("name", ["count", "list", "bulk"])
def test_a_broadcast_named_as_a_word_of_a_path_is_reached_where_it_can_be(
    daemon: Daemon, name: str
) -> None:
    create(daemon, "Empty", streamId=name)

    response = daemon.call("GET", f"/broadcasts/{name}", application="Empty")
    deleted = daemon.call("DELETE", f"/broadcasts?ids={name}", application="Empty")

    assert response.json.get("streamId") == (None if name == "count" else name)
    assert deleted.json == result(True, DELETED)


def test_the_version_is_told(daemon: Daemon) -> None:
    response = daemon.call("GET", "/version")

    assert response.status == 200
    assert list(response.json) == ["versionName", "versionType", "buildNumber"]
    assert response.json["versionType"] == "Community Edition"
    assert re.fullmatch(r"\d{8}_\d{4}", response.json["buildNumber"])


# --- update


def update(daemon: Daemon, stream_id: str, value: Any) -> Any:
    response = daemon.call("PUT", f"/broadcasts/{stream_id}", value)
    assert response.status == 200, response.body
    return response.json


def test_an_update_leaves_every_other_property(daemon: Daemon, new_id: str) -> None:
    created = create(daemon, streamId=new_id, description="d", category="a")

    assert update(daemon, new_id, {"name": "n"}) == OK
    assert update(daemon, new_id, {"category": "c", "description": None}) == OK
    assert update(daemon, new_id, {}) == OK

    assert read(daemon, new_id) == {**created, "name": "n", "category": "c"}


def test_values_that_look_like_nothing_are_written(daemon: Daemon, new_id: str) -> None:
    create(
        daemon,
        streamId=new_id,
        name="n",
        webRTCViewerLimit=5,
        playlistLoopEnabled=True,
        encoderSettingsList=[{"height": 720}],
        listenerHookURL="http://own.example",
        mainTrackStreamId="main",
    )
    changes = {
        "name": "",
        "webRTCViewerLimit": 0,
        "playlistLoopEnabled": False,
        "encoderSettingsList": [],
        "mainTrackStreamId": "",
    }

    assert update(daemon, new_id, {**changes, "listenerHookURL": ""}) == OK

    assert read(daemon, new_id).items() >= {**changes, "listenerHookURL": None}.items()


def test_lists_are_replaced_whole(daemon: Daemon, new_id: str) -> None:
    create(daemon, streamId=new_id, encoderSettingsList=[{"height": 720}, {"height": 480}])

    assert update(daemon, new_id, {"encoderSettingsList": [{"height": 240}]}) == OK

    (encoder,) = read(daemon, new_id)["encoderSettingsList"]
    assert (encoder["height"], encoder["forceEncode"]) == (240, True)


def test_what_the_server_owns_is_not_changed(daemon: Daemon, new_id: str) -> None:
    created = create(daemon, streamId=new_id)
    sent = {"status": "broadcasting", "hlsViewerCount": 5, "zombi": True, "streamId": "other"}

    assert update(daemon, new_id, {**sent, "type": "VoD", "date": 1, "updateTime": 9}) == OK

    assert read(daemon, new_id) == created


@pytest.mark.parametrize("body", ["", " ", "null", None])
def test_an_update_without_an_object_fails(daemon: Daemon, new_id: str, body: str | None) -> None:
    create(daemon, streamId=new_id)

    response = daemon.request("PUT", f"{API}/broadcasts/{new_id}", body)

    assert (response.status, response.json) == (200, FAIL)


def test_an_update_of_nothing_says_so(daemon: Daemon) -> None:
    unknown = result(False, "Broadcast with streamId: nowhere does not exist")

    assert update(daemon, "nowhere", {"name": "n"}) == unknown
    assert update(daemon, "nowhere", {"subFolder": ".."}) == unknown


@pytest.mark.parametrize(
    ("created", "changes", "answer"),
    [
        ({}, {"subFolder": "a/../b"}, result(False, "Subfolder is not valid. ")),
        ({}, {"endPointList": [{}]}, result(False, "Endpoint url is not valid. ")),
        ({}, {"streamUrl": "nonsense", "ipAddr": "nonsense"}, OK),
        (
            {"type": "streamSource", "streamUrl": "rtsp://a"},
            {"streamUrl": "nonsense"},
            result(False, "Stream URL is not valid"),
        ),
        ({"type": "streamSource", "streamUrl": "rtsp://a"}, {"streamUrl": " "}, OK),
        ({"type": "VoD"}, {"streamUrl": "nonsense"}, result(False, "Stream URL is not valid")),
        ({"type": "playlist"}, {"streamUrl": "nonsense"}, OK),
        (
            {"type": "ipCamera", "ipAddr": "192.0.2.1"},
            {"streamUrl": "nonsense"},
            result(False, "Stream URL is not valid"),
        ),
        (
            {"type": "ipCamera", "ipAddr": "192.0.2.1"},
            {"ipAddr": "nonsense"},
            result(False, "Could not connect to nonsense result:-1", error_id=-1),
        ),
        (
            {"type": "ipCamera", "ipAddr": "192.0.2.1"},
            {"ipAddr": "192.0.2.2", "username": "u", "password": "p"},
            OK,
        ),
    ],
)
def test_the_stored_type_decides_what_an_update_may_hold(
    daemon: Daemon,
    new_id: str,
    created: dict[str, Any],
    changes: dict[str, Any],
    answer: dict[str, Any],
) -> None:
    before = create(daemon, streamId=new_id, **created)

    assert update(daemon, new_id, {"type": "liveStream", **changes}) == answer

    after = {**before, **changes} if answer == OK else before
    assert read(daemon, new_id) == after


@pytest.mark.parametrize(("kind", "kept"), [("playlist", 1), ("VoD", 1), ("liveStream", 2)])
def test_items_without_a_url_are_dropped_where_items_are_played(
    daemon: Daemon, new_id: str, kind: str, kept: int
) -> None:
    create(daemon, streamId=new_id, type=kind)

    assert update(daemon, new_id, {"playListItemList": [{"streamUrl": ""}, {"streamUrl": "a"}]})

    assert len(read(daemon, new_id)["playListItemList"]) == kept


def test_a_broadcast_as_read_can_be_sent_back(daemon: Daemon, new_id: str) -> None:
    create(
        daemon,
        streamId=new_id,
        name="n",
        endPointList=[{"endpointUrl": "rtmp://a/b"}],
        playListItemList=[{"streamUrl": "a"}],
        encoderSettingsList=[{"height": 720}],
        hlsParameters={"hlsTime": "2"},
    )
    before = read(daemon, new_id)

    assert update(daemon, new_id, before) == OK
    assert read(daemon, new_id) == before
    assert daemon.call("DELETE", f"/broadcasts/{new_id}").json["success"] is True
    assert create(daemon, **before) == {**before, "date": read(daemon, new_id)["date"]}


def test_concurrent_updates_of_different_properties_all_count(daemon: Daemon, new_id: str) -> None:
    create(daemon, streamId=new_id)
    names = ["name", "description", "category", "latitude", "longitude", "altitude", "role"]

    with concurrent.futures.ThreadPoolExecutor(len(names)) as threads:
        for number in range(5):
            answers = threads.map(
                lambda name, value=str(number): update(daemon, new_id, {name: value}), names
            )
            assert list(answers) == [OK] * len(names)

    assert {read(daemon, new_id)[name] for name in names} == {"4"}


# --- delete


def test_a_deleted_broadcast_is_gone(daemon: Daemon, new_id: str) -> None:
    create(daemon, streamId=new_id)

    first = daemon.call("DELETE", f"/broadcasts/{new_id}")
    second = daemon.call("DELETE", f"/broadcasts/{new_id}")

    assert (first.status, first.json) == (200, result(True, DELETED))
    assert (second.status, second.json) == (200, FAIL)
    assert daemon.call("GET", f"/broadcasts/{new_id}").status == 404


@pytest.mark.parametrize(
    ("query", "subtracks_stay"),
    [
        ("", False),
        ("?deleteSubtracks=true", False),
        ("?deleteSubtracks=TRUE", False),
        ("?deleteSubtracks=false", True),
        ("?deleteSubtracks=", True),
        ("?deleteSubtracks=yes", True),
        ("?deleteSubtracks=true&deleteSubtracks=false", False),
    ],
)
def test_subtracks_are_deleted_unless_told_otherwise(
    daemon: Daemon, new_id: str, query: str, subtracks_stay: bool
) -> None:
    create(daemon, streamId=new_id)
    create(daemon, streamId=f"{new_id}-sub", mainTrackStreamId=new_id)

    assert daemon.call("DELETE", f"/broadcasts/{new_id}{query}").json == result(True, DELETED)

    status = daemon.call("GET", f"/broadcasts/{new_id}-sub").status
    assert status == (200 if subtracks_stay else 404)


@pytest.mark.parametrize("path", ["/broadcasts", "/broadcasts/"])
@pytest.mark.parametrize("query", ["", "?ids=", "?ids=%20", "?other=1"])
def test_deleting_no_ids_fails(daemon: Daemon, path: str, query: str) -> None:
    response = daemon.call("DELETE", path + query)

    assert (response.status, response.json) == (200, result(False, "ids parameter is blank"))


def delete_by_query(daemon: Daemon, ids: list[str]) -> Response:
    return daemon.call("DELETE", f"/broadcasts?ids={','.join(ids)}")


def delete_by_body(daemon: Daemon, ids: list[str]) -> Response:
    return daemon.call("DELETE", "/broadcasts/bulk", ids)


@pytest.mark.parametrize("delete", [delete_by_query, delete_by_body])
def test_several_broadcasts_are_deleted_without_their_subtracks(
    daemon: Daemon, new_id: str, delete: Callable[[Daemon, list[str]], Response]
) -> None:
    create(daemon, streamId=new_id)
    create(daemon, streamId=f"{new_id}-b")
    create(daemon, streamId=f"{new_id}-sub", mainTrackStreamId=new_id)

    assert delete(daemon, [new_id, f"{new_id}-b"]).json == result(True, DELETED)

    assert daemon.call("GET", f"/broadcasts/{new_id}").status == 404
    assert daemon.call("GET", f"/broadcasts/{new_id}-b").status == 404
    assert read(daemon, f"{new_id}-sub")["mainTrackStreamId"] == new_id


@pytest.mark.parametrize("delete", [delete_by_query, delete_by_body])
def test_deleting_stops_at_the_first_id_that_is_not_there(
    daemon: Daemon, new_id: str, delete: Callable[[Daemon, list[str]], Response]
) -> None:
    create(daemon, streamId=new_id)
    create(daemon, streamId=f"{new_id}-b")

    assert delete(daemon, [new_id, "nowhere", f"{new_id}-b"]).json == FAIL

    assert daemon.call("GET", f"/broadcasts/{new_id}").status == 404
    assert daemon.call("GET", f"/broadcasts/{new_id}-b").status == 200


def test_ids_to_delete_are_not_trimmed(daemon: Daemon, new_id: str) -> None:
    create(daemon, streamId=new_id)

    assert daemon.call("DELETE", f"/broadcasts?ids=%20{new_id}").json == FAIL
    assert read(daemon, new_id)["streamId"] == new_id


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ("[]", 200, "ids parameter is blank"),
        ("{}", 400, "expected a JSON list of stream ids"),
        ("[1]", 400, "expected a JSON list of stream ids"),
        ("null", 400, "expected a JSON list of stream ids"),
    ],
)
def test_a_bulk_delete_wants_a_list_of_ids(
    daemon: Daemon, body: str, status: int, message: str
) -> None:
    response = daemon.request("DELETE", f"{API}/broadcasts/bulk", body)

    assert (response.status, response.json) == (status, result(False, message))


def test_without_a_body_bulk_is_the_name_of_a_broadcast(daemon: Daemon) -> None:
    create(daemon, "Empty", streamId="bulk")

    deleted = daemon.call("DELETE", "/broadcasts/bulk", application="Empty")

    assert deleted.json == result(True, DELETED)


# --- lists and counts


@pytest.fixture(scope="module")
def filled(daemon: Daemon) -> Daemon:
    for record in (
        {"streamId": "a", "name": "Zebra", "type": "VoD"},
        {"streamId": "B", "name": "apple"},
        {"streamId": "c", "name": None},
        {"streamId": "d_1", "name": "Éclair 100%_x y+z", "type": "VoD"},
        {"streamId": "e", "name": "Apple pie", "type": "playlist"},
    ):
        wait_for_another_millisecond(create(daemon, "Lists", **record)["date"])
    return daemon


def wait_for_another_millisecond(date: int) -> None:
    wait_until(lambda: time.time_ns() // 1_000_000 > date, "the clock goes on")


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("list/0/50", ["B", "a", "c", "d_1", "e"]),
        ("list/0/50/", ["B", "a", "c", "d_1", "e"]),
        ("list/1/2", ["a", "c"]),
        ("list/-5/2", ["B", "a"]),
        ("list/-2147483648/1", ["B"]),
        ("list/+0/+1", ["B"]),
        ("list/2147483647/250", []),
        ("list/5/50", []),
        ("list/0/0", []),
        ("list/0/-1", []),
        ("list/0/50?type_by=VoD", ["a", "d_1"]),
        ("list/0/50?type_by=vod", []),
        ("list/0/50?type_by=", ["B", "a", "c", "d_1", "e"]),
        ("list/0/50?type_by=%20", ["B", "a", "c", "d_1", "e"]),
        ("filter-list/0/50/VoD", ["a", "d_1"]),
        ("filter-list/0/50/VoD?type_by=playlist", ["a", "d_1"]),
        ("filter-list/1/1/VoD", ["d_1"]),
        ("list/0/50?sort_by=name&order_by=asc", ["c", "B", "e", "a", "d_1"]),
        ("list/0/50?sort_by=name&order_by=desc", ["d_1", "a", "e", "B", "c"]),
        ("list/0/50?sort_by=name&order_by=DESC", ["c", "B", "e", "a", "d_1"]),
        ("list/0/50?sort_by=name", ["B", "a", "c", "d_1", "e"]),
        ("list/0/50?sort_by=name&order_by=", ["B", "a", "c", "d_1", "e"]),
        ("list/0/50?sort_by=streamUrl&order_by=desc", ["B", "a", "c", "d_1", "e"]),
        ("list/0/50?sort_by=date&order_by=desc", ["e", "d_1", "c", "B", "a"]),
        ("list/0/50?sort_by=status&order_by=asc", ["B", "a", "c", "d_1", "e"]),
        ("list/0/50?search=APPLE", ["B", "e"]),
        ("list/0/50?search=apple+p", ["e"]),
        ("list/0/50?search=apple%20P", ["e"]),
        ("list/0/50?search=y%2Bz", ["d_1"]),
        ("list/0/50?search=%C3%A9CLAIR", ["d_1"]),
        ("list/0/50?search=%25", ["d_1"]),
        ("list/0/50?search=_", ["d_1"]),
        ("list/0/50?search=.*", []),
        ("list/0/50?search=%25%7C", ["d_1"]),
        ("list/0/50?search=100%25%0Ax", ["d_1"]),
        ("list/0/50?search=100%25%0Dx", ["d_1"]),
        ("list/0/50?search=100%25%09x", ["d_1"]),
        ("list/0/50?search=%20", ["B", "a", "c", "d_1", "e"]),
        ("list/0/50?search=%00", []),
        ("list/0/50?search=%ff", []),
        ("list/0/50?search=" + "x" * 7000, []),
        ("list/0/50?search=apple&search=zebra", ["B", "e"]),
        ("list/0/50?search=p&type_by=playlist&sort_by=name&order_by=desc", ["e"]),
        ("list/1/1?search=apple&sort_by=name&order_by=desc", ["B"]),
        ("list/0/50?socialNetworks=x&a&=&&b=%", ["B", "a", "c", "d_1", "e"]),
    ],
)
def test_a_list_is_filtered_searched_sorted_and_paged(
    filled: Daemon, path: str, ids: list[str]
) -> None:
    assert sorted(listed(filled, "list/0/50")) == sorted(["a", "B", "c", "d_1", "e"])

    assert listed(filled, path) == ids


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("count", 5),
        ("count/", 5),
        ("count/apple", 2),
        ("count/APPLE", 2),
        ("count/%20", 5),
        ("count/y+z", 1),
        ("count/y%2Bz", 1),
        ("count/x%20y", 1),
        ("count/x+y", 0),
        ("count/%25", 1),
        ("count/_", 1),
        ("count/%C3%A9clair", 1),
        ("count/apple;x=y", 2),
        ("count/nothing", 0),
        ("active-live-stream-count", 0),
    ],
)
def test_broadcasts_are_counted(filled: Daemon, path: str, number: int) -> None:
    response = filled.call("GET", f"/broadcasts/{path}", application="Lists")

    assert (response.status, response.body) == (200, b'{"number":%d}' % number)


@pytest.mark.parametrize("size", ["0/1000", "0/250", "0/251", "0/2147483647"])
def test_a_page_has_at_most_250_broadcasts(daemon: Daemon, size: str) -> None:
    count = daemon.call("GET", "/broadcasts/count", application="Many").json["number"]
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: create(daemon, "Many", streamId=f"m{n:03}"), range(count, 300)))

    first = listed(daemon, f"list/{size}", "Many")

    assert first == [f"m{n:03}" for n in range(250)]
    assert listed(daemon, "list/250/250", "Many") == [f"m{n:03}" for n in range(250, 300)]


def test_an_empty_list_is_a_list(daemon: Daemon) -> None:
    response = daemon.call("GET", "/broadcasts/list/0/10?search=nothing-at-all")

    assert (response.status, response.body) == (200, b"[]")


def test_a_list_of_megabytes_arrives_whole_and_the_connection_goes_on(daemon: Daemon) -> None:
    for number in range(40):
        create(daemon, "Big", streamId=f"big{number}", metaData="é" * 60_000)
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=DEADLINE_S)

    for method in ("GET", "HEAD", "GET"):
        connection.request(method, "/Big/rest/v2/broadcasts/list/0/250")
        response = connection.getresponse()
        body = response.read()
        assert int(response.headers["Content-Length"]) > 4_000_000
        assert len(body) == (0 if method == "HEAD" else int(response.headers["Content-Length"]))
        if body:
            assert len(json.loads(body)) == 40
    connection.close()


# --- requests: types, bodies, paths


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json;charset=UTF-8",
        'application/json ; charset="utf-8"',
        "APPLICATION/JSON",
        "application/*",
        "*/*",
    ],
)
def test_json_is_taken(daemon: Daemon, content_type: str) -> None:
    headers = {"Content-Type": content_type}

    assert daemon.request("POST", f"{API}/broadcasts/create", "{}", headers).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/broadcasts/create"),
        ("PUT", "/broadcasts/x"),
        ("DELETE", "/broadcasts/x"),
        ("DELETE", "/broadcasts?ids=x"),
        ("DELETE", "/broadcasts/bulk"),
    ],
)
@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "text/plain", "application/jsonp", "text/json", ""],
)
@pytest.mark.parametrize("body", [None, "{}"])
def test_another_type_than_json_is_not_supported(
    daemon: Daemon, method: str, path: str, content_type: str, body: str | None
) -> None:
    response = daemon.request(method, API + path, body, {"Content-Type": content_type})

    message = "Content-Type is not supported: expected application/json"
    assert (response.status, response.json) == (415, result(False, message))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/broadcasts/create", 200),
        ("PUT", "/broadcasts/x", 200),
        ("DELETE", "/broadcasts/x", 200),
        ("DELETE", "/broadcasts?ids=x", 200),
    ],
)
def test_without_a_body_no_type_is_needed(
    daemon: Daemon, method: str, path: str, status: int
) -> None:
    assert daemon.request(method, API + path).status == status


@pytest.mark.parametrize(("method", "path"), [("POST", "create"), ("PUT", "x"), ("DELETE", "bulk")])
@pytest.mark.parametrize(
    "framing",
    ["Content-Length: 2\r\n\r\n{}", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"],
    ids=["length", "chunked"],
)
def test_a_body_without_a_type_is_not_supported(
    daemon: Daemon, method: str, path: str, framing: str
) -> None:
    request = f"{method} {API}/broadcasts/{path} HTTP/1.1\r\nHost: a\r\n{framing}"

    ((head, body),) = one_by_one(daemon, request.encode(), 1)

    assert head.startswith(b"HTTP/1.1 415 ")
    assert json.loads(body)["message"] == "Content-Type is missing: expected application/json"


def test_a_get_may_have_any_type_and_body(daemon: Daemon) -> None:
    headers = {"Content-Type": "text/html"}

    assert daemon.request("GET", f"{API}/version", "<html>", headers).status == 200


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("application/json;charset=utf-8", 200),
        ("APPLICATION/JSON", 200),
        ("application/*", 200),
        ("*/*", 200),
        ("text/html,application/xhtml+xml,*/*;q=0.8", 200),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", 200),
        ("", 200),
        ("text/html", 406),
        ("application/xml, text/*", 406),
        ("application/json;q=0", 406),
        ("application/json;q=0.0, text/html", 406),
    ],
)
def test_who_takes_no_json_gets_none(daemon: Daemon, accept: str, status: int) -> None:
    response = daemon.request("GET", f"{API}/version", headers={"Accept": accept})

    assert response.status == status
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "body",
    [
        b"{'name':'n'}",
        b'{"name":"n",}',
        b'{"name":',
        b'{"name":NaN}',
        b'{"speed":1e999}',
        b'{"name":"\\ud800"}',
        b'{"name":"\xff"}',
        b"[" * 100_000,
        b"name=n",
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "create"), ("PUT", "x"), ("DELETE", "bulk")])
def test_a_body_that_is_no_json_is_a_bad_request(
    daemon: Daemon, method: str, path: str, body: bytes
) -> None:
    response = daemon.request(method, f"{API}/broadcasts/{path}", body)

    assert response.status == 400
    assert re.fullmatch(r"malformed JSON at line \d+, column \d+", response.json["message"])


@pytest.mark.parametrize(("method", "path"), [("POST", "create"), ("PUT", "x")])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("[]", "Broadcast: expected a JSON object"),
        ('"name"', "Broadcast: expected a JSON object"),
        ("5", "Broadcast: expected a JSON object"),
        ('{"foo":1}', 'Unrecognized field "foo" (class Broadcast), not marked as ignorable'),
        ('{"Name":"n"}', 'Unrecognized field "Name" (class Broadcast), not marked as ignorable'),
        (
            '{"endPointList":[{"x":1}]}',
            'Unrecognized field "x" (class Endpoint), not marked as ignorable',
        ),
        ('{"name":{}}', "Broadcast.name: expected text"),
        ('{"endPointList":{}}', "Broadcast.endPointList: expected a list"),
        ('{"hlsParameters":""}', "HLSParameters: expected a JSON object"),
        ('{"webRTCViewerLimit":2147483648}', "Broadcast.webRTCViewerLimit: expected an integer of"),
        ('{"maxIdleTime":18446744073709551616}', "Broadcast.maxIdleTime: expected an integer of"),
        ('{"plannedStartDate":1e300}', "Broadcast.plannedStartDate: expected an integer of"),
        ('{"virtual":"yes"}', "Broadcast.virtual: expected true or false"),
        ('{"hlsViewerCount":"abc"}', "Broadcast.hlsViewerCount: expected an integer"),
    ],
)
def test_an_object_that_is_no_broadcast_is_a_bad_request(
    daemon: Daemon, method: str, path: str, body: str, message: str
) -> None:
    response = daemon.request(method, f"{API}/broadcasts/{path}", body)

    assert response.status == 400
    assert list(response.json) == ["success", "message", "dataId", "errorId"]
    assert response.json["message"].startswith(message)


def test_jacksons_coercions_hold_over_http(daemon: Daemon) -> None:
    body = (
        '\ufeff{"name":123,"description":true,"plannedStartDate":"17","maxIdleTime":1.9,'
        '"publish":0,"is360":"TRUE","webRTCViewerLimit":"","name":"last"} and more'
    )

    created = daemon.request("POST", f"{API}/broadcasts/create", body.encode()).json

    assert (
        created.items()
        >= {
            "name": "last",
            "description": "true",
            "plannedStartDate": 17,
            "maxIdleTime": 1,
            "publish": False,
            "is360": True,
            "webRTCViewerLimit": 0,
        }.items()
    )


TOO_LARGE = 2 * 1024 * 1024 + 1


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_and_the_connection_ends(
    daemon: Daemon, chunked: bool
) -> None:
    body = b'"' + b"x" * TOO_LARGE
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    sent = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    head = f"POST {API}/broadcasts/create HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"

    answer = exchange(daemon, head.encode(), framing, b"\r\n\r\n", sent)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close\r\n" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == result(
        False, f"Body is larger than {TOO_LARGE - 1} bytes"
    )


def test_a_body_of_the_largest_size_is_taken(daemon: Daemon, new_id: str) -> None:
    body = json.dumps({"streamId": new_id, "metaData": "x"})
    body += " " * (TOO_LARGE - 1 - len(body))

    assert daemon.request("POST", f"{API}/broadcasts/create", body).status == 200
    assert daemon.call("DELETE", f"/broadcasts/{new_id}").json["success"] is True


def test_a_text_has_a_largest_size(daemon: Daemon, new_id: str) -> None:
    create(daemon, streamId=new_id, metaData="é" * 65_536)

    refused = daemon.call("PUT", f"/broadcasts/{new_id}", {"metaData": "é" * 65_537})

    assert refused.status == 400
    assert refused.json["message"] == "Broadcast.metaData: expected at most 65536 characters"
    assert len(read(daemon, new_id)["metaData"]) == 65_536


def test_a_broadcast_is_never_put_above_itself(daemon: Daemon, new_id: str) -> None:
    own = daemon.call(
        "POST", "/broadcasts/create", {"streamId": new_id, "mainTrackStreamId": new_id}
    )
    create(daemon, streamId=new_id)
    create(daemon, streamId=f"{new_id}-sub", mainTrackStreamId=new_id)

    circle = daemon.call("PUT", f"/broadcasts/{new_id}", {"mainTrackStreamId": f"{new_id}-sub"})

    told = f"There is no stream with id:{new_id} as subtrack or {new_id}-sub as mainTrack"
    assert own.status == 400
    assert circle.json == result(False, told)
    assert read(daemon, new_id)["mainTrackStreamId"] is None


def test_on_update_a_seek_time_has_32_bits(daemon: Daemon, new_id: str) -> None:
    create(daemon, streamId=new_id, seekTimeInMs=3_000_000_000)

    assert (
        daemon.call("PUT", f"/broadcasts/{new_id}", {"seekTimeInMs": 3_000_000_000}).status == 400
    )
    assert read(daemon, new_id)["seekTimeInMs"] == 3_000_000_000


@pytest.mark.parametrize(
    "path",
    [
        "/Nowhere/rest/v2/version",
        "/liveapp/rest/v2/version",
        "/LiveApp",
        "/LiveApp/",
        "/LiveApp/rest",
        "/LiveApp/rest/v1/version",
        "/LiveApp/rest/V2/version",
        f"{API}/nothing",
        f"{API}//version",
        f"{API}/version/more",
        f"{API}/broadcasts/list/0",
        f"{API}/broadcasts/list/a/5",
        f"{API}/broadcasts/list/0/1.5",
        f"{API}/broadcasts/list/0/99999999999",
        f"{API}/broadcasts/list/2147483648/1",
        f"{API}/broadcasts/filter-list/a/5/VoD",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_an_unknown_path_is_not_found(daemon: Daemon, method: str, path: str) -> None:
    response = daemon.request(method, path)

    assert (response.status, response.json) == (404, result(False, "Not found"))


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/broadcasts", "OPTIONS, DELETE"),
        ("GET", "/broadcasts/", "OPTIONS, DELETE"),
        ("POST", "/broadcasts/", "OPTIONS, DELETE"),
        ("GET", "/broadcasts/create", "POST, OPTIONS"),
        ("DELETE", "/broadcasts/create", "POST, OPTIONS"),
        ("PUT", "/broadcasts/count", "GET, HEAD, OPTIONS"),
        ("DELETE", "/broadcasts/count", "GET, HEAD, OPTIONS"),
        ("DELETE", "/broadcasts/active-live-stream-count", "GET, HEAD, OPTIONS"),
        ("POST", "/broadcasts/list/0/5", "GET, HEAD, OPTIONS"),
        ("POST", "/broadcasts/some", "GET, HEAD, OPTIONS, PUT, DELETE"),
        ("PATCH", "/broadcasts/some", "GET, HEAD, OPTIONS, PUT, DELETE"),
        ("POST", "/version", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_wrong_verb_is_told_the_right_ones(
    daemon: Daemon, method: str, path: str, allow: str
) -> None:
    response = daemon.request(method, API + path)
    options = daemon.request("OPTIONS", API + path)

    assert (response.status, response.json) == (405, result(False, "Method not allowed"))
    assert response.headers["allow"] == allow
    assert (options.status, options.headers["allow"], options.body) == (200, allow, b"")


@pytest.mark.parametrize(
    "path", ["/version", "/broadcasts/count", "/broadcasts/nowhere", "/nothing", "/broadcasts"]
)
def test_head_is_get_without_a_body(daemon: Daemon, path: str) -> None:
    get, head = daemon.request("GET", API + path), daemon.request("HEAD", API + path)

    assert head.status == get.status
    assert head.body == b""
    assert {**head.headers, "date": ""} == {**get.headers, "date": ""}
    assert int(head.headers["content-length"]) == len(get.body) > 0
    # As bytes: http.client would not show a body that should not be there.
    last = get_request(API + path, "Connection: close\r\n")
    answer = exchange(daemon, get_request(API + path).replace(b"GET", b"HEAD", 1), last)
    assert answer.count(get.body) == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("{id}", 200),
        ("{id}/", 200),
        ("{id};jsessionid=1", 200),
        ("{id};rest/v2/acm", 404),
        ("{id}%3Bx", 404),
        ("{id}?query", 200),
        ("{id}+", 404),
        ("%73{id}", 404),
        ("a%2F..%2F{id}", 400),
        ("%2e%2e/{id}", 400),
        ("./{id}", 400),
        ("../broadcasts/{id}", 400),
        ("{id}/..", 400),
        ("{id}%00", 400),
        ("{id}%5c", 400),
        ("{id}%ff", 400),
        ("%zz", 404),
        ("/{id}", 404),
    ],
)
def test_a_path_has_one_meaning(daemon: Daemon, new_id: str, path: str, status: int) -> None:
    create(daemon, streamId=new_id)
    target = f"{API}/broadcasts/{path.replace('{id}', new_id)}"

    ((head, body),) = one_by_one(daemon, get_request(target), 1)

    assert int(head.split()[1]) == status
    assert b"application/json" in head
    if status == 200:
        assert json.loads(body)["streamId"] == new_id


def test_every_part_of_a_path_is_decoded(daemon: Daemon, new_id: str) -> None:
    create(daemon, streamId=new_id)
    encoded = "".join(f"%{ord(letter):02x}" for letter in new_id)

    response = daemon.request("GET", f"/%4CiveApp;a/%72est/v2;b=c/broadcasts/{encoded}")

    assert response.json["streamId"] == new_id


def test_an_absolute_target_is_understood(daemon: Daemon) -> None:
    target = f"http://example.org:5080{API}/version"

    assert one_by_one(daemon, get_request(target), 1)[0][0].startswith(b"HTTP/1.1 200 ")


def test_more_query_parameters_than_any_call_has_are_refused(daemon: Daemon) -> None:
    assert daemon.request("GET", f"{API}/broadcasts/count?{'a=1&' * 90}").status == 200
    assert daemon.request("GET", f"{API}/broadcasts/count?{'a=1&' * 101}").status == 400


def test_a_security_policy_is_sent_with_every_answer(daemon: Daemon) -> None:
    for path, status in (("version", 200), ("nothing", 404), ("broadcasts", 405)):
        response = daemon.request("GET", f"/Policy/rest/v2/{path}")

        assert response.status == status
        assert response.headers["content-security-policy"] == "default-src 'self'"


# --- connections


def test_many_requests_share_a_connection(daemon: Daemon) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=DEADLINE_S)
    connection.connect()
    used = connection.sock
    steps = [
        ("GET", "/version", None, 200),
        ("POST", "/broadcasts/create", "{}", 200),
        ("POST", "/broadcasts/create", "{", 400),
        ("GET", "/nothing", None, 404),
        ("HEAD", "/version", None, 200),
        ("PUT", "/version", "{}", 405),
        ("OPTIONS", "/version", None, 200),
        ("POST", "/nothing", "x" * 100_000, 404),
        ("GET", "/broadcasts/list/0/250", None, 200),
    ]

    for method, path, body, status in steps * 20:
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method, API + path, body, headers)
        response = connection.getresponse()
        response.read()
        assert (path, response.status) == (path, status)

    assert connection.sock is used
    connection.close()


def test_pipelined_requests_are_answered_in_order(daemon: Daemon, new_id: str) -> None:
    body = json.dumps({"streamId": new_id})
    create_request = (
        f"POST {API}/broadcasts/create HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
    requests = [
        get_request(f"{API}/broadcasts/{new_id}"),
        create_request,
        get_request(f"{API}/broadcasts/{new_id}"),
        get_request(f"{API}/version"),
    ]

    answers = one_by_one(daemon, b"".join(requests * 50), 200)

    statuses = [int(head.split()[1]) for head, _ in answers]
    assert statuses == [404, 200, 200, 200] + [200, 400, 200, 200] * 49
    assert all(json.loads(body)["streamId"] == new_id for _, body in answers[2::4])


def test_a_client_that_does_not_read_does_not_fill_the_memory(daemon: Daemon, new_id: str) -> None:
    create(daemon, streamId=new_id, metaData="x" * 50_000)
    assert daemon.process is not None
    statm = Path(f"/proc/{daemon.process.pid}/statm")
    request = get_request(f"{API}/broadcasts/{new_id}") * 100

    def resident_pages() -> int:
        return int(statm.read_text().split()[1])

    before = resident_pages()
    with socket.create_connection(("127.0.0.1", daemon.port), DEADLINE_S) as deaf:
        deaf.setblocking(False)
        for _ in range(200):
            with contextlib.suppress(BlockingIOError):
                deaf.sendall(request)
            # Others are served meanwhile, and so would be the deaf one.
            assert daemon.get(f"{API}/version") == 200
        grown = (resident_pages() - before) * os.sysconf("SC_PAGE_SIZE")

    # What it asked for is 1 GB; what it may cost is a few responses.
    assert grown < 10_000_000


@pytest.mark.parametrize(
    ("version", "headers", "goes_on"),
    [
        ("1.1", "", True),
        ("1.1", "Connection: close\r\n", False),
        ("1.0", "", False),
        ("1.0", "Connection: keep-alive\r\n", True),
    ],
)
def test_a_connection_goes_on_as_its_version_says(
    daemon: Daemon, version: str, headers: str, goes_on: bool
) -> None:
    request = get_request(f"{API}/version", headers, version)

    last = get_request(f"{API}/version", "Connection: close\r\n")
    answer = exchange(daemon, request, last if goes_on else b"")

    assert answer.startswith(f"HTTP/{version} 200 OK".encode())
    assert answer.count(b'"versionName"') == 1 + goes_on


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\xaa" * 100,
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"\0" * 10_000,
    ],
)
def test_what_is_no_http_is_a_bad_request_in_json(daemon: Daemon, garbage: bytes) -> None:
    answer = exchange(daemon, garbage)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1\.\d 400 ", head)
    assert b"Content-Type: application/json" in head
    assert json.loads(body) == result(False, "Bad request")
    assert daemon.get(f"{API}/version") == 200


def test_a_client_that_leaves_in_the_middle_costs_nothing(daemon: Daemon) -> None:
    head = f"POST {API}/broadcasts/create HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", daemon.port)) as connection:
            connection.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())

    assert daemon.get(f"{API}/version") == 200
    assert "Traceback" not in daemon.log()


def test_search_text_of_any_letters_is_found_again(daemon: Daemon, new_id: str) -> None:
    for text in ("名前", "🎥", "a'b\"c", "100%", "ﬀ", "İ"):
        create(daemon, "Empty", name=f"<{new_id} {text}>")

        found = daemon.call(
            "GET", f"/broadcasts/list/0/9?search={quote(f'{new_id} {text}>')}", application="Empty"
        )
        counted = daemon.call(
            "GET", f"/broadcasts/count/{quote(f'{new_id} {text}', safe='')}", application="Empty"
        )

        assert [record["name"] for record in found.json] == [f"<{new_id} {text}>"]
        assert counted.json == {"number": 1}
