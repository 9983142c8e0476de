"""Subscribers of streams, over HTTP, as their contract has it (rest-v2.md, 2.6 and 7)."""

from __future__ import annotations

import concurrent.futures
import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest

from antmediad.guard.stream import decode_base32, subscriber_secret, totp
from tests.daemon import Daemon

SECRET = "6qsp6qhndryqs56zjmvs37i6gqtjsdvc"
MISSING = (
    "Missing parameter: Make sure you set subscriber object correctly"
    " and make subscriberId's length at least 3"
)
SECRET_INVALID = (
    "Secret code is not multiple of 8 bytes length. Use b32Secret which is a string"
    " and its lenght is multiple of 8 bytes and allowed characters A-Z, 2-7"
)
PERIOD_INVALID = "Custom TOTP expiry period must be between 10 and 2147483647"
BLANK = "streamId or subscriberId is blank"
NO_SECRET = (
    "Secret is not set in AppSettings."
    " Please set timetokensecret publish or play in Application settings"
)
BLOCK_INVALID = "Block type must be play, publish or publish_play, and seconds at least 0"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for the whole module: tests use stream ids of their own."""
    running = Daemon(tmp_path_factory.mktemp("subscribers") / "home")
    running.write("LiveApp")
    running.write("Secrets", timeTokenSecretForPlay="secret1", timeTokenSecretForPublish="secret2")
    running.write("Period", timeTokenPeriod="300", timeTokenSecretForPublish="secret2")
    running.write("Quick", timeTokenPeriod="5")
    with running:
        yield running


numbers = itertools.count()


@pytest.fixture
def stream() -> str:
    """A stream id that no other test uses."""
    return f"stream{next(numbers)}"


def result(success: bool, message: str = "", data_id: str = "") -> dict[str, Any]:
    return {"success": success, "message": message, "dataId": data_id, "errorId": 0}


OK, FAIL = result(True), result(False)


def call(
    daemon: Daemon, method: str, path: str, value: Any = None, application: str = "LiveApp"
) -> Any:
    response = daemon.call(method, f"/broadcasts/{path}", value, application)
    assert response.status == 200, response.body
    return response.json


def add(
    daemon: Daemon, stream: str, subscriber_id: str, application: str = "LiveApp", **more: Any
) -> Any:
    value = {"subscriberId": subscriber_id, **more}
    return call(daemon, "POST", f"{stream}/subscribers", value, application)


def listed(
    daemon: Daemon, stream: str, page: str = "0/250", application: str = "LiveApp"
) -> list[dict[str, Any]]:
    found = call(daemon, "GET", f"{stream}/subscribers/list/{page}", application=application)
    assert isinstance(found, list)
    return found


def ids(daemon: Daemon, stream: str, page: str = "0/250") -> list[str]:
    return [one["subscriberId"] for one in listed(daemon, stream, page)]


def codes_around(secret: bytes, period_s: int, before: float) -> set[str]:
    """Return the codes that were right at some moment since *before*."""
    return {totp(secret, period_s, before), totp(secret, period_s, time.time())}


def test_a_subscriber_is_listed_with_all_properties_but_the_secret(
    daemon: Daemon, stream: str
) -> None:
    assert add(daemon, stream, "abcd", b32Secret=SECRET) == OK

    assert [list(one.items()) for one in listed(daemon, stream)] == [
        [
            ("subscriberId", "abcd"),
            ("subscriberName", None),
            ("streamId", stream),
            ("type", None),
            ("connected", False),
            ("currentConcurrentConnections", 0),
            ("concurrentConnectionsLimit", 1),
            ("blockedType", None),
            ("blockedUntilUnitTimeStampMs", 0),
            ("registeredNodeIp", None),
            ("avgVideoBitrate", 0),
            ("avgAudioBitrate", 0),
            ("totpExpiryPeriodSeconds", 60),
        ]
    ]


def test_the_client_sets_some_properties_and_not_those_of_the_server(
    daemon: Daemon, stream: str
) -> None:
    sent: dict[str, Any] = {
        "subscriberName": "Some One",
        "streamId": "another",
        "type": "play",
        "connected": True,
        "currentConcurrentConnections": 7,
        "concurrentConnectionsLimit": 3,
        "blockedType": "publish_play",
        "blockedUntilUnitTimeStampMs": 99,
        "registeredNodeIp": "192.0.2.1",
        "avgVideoBitrate": 5,
        "avgAudioBitrate": 6,
        "totpExpiryPeriodSeconds": 10,
    }

    assert add(daemon, stream, "abcd", **sent) == OK

    assert listed(daemon, stream) == [
        {
            **sent,
            "subscriberId": "abcd",
            "streamId": stream,
            "connected": False,
            "currentConcurrentConnections": 0,
            "blockedType": None,
            "blockedUntilUnitTimeStampMs": 0,
        }
    ]


@pytest.mark.parametrize(
    ("type_", "stored"),
    [("play", "play"), ("publish", "publish"), ("Play", None), ("publish_play", None), ("", None)],
)
def test_a_type_is_play_or_publish_or_forgotten(
    daemon: Daemon, stream: str, type_: str, stored: str | None
) -> None:
    assert add(daemon, stream, "abcd", type=type_) == OK
    assert listed(daemon, stream)[0]["type"] == stored


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        pytest.param({}, MISSING, id="no-id"),
        pytest.param({"subscriberId": None}, MISSING, id="null-id"),
        pytest.param({"subscriberId": "     "}, MISSING, id="blank-id"),
        pytest.param({"subscriberId": "abc"}, MISSING, id="short-id"),
        pytest.param({"subscriberId": "abc", "b32Secret": "x"}, MISSING, id="id-before-secret"),
        pytest.param({"b32Secret": "abc"}, SECRET_INVALID, id="short-secret"),
        pytest.param({"b32Secret": "abcdabc1"}, SECRET_INVALID, id="digit-1"),
        pytest.param({"b32Secret": "abcdabc "}, SECRET_INVALID, id="blank-in-secret"),
        pytest.param({"b32Secret": "MZ======"}, SECRET_INVALID, id="left-over-bits"),
        pytest.param(
            {"b32Secret": "abc", "totpExpiryPeriodSeconds": 1},
            SECRET_INVALID,
            id="secret-before-period",
        ),
        pytest.param({"totpExpiryPeriodSeconds": 9}, PERIOD_INVALID, id="short-period"),
        pytest.param({"totpExpiryPeriodSeconds": 0}, PERIOD_INVALID, id="zero"),
        pytest.param({"totpExpiryPeriodSeconds": -(2**31)}, PERIOD_INVALID, id="negative"),
    ],
)
def test_an_unusable_subscriber_is_not_added(
    daemon: Daemon, stream: str, properties: dict[str, Any], message: str
) -> None:
    value = {"subscriberId": "abcd", **properties} if properties else {}

    assert call(daemon, "POST", f"{stream}/subscribers", value) == result(False, message)
    assert listed(daemon, stream) == []


@pytest.mark.parametrize("body", [None, b"", b" ", b"null"])
def test_nothing_is_no_subscriber(daemon: Daemon, stream: str, body: bytes | None) -> None:
    response = daemon.request("POST", f"/LiveApp/rest/v2/broadcasts/{stream}/subscribers", body)

    assert (response.status, response.json) == (200, result(False, MISSING))


@pytest.mark.parametrize(
    ("properties", "status"),
    [
        ({"dbId": "x", "stats": {}, "subscriberKey": "k"}, 200),
        ({"foo": 1}, 400),
        ({"totpExpiryPeriodSeconds": 2**31}, 400),
        ({"totpExpiryPeriodSeconds": "soon"}, 400),
        ({"avgVideoBitrate": 2**63}, 400),
        ({"b32Secret": {}}, 400),
        ({"blockedUntilUnitTimeStampMs": "x"}, 400),
    ],
)
def test_a_subscriber_has_known_properties_of_known_types(
    daemon: Daemon, stream: str, properties: dict[str, Any], status: int
) -> None:
    value = {"subscriberId": "abcd", **properties}

    response = daemon.call("POST", f"/broadcasts/{stream}/subscribers", value)

    assert response.status == status
    assert bool(listed(daemon, stream)) is (status == 200)


def test_the_application_s_period_is_stored_with_the_subscriber(
    daemon: Daemon, stream: str
) -> None:
    assert add(daemon, stream, "abcd", "Period") == OK
    assert add(daemon, stream, "abcde", "Period", totpExpiryPeriodSeconds=2**31 - 1) == OK
    assert add(daemon, stream, "abcdef", "Period", totpExpiryPeriodSeconds=None) == OK

    periods = [one["totpExpiryPeriodSeconds"] for one in listed(daemon, stream, "0/9", "Period")]
    assert periods == [300, 2**31 - 1, 300]


def test_an_application_s_period_that_is_too_short_needs_one_of_the_subscriber(
    daemon: Daemon, stream: str
) -> None:
    assert add(daemon, stream, "abcd", "Quick") == result(False, PERIOD_INVALID)
    assert add(daemon, stream, "abcd", "Quick", totpExpiryPeriodSeconds=10) == OK


def test_adding_a_subscriber_again_replaces_it_but_lifts_no_block(
    daemon: Daemon, stream: str
) -> None:
    add(daemon, stream, "abcd", subscriberName="first", type="play")
    call(daemon, "PUT", f"{stream}/subscribers/abcd/block/3600/play")
    until = listed(daemon, stream)[0]["blockedUntilUnitTimeStampMs"]

    add(daemon, stream, "abcd", subscriberName="second", blockedUntilUnitTimeStampMs=0)

    (found,) = listed(daemon, stream)
    assert (found["subscriberName"], found["type"]) == ("second", None)
    assert (found["blockedType"], found["blockedUntilUnitTimeStampMs"]) == ("play", until)


def test_a_listed_subscriber_can_be_sent_back(daemon: Daemon, stream: str) -> None:
    add(daemon, stream, "abcd", subscriberName="é", type="publish")
    (found,) = listed(daemon, stream)

    assert call(daemon, "POST", f"{stream}/subscribers", found) == OK
    assert listed(daemon, stream) == [found]


def test_subscribers_are_listed_in_pages(daemon: Daemon, stream: str) -> None:
    for number in range(5):
        add(daemon, stream, f"number{number}")

    assert ids(daemon, stream, "0/2") == ["number0", "number1"]
    assert ids(daemon, stream, "3/9") == ["number3", "number4"]
    assert ids(daemon, stream, "-2147483648/1") == ["number0"]
    assert ids(daemon, stream, "0/0") == []
    assert ids(daemon, stream, "0/-1") == []
    assert ids(daemon, stream, "5/5") == []


def test_a_page_has_at_most_250_subscribers(daemon: Daemon, stream: str) -> None:
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda number: add(daemon, stream, f"number{number}"), range(251)))

    assert len(ids(daemon, stream, "0/1000")) == 250
    assert len(ids(daemon, stream, "250/1000")) == 1


@pytest.mark.parametrize("kind", ["subscribers/list", "connection-events", "subscriber-stats/list"])
@pytest.mark.parametrize("page", ["a/5", "0/b", "0/2147483648", "1.5/1"])
def test_a_page_is_two_integers(daemon: Daemon, stream: str, kind: str, page: str) -> None:
    assert daemon.call("GET", f"/broadcasts/{stream}/{kind}/{page}").status == 404


def test_a_subscriber_is_deleted_once(daemon: Daemon, stream: str) -> None:
    add(daemon, stream, "abcd")
    add(daemon, stream, "list")

    assert call(daemon, "DELETE", f"{stream}/subscribers/abcd") == OK
    assert call(daemon, "DELETE", f"{stream}/subscribers/abcd") == FAIL
    assert ids(daemon, stream) == ["list"]
    assert call(daemon, "DELETE", f"{stream}/subscribers/list") == OK


def test_all_subscribers_of_one_stream_are_deleted(daemon: Daemon, stream: str) -> None:
    for one in (stream, f"{stream}x"):
        add(daemon, one, "abcd")
        add(daemon, one, "abcde")

    assert call(daemon, "DELETE", f"{stream}/subscribers") == OK
    assert call(daemon, "DELETE", f"{stream}/subscribers/") == FAIL
    assert ids(daemon, stream) == []
    assert ids(daemon, f"{stream}x") == ["abcd", "abcde"]


def test_ids_that_join_to_the_same_text_are_different_subscribers(
    daemon: Daemon, stream: str
) -> None:
    add(daemon, f"{stream}-b", "cccc", subscriberName="first")
    add(daemon, stream, "b-cccc", subscriberName="second")

    assert listed(daemon, f"{stream}-b")[0]["subscriberName"] == "first"
    assert call(daemon, "DELETE", f"{stream}/subscribers/b-cccc") == OK
    assert ids(daemon, f"{stream}-b") == ["cccc"]


def test_subscribers_go_with_their_stream(daemon: Daemon, stream: str) -> None:
    call(daemon, "POST", "create", {"streamId": stream})
    add(daemon, stream, "abcd")

    assert call(daemon, "DELETE", stream)["success"]

    assert listed(daemon, stream) == []


# --- time-based codes


@pytest.mark.parametrize("query", ["", "?type=play", "?type=any"])
def test_the_code_is_of_the_subscriber_s_own_secret_and_period(
    daemon: Daemon, stream: str, query: str
) -> None:
    add(daemon, stream, "abcd", "Secrets", b32Secret=SECRET, totpExpiryPeriodSeconds=3600)
    before = time.time()

    answer = call(daemon, "GET", f"{stream}/subscribers/abcd/totp{query}", application="Secrets")

    codes = codes_around(decode_base32(SECRET), 3600, before)
    assert answer in [result(True, data_id=code) for code in codes]


@pytest.mark.parametrize("is_added", [False, True])
@pytest.mark.parametrize(
    ("query", "secret", "type_"),
    [
        ("?type=play", "secret1", "play"),
        ("?type=publish", "secret2", "publish"),
        ("?type=PLAY", "secret2", "PLAY"),
        ("?type=", "secret2", ""),
        ("", "secret2", None),
    ],
)
def test_without_a_secret_of_their_own_the_application_s_makes_the_code(
    daemon: Daemon, stream: str, is_added: bool, query: str, secret: str, type_: str | None
) -> None:
    if is_added:
        add(daemon, stream, "abcd", "Secrets", b32Secret=" ", totpExpiryPeriodSeconds=3600)
    before = time.time()

    answer = call(daemon, "GET", f"{stream}/subscribers/abcd/totp{query}", application="Secrets")

    codes = codes_around(subscriber_secret(secret, "abcd", stream, type_), 60, before)
    assert answer in [result(True, data_id=code) for code in codes]


@pytest.mark.parametrize(
    ("application", "query"),
    [("LiveApp", ""), ("LiveApp", "?type=play"), ("Period", "?type=play")],
)
def test_there_is_no_code_without_any_secret(
    daemon: Daemon, stream: str, application: str, query: str
) -> None:
    path = f"{stream}/subscribers/abcd/totp{query}"

    assert call(daemon, "GET", path, application=application) == result(False, NO_SECRET)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "{}/totp"), ("PUT", "{}/block/5/play"), ("PUT", "{}/block/5/any")]
)
@pytest.mark.parametrize("ids_", ["%20/subscribers/abcd", "stream/subscribers/%09%20"])
def test_a_blank_id_is_no_subscriber(daemon: Daemon, method: str, path: str, ids_: str) -> None:
    assert call(daemon, method, path.format(ids_)) == result(False, BLANK)


def test_a_code_is_not_asked_for_with_a_form(daemon: Daemon) -> None:
    response = daemon.request(
        "GET",
        "/LiveApp/rest/v2/broadcasts/s/subscribers/abcd/totp",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert response.status == 415


# --- blocks


@pytest.mark.parametrize("type_", ["play", "publish", "publish_play"])
def test_a_block_ends_after_the_given_seconds(daemon: Daemon, stream: str, type_: str) -> None:
    add(daemon, stream, "abcd", b32Secret=SECRET, subscriberName="named")
    (before,) = listed(daemon, stream)
    earliest = int(time.time() * 1000) + 60_000

    assert call(daemon, "PUT", f"{stream}/subscribers/abcd/block/60/{type_}") == OK

    (found,) = listed(daemon, stream)
    until = found["blockedUntilUnitTimeStampMs"]
    assert earliest <= until <= int(time.time() * 1000) + 60_000
    assert found == {**before, "blockedType": type_, "blockedUntilUnitTimeStampMs": until}


def test_a_block_makes_a_record_of_a_subscriber_who_has_none(daemon: Daemon, stream: str) -> None:
    assert call(daemon, "PUT", f"{stream}/subscribers/x/block/60/play") == OK

    (found,) = listed(daemon, stream)
    assert (found["subscriberId"], found["streamId"]) == ("x", stream)
    assert (found["type"], found["totpExpiryPeriodSeconds"]) == (None, None)
    assert found["blockedType"] == "play"


def test_a_block_of_no_seconds_is_over(daemon: Daemon, stream: str) -> None:
    call(daemon, "PUT", f"{stream}/subscribers/abcd/block/3600/play")

    assert call(daemon, "PUT", f"{stream}/subscribers/abcd/block/0/play") == OK

    assert listed(daemon, stream)[0]["blockedUntilUnitTimeStampMs"] <= time.time() * 1000


@pytest.mark.parametrize("seconds", [2_147_484, 10**12, 2**63 - 1])
def test_a_block_may_last_longer_than_32_bits_count(
    daemon: Daemon, stream: str, seconds: int
) -> None:
    earliest = min(int(time.time() * 1000) + seconds * 1000, 2**63 - 1)

    assert call(daemon, "PUT", f"{stream}/subscribers/abcd/block/{seconds}/play") == OK

    latest = min(int(time.time() * 1000) + seconds * 1000, 2**63 - 1)
    assert earliest <= listed(daemon, stream)[0]["blockedUntilUnitTimeStampMs"] <= latest


@pytest.mark.parametrize("rest", ["60/any", "60/Play", "-1/play", "-9223372036854775808/play"])
def test_an_impossible_block_is_refused(daemon: Daemon, stream: str, rest: str) -> None:
    answer = call(daemon, "PUT", f"{stream}/subscribers/abcd/block/{rest}")

    assert answer == result(False, BLOCK_INVALID)
    assert listed(daemon, stream) == []


@pytest.mark.parametrize("seconds", ["x", "1.5", "9223372036854775808", "%201"])
def test_seconds_are_a_long_integer(daemon: Daemon, stream: str, seconds: str) -> None:
    path = f"/broadcasts/{stream}/subscribers/abcd/block/{seconds}/play"

    assert daemon.call("PUT", path).status == 404


# --- events, and the rest


@pytest.mark.parametrize("query", ["", "?subscriberId=abcd", "?subscriberId="])
def test_there_are_no_events_without_an_engine(daemon: Daemon, stream: str, query: str) -> None:
    add(daemon, stream, "abcd")

    assert call(daemon, "GET", f"{stream}/connection-events/0/10{query}") == []


def test_statistics_are_those_of_the_subscribers(daemon: Daemon, stream: str) -> None:
    assert call(daemon, "GET", f"{stream}/subscriber-stats/list/0/10") == []
    add(daemon, stream, "abcd", avgVideoBitrate=5, avgAudioBitrate=6)
    add(daemon, stream, "abcde")

    stats = call(daemon, "GET", f"{stream}/subscriber-stats/list/0/1")

    assert [list(one.items()) for one in stats] == [
        [
            ("subscriberId", "abcd"),
            ("streamId", stream),
            ("connectionEvents", []),
            ("avgVideoBitrate", 5),
            ("avgAudioBitrate", 6),
        ]
    ]


def test_subscribers_survive_a_restart(daemon: Daemon, stream: str) -> None:
    add(daemon, stream, "abcd", b32Secret=SECRET, totpExpiryPeriodSeconds=3600)
    call(daemon, "PUT", f"{stream}/subscribers/abcd/block/60/play")
    stored = listed(daemon, stream)

    daemon.stop()
    daemon.start()

    before = time.time()
    assert listed(daemon, stream) == stored
    code = call(daemon, "GET", f"{stream}/subscribers/abcd/totp")["dataId"]
    assert code in codes_around(decode_base32(SECRET), 3600, before)


def test_no_secret_leaves_the_daemon(daemon: Daemon, stream: str) -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    add(daemon, stream, "abcd", b32Secret=secret)
    bodies = [
        daemon.call(method, f"/broadcasts/{path}", value).body
        for method, path, value in (
            ("POST", f"{stream}/subscribers", {"b32Secret": secret}),
            ("POST", f"{stream}/subscribers", {"b32Secret": secret, "foo": 1}),
            ("POST", f"{stream}/subscribers", {"b32Secret": [secret]}),
            ("POST", f"{stream}/subscribers", {"subscriberId": "abcd", "b32Secret": f"{secret}!"}),
            ("GET", f"{stream}/subscribers/list/0/9", None),
            ("GET", f"{stream}/subscriber-stats/list/0/9", None),
            ("GET", f"{stream}/subscribers/abcd/totp", None),
        )
    ]

    assert secret not in b"".join(bodies).decode() + daemon.log()
