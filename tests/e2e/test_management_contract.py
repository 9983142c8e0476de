"""The management API as Ant Media Server's own clients use it: one daemon answers all of them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from antmediad.settings.schema import APPLICATION_KEYS
from antmediad.settings.setting import MASK, Setting
from tests.daemon import SECRET, Daemon, Response, signed, write_properties
from tests.java import find_java
from tests.management_table import (
    EVERYBODY,
    HASHED,
    MULTIPART,
    NEWER,
    OPEN,
    ROWS,
    Row,
    difference,
    form,
)
from tests.manager import EMAIL, Manager, first_user

MACHINE_SECRET = "machine-secret-of-32-characters."
STREAM_SECRET = "stream-secret-of-32-characters.."
SETTINGS = "/applications/settings/LiveApp"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon whose LiveApp is closed to all but its token, and none is sent here."""
    running = Daemon(tmp_path_factory.mktemp("contract") / "home")
    running.write(
        "LiveApp",
        jwtControlEnabled="true",
        jwtSecretKey=SECRET,
        jwtStreamSecretKey=STREAM_SECRET,
        playJwtControlEnabled="true",
        remoteAllowedCIDR="10.0.0.0/8",
        encoderSettingsString='[{"height":240,"videoBitrate":500000,"audioBitrate":32000,'
        '"forceEncode":true,"forceSameResolutionEncode":false}]',
    )
    running.write("live")
    write_properties(
        running.home / "conf" / "red5.properties",
        server__jwtServerControlEnabled="true",
        server__jwtServerSecretKey=MACHINE_SECRET,
        server__licence_key="licence-of-somebody",
        logLevel="INFO",
    )
    with running:
        first_user(running)
        yield running


@pytest.fixture(scope="module")
def session(daemon: Daemon) -> Manager:
    """An administrator's session, which no row ends."""
    manager = Manager(daemon)
    manager.log_in()
    return manager


def sent(daemon: Daemon, row: Row, headers: dict[str, str]) -> Response:
    body = row.body if isinstance(row.body, str | None) else json.dumps(row.body)
    return daemon.request(row.method, f"/rest/v2{row.path}", body, {**headers, **row.headers})


def check(row: Row, answer: Response) -> None:
    assert answer.status == row.status, answer.body
    if isinstance(row.answer, bytes):
        assert answer.body == row.answer
    else:
        assert answer.headers["content-type"] == "application/json"
        assert difference(answer.json, row.answer) == ""


@pytest.mark.parametrize("row", ROWS, ids=Row.name)
def test_a_panel_gets_what_ant_media_server_answers(
    daemon: Daemon, session: Manager, row: Row
) -> None:
    # A login ends the session that it comes with.
    cookie = "" if row.path == "/users/authenticate" else session.cookie

    check(row, sent(daemon, row, {"Cookie": f"JSESSIONID={cookie}"}))


@pytest.mark.parametrize("row", EVERYBODY, ids=Row.name)
def test_a_machine_with_a_token_gets_the_same(daemon: Daemon, row: Row) -> None:
    token = signed({"name": "antmedia.io"}, MACHINE_SECRET)

    check(row, sent(daemon, row, {"ProxyAuthorization": token}))


@pytest.mark.parametrize("row", [row for row in ROWS if row.path not in OPEN], ids=Row.name)
def test_a_stranger_gets_nothing(daemon: Daemon, row: Row) -> None:
    answer = sent(daemon, row, {})

    assert (answer.status, answer.json["message"]) == (403, "Not authenticated user")


@pytest.mark.parametrize("row", [row for row in ROWS if row.method == "GET"], ids=Row.name)
def test_head_tells_what_get_would(daemon: Daemon, session: Manager, row: Row) -> None:
    cookie = {"Cookie": f"JSESSIONID={session.cookie}"}

    head = daemon.request("HEAD", f"/rest/v2{row.path}", headers={**cookie, **row.headers})

    assert (head.status, head.body) == (row.status, b"")


@pytest.mark.parametrize("row", [row for row in ROWS if row not in NEWER], ids=Row.name)
def test_options_tells_the_methods(daemon: Daemon, session: Manager, row: Row) -> None:
    cookie = {"Cookie": f"JSESSIONID={session.cookie}"}

    options = daemon.request("OPTIONS", f"/rest/v2{row.path}", headers=cookie)

    assert (options.status, options.body) == (200, b"")
    assert (row.method in options.headers["allow"]) == (row.status != 405)


@pytest.mark.parametrize("directory", ["openapi", "openapi-management"])
def test_the_description_is_where_ant_media_server_has_it_and_for_users_only(
    daemon: Daemon, session: Manager, directory: str
) -> None:
    path = f"/{directory}/openapi.json"

    found = daemon.request("GET", path, headers={"Cookie": f"JSESSIONID={session.cookie}"})

    assert found.status == 200
    assert found.json == session.call("GET", "/openapi.json").json
    assert daemon.request("GET", path).status == 403
    assert daemon.request("GET", f"/{directory}/other").status == 404


# Settings as one object


def fits(declared: Setting, value: Any) -> bool:
    """Tell whether a property has the JSON type that Ant Media Server gives it."""
    if declared.kind == "bool":
        return isinstance(value, bool)
    if declared.kind in ("int", "long", "float"):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, dict if declared.kind == "object" else str | None)


def test_every_property_has_its_type_and_no_secret_is_in_clear(session: Manager) -> None:
    settings = session.call("GET", SETTINGS).json

    declared = {one.json_name: one for one in APPLICATION_KEYS.values() if one.json_name}
    assert settings.keys() == {*declared, "encoderSettings"}
    assert not {"dbId", "maxBitrateAccept"} & settings.keys()
    wrong = [name for name, one in declared.items() if not fits(one, settings[name])]
    assert wrong == []
    assert settings["encoderSettings"] == [
        {
            "height": 240,
            "videoBitrate": 500000,
            "audioBitrate": 32000,
            "forceEncode": True,
            "forceSameResolutionEncode": False,
        }
    ]
    secrets = [name for name, one in declared.items() if one.secret and settings[name]]
    assert {"jwtSecretKey", "jwtStreamSecretKey"} <= set(secrets)
    assert {settings[name] for name in secrets} == {MASK}
    # Both panels count characters: with less, they let nobody save anything.
    assert len(MASK) >= 32


def as_java(settings: dict[str, Any]) -> dict[str, Any]:
    """Gson leaves nulls out, and has what only the class has."""
    kept = {name: value for name, value in settings.items() if value is not None}
    return {**kept, "allowedCIDRList": [], "updateTime": settings["updateTime"]}


def as_classic_panel(settings: dict[str, Any]) -> dict[str, Any]:
    """It makes the ladder anew, trims the addresses, and has been there when others were."""
    steps = [
        {name: step[name] for name in ("height", "videoBitrate", "audioBitrate")}
        for step in settings["encoderSettings"]
    ]
    addresses = settings["remoteAllowedCIDR"].strip()
    return {**settings, "encoderSettings": steps, "remoteAllowedCIDR": addresses, "vodFolder": ""}


def as_new_panel(settings: dict[str, Any]) -> dict[str, Any]:
    """Its fields for numbers give numbers, and keys that it does not have are as they were."""
    return {**settings, "hlsListSize": 15, "webRTCFrameRate": float(settings["webRTCFrameRate"])}


@pytest.mark.parametrize("habit", [dict, as_java, as_classic_panel, as_new_panel])
def test_settings_that_come_back_as_a_client_has_them_change_nothing(
    daemon: Daemon, session: Manager, habit: Any
) -> None:
    before = daemon.properties().read_bytes()

    answer = session.call("POST", SETTINGS, habit(session.call("GET", SETTINGS).json))

    assert answer.json["success"], answer.body
    assert daemon.properties().read_bytes() == before


def test_the_servers_settings_come_back_the_same_way(daemon: Daemon, session: Manager) -> None:
    path = daemon.home / "conf" / "red5.properties"
    before = path.read_bytes()
    settings = session.call("GET", "/server-settings/").json

    answer = session.call("POST", "/server-settings", settings)

    assert settings["licenceKey"] == settings["jwtServerSecretKey"] == MASK
    assert (settings["jwtServerControlEnabled"], settings["sslEnabled"]) == (True, False)
    assert (settings["defaultHttpPort"], settings["logLevel"]) == (5080, "INFO")
    assert answer.json["success"], answer.body
    assert path.read_bytes() == before


# The proxy


CREATE = "LiveApp/rest/v2/broadcasts/create"


def proxied(session: Manager, method: str, query: str, value: Any = None) -> Response:
    """Call with a token of the application that is no good: panels make one of the mask."""
    token = signed({"sub": "token", "iat": 0}, MASK)
    return session.call(method, f"/request?_path={query}", value, {"Authorization": token})


@pytest.fixture(scope="module")
def stream(session: Manager) -> str:
    """A broadcast with a subscriber whose id is an e-mail, made as the new panel makes it."""
    body = {"type": "liveStream", "name": "my stream", "streamId": "mine"}
    assert proxied(session, "POST", CREATE.replace("/", "%2F"), body).json["streamId"] == "mine"
    subscriber = {
        "subscriberId": "you@example.com",
        "type": "play",
        "b32Secret": "MFRGGZDFMZTWQ2LK",
    }
    path = "LiveApp%2Frest%2Fv2%2Fbroadcasts%2Fmine%2Fsubscribers"
    assert proxied(session, "POST", path, subscriber).json["success"]
    return "mine"


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        # The classic panel joins text; what would begin the inner query may be & or ?.
        ("LiveApp/rest/v2/broadcasts/list/0/10&sort_by=&order_by=", [{..., "streamId"}]),
        ("LiveApp/rest/v2/broadcasts/list/0/10?search=my", [{..., "streamId"}]),
        ("LiveApp/rest/v2/broadcasts/count", {"number": 1}),
        ("/LiveApp/rest/v2/broadcasts/count/", {"number": 1}),
        ("LiveApp/rest/v2/broadcasts/count/my%20stream", {"number": 1}),
        # The new panel encodes segments, and then the whole.
        ("LiveApp%2Frest%2Fv2%2Fbroadcasts%2Fcount", {"number": 1}),
        ("LiveApp%2Frest%2Fv2%2Fbroadcasts%2Fcount%2Fmy%2520stream", {"number": 1}),
        (
            "LiveApp%2Frest%2Fv2%2Fbroadcasts%2Flist%2F0%2F10&search=my%20stream",
            [{..., "streamId"}],
        ),
    ],
)
def test_the_proxy_takes_the_path_of_either_panel(
    session: Manager, stream: str, query: str, answer: Any
) -> None:
    found = proxied(session, "GET", query)

    assert found.status == 200, found.body
    if isinstance(answer, list):
        assert [one["streamId"] for one in found.json] == [stream]
    else:
        assert found.json == answer


def test_names_with_signs_reach_the_application_as_they_are(session: Manager, stream: str) -> None:
    path = f"LiveApp%2Frest%2Fv2%2Fbroadcasts%2F{stream}%2Fsubscribers%2Fyou%2540example.com"

    code = proxied(session, "GET", f"{path}%2Ftotp")
    blocked = proxied(session, "PUT", f"{path}%2Fblock%2F10%2Fplay")

    assert code.json["success"], code.body
    assert blocked.json["success"], blocked.body


@pytest.mark.parametrize("segment", ["%252e%252e", "a%252Fb", "a%255Cb", "a%2500", "%25FF"])
def test_what_is_encoded_twice_is_no_way_around(session: Manager, segment: str) -> None:
    answer = session.call("GET", f"/request?_path=LiveApp/rest/v2/broadcasts/{segment}")

    assert (answer.status, "_path" in answer.json["message"]) == (400, True)


def test_a_video_goes_through_the_proxy_and_calls_without_a_body_too(
    session: Manager, stream: str
) -> None:
    made = [
        session.daemon.request(
            "POST",
            f"/rest/v2/request?_path={path}",
            form(**{"file": "video"}),
            {**MULTIPART, "Cookie": f"JSESSIONID={session.cookie}"},
        ).json
        for path in (
            "LiveApp/rest/v2/vods/create?name=mine.mp4",
            "LiveApp%2Frest%2Fv2%2Fvods%2Fcreate&name=yours.mp4",
        )
    ]
    assert [one["success"] for one in made] == [True, True], made
    stopped = proxied(session, "POST", f"LiveApp/rest/v2/broadcasts/{stream}/stop")
    # The classic panel, and the new one.
    listed = proxied(session, "DELETE", "LiveApp/rest/v2/vods/bulk/", [made[0]["dataId"]])
    named = proxied(session, "DELETE", f"LiveApp%2Frest%2Fv2%2Fvods%2F&ids={made[1]['dataId']}")

    assert stopped.status == 200, stopped.body
    assert (listed.json["success"], named.json["success"]) == (True, True)
    assert proxied(session, "GET", "LiveApp/rest/v2/vods/count").json == {"number": 0}


# Scripts


def test_a_script_with_curl_logs_in_once_and_out_again(daemon: Daemon, tmp_path: Path) -> None:
    curl = shutil.which("curl")
    assert curl is not None, "curl is needed"
    jar, base = tmp_path / "cookies", f"http://127.0.0.1:{daemon.port}/rest/v2"

    def run(*arguments: str) -> Any:
        done = subprocess.run(
            [curl, "-sS", "-b", str(jar), "-c", str(jar), *arguments],
            capture_output=True,
            check=True,
            timeout=20,
        )
        return json.loads(done.stdout)

    login = json.dumps({"email": EMAIL, "password": HASHED})
    kind = ("-H", "Content-Type: application/json")
    assert run(*kind, "-X", "POST", f"{base}/users/authenticate", "-d", login)["success"]
    assert run(f"{base}/applications")["applications"] == ["LiveApp", "live"]
    assert run("-L", f"{base}/version")["versionName"]
    assert run("-X", "DELETE", f"{base}/users/logout")["success"]
    assert run(f"{base}/version")["message"] == "Not authenticated user"


def test_a_java_program_has_its_session_by_its_cookie_handler(daemon: Daemon) -> None:
    login = json.dumps({"email": EMAIL, "password": HASHED})
    source = Path(__file__).with_name("CookieClient.java")

    done = subprocess.run(
        [find_java(), str(source), f"http://127.0.0.1:{daemon.port}/rest/v2", login],
        capture_output=True,
        check=True,
        timeout=60,
    )

    # Of each call: the status, how many cookies there are after it, and the body.
    calls = [line.split(" ", 2) for line in done.stdout.decode().splitlines()]
    assert [(status, cookies) for status, cookies, _ in calls] == [
        ("200", "1"),
        ("200", "1"),
        ("200", "0"),
        ("403", "0"),
    ]
    assert json.loads(calls[1][2])["applications"] == ["LiveApp", "live"]


# Users


def test_a_panel_that_changes_a_role_takes_no_name_away(session: Manager) -> None:
    names = {"firstName": "Ada", "lastName": "L", "fullName": "Ada L", "picture": "p.png"}

    def rights(role: str) -> dict[str, Any]:
        return {"userType": role, "scope": "system", "appNameUserType": {"system": role}}

    made = session.call(
        "POST", "/users", {"email": "a@x", "password": HASHED, **names, **rights("USER")}
    )
    assert made.json["success"]
    reading = rights("READ_ONLY")

    changed = session.call("PUT", "/users", {"email": "a@x", **reading})
    (user,) = (one for one in session.call("GET", "/user-list").json if one["email"] == "a@x")
    cleared = session.call("PUT", "/users", {"email": "a@x", **reading, "firstName": None})
    (after,) = (one for one in session.call("GET", "/user-list").json if one["email"] == "a@x")

    assert changed.json["success"]
    assert user == {"email": "a@x", **names, **reading}
    assert cleared.json["success"]
    assert after == {**user, "firstName": None}
    assert session.call("DELETE", "/users/a%40x").json["success"]
