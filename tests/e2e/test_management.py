"""Who may call the management API, and how users log in."""

from __future__ import annotations

import json
import re
import resource
import socket
import sqlite3
from contextlib import closing
from hashlib import md5
from pathlib import Path

import pytest

from tests.daemon import SECRET, Daemon, signed, wait_until, write_properties
from tests.manager import EMAIL, PASSWORD, Manager, first_user, user_with

NOT_AUTHENTICATED = "Not authenticated user"
NOT_ALLOWED = "Not allowed to access this resource. Contact system admin"


def serve_with(daemon: Daemon, **server: str) -> None:
    """Write the server's settings, and wait until they are in force."""
    path = daemon.home / "conf" / "red5.properties"
    before = daemon.log().count("settings in force: server")
    write_properties(path, **server)
    wait_until(lambda: daemon.log().count("settings in force: server") > before, "server settings")


def test_the_first_user_is_made_once_and_is_an_administrator(daemon: Daemon) -> None:
    manager = Manager(daemon)
    assert manager.call("GET", "/first-login-status").json["success"]

    first_user(daemon)
    second = manager.call("POST", "/users/initial", {"email": "you@x", "password": "1"})

    assert not manager.call("GET", "/first-login-status").json["success"]
    assert (second.status, second.json["success"], second.json["errorId"]) == (200, False, -1)
    answer = manager.log_in()
    assert answer.json["message"] == "system/ADMIN"
    assert manager.call("GET", "/session").json["user"]["rights"] == {"system": "ADMIN"}


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"X-Forwarded-For": "198.51.100.7"}, id="by-a-proxy"),
        pytest.param({"Via": "1.1 proxy"}, id="by-a-proxy-that-says-via"),
        pytest.param({"Host": "evil.example"}, id="under-a-foreign-name"),
    ],
)
def test_from_elsewhere_the_first_user_needs_the_code_in_the_log(
    daemon: Daemon, headers: dict[str, str]
) -> None:
    manager = Manager(daemon)
    user = {"email": EMAIL, "password": PASSWORD}
    daemon.wait_for_log("no user yet")
    code = re.search(r"code=(\S+)", daemon.log())
    assert code is not None

    session = manager.call("GET", "/session", headers=headers).json
    without = manager.call("POST", "/users/initial", user, headers)
    wrong = manager.call("POST", "/users/initial", {**user, "setupCode": "AAAA-BBBB"}, headers)
    right = manager.call("POST", "/users/initial", {**user, "setupCode": code[1].lower()}, headers)

    assert session["setupCodeRequired"]
    assert (without.status, wrong.status) == (403, 403)
    assert "as setupCode" in without.json["message"]
    assert wrong.json["message"] == "This is not the set-up code in the daemon's log"
    assert right.json["success"]


def test_the_log_names_an_address_for_the_first_user_that_a_browser_takes(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "home", "--host", "0.0.0.0")

    with daemon:
        daemon.wait_for_log(
            f"make the first one at http://127.0.0.1:{daemon.port}/ on this machine"
        )


def test_a_proxy_that_adds_nothing_makes_no_first_user(daemon: Daemon) -> None:
    body = json.dumps({"email": EMAIL, "password": PASSWORD}).encode()
    # As nginx passes on whatever it gets, unless it is told otherwise.
    head = (
        f"POST /rest/v2/users/initial HTTP/1.0\r\nHost: localhost:{daemon.port}\r\n"
        "Connection: close\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()

    with socket.create_connection(("127.0.0.1", daemon.port)) as connection:
        connection.sendall(head + body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert b" 403 " in answer.splitlines()[0]
    assert Manager(daemon).call("GET", "/first-login-status").json["success"]


def test_a_page_of_another_site_makes_no_first_user(daemon: Daemon) -> None:
    user = {"email": EMAIL, "password": PASSWORD}

    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        refused = Manager(daemon).call("POST", "/users/initial", user, headers)
        assert (refused.status, refused.json["success"]) == (403, False)

    assert Manager(daemon).call("GET", "/first-login-status").json["success"]


@pytest.mark.parametrize("sent", [PASSWORD, md5(PASSWORD.encode()).hexdigest()])
def test_a_password_is_taken_plain_and_as_the_panels_send_it(daemon: Daemon, sent: str) -> None:
    first_user(daemon)

    answer = Manager(daemon).log_in(EMAIL.upper(), sent)

    assert answer.json["success"]
    attributes = answer.headers["set-cookie"].split("; ")[1:]
    assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Strict"}


def test_neither_the_stored_hash_nor_the_hash_of_a_hash_is_a_password(daemon: Daemon) -> None:
    first_user(daemon)
    once = md5(PASSWORD.encode()).hexdigest()

    # What Ant Media Server stores is the MD5 of what it gets.
    answer = Manager(daemon).log_in(EMAIL, md5(once.encode()).hexdigest())

    assert (answer.status, answer.json["success"]) == (200, False)
    assert "set-cookie" not in answer.headers


def test_the_third_wrong_password_blocks_the_user_even_with_the_right_one(daemon: Daemon) -> None:
    first_user(daemon)
    manager = Manager(daemon)

    wrong = [manager.log_in(EMAIL, "wrong").json for _ in range(3)]
    right = manager.log_in().json

    assert [one["message"] for one in wrong] == ["Wrong e-mail or password"] * 3
    assert right["message"] == "Too many login attempts. User is blocked for 300 secs"
    assert not right["success"]
    assert manager.call("GET", f"/users/{EMAIL}/blocked").json["success"]
    assert not manager.call("GET", "/users/another@x/blocked").json["success"]


def test_a_login_has_a_new_session_and_ends_the_one_before(daemon: Daemon) -> None:
    manager = first_user(daemon)
    before = manager.cookie

    manager.log_in()

    assert manager.cookie != before
    assert manager.call("GET", "/user-list").status == 200
    manager.cookie = before
    assert manager.call("GET", "/user-list").status == 403


def test_what_a_stranger_may_repeat_without_end_is_not_on_the_audit_log(daemon: Daemon) -> None:
    admin, stranger = first_user(daemon), Manager(daemon)
    before = admin.call("GET", "/audit/0/1").json["count"]

    for body in (
        {"email": EMAIL, "password": PASSWORD},
        {"email": EMAIL, "password": PASSWORD, "setupCode": 1},
    ):
        assert not stranger.call("POST", "/users/initial", body).json["success"]
    too_long = stranger.log_in(password="x" * 1025)

    assert too_long.status == 400
    assert admin.call("GET", "/audit/0/1").json["count"] == before


def test_a_stranger_sends_no_large_body(daemon: Daemon) -> None:
    stranger = Manager(daemon)

    for path in ("/users/authenticate", "/users/initial"):
        assert stranger.call("POST", path, {"email": "x" * 70_000}).status == 413


def test_without_room_on_the_disk_a_session_goes_on_and_a_guard_can_be_closed(
    daemon: Daemon,
) -> None:
    admin = first_user(daemon)
    assert daemon.process is not None
    with closing(sqlite3.connect(daemon.home / "data" / "management.db")) as database, database:
        database.execute("UPDATE session SET seen_at = seen_at - 600")
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))

    closed = admin.call(
        "POST",
        "/apps/LiveApp/settings",
        {"changes": {"jwtControlEnabled": "true", "jwtSecretKey": SECRET}},
    )

    assert closed.status == 200, closed.body
    assert daemon.get("/LiveApp/rest/v2/version") == 403


def test_a_logout_ends_the_session(daemon: Daemon) -> None:
    manager = first_user(daemon)
    cookie = manager.cookie

    assert manager.call("DELETE", "/users/logout").json["success"]

    assert manager.cookie == ""
    manager.cookie = cookie
    refused = manager.call("GET", "/user-list")
    assert (refused.status, refused.json["message"]) == (403, NOT_AUTHENTICATED)


def test_a_session_outlives_a_restart(daemon: Daemon) -> None:
    manager = first_user(daemon)

    daemon.stop()
    daemon.start()

    assert manager.call("GET", "/authentication-status").json["success"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/user-list"),
        ("POST", "/users"),
        ("GET", "/nothing/here"),
        ("PATCH", "/users"),
        ("GET", "/users/authenticate"),
        ("GET", "/request?_path=LiveApp/rest/v2/version"),
        ("POST", "/users/x/blocked"),
        ("GET", "//user-list"),
        ("GET", "/user-list;x=/users/authenticate"),
        ("GET", "/openapi.json"),
    ],
)
def test_what_is_not_open_needs_a_session(daemon: Daemon, method: str, path: str) -> None:
    refused = Manager(daemon).call(method, path, {} if method == "POST" else None)

    assert (refused.status, refused.json["message"]) == (403, NOT_AUTHENTICATED)


def test_a_path_with_dot_segments_is_no_way_around(daemon: Daemon) -> None:
    refused = Manager(daemon).call("GET", "/users/initial/../../user-list")

    assert refused.status == 400


def test_a_session_is_of_no_use_to_another_site(daemon: Daemon) -> None:
    manager = first_user(daemon)
    user = {"email": "you@x", "password": "1"}

    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "same-site"}):
        assert manager.call("POST", "/users", user, headers).status == 403

    own = {"Origin": f"http://127.0.0.1:{daemon.port}"}
    assert manager.call("POST", "/users", user, own).json["success"]


# Users


def test_users_are_added_changed_and_removed(daemon: Daemon) -> None:
    admin = first_user(daemon)
    user = {"email": "you@x", "password": "1", "scope": "LiveApp", "userType": "READ_ONLY"}

    assert admin.call("POST", "/users", user).json["success"]
    again = admin.call("POST", "/users", user).json
    you = Manager(daemon)
    login = you.log_in("you@x", "1").json
    changed = {"email": "you@x", "appNameUserType": {"LiveApp": "ADMIN"}, "newPassword": "2"}
    assert admin.call("PUT", "/users", changed).json["success"]

    assert again["message"] == "User with the same e-mail already exists"
    assert login["message"] == "LiveApp/READ_ONLY"
    # A password set by an administrator ends the sessions that were made with the old one.
    assert you.call("GET", "/version").status == 403
    assert you.log_in("you@x", "2").json["message"] == '{"LiveApp":"ADMIN"}'
    listed = {one["email"]: one for one in admin.call("GET", "/user-list").json}
    assert listed["you@x"]["appNameUserType"] == {"LiveApp": "ADMIN"}
    assert not {"password", "newPassword"} & listed["you@x"].keys()
    assert admin.call("DELETE", "/users/you@x").json["success"]
    assert you.call("GET", "/version").status == 403
    assert not admin.call("DELETE", "/users/you@x").json["success"]


def test_nobody_edits_or_removes_themselves(daemon: Daemon) -> None:
    admin = first_user(daemon)

    edited = admin.call("PUT", "/users", {"email": EMAIL.upper(), "userType": "USER"}).json
    removed = admin.call("DELETE", f"/users/{EMAIL}").json

    assert edited["message"] == "User cannot edit itself"
    assert removed["message"] == "You cannot delete yourself"


def test_a_user_changes_the_own_password(daemon: Daemon) -> None:
    manager, other = first_user(daemon), Manager(daemon)
    other.log_in()

    wrong = manager.call("POST", "/users/password", {"password": "no", "newPassword": "new"}).json
    right = manager.call(
        "POST", "/users/password", {"password": PASSWORD, "newPassword": "new"}
    ).json

    assert wrong["message"] == "User not exist with that name and pass"
    assert (right["success"], right["message"]) == (True, "Success")
    assert manager.call("GET", "/version").status == 200
    assert other.call("GET", "/version").status == 403
    assert other.log_in(EMAIL, "new").json["success"]


@pytest.mark.parametrize(
    ("rights", "calls"),
    [
        pytest.param(
            {"LiveApp": "ADMIN"},
            {
                ("GET", "LiveApp/rest/v2/broadcasts/list/0/10"): 200,
                ("POST", "LiveApp/rest/v2/broadcasts/create"): 200,
                ("GET", "LiveApp2/rest/v2/broadcasts/list/0/10"): 403,
                ("POST", "LiveApp2/rest/v2/broadcasts/create"): 403,
            },
            id="administrator-of-one",
        ),
        pytest.param(
            {"LiveApp": "READ_ONLY"},
            {
                ("GET", "LiveApp/rest/v2/broadcasts/list/0/10"): 200,
                ("POST", "LiveApp/rest/v2/broadcasts/create"): 403,
            },
            id="reader",
        ),
        pytest.param(
            {"LiveApp": "READ_ONLY"},
            {
                ("GET", "LiveApp/rest/v2/broadcasts/x/token"): 403,
                ("HEAD", "LiveApp/rest/v2/broadcasts/x/token"): 403,
                ("GET", "LiveApp/rest/v2/broadcasts/x/jwt-token"): 403,
                ("GET", "LiveApp/rest/v2/broadcasts/x/tokens/list/0/10"): 403,
                ("GET", "LiveApp/rest/v2/broadcasts/x/subscribers/y/totp"): 403,
                ("GET", "LiveApp/rest/v2/broadcasts/x/subscribers/list/0/10"): 200,
            },
            id="reader-of-tokens",
        ),
        pytest.param(
            {"LiveApp": "USER"},
            {
                ("GET", "LiveApp/rest/v2/broadcasts/x/tokens/list/0/10"): 200,
                ("POST", "LiveApp/rest/v2/broadcasts/create"): 200,
                ("POST", "LiveApp/rest/v2/push-notification/subscriber/x/topic/y"): 403,
            },
            id="user",
        ),
        pytest.param(
            {"system": "READ_ONLY"},
            {
                ("GET", "LiveApp2/rest/v2/broadcasts/list/0/10"): 200,
                ("POST", "LiveApp2/rest/v2/broadcasts/create"): 403,
            },
            id="reader-of-everything",
        ),
        pytest.param({}, {("GET", "LiveApp/rest/v2/version"): 403}, id="nobody"),
    ],
)
def test_rights_end_at_the_whole_name_of_the_application(
    daemon: Daemon, rights: dict[str, str], calls: dict[tuple[str, str], int]
) -> None:
    daemon.write("LiveApp2")
    wait_until(lambda: daemon.get("/LiveApp2/rest/v2/version") == 200, "LiveApp2 is served")
    user = user_with(daemon, first_user(daemon), **rights)

    for (method, path), status in calls.items():
        answer = user.proxied(method, path, {"name": "x"} if method == "POST" else None)
        assert answer.status == status, (method, path, answer.body)
        if status == 403 and method != "HEAD":
            assert answer.json["message"] == NOT_ALLOWED


def test_a_path_parameter_widens_no_rights_elsewhere(daemon: Daemon) -> None:
    user = user_with(daemon, first_user(daemon), LiveApp="ADMIN")

    for path in ("/user-list?_path=LiveApp", "/user-list?_path=system"):
        assert user.call("GET", path).status == 403
    created = user.call(
        "POST", "/users?_path=LiveApp/rest/v2/users", {"email": "x", "password": "y"}
    )

    assert created.status == 403


@pytest.mark.parametrize(
    "query",
    [
        "",
        "_path=",
        "_path=LiveApp/rest/v2/version&_path=LiveApp/rest/v2/version",
        "_path=LiveApp/../LiveApp/rest/v2/version",
        "_path=LiveApp/./rest/v2/version",
        "_path=LiveApp//rest/v2/version",
        "_path=LiveApp%5Crest",
        "_path=LiveApp/rest/v2/ver%00sion",
        "_path=%FF",
        "_path=LiveApp/rest/v2/%252e%252e/v2/version",
        "_path=LiveApp/rest%252Fv2/version",
        "_path=LiveApp/rest/v2/%25FF",
    ],
)
def test_the_proxy_takes_exactly_one_path_in_normal_form(daemon: Daemon, query: str) -> None:
    answer = first_user(daemon).call("GET", f"/request?{query}")

    assert answer.status == 400, answer.body


def test_the_proxy_needs_no_token_and_no_address_of_the_application(daemon: Daemon) -> None:
    manager = first_user(daemon)
    daemon.write(
        "LiveApp", jwtControlEnabled="true", jwtSecretKey=SECRET, remoteAllowedCIDR="10.0.0.0/8"
    )
    wait_until(lambda: daemon.get("/LiveApp/rest/v2/version") == 403, "LiveApp is closed")

    created = manager.proxied("POST", "LiveApp/rest/v2/broadcasts/create", {"name": "mine"})
    old_base = manager.daemon.request(
        "GET",
        "/rest/request?_path=LiveApp/rest/v2/broadcasts/list/0/10&search=mine",
        headers={"Cookie": f"JSESSIONID={manager.cookie}"},
    )

    assert created.json["name"] == "mine"
    assert [one["name"] for one in old_base.json] == ["mine"]


# Tokens for machines, and addresses


def test_a_server_token_has_all_rights_and_no_session(daemon: Daemon) -> None:
    first_user(daemon)
    machine = Manager(daemon)
    token = {"ProxyAuthorization": signed({"sub": "deploy"})}
    assert machine.call("GET", "/user-list", headers=token).status == 403

    serve_with(daemon, server__jwtServerControlEnabled="true", server__jwtServerSecretKey=SECRET)

    assert machine.call("GET", "/user-list", headers=token).status == 200
    for bad in (signed({"exp": 1}), signed(secret="x" * 32), f"Bearer {signed()}", "nonsense"):
        # It comes before everything, the open paths included.
        refused = machine.call("GET", "/liveness", headers={"ProxyAuthorization": bad})
        assert (refused.status, refused.json["message"]) == (403, "Invalid Server JWT Token")
    password = machine.call("POST", "/users/password", {"newPassword": "x"}, token).json
    assert not password["success"]
    last = machine.call("DELETE", f"/users/{EMAIL}", headers=token).json
    demoted = {"email": EMAIL, "userType": "READ_ONLY", "scope": "system"}
    for answer in (last, machine.call("PUT", "/users", demoted, token).json):
        assert answer["message"] == "This is the last administrator of the system"
    assert first_login(daemon) is False


def first_login(daemon: Daemon) -> bool:
    return bool(Manager(daemon).call("GET", "/first-login-status").json["success"])


def test_other_addresses_see_neither_panel_nor_api(daemon: Daemon) -> None:
    manager = first_user(daemon)

    serve_with(daemon, server__allowed_dashboard_CIDR="10.0.0.0/8")

    for path in ("/", "/rest/v2/version", "/rest/v2/users/authenticate", "/rest/v2/nothing"):
        refused = daemon.request("GET", path)
        assert (refused.status, refused.json["message"]) == (403, "Not allowed IP")
    assert manager.proxied("GET", "LiveApp/rest/v2/version").status == 403
    assert daemon.get("/LiveApp/rest/v2/version") == 200
    assert daemon.get("/healthz") == 200


def test_over_a_proxy_with_tls_the_cookie_is_for_tls_only(daemon: Daemon) -> None:
    first_user(daemon)
    serve_with(daemon, http__trusted_proxies="127.0.0.1")

    headers = {"X-Forwarded-Proto": "https"}
    login = {"email": EMAIL, "password": PASSWORD}
    answer = Manager(daemon).call("POST", "/users/authenticate", login, headers)

    assert "Secure" in answer.headers["set-cookie"].split("; ")


def test_a_locked_database_of_users_holds_up_nothing(home: Path) -> None:
    (home / "data").mkdir()
    daemon = Daemon(home)
    daemon.write("LiveApp")
    with closing(sqlite3.connect(home / "data" / "management.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with daemon:
            # Each of them would wait, and so would whoever calls an application meanwhile.
            answers = [Manager(daemon).call("GET", "/session") for _ in range(3)]
            other.execute("ROLLBACK")

            assert {answer.status for answer in answers} == {503}
            wait_until(lambda: Manager(daemon).call("GET", "/session").status == 200, "it is open")
            daemon.wait_for_log("no user yet")


def test_a_damaged_database_of_users_lets_nobody_in_and_stops_no_application(home: Path) -> None:
    (home / "data").mkdir()
    (home / "data" / "management.db").write_bytes(b"not a database" * 100)
    daemon = Daemon(home)
    daemon.write("LiveApp")

    with daemon:
        login = Manager(daemon).log_in()
        assert (login.status, login.json["success"]) == (503, False)
        assert login.json["message"] == "Database is not available. Please try again"
        assert daemon.get("/LiveApp/rest/v2/version") == 200
