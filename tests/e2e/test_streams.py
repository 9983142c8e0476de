"""Files below /streams/: who may have them, whole or in part (filters.md, section 10.3)."""

from __future__ import annotations

import asyncio
import concurrent.futures
import hashlib
import http.client
import itertools
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from email.utils import formatdate
from pathlib import Path

import pytest

from antmediad.guard.stream import decode_base32, issue_stream_token, subscriber_secret, totp
from antmediad.server.play import MAX_SESSIONS, SESSION_S, Sessions, stream_id_of
from tests.daemon import DEADLINE_S, SECRET, Daemon, Response, wait_until

FILM = bytes(range(256)) * 4096
KEY = "abcdabcf"

numbers = itertools.count()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for the whole module; each test has an application of its own."""
    running = Daemon(tmp_path_factory.mktemp("streams") / "home")
    with running:
        yield running


def add_application(daemon: Daemon, **properties: str) -> str:
    """Make an application with film.mp4 in its streams."""
    name = f"App{next(numbers)}"
    daemon.write(name, **properties)
    directory = daemon.home / "webapps" / name / "streams"
    directory.mkdir()
    (directory / "film.mp4").write_bytes(FILM)
    wait_until(lambda: daemon.get(f"/{name}/rest/v2/version") != 404, "the application is served")
    return name


@pytest.fixture
def application(shared: Daemon) -> str:
    return add_application(shared)


def streams(daemon: Daemon, application: str) -> Path:
    return daemon.home / "webapps" / application / "streams"


def get(
    daemon: Daemon,
    application: str,
    path: str = "film.mp4",
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
) -> Response:
    return daemon.request(method, f"/{application}/streams/{path}", None, headers)


def outcome(response: Response) -> tuple[int, str]:
    """Return the status, and the message of a refusal."""
    return response.status, response.json["message"] if response.status >= 400 else ""


# --- what is served


def test_a_file_is_served_to_everybody_past_the_filters_of_the_rest_api(shared: Daemon) -> None:
    application = add_application(
        shared, jwtControlEnabled="true", jwtSecretKey=SECRET, remoteAllowedCIDR="192.0.2.1"
    )

    response = get(shared, application)

    assert shared.get(f"/{application}/rest/v2/vods/count") == 403
    assert (response.status, response.body) == (200, FILM)
    assert response.headers["content-type"] == "video/mp4"
    assert response.headers["content-length"] == str(len(FILM))
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert re.fullmatch(r'"[0-9a-f]+-[0-9a-f]+"', response.headers["etag"])
    assert "cache-control" not in response.headers


def test_head_is_answered_with_the_headers_of_get(shared: Daemon, application: str) -> None:
    response = get(shared, application, method="HEAD")

    assert (response.status, response.body) == (200, b"")
    assert response.headers["content-length"] == str(len(FILM))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.webm", "video/webm"),
        ("a.mov", "video/quicktime"),
        ("a.avi", "video/x-msvideo"),
        ("a.mp3", "audio/mpeg"),
        ("a.wmv", "video/x-ms-wmv"),
        ("a.mkv", "video/x-matroska"),
        ("a.flv", "video/x-flv"),
        ("a.m3u8", "application/vnd.apple.mpegurl"),
        ("a.ts", "video/mp2t"),
        ("a.MP4", "video/mp4"),
        ("a.html", "application/octet-stream"),
        ("a.svg", "application/octet-stream"),
        ("none", "application/octet-stream"),
    ],
)
def test_the_type_follows_the_name_and_nothing_that_a_browser_would_run(
    shared: Daemon, application: str, name: str, kind: str
) -> None:
    (streams(shared, application) / name).write_bytes(b"x")

    assert get(shared, application, name).headers["content-type"] == kind


@pytest.mark.parametrize(
    ("range_", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, len(FILM)),
        ("bytes=1000-1999", 1000, 2000),
        (f"bytes={len(FILM) - 1}-", len(FILM) - 1, len(FILM)),
        ("bytes=1048000-99999999999", 1_048_000, len(FILM)),
        ("bytes=-1", len(FILM) - 1, len(FILM)),
        ("bytes=-300000", len(FILM) - 300_000, len(FILM)),
        ("bytes=-99999999999", 0, len(FILM)),
        ("Bytes=5-6", 5, 7),
    ],
)
def test_a_range_is_answered_with_its_bytes(
    shared: Daemon, application: str, range_: str, start: int, end: int
) -> None:
    response = get(shared, application, headers={"Range": range_})

    assert response.status == 206
    assert response.headers["content-range"] == f"bytes {start}-{end - 1}/{len(FILM)}"
    assert response.body == FILM[start:end]


@pytest.mark.parametrize(
    "range_",
    ["bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "items=0-1", "bytes=0-1,4-5", "0-1", "", "x"],
)
def test_what_is_not_one_range_is_answered_with_the_whole_file(
    shared: Daemon, application: str, range_: str
) -> None:
    response = get(shared, application, headers={"Range": range_})

    assert (response.status, response.body) == (200, FILM)


@pytest.mark.parametrize("range_", [f"bytes={len(FILM)}-", "bytes=99999999999-", "bytes=-0"])
def test_a_range_past_the_end_is_refused(shared: Daemon, application: str, range_: str) -> None:
    response = get(shared, application, headers={"Range": range_})

    assert response.status == 416
    assert response.headers["content-range"] == f"bytes */{len(FILM)}"


def test_an_empty_file_has_no_ranges(shared: Daemon, application: str) -> None:
    (streams(shared, application) / "empty.mp4").touch()

    assert get(shared, application, "empty.mp4").body == b""
    assert get(shared, application, "empty.mp4", {"Range": "bytes=0-"}).status == 416


def test_ranges_beyond_4_gib_are_right(shared: Daemon, application: str) -> None:
    size = 5 * 1024**3
    with (streams(shared, application) / "large.mp4").open("wb") as file:
        file.truncate(size)
        file.seek(size - 10)
        file.write(b"0123456789")

    response = get(shared, application, "large.mp4", {"Range": f"bytes={size - 6}-{size - 2}"})

    assert response.body == b"45678"
    assert response.headers["content-range"] == f"bytes {size - 6}-{size - 2}/{size}"
    head = get(shared, application, "large.mp4", method="HEAD")
    assert head.headers["content-length"] == str(size)


def test_conditions_decide_whether_and_how_much_is_sent(shared: Daemon, application: str) -> None:
    first = get(shared, application)
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    before = formatdate(streams(shared, application).joinpath("film.mp4").stat().st_mtime - 9)

    def status(**headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return get(shared, application, headers=named).status

    assert status(If_None_Match=etag) == 304
    assert status(If_None_Match=f'"x", W/{etag}') == 304
    assert status(If_None_Match="*") == 304
    assert status(If_None_Match='"x"') == 200
    assert status(If_None_Match='"x"', If_Modified_Since=modified) == 200
    assert status(If_Modified_Since=modified) == 304
    assert status(If_Modified_Since=before) == 200
    assert status(If_Modified_Since="yesterday") == 200
    assert status(If_Match=etag) == 200
    assert status(If_Match="*") == 200
    assert status(If_Match='"x"') == 412
    assert status(If_Unmodified_Since=modified) == 200
    assert status(If_Unmodified_Since=before) == 412
    assert status(Range="bytes=0-1", If_Range=etag) == 206
    assert status(Range="bytes=0-1", If_Range='"x"') == 200
    assert status(Range="bytes=0-1", If_Range=f"W/{etag}") == 200
    assert status(Range="bytes=0-1", If_Range=modified) == 206
    assert status(Range="bytes=0-1", If_Range=before) == 200
    assert status(Range="bytes=99999999-", If_None_Match=etag) == 304


def test_requests_share_a_connection(shared: Daemon, application: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=DEADLINE_S)
    bodies, statuses = [], []
    for path, headers in [
        ("film.mp4", {"Range": "bytes=5-9"}),
        ("none.mp4", {}),
        ("film.mp4", {"If-None-Match": "*"}),
        ("film.mp4", {"Range": "bytes=99999999-"}),
        ("film.mp4", {}),
    ]:
        connection.request("GET", f"/{application}/streams/{path}", headers=headers)
        response = connection.getresponse()
        statuses.append(response.status)
        bodies.append(response.read())
    connection.close()

    assert statuses == [206, 404, 304, 416, 200]
    assert (bodies[0], bodies[4]) == (FILM[5:10], FILM)


def test_a_file_that_is_cut_short_while_it_is_sent_ends_the_connection(
    shared: Daemon, application: str
) -> None:
    path = streams(shared, application) / "large.mp4"
    with path.open("wb") as file:
        file.truncate(1024**3)
    with socket.create_connection(("127.0.0.1", shared.port), DEADLINE_S) as connection:
        connection.sendall(
            f"GET /{application}/streams/large.mp4 HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        )
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
        os.truncate(path, 100)
        received = 0
        try:
            while chunk := connection.recv(1 << 20):
                received += len(chunk)
        except ConnectionResetError:
            pass

    assert received < 1024**3
    assert get(shared, application).status == 200


def test_every_response_carries_the_headers_of_its_application(shared: Daemon) -> None:
    application = add_application(shared, contentSecurityPolicyHeaderValue="default-src 'self'")

    for path, status in (("film.mp4", 200), ("none.mp4", 404)):
        response = get(shared, application, path, {"Origin": "https://player.example"})
        assert response.status == status
        assert response.headers["content-security-policy"] == "default-src 'self'"
        assert response.headers["access-control-allow-origin"] == "*"


# --- paths


@pytest.mark.parametrize(
    "path",
    [
        "",
        "folder",
        "folder/",
        "/film.mp4",
        "folder//film.mp4",
        ".hidden.mp4",
        "%2ehidden.mp4",
        ".git/config",
        "out.mp4",
        "outside/passwd",
        "dangling.mp4",
        "circle.mp4",
        "pipe.mp4",
        "to-hidden.mp4",
        "x" * 300,
        "film.mp4/x",
        "nosuch/film.mp4",
        "WEB-INF/red5-web.properties",
    ],
)
def test_what_is_no_file_of_the_streams_is_not_found(
    shared: Daemon, application: str, path: str
) -> None:
    directory = streams(shared, application)
    (directory / "folder").mkdir()
    (directory / ".git").mkdir()
    for name in (".hidden.mp4", "folder/film.mp4", ".git/config"):
        (directory / name).write_bytes(b"x")
    (directory / "out.mp4").symlink_to("/etc/passwd")
    (directory / "outside").symlink_to("/etc")
    (directory / "dangling.mp4").symlink_to("none")
    (directory / "circle.mp4").symlink_to("circle.mp4")
    (directory / "to-hidden.mp4").symlink_to(".hidden.mp4")
    os.mkfifo(directory / "pipe.mp4")

    assert get(shared, application, path).status == 404
    assert get(shared, application, "folder/film.mp4").body == b"x"


@pytest.mark.parametrize(
    "path",
    [
        "../WEB-INF/red5-web.properties",
        "%2e%2e/WEB-INF/red5-web.properties",
        "..%2fWEB-INF%2fred5-web.properties",
        "..%5cWEB-INF%5cred5-web.properties",
        "%2fetc%2fpasswd",
        "film.mp4%00.txt",
        "./film.mp4",
        "a/../film.mp4",
        "..;x=y/WEB-INF/red5-web.properties",
        "%ff.mp4",
    ],
)
def test_a_path_that_is_not_in_normal_form_is_refused(
    shared: Daemon, application: str, path: str
) -> None:
    assert get(shared, application, path).status == 400


def test_streams_may_be_a_link_itself(shared: Daemon, application: str, tmp_path: Path) -> None:
    directory = streams(shared, application)
    directory.rename(tmp_path / "disk")
    directory.symlink_to(tmp_path / "disk")

    assert get(shared, application).body == FILM


@pytest.mark.parametrize(
    ("method", "status", "message"),
    [
        ("OPTIONS", 200, ""),
        ("POST", 403, "Invalid Request Type"),
        ("PUT", 403, "Invalid Request Type"),
        ("DELETE", 403, "Invalid Request Type"),
        ("PATCH", 403, "Invalid Request Type"),
    ],
)
def test_files_are_only_read(
    shared: Daemon, application: str, method: str, status: int, message: str
) -> None:
    response = get(shared, application, method=method)

    assert outcome(response) == (status, message)
    assert get(shared, application).body == FILM


def test_files_kept_elsewhere_are_redirected_to(shared: Daemon) -> None:
    base = "https://bucket.example/media/"
    application = add_application(
        shared, httpForwardingExtension=".m3u8,.mp4", httpForwardingBaseURL=base
    )
    path = f"/{application}/streams/sub%20dir/film.mp4?token=abc"

    redirect = shared.request("GET", path)

    assert redirect.status == 302
    assert redirect.headers["location"] == "https://bucket.example/media/streams/sub%20dir/film.mp4"
    assert shared.request("GET", f"/{application}/streams/picture.png").status == 404


@pytest.mark.parametrize(
    "base", ["", "bucket.example", "https://x\\r\\nSet-Cookie: a=b", "file:///x"]
)
def test_a_base_that_is_no_url_redirects_nowhere(shared: Daemon, base: str) -> None:
    application = add_application(shared, httpForwardingExtension="mp4", httpForwardingBaseURL=base)

    assert shared.request("GET", f"/{application}/streams/film.mp4").status == 200


def test_who_may_not_play_is_not_redirected(shared: Daemon) -> None:
    application = add_application(
        shared,
        httpForwardingExtension="mp4",
        httpForwardingBaseURL="https://bucket.example",
        playTokenControlEnabled="true",
    )

    assert shared.request("GET", f"/{application}/streams/film.mp4").status == 403


def test_an_unknown_application_has_no_streams(shared: Daemon) -> None:
    assert get(shared, "Nobody").status == 404


# --- who may play

NO_STREAM = (403, "Cannot specified the stream id from the url")
NO_TOKEN = (403, "Invalid Token for streamId:film")
NO_HASH = (403, "Invalid Hash")
NO_JWT = (403, "Invalid JWT Token")
NO_CODE = (403, "Time Based subscriber id or code is invalid")
BLOCKED = (401, "Subscriber is blocked")
PASSED = (200, "")


def new_token(daemon: Daemon, application: str, **query: object) -> str:
    wanted = {"type": "play", "expireDate": int(time.time()) + 60, **query}
    text = "&".join(f"{name}={value}" for name, value in wanted.items())
    path = f"/broadcasts/film/token?{text}"
    return str(daemon.call("GET", path, application=application).json["tokenId"])


def jwt(
    stream_id: str = "film", type_: str = "play", expire_in: int = 60, key: str = SECRET
) -> str:
    return issue_stream_token(key, stream_id, type_, int(time.time()) + expire_in, None)


def film_hash(stream_id: str = "film", type_: str = "play", secret: str = "hash secret") -> str:
    return hashlib.sha256(f"{stream_id}{type_}{secret}".encode()).hexdigest()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param(lambda: f"?token={jwt()}", PASSED, id="valid"),
        pytest.param(lambda: "", NO_JWT, id="none"),
        pytest.param(lambda: "?token=", NO_JWT, id="empty"),
        pytest.param(lambda: "?token=a.b.c", NO_JWT, id="nonsense"),
        pytest.param(lambda: f"?token={jwt('other')}", NO_JWT, id="other-stream"),
        pytest.param(lambda: f"?token={jwt(type_='publish')}", NO_JWT, id="to-publish"),
        pytest.param(lambda: f"?token={jwt(expire_in=-5)}", NO_JWT, id="expired"),
        pytest.param(lambda: f"?token={jwt(key='x' * 32)}", NO_JWT, id="other-key"),
        pytest.param(lambda: f"?token={jwt()}|", NO_JWT, id="replaced-character"),
    ],
)
def test_a_stream_token_opens_its_stream(
    shared: Daemon, query: object, expected: tuple[int, str]
) -> None:
    application = add_application(shared, playJwtControlEnabled="true", jwtStreamSecretKey=SECRET)
    assert callable(query)
    path = f"film.mp4{query()}"

    response = get(shared, application, path)

    assert outcome(response) == expected
    assert get(shared, application, path, method="HEAD").status == expected[0]
    if expected is PASSED:
        assert response.headers["cache-control"] == "private"


def test_a_short_secret_opens_nothing(shared: Daemon) -> None:
    application = add_application(
        shared, playJwtControlEnabled="true", hashControlPlayEnabled="true"
    )

    assert outcome(get(shared, application, f"film.mp4?token={film_hash(secret='')}")) == NO_HASH


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (film_hash(), PASSED),
        (film_hash().upper(), NO_HASH),
        (film_hash("other"), NO_HASH),
        (film_hash(type_="publish"), NO_HASH),
        (film_hash(secret="other"), NO_HASH),
        ("", NO_HASH),
        ("é", NO_HASH),
    ],
)
def test_a_hash_opens_its_stream(shared: Daemon, token: str, expected: tuple[int, str]) -> None:
    application = add_application(
        shared, hashControlPlayEnabled="true", tokenHashSecret="hash secret"
    )

    path = f"film.mp4?token={token.encode().hex() if not token.isascii() else token}"

    assert outcome(get(shared, application, path)) == expected


def test_a_one_time_token_opens_its_stream_for_the_client_that_used_it(shared: Daemon) -> None:
    application = add_application(shared, playTokenControlEnabled="true")
    (streams(shared, application) / "other.mp4").write_bytes(b"other")
    token = new_token(shared, application)

    assert outcome(get(shared, application)) == NO_TOKEN
    assert outcome(get(shared, application, "film.mp4?token=1")) == NO_TOKEN
    assert outcome(get(shared, application, f"other.mp4?token={token}")) == (
        403,
        "Invalid Token for streamId:other",
    )

    for start in (0, 500_000, 1_000_000):
        part = {"Range": f"bytes={start}-{start + 9}"}
        response = get(shared, application, f"film.mp4?token={token}", part)
        assert (response.status, response.body) == (206, FILM[start : start + 10])
    assert outcome(get(shared, application, f"other.mp4?token={token}"))[0] == 403

    connection = http.client.HTTPConnection(
        "127.0.0.1", shared.port, timeout=DEADLINE_S, source_address=("127.0.0.9", 0)
    )
    connection.request("GET", f"/{application}/streams/film.mp4?token={token}")
    assert connection.getresponse().status == 403
    connection.close()


@pytest.mark.parametrize("wrong", [{"type": "publish"}, {"expireDate": 1}])
def test_a_one_time_token_of_another_kind_or_time_opens_nothing(
    shared: Daemon, wrong: dict[str, object]
) -> None:
    application = add_application(shared, playTokenControlEnabled="true")
    token = new_token(shared, application, **wrong)

    assert outcome(get(shared, application, f"film.mp4?token={token}")) == NO_TOKEN


def test_a_token_of_one_application_does_not_open_another(shared: Daemon) -> None:
    first, second = (add_application(shared, playTokenControlEnabled="true") for _ in range(2))
    token = new_token(shared, first)
    assert get(shared, first, f"film.mp4?token={token}").status == 200

    assert outcome(get(shared, second, f"film.mp4?token={token}")) == NO_TOKEN


def test_first_requests_of_one_player_at_once_all_pass(shared: Daemon) -> None:
    application = add_application(shared, playTokenControlEnabled="true")

    for _ in range(5):
        path = f"film.mp4?token={new_token(shared, application)}"
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            statuses = list(
                pool.map(lambda _, path=path: get(shared, application, path), range(12))
            )
        assert [response.status for response in statuses] == [200] * 12


def add_subscriber(daemon: Daemon, application: str, **properties: object) -> None:
    subscriber = {"subscriberId": "viewer", "b32Secret": KEY, "type": "play", **properties}
    response = daemon.call("POST", "/broadcasts/film/subscribers", subscriber, application)
    assert response.json["success"]


@pytest.mark.parametrize("offset", [-3, -1, 0, 1, 3])
def test_a_code_opens_its_stream_for_one_step_before_and_after(shared: Daemon, offset: int) -> None:
    application = add_application(shared, enableTimeTokenForPlay="true")
    add_subscriber(shared, application, totpExpiryPeriodSeconds=10_000)
    # Offsets that are wrong or right whether or not a step ends before the daemon looks: the
    # period is one of hours.
    code = totp(decode_base32(KEY), 10_000, time.time(), offset)

    answer = outcome(
        get(shared, application, f"film.mp4?subscriberId=viewer&subscriberCode={code}")
    )

    assert answer == (PASSED if abs(offset) <= 1 else NO_CODE)


@pytest.mark.parametrize(
    "query",
    ["", "?subscriberId=viewer", "?subscriberId=viewer&subscriberCode=", "?subscriberCode=1"],
)
def test_without_a_code_nothing_is_opened(shared: Daemon, query: str) -> None:
    application = add_application(shared, enableTimeTokenForPlay="true")
    add_subscriber(shared, application)

    assert outcome(get(shared, application, f"film.mp4{query}")) == NO_CODE


def test_an_unregistered_subscriber_needs_the_secret_of_the_application(shared: Daemon) -> None:
    application = add_application(
        shared, enableTimeTokenForPlay="true", timeTokenSecretForPlay="s", timeTokenPeriod="9999"
    )
    without = add_application(shared, enableTimeTokenForPlay="true", timeTokenPeriod="9999")
    key = subscriber_secret("s", "guest", "film", "play")
    path = f"film.mp4?subscriberId=guest&subscriberCode={totp(key, 9999, time.time())}"

    assert outcome(get(shared, application, path)) == PASSED
    assert outcome(get(shared, application, path.replace("guest", "other"))) == NO_CODE
    assert outcome(get(shared, without, path)) == NO_CODE


@pytest.mark.parametrize(
    ("type_", "expected"), [("play", BLOCKED), ("publish_play", BLOCKED), ("publish", PASSED)]
)
def test_a_blocked_subscriber_is_refused_even_without_any_control(
    shared: Daemon, application: str, type_: str, expected: tuple[int, str]
) -> None:
    path = f"/broadcasts/film/subscribers/viewer/block/60/{type_}"
    assert shared.call("PUT", path, application=application).json["success"]

    assert outcome(get(shared, application, "film.mp4?subscriberId=viewer")) == expected
    assert outcome(get(shared, application, "film.mp4?subscriberId=other")) == PASSED
    assert outcome(get(shared, application)) == PASSED
    shared.call("PUT", f"/broadcasts/film/subscribers/viewer/block/0/{type_}", None, application)
    assert outcome(get(shared, application, "film.mp4?subscriberId=viewer")) == PASSED


def test_the_checks_have_an_order(shared: Daemon) -> None:
    application = add_application(
        shared,
        enableTimeTokenForPlay="true",
        playTokenControlEnabled="true",
        hashControlPlayEnabled="true",
        tokenHashSecret="hash secret",
        playJwtControlEnabled="true",
        jwtStreamSecretKey=SECRET,
    )
    add_subscriber(shared, application, totpExpiryPeriodSeconds=10_000)
    shared.call("PUT", "/broadcasts/film/subscribers/viewer/block/60/play", None, application)
    code = totp(decode_base32(KEY), 10_000, time.time())
    subscriber = f"subscriberId=viewer&subscriberCode={code}"
    token = new_token(shared, application)

    assert outcome(get(shared, application, "film.txt", method="POST"))[1] == "Invalid Request Type"
    assert outcome(get(shared, application, "film.txt")) == NO_STREAM
    assert outcome(get(shared, application, "film.mp4")) == NO_CODE
    assert outcome(get(shared, application, f"film.mp4?{subscriber}")) == NO_TOKEN
    assert outcome(get(shared, application, f"film.mp4?{subscriber}&token={token}")) == NO_HASH
    assert outcome(get(shared, application, "none.mp4")) == NO_CODE


def test_a_token_does_not_help_who_is_blocked(shared: Daemon) -> None:
    application = add_application(shared, playJwtControlEnabled="true", jwtStreamSecretKey=SECRET)
    shared.call("PUT", "/broadcasts/film/subscribers/viewer/block/60/play", None, application)

    for token, expected in ((jwt(), BLOCKED), (jwt("other"), NO_JWT)):
        path = f"film.mp4?subscriberId=viewer&token={token}"
        assert outcome(get(shared, application, path)) == expected


def test_rules_follow_the_settings(shared: Daemon, application: str) -> None:
    assert get(shared, application).status == 200

    shared.write(application, playJwtControlEnabled="true", jwtStreamSecretKey=SECRET)

    wait_until(lambda: get(shared, application).status == 403, "a token is asked for")
    assert get(shared, application, f"film.mp4?token={jwt()}").status == 200


@pytest.mark.parametrize(
    ("path", "stream_id"),
    [
        ("s1.m3u8", "s1"),
        ("s1_adaptive.m3u8", "s1"),
        ("s1_720p.m3u8", "s1"),
        ("s1_720p800kbps.m3u8", "s1"),
        ("s1_800kbps.m3u8", "s1"),
        ("s_1_240p500kbps.m3u8", "s_1"),
        ("s1__anything.m3u8", "s1"),
        ("s1__x.ts", "s1"),
        ("s1000000001.ts", "s1"),
        ("s1_720p800kbps000000001.ts", "s1"),
        ("s1_720p0001.ts", "s1"),
        ("s1000000001.fmp4", "s1"),
        ("s1.mp4", "s1"),
        ("s1.webm", "s1"),
        ("123456789012345678901234.mp4", "123456789012345678901234"),
        ("s1_480p.mp4", "s1"),
        ("s1_240p300kbps.mp4", "s1"),
        ("s1_480p_1.mp4", "s1"),
        ("s1_12.mp4", "s1"),
        ("s1-2021-05-18_11-26-26.842.mp4", "s1"),
        ("s1-2021-05-18_11-26-26.842_240p300kbps_3.webm", "s1"),
        ("folder/sub/s1.mp4", "s1"),
        ("s1/s1.mpd", "s1"),
        ("folder/s1/s1_0segment1.m4s", "s1"),
        ("drm/s1/hls/master.m3u8", "s1"),
        ("drm/s1/x", "s1"),
        ("a|b.mp4", "a_b"),
        ("s.1.mp4", "s.1"),
        ("s1.mpd", None),
        ("s1.txt", None),
        ("s1.mp4.txt", None),
        ("s1.MP4", None),
        (".mp4", None),
        ("__x", None),
        ("drm/s1", None),
        ("", None),
        ("x" * 300 + ".mp4", None),
    ],
)
def test_a_path_names_its_stream(path: str, stream_id: str | None) -> None:
    assert stream_id_of(path.split("/"), "%09d") == stream_id


@pytest.mark.parametrize(
    ("suffix", "name", "stream_id"),
    [
        ("-%Y%m%d-%s", "s1-20260102-1767312000.ts", "s1"),
        ("_%05d", "s1_240p_00012.ts", "s1"),
        ("_%d", "s1_7.ts", "s1"),
        ("100%%", "s1100%.ts", "s1"),
        (".*", "s1.*.ts", "s1"),
        (".*", "s1x.ts", None),
        ("%09d" * 50, "1" * 250 + ".ts", "1" * 241),
    ],
)
def test_segments_are_found_by_the_suffix_in_the_settings(
    suffix: str, name: str, stream_id: str | None
) -> None:
    assert stream_id_of([name], suffix) == stream_id


def test_sessions_end_and_only_the_latest_are_kept() -> None:
    now = [1000.0]
    sessions = Sessions(clock=lambda: now[0])

    async def valid() -> float:
        return now[0]

    async def begin_many() -> None:
        for number in range(MAX_SESSIONS + 1):
            await sessions.begin((number,), valid)

    asyncio.run(begin_many())

    assert (0,) not in sessions
    assert (1,) in sessions
    now[0] += SESSION_S
    assert (MAX_SESSIONS,) not in sessions


def test_a_session_that_could_not_be_decided_can_begin_later() -> None:
    sessions = Sessions()

    async def fails() -> float:
        raise ConnectionError

    async def valid() -> float:
        return time.time()

    with pytest.raises(ConnectionError):
        asyncio.run(sessions.begin(("a",), fails))
    assert asyncio.run(sessions.begin(("a",), valid))
