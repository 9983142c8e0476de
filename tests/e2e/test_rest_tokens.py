"""One-time tokens and stream JWTs over HTTP, as their contract has it (rest-v2.md, 2.4, 2.5)."""

from __future__ import annotations

import concurrent.futures
import itertools
import re
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from tests.daemon import Daemon

STREAM_KEY = "testtesttesttesttesttesttesttest"
FAR = 4_000_000_000
INCOMPLETE = "Define Stream ID, Token Type and Expire Date (unix time)"
TYPE_INVALID = "Invalid token type. Supported types are 'play' and 'publish'"
NO_JWT = (
    "Cannot create JWT token. The problem can be ->  this is community edition or JWT stream key"
    " is not set or it's length is less than 32"
)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for the whole module: tests use stream ids of their own."""
    running = Daemon(tmp_path_factory.mktemp("tokens") / "home")
    running.write("LiveApp", jwtStreamSecretKey=STREAM_KEY)
    running.write("Short", jwtStreamSecretKey=STREAM_KEY[1:])
    running.write("None")
    with running:
        yield running


numbers = itertools.count()


@pytest.fixture
def stream() -> str:
    """A stream id that no other test uses."""
    return f"stream{next(numbers)}"


def result(success: bool, message: str = "") -> dict[str, Any]:
    return {"success": success, "message": message, "dataId": "", "errorId": 0}


OK, FAIL = result(True), result(False)


def create(daemon: Daemon, stream: str, query: str = f"expireDate={FAR}&type=play") -> Any:
    response = daemon.call("GET", f"/broadcasts/{stream}/token?{query}")
    assert response.status == 200, response.body
    return response.json


def validate(daemon: Daemon, token: Any) -> Any:
    response = daemon.call("POST", "/broadcasts/validate-token", token)
    assert response.status == 200, response.body
    return response.json


def listed(daemon: Daemon, stream: str, page: str = "0/250") -> Any:
    response = daemon.call("GET", f"/broadcasts/{stream}/tokens/list/{page}")
    assert response.status == 200, response.body
    return response.json


def test_a_token_has_24_digits_and_echoes_what_it_is_for(daemon: Daemon, stream: str) -> None:
    token = create(daemon, stream, f"expireDate={FAR}&type=play")

    assert re.fullmatch(r"[0-9]{24}", token["tokenId"])
    assert list(token.items()) == [
        ("tokenId", token["tokenId"]),
        ("streamId", stream),
        ("expireDate", FAR),
        ("type", "play"),
        ("roomId", None),
    ]
    assert listed(daemon, stream) == [token]


def test_two_tokens_are_never_the_same(daemon: Daemon, stream: str) -> None:
    assert len({create(daemon, stream)["tokenId"] for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("expireDate=1&type=publish", {"expireDate": 1}, id="expired"),
        pytest.param("expireDate=9223372036854775807&type=publish", {"expireDate": 2**63 - 1}),
        pytest.param("expireDate=7&type=publish&roomId=r%201", {"roomId": "r 1"}, id="room"),
        pytest.param("expireDate=7&type=publish&roomId=", {"roomId": ""}, id="blank-room"),
        pytest.param("expireDate=7&type=publish&type=play", {"expireDate": 7}, id="first-type"),
    ],
)
def test_a_token_may_be_for_any_time_and_room(
    daemon: Daemon, stream: str, query: str, expected: dict[str, Any]
) -> None:
    defaults = {"streamId": stream, "expireDate": 7, "type": "publish", "roomId": None}

    token = create(daemon, stream, query)

    assert token == {"tokenId": token["tokenId"], **defaults, **expected}


@pytest.mark.parametrize("kind", ["token", "jwt-token"])
@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ("", 400, INCOMPLETE),
        ("type=play", 400, INCOMPLETE),
        ("type=play&expireDate=", 400, INCOMPLETE),
        ("type=play&expireDate=0", 400, INCOMPLETE),
        ("type=play&expireDate=-1", 400, INCOMPLETE),
        (f"expireDate={FAR}", 400, INCOMPLETE),
        ("type=bad", 400, INCOMPLETE),
        (f"type=bad&expireDate={FAR}", 400, TYPE_INVALID),
        (f"type=&expireDate={FAR}", 400, TYPE_INVALID),
        (f"type=Play&expireDate={FAR}", 400, TYPE_INVALID),
        ("type=play&expireDate=soon", 404, "Not found: expireDate is not an integer"),
        ("type=play&expireDate=1.5", 404, "Not found: expireDate is not an integer"),
        ("type=play&expireDate=0x10", 404, "Not found: expireDate is not an integer"),
        (
            "type=play&expireDate=9223372036854775808",
            404,
            "Not found: expireDate is not an integer",
        ),
    ],
)
def test_a_token_that_is_not_well_defined_is_not_made(
    daemon: Daemon, stream: str, kind: str, query: str, status: int, message: str
) -> None:
    response = daemon.call("GET", f"/broadcasts/{stream}/{kind}?{query}")

    assert response.status == status
    assert response.json == result(False, message)
    assert listed(daemon, stream) == []


def test_a_token_is_good_once(daemon: Daemon, stream: str) -> None:
    token, other = create(daemon, stream), create(daemon, stream)

    assert validate(daemon, token) == OK
    assert validate(daemon, token) == FAIL
    assert listed(daemon, stream) == [other]


def test_of_many_clients_with_the_same_token_one_gets_in(daemon: Daemon, stream: str) -> None:
    token = create(daemon, stream)

    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        outcomes = list(threads.map(lambda _: validate(daemon, token)["success"], range(50)))

    assert outcomes.count(True) == 1


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"tokenId": "0"}, id="unknown"),
        pytest.param({"tokenId": None}, id="null-id"),
        pytest.param({"tokenId": ""}, id="empty-id"),
        pytest.param({"type": "publish"}, id="another-type"),
        pytest.param({"type": None}, id="no-type"),
        pytest.param({"streamId": "another"}, id="another-stream"),
        pytest.param({"streamId": None}, id="no-stream"),
        pytest.param({"roomId": "any"}, id="a-room-that-it-is-not-of"),
    ],
)
def test_a_token_that_does_not_fit_is_refused_and_stays(
    daemon: Daemon, stream: str, changed: dict[str, Any]
) -> None:
    token = create(daemon, stream)

    assert validate(daemon, {**token, **changed}) == FAIL
    assert listed(daemon, stream) == [token]
    assert validate(daemon, token) == OK


def test_an_expired_token_is_refused_and_stays(daemon: Daemon, stream: str) -> None:
    token = create(daemon, stream, f"expireDate={int(time.time())}&type=play")

    assert validate(daemon, {**token, "expireDate": FAR}) == FAIL
    assert listed(daemon, stream) == [token]


def test_a_room_s_token_opens_every_stream_of_that_room_only(daemon: Daemon, stream: str) -> None:
    token = create(daemon, stream, f"expireDate={FAR}&type=play&roomId=room1")

    assert validate(daemon, {**token, "streamId": "in-the-room"}) == OK
    assert validate(daemon, token) == OK
    assert validate(daemon, {**token, "roomId": "room2"}) == FAIL
    assert listed(daemon, stream) == [token]


@pytest.mark.parametrize("body", [None, b"", b" ", b"null", b"{}"])
def test_validating_nothing_fails(daemon: Daemon, body: bytes | None) -> None:
    response = daemon.request("POST", "/LiveApp/rest/v2/broadcasts/validate-token", body)

    assert (response.status, response.json) == (200, FAIL)


@pytest.mark.parametrize(
    ("token", "status"),
    [
        ({"dbId": "x", "tokenId": "1"}, 200),
        ({"foo": 1}, 400),
        ({"TokenId": "1"}, 400),
        ({"expireDate": "soon"}, 400),
        ({"expireDate": 2**63}, 400),
        ({"tokenId": {}}, 400),
        ([], 400),
        ("1", 400),
    ],
)
def test_a_token_object_has_known_properties(daemon: Daemon, token: Any, status: int) -> None:
    assert daemon.call("POST", "/broadcasts/validate-token", token).status == status


def test_validate_token_is_no_stream(daemon: Daemon) -> None:
    response = daemon.call("GET", "/broadcasts/validate-token")

    assert response.status == 405
    assert response.headers["allow"] == "POST, OPTIONS"


def test_tokens_are_listed_in_pages(daemon: Daemon, stream: str) -> None:
    tokens = [create(daemon, stream, f"expireDate={1 + number}&type=play") for number in range(5)]

    assert listed(daemon, stream, "0/2") == tokens[:2]
    assert listed(daemon, stream, "3/9") == tokens[3:]
    assert listed(daemon, stream, "-1/2") == tokens[:2]
    assert listed(daemon, stream, "0/0") == []
    assert listed(daemon, stream, "0/-1") == []
    assert listed(daemon, stream, "5/5") == []


def test_a_page_has_at_most_250_tokens(daemon: Daemon, stream: str) -> None:
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: create(daemon, stream), range(251)))

    assert len(listed(daemon, stream, "0/1000")) == 250
    assert len(listed(daemon, stream, "250/1000")) == 1


@pytest.mark.parametrize("page", ["a/5", "0/b", "0/2147483648", "1.5/1"])
def test_a_page_is_two_integers(daemon: Daemon, stream: str, page: str) -> None:
    assert daemon.call("GET", f"/broadcasts/{stream}/tokens/list/{page}").status == 404


def test_revoking_removes_the_tokens_of_one_stream(daemon: Daemon, stream: str) -> None:
    token, other = create(daemon, stream), create(daemon, f"{stream}x")

    assert daemon.call("DELETE", f"/broadcasts/{stream}/tokens").json == OK
    assert daemon.call("DELETE", f"/broadcasts/{stream}/tokens/").json == FAIL
    assert validate(daemon, token) == FAIL
    assert listed(daemon, f"{stream}x") == [other]


def test_a_new_stream_does_not_inherit_the_tokens_of_a_deleted_one(
    daemon: Daemon, stream: str
) -> None:
    daemon.call("POST", "/broadcasts/create", {"streamId": stream})
    daemon.call(
        "POST", "/broadcasts/create", {"streamId": f"{stream}s", "mainTrackStreamId": stream}
    )
    tokens = [create(daemon, stream), create(daemon, f"{stream}s")]

    assert daemon.call("DELETE", f"/broadcasts/{stream}").json["success"]

    assert [validate(daemon, token) for token in tokens] == [FAIL, FAIL]


def test_tokens_survive_a_restart_and_are_used_up_for_good(daemon: Daemon, stream: str) -> None:
    used, unused = create(daemon, stream), create(daemon, stream)
    validate(daemon, used)

    daemon.stop()
    daemon.start()

    assert listed(daemon, stream) == [unused]
    assert validate(daemon, used) == FAIL
    assert validate(daemon, unused) == OK


# --- JWT


def test_a_stream_jwt_is_the_one_of_the_original(daemon: Daemon) -> None:
    response = daemon.call(
        "GET", "/broadcasts/stream1/jwt-token?expireDate=1900000000&type=publish"
    )

    assert response.status == 200
    assert list(response.json.items()) == [
        (
            "tokenId",
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
            ".eyJzdHJlYW1JZCI6InN0cmVhbTEiLCJ0eXBlIjoicHVibGlzaCIsImV4cCI6MTkwMDAwMDAwMH0"
            ".PxxEvjJHDIDTJJs68_0rRdaX1z9f2IoMb7AOrfIwTOQ",
        ),
        ("streamId", "stream1"),
        ("expireDate", 1_900_000_000),
        ("type", "publish"),
        ("roomId", None),
    ]


def test_a_room_is_a_claim_of_the_jwt(daemon: Daemon, stream: str) -> None:
    token = daemon.call(
        "GET", f"/broadcasts/{stream}/jwt-token?expireDate={FAR}&type=play&roomId=room1"
    ).json

    assert token["roomId"] == "room1"
    assert jwt.decode(token["tokenId"], STREAM_KEY, ["HS256"]) == {
        "streamId": stream,
        "type": "play",
        "exp": FAR,
        "roomId": "room1",
    }


def test_a_jwt_that_is_expired_already_is_made_all_the_same(daemon: Daemon, stream: str) -> None:
    token = daemon.call("GET", f"/broadcasts/{stream}/jwt-token?expireDate=1&type=play").json

    with pytest.raises(jwt.ExpiredSignatureError, match="expired"):
        jwt.decode(token["tokenId"], STREAM_KEY, ["HS256"])


def test_a_jwt_is_not_stored(daemon: Daemon, stream: str) -> None:
    token = daemon.call("GET", f"/broadcasts/{stream}/jwt-token?expireDate={FAR}&type=play").json

    assert listed(daemon, stream) == []
    assert validate(daemon, token) == FAIL


@pytest.mark.parametrize("application", ["None", "Short"])
def test_no_jwt_is_made_without_a_long_enough_key(daemon: Daemon, application: str) -> None:
    response = daemon.call(
        "GET", f"/broadcasts/s/jwt-token?expireDate={FAR}&type=play", application=application
    )

    assert (response.status, response.json) == (400, result(False, NO_JWT))


def test_no_token_is_logged(daemon: Daemon, stream: str) -> None:
    token = create(daemon, stream)
    validate(daemon, token)
    refused = daemon.call("POST", "/broadcasts/validate-token", {**token, "foo": 1})

    assert refused.status == 400
    assert token["tokenId"] not in refused.body.decode() + daemon.log()
