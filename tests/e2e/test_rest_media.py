"""Data in streams, media files and push notifications over HTTP (rest-v2.md, 2.12 to 2.14)."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import jwt
import pytest

from tests.daemon import DEADLINE_S, Daemon, wait_until
from tests.rest_api import FAIL, answered, create, result

KEY = "testtesttesttesttesttesttesttest"
NO_SERVICE = result(
    False,
    "Push Notification Service is not available community edition. Please use enterprise edition",
)
NO_JSON = "JSON content cannot be parsed"
NOT_AVAILABLE = result(False, "Stream is not available", None)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for the whole module."""
    running = Daemon(tmp_path_factory.mktemp("media") / "home")
    running.write("LiveApp")
    running.write("Other")
    running.write("Silent", dataChannelEnabled="false", id3TagEnabled="true")
    running.write("Push", subscriberAuthenticationKey=KEY)
    with running:
        yield running


def post(
    daemon: Daemon, path: str, body: bytes, content_type: str | None, application: str = "LiveApp"
) -> tuple[int, Any]:
    """Send a body on a socket: http.client would not leave its content type out."""
    kind = "" if content_type is None else f"Content-Type: {content_type}\r\n"
    head = (
        f"POST /{application}/rest/v2{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        f"{kind}Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", daemon.port), DEADLINE_S) as connection:
        connection.sendall(head.encode() + body)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    return int(received.split()[1]), received.partition(b"\r\n\r\n")[2]


# --- data, ID3, SEI


@pytest.mark.parametrize("path", ["data", "id3", "sei"])
@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (None, 200),
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
    ],
)
@pytest.mark.parametrize("body", [b"", b"any text", b'{"a"', b"\xff\0"])
def test_a_text_is_taken_as_it_is_unless_it_is_declared_as_something_else(
    daemon: Daemon, path: str, content_type: str | None, status: int, body: bytes
) -> None:
    assert post(daemon, f"/broadcasts/nowhere/{path}", body, content_type)[0] == status


def test_data_reaches_nobody(daemon: Daemon) -> None:
    create(daemon, streamId="idle")
    create(daemon, streamId="room")
    create(daemon, streamId="room-sub", mainTrackStreamId="room")
    nobody = result(False, "Requested WebRTC stream does not exist")

    assert answered(daemon, "POST", "/broadcasts/nowhere/data", "text") == nobody
    assert answered(daemon, "POST", "/broadcasts/idle/data", "text") == nobody
    assert answered(daemon, "POST", "/broadcasts/room-sub/data", "text") == nobody
    sent = answered(daemon, "POST", "/broadcasts/room/data", "text")
    assert sent == result(False, "Operation not completed")


def test_settings_decide_what_may_be_sent(daemon: Daemon) -> None:
    off = result(False, "Data channels are not enabled")
    assert answered(daemon, "POST", "/broadcasts/a/data", "text", "Silent") == off

    off = result(False, "ID3 tag is not enabled", None)
    assert answered(daemon, "POST", "/broadcasts/a/id3", "text") == off
    assert answered(daemon, "POST", "/broadcasts/a/id3", "text", "Silent") == NOT_AVAILABLE

    assert answered(daemon, "POST", "/broadcasts/a/sei", "text") == NOT_AVAILABLE


# --- durations and files


@pytest.mark.parametrize("query", ["", "?url=", "?url=%20"])
def test_the_duration_of_nothing_fails(daemon: Daemon, query: str) -> None:
    assert answered(daemon, "GET", f"/broadcasts/duration{query}") == FAIL


def test_a_url_is_not_opened_to_learn_its_duration(daemon: Daemon) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a.mp4"

        for asked in (url, "/etc/passwd"):
            path = f"/broadcasts/duration?url={quote(asked, safe='')}"
            assert answered(daemon, "GET", path) == result(False, error_id=-2)

        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("query", ["", "?download=true&deleteHLSFiles=true"])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("stream1", "HLS to MP4 conversion has failed"),
        ("stream1.m3u8", "HLS to MP4 conversion has failed"),
        ("%20", "HLS file name is empty"),
    ],
)
def test_no_file_is_made_of_hls(daemon: Daemon, name: str, message: str, query: str) -> None:
    before = sorted((daemon.home / "webapps").rglob("*"))

    converted = answered(daemon, "POST", f"/broadcasts/{name}/hls-to-mp4{query}")

    assert converted == result(False, message)
    assert sorted((daemon.home / "webapps").rglob("*")) == before


# --- push notifications


def token(daemon: Daemon, query: str, application: str = "Push") -> str:
    path = f"/push-notification/subscriber-auth-token?{query}"
    answer = answered(daemon, "GET", path, application=application)
    assert answer == result(True, "Token is available in dataId field", answer["dataId"])
    return str(answer["dataId"])


@pytest.mark.parametrize(
    ("query", "lifespan_s"),
    [
        ("", 3600),
        ("&timeoutSeconds=", 3600),
        ("&timeoutSeconds=0", 3600),
        ("&timeoutSeconds=-1", 3600),
        ("&timeoutSeconds=60", 60),
        ("&timeoutSeconds=2147483647", 2147483647),
    ],
)
def test_a_subscriber_gets_a_token_for_a_time(daemon: Daemon, query: str, lifespan_s: int) -> None:
    before = int(time.time())
    issued = token(daemon, f"subscriberId=s%C3%A9{query}")
    after = int(time.time())

    claims = jwt.decode(issued, KEY, ["HS256"])
    assert claims == {"subscriberId": "sé", "exp": claims["exp"]}
    assert before + lifespan_s <= claims["exp"] <= after + lifespan_s
    assert jwt.get_unverified_header(issued) == {"alg": "HS256", "typ": "JWT"}


@pytest.mark.parametrize("query", ["", "subscriberId=", "subscriberId=%20&timeoutSeconds=5"])
def test_a_token_is_somebodys(daemon: Daemon, query: str) -> None:
    refused = answered(daemon, "GET", f"/push-notification/subscriber-auth-token?{query}")

    message = "subscriberId is blank. Please give subscriberId as query parameter"
    assert refused == result(False, message)


@pytest.mark.parametrize("timeout", ["a", "1.5", "2147483648"])
def test_a_timeout_that_is_no_integer_is_not_found(daemon: Daemon, timeout: str) -> None:
    path = f"/push-notification/subscriber-auth-token?subscriberId=a&timeoutSeconds={timeout}"

    assert daemon.call("GET", path).status == 404


def token_until(daemon: Daemon, application: str, expiry: int) -> str:
    """Return the token that expires at *expiry*: always the same one for the same key."""

    def issued() -> str | None:
        query = f"subscriberId=a&timeoutSeconds={expiry - int(time.time())}"
        made = token(daemon, query, application)
        claims = jwt.decode(made, options={"verify_signature": False})
        return made if claims["exp"] == expiry else None

    return str(wait_until(issued, "a token made within one second"))


def test_a_key_that_is_not_configured_is_kept_over_a_reload_and_differs_by_application(
    daemon: Daemon,
) -> None:
    expiry = int(time.time()) + 100_000
    first = token_until(daemon, "LiveApp", expiry)
    daemon.write("LiveApp", id3TagEnabled="true")
    wait_until(
        lambda: answered(daemon, "POST", "/broadcasts/a/id3", "text") == NOT_AVAILABLE,
        "the reload",
    )

    assert token_until(daemon, "LiveApp", expiry) == first
    assert token_until(daemon, "Other", expiry) != first


@pytest.mark.parametrize("query", ["", "?serviceName=fcm", "?serviceName=odd"])
def test_there_is_no_push_service(daemon: Daemon, query: str) -> None:
    notification = {"subscribers": ["a"], "jsonMessage": '{"title":"t"}'}

    to_some = answered(daemon, "POST", f"/push-notification/subscribers{query}", notification)
    to_all = answered(daemon, "POST", f"/push-notification/topics/a%20b{query}", {"title": "t"})

    assert (to_some, to_all) == (NO_SERVICE, NO_SERVICE)


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "null",
        "{}",
        '{"subscribers":["a"]}',
        '{"jsonMessage":null}',
        '{"jsonMessage":""}',
        '{"jsonMessage":"text"}',
        '{"jsonMessage":"[]"}',
        '{"jsonMessage":"{\\"a\\":"}',
    ],
)
def test_a_message_to_subscribers_is_a_json_object(daemon: Daemon, body: str | None) -> None:
    response = daemon.request("POST", "/LiveApp/rest/v2/push-notification/subscribers", body)

    message = f"{NO_JSON}. Make sure JSON content is in correct format"
    assert (response.status, response.json) == (200, result(False, message))


def test_a_notification_has_no_other_properties(daemon: Daemon) -> None:
    path = "/push-notification/subscribers"

    assert daemon.call("POST", path, {"jsonMessage": "{}", "foo": 1}).status == 400
    assert daemon.call("POST", path, {"jsonMessage": "{}", "subscribers": "a"}).status == 400


@pytest.mark.parametrize("body", [b"", b" ", b"null", b"[]", b'"a"', b"{'a':1}", b"{", b"\xff"])
@pytest.mark.parametrize("content_type", [None, "application/json"])
def test_a_message_to_a_topic_is_a_json_object(
    daemon: Daemon, body: bytes, content_type: str | None
) -> None:
    status, answer = post(daemon, "/push-notification/topics/a", body, content_type)

    assert status == 200
    assert re.search(rb'"message":"([^"]*)"', answer)[1].decode() == NO_JSON  # type: ignore[index]


def test_a_message_to_a_topic_needs_no_content_type(daemon: Daemon) -> None:
    status, answer = post(daemon, "/push-notification/topics/a", b'{"title":"t"}', None)

    assert status == 200
    assert b"Push Notification Service is not available" in answer
