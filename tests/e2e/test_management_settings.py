"""Settings read and changed over the management API, as panels, scripts and two editors do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from antmediad.settings.setting import MASK
from tests.daemon import SECRET, Daemon, Response, signed, wait_until, write_properties
from tests.manager import EMAIL, PASSWORD, Manager, first_user

AMS = "/applications/settings/LiveApp"
OK = b'{"success":true,"message":"","dataId":"","errorId":0}'
VERSION = "/LiveApp/rest/v2/version"
HOOK_PASSWORD = "hook-password"
ODD = (
    "#  mine: keep\r\n"
    "\n"
    "webapp.contextPath = /LiveApp\n"
    "webapp.virtualHosts:*\n"
    "! old\n"
    "settings.remoteAllowedCIDR =\\\n"
    "   127.0.0.1,\\\n"
    "   10.0.0.0/8\n"
    f"settings.jwtSecretKey={SECRET}\n"
    "hlsTime : 3\n"
    f"listenerHookURL=http://user:{HOOK_PASSWORD}@example.com/hook\n"
    "myOwnKey=kept\n"
    "  hlsListSize   7"
).encode()


@pytest.fixture(scope="module")
def signed_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    """An administrator of a daemon that all tests here share."""
    daemon = Daemon(tmp_path_factory.mktemp("settings") / "home")
    daemon.write("LiveApp")
    write_properties(daemon.home / "conf" / "red5.properties", logLevel="INFO")
    with daemon:
        yield first_user(daemon)


@pytest.fixture
def admin(signed_in: Manager) -> Manager:
    """An administrator with a new session; LiveApp's file is an odd one, in force."""
    write(signed_in, ODD)
    manager = Manager(signed_in.daemon)
    manager.log_in()
    return manager


def write(manager: Manager, content: bytes) -> None:
    """Write LiveApp's file as an editor does, and wait until it is in force."""
    if file_of(manager) != content:
        manager.daemon.properties().write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()

    def is_in_force() -> bool:
        found = status(manager)
        return (found["state"], found["digest"]) == ("active", digest)

    wait_until(is_in_force, "the file is in force")


def user(admin: Manager, **rights: str) -> Manager:
    """Return a session of a user with *rights*, who is made when there is none yet."""
    email = "-".join(f"{name}-{role}" for name, role in rights.items())
    admin.call("POST", "/users", {"email": email, "password": PASSWORD, "appNameUserType": rights})
    manager = Manager(admin.daemon)
    assert manager.log_in(email).json["success"]
    return manager


def status(manager: Manager) -> dict[str, Any]:
    answer: dict[str, Any] = manager.call("GET", "/apps/LiveApp").json
    return answer


def file_of(manager: Manager) -> bytes:
    return manager.daemon.properties().read_bytes()


def tag(response: Response) -> dict[str, str]:
    return {"If-Match": response.headers["etag"]}


def changes(**texts: str | None) -> dict[str, Any]:
    return {"changes": texts}


# As Ant Media Server


def test_a_whole_object_changes_the_one_line_that_differs(admin: Manager) -> None:
    settings = admin.call("GET", AMS).json
    assert settings["jwtSecretKey"] == MASK
    settings["hlsTime"] = "4"

    answer = admin.call("POST", AMS, settings)

    assert (answer.status, answer.body) == (200, OK)
    assert file_of(admin) == ODD.replace(b"hlsTime : 3", b"hlsTime : 4")
    # Once more the same: nothing to do.
    generation = status(admin)["generation"]
    assert admin.call("POST", AMS, settings).body == OK
    assert status(admin)["generation"] == generation
    revealed = admin.call("GET", f"{AMS}?reveal=true").json
    assert (revealed["jwtSecretKey"], revealed["hlsTime"]) == (SECRET, "4")


def test_a_change_is_in_force_when_the_call_returns(admin: Manager) -> None:
    for is_on in (True, False) * 3:
        assert admin.call("POST", AMS, {"jwtControlEnabled": is_on}).json["success"]

        assert admin.daemon.get(VERSION) == (403 if is_on else 200)
        assert admin.daemon.get(VERSION, signed()) == 200


def test_a_whole_object_undoes_nothing_that_others_changed_since_it_was_read(
    admin: Manager,
) -> None:
    other = Manager(admin.daemon)
    other.log_in()
    mine = admin.call("GET", AMS).json
    assert other.call("POST", AMS, {"hlsListSize": "9", "mp4MuxingEnabled": True}).body == OK

    mine["hlsTime"] = "5"
    first = admin.call("POST", AMS, mine)
    mine["hlsTime"], mine["mp4MuxingEnabled"] = "6", True
    second = admin.call("POST", AMS, mine)

    # A panel does not read anew what it has saved: it is still the object of before.
    assert (first.body, second.body) == (OK, OK)
    now = admin.call("GET", AMS).json
    assert (now["hlsTime"], now["hlsListSize"], now["mp4MuxingEnabled"]) == ("6", "9", True)


def test_what_two_changed_to_different_values_is_refused_by_its_name(admin: Manager) -> None:
    other = Manager(admin.daemon)
    other.log_in()
    mine = admin.call("GET", AMS).json
    assert other.call("POST", AMS, {"hlsTime": "8"}).body == OK
    before = file_of(admin)

    refused = admin.call("POST", AMS, {**mine, "hlsTime": "5", "hlsListSize": "9"})

    assert (refused.status, refused.json["success"]) == (412, False)
    assert refused.json["message"].startswith("hlsTime: changed by somebody else")
    assert file_of(admin) == before
    # Whoever names one setting means it.
    assert admin.call("POST", AMS, {"hlsTime": "5"}).body == OK


def test_of_panels_that_save_at_the_same_moment_each_has_its_change(admin: Manager) -> None:
    posted = [
        ("hlsTime", "4"),
        ("hlsListSize", "9"),
        ("mp4MuxingEnabled", True),
        ("playJwtControlEnabled", True),
    ]
    panels = [Manager(admin.daemon) for _ in posted]
    objects = []
    for panel, (name, value) in zip(panels, posted, strict=True):
        panel.log_in()
        objects.append({**panel.call("GET", AMS).json, name: value})

    with ThreadPoolExecutor(len(panels)) as pool:
        answers = list(
            pool.map(lambda panel, value: panel.call("POST", AMS, value), panels, objects)
        )

    assert [one.body for one in answers] == [OK] * len(panels)
    now = admin.call("GET", AMS).json
    assert [now[name] for name, _ in posted] == [value for _, value in posted]


def test_a_file_edited_by_hand_meanwhile_keeps_that_edit(admin: Manager) -> None:
    mine = admin.call("GET", AMS).json
    by_hand = ODD.replace(b"hlsListSize   7", b"hlsListSize   8")

    # Not waited for: the daemon may or may not have seen it.
    admin.daemon.properties().write_bytes(by_hand)
    answer = admin.call("POST", AMS, {**mine, "hlsTime": "4"})

    assert answer.body == OK
    assert file_of(admin) == by_hand.replace(b"hlsTime : 3", b"hlsTime : 4")


@pytest.mark.parametrize(
    ("status", "posted", "name"),
    [
        (200, {"remoteAllowedCIDR": "10.0.0.0/99"}, "remoteAllowedCIDR"),
        (200, {"hlsTime": "soon"}, "hlsTime"),
        (200, {"encoderSettings": [{"height": 0}]}, "encoderSettings"),
        (200, {"listenerHookURL": "${HOME}"}, "listenerHookURL"),
        (
            200,
            {"publishTokenControlEnabled": True, "publishJwtControlEnabled": True},
            "publishTokenControlEnabled",
        ),
        (400, {"jwtControlEnabled": "perhaps"}, "jwtControlEnabled"),
        (400, {"webRTCPortRangeMin": "many"}, "webRTCPortRangeMin"),
        (400, {"appName": {}}, "appName"),
        (400, {"customSettings": 1, "hlsTime": "soon"}, "customSettings"),
    ],
)
def test_a_value_that_is_refused_changes_nothing_and_is_named(
    admin: Manager, status: int, posted: dict[str, Any], name: str
) -> None:
    refused = admin.call("POST", AMS, {"mp4MuxingEnabled": True, **posted})

    # Panels and tests of Ant Media Server ask whether a save was a success, not for its status.
    assert (refused.status, refused.json["success"]) == (status, False)
    assert name in refused.json["message"]
    assert file_of(admin) == ODD


def test_if_match_is_honoured_and_unknown_applications_are_not_there(admin: Manager) -> None:
    read = admin.call("GET", AMS)
    changed = admin.call("POST", AMS, {"hlsTime": "4"}, tag(read))
    again = admin.call("POST", AMS, {"hlsTime": "5"}, tag(read))

    assert (changed.status, again.status) == (200, 412)
    assert admin.call("POST", AMS, {"hlsTime": "5"}, {"If-Match": "x y"}).status == 400
    for method in ("GET", "POST"):
        unknown = admin.call(method, "/applications/settings/Nothing", {})
        assert (unknown.status, unknown.json["message"]) == (404, "There is no such application")


def test_the_server_has_its_settings_the_same_way(admin: Manager) -> None:
    path = admin.daemon.home / "conf" / "red5.properties"
    settings = admin.call("GET", "/server-settings").json
    assert (settings["sslEnabled"], settings["logLevel"]) == (False, "INFO")
    settings.update(serverName="media.example.com", logLevel="DEBUG")

    assert admin.call("POST", "/server-settings", settings).body == OK

    assert path.read_text() == "logLevel=DEBUG\nserver.name=media.example.com\n"
    # What Ant Media Server changes over REST can be changed, and nothing else; nothing is emptied.
    refused = admin.call("POST", "/server-settings", {"defaultHttpPort": 80})
    assert (refused.json["success"], "defaultHttpPort" in refused.json["message"]) == (False, True)
    assert admin.call("POST", "/server-settings", {"nodeGroup": "mine"}).body == OK
    assert admin.call("GET", "/server-settings").json["serverName"] == "media.example.com"
    wait_until(
        lambda: admin.call("GET", "/server/history").json[0]["changed"] == ["nodeGroup"],
        "the change is on record",
    )


# As this daemon's panel


def test_of_two_editors_the_second_is_told_and_loses_nothing(admin: Manager) -> None:
    read = admin.call("GET", "/apps/LiveApp/settings")
    assert read.json["digest"] == read.headers["etag"].strip('"')

    first = admin.call("POST", "/apps/LiveApp/settings", changes(hlsTime="4"), tag(read))
    second = admin.call("POST", "/apps/LiveApp/settings", changes(hlsListSize="9"), tag(read))

    assert (first.status, first.json["changed"]) == (200, ["hlsTime"])
    assert first.json["generation"] == status(admin)["generation"]
    assert (second.status, second.json["success"]) == (412, False)
    assert file_of(admin) == ODD.replace(b"hlsTime : 3", b"hlsTime : 4")
    third = admin.call("POST", "/apps/LiveApp/settings", changes(hlsListSize="9"), tag(first))
    assert third.json["success"]
    assert b"  hlsListSize   9" in file_of(admin)


def test_settings_come_with_where_they_stand(admin: Manager) -> None:
    settings = admin.call("GET", "/apps/LiveApp/settings").json

    assert settings["state"] == "active"
    assert settings["values"]["jwtSecretKey"] == {
        "text": MASK,
        "isDefault": False,
        "isSet": True,
        "origin": {"line": 9, "spelling": "settings.jwtSecretKey", "source": "file"},
    }
    assert settings["values"]["jwksURL"]["origin"] is None
    assert settings["unknown"] == [{"key": "myOwnKey", "text": "kept"}]


def test_a_mask_that_comes_back_keeps_what_it_stands_for(admin: Manager) -> None:
    shown = admin.call("GET", "/apps/LiveApp/settings").json["values"]
    masked = {key: shown[key]["text"] for key in ("jwtSecretKey", "listenerHookURL")}

    kept = admin.call("POST", "/apps/LiveApp/settings", changes(**masked, hlsTime="4"))

    assert kept.json["changed"] == ["hlsTime"]
    assert file_of(admin) == ODD.replace(b"hlsTime : 3", b"hlsTime : 4")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"hlsTme": "4"}, "did you mean hlsTime?", id="unknown"),
        pytest.param({"jwksURL": "********"}, "in place of the mask", id="mask-of-nothing"),
        pytest.param({"jwtSecretKey": "********x"}, "in place of the mask", id="part-of-a-mask"),
        pytest.param({"webhookStreamStatusUpdatePeriodMs": "x"}, "webhook", id="no-number"),
        pytest.param({"jwtSecretKey": "${file:/etc/passwd}"}, "${...}", id="file-of-the-daemon"),
        pytest.param({"hlsflags": "x${HOME}"}, "${...}", id="variable-of-the-daemon"),
        pytest.param({"myOwnKey": "${HOME}"}, "${...}", id="variable-in-an-unknown-key"),
    ],
)
def test_a_change_that_cannot_be_is_told_by_check_and_by_post(
    admin: Manager, change: dict[str, str], message: str
) -> None:
    checked = admin.call("POST", "/apps/LiveApp/settings/check", {"changes": change}).json
    refused = admin.call("POST", "/apps/LiveApp/settings", {"changes": change})

    errors = [one for one in checked["problems"] if one["severity"] == "error"]
    assert (refused.status, refused.json["success"]) == (400, False)
    assert refused.json["problems"] == errors
    assert errors[0]["key"] in change
    assert message in refused.json["message"]
    assert file_of(admin) == ODD


@pytest.mark.parametrize(
    "body", [{}, {"changes": []}, {"changes": {"hlsTime": 4}}, {"changes": None}, []]
)
def test_a_body_of_the_wrong_form_is_refused(admin: Manager, body: Any) -> None:
    for path in ("settings", "settings/check"):
        assert admin.call("POST", f"/apps/LiveApp/{path}", body).status == 400
    assert file_of(admin) == ODD


def test_a_check_tells_warnings_and_writes_nothing(admin: Manager) -> None:
    asked = changes(jwtControlEnabled="true", jwtSecretKey=None)

    problems = admin.call("POST", "/apps/LiveApp/settings/check", asked).json["problems"]

    assert any(one["severity"] == "warning" and "jwt" in one["key"] for one in problems)
    assert file_of(admin) == ODD


def test_history_says_who_by_what_and_a_rollback_gives_the_bytes_back(admin: Manager) -> None:
    start = status(admin)["generation"]
    panel = {"X-Requested-With": "antmediad-panel"}
    admin.call("POST", "/apps/LiveApp/settings", changes(hlsTime="4"), panel)
    admin.call("POST", AMS, {"jwtSecretKey": "y" * 40})
    read = admin.call("GET", "/apps/LiveApp/settings")

    wait_until(lambda: len(history(admin)) == start + 2, "the versions are on record")
    newest, by_panel, by_hand = history(admin)[:3]
    back = {"generation": start}
    rolled_back = admin.call("POST", "/apps/LiveApp/rollback", back, tag(read))
    again = admin.call("POST", "/apps/LiveApp/rollback", back)
    stale = admin.call("POST", "/apps/LiveApp/rollback", {"generation": start + 1}, tag(read))

    assert (newest["source"], newest["actor"]) == ("api", EMAIL)
    assert newest["changed"] == ["settings.jwtSecretKey"]
    assert (by_panel["source"], by_panel["actor"]) == ("panel", EMAIL)
    assert (by_hand["source"], by_hand["actor"]) == ("file", None)
    assert rolled_back.json["changed"] == ["hlsTime", "settings.jwtSecretKey"]
    assert file_of(admin) == ODD
    assert (again.json["changed"], again.json["message"]) == ([], "Nothing changed")
    assert stale.status == 412
    assert admin.call("POST", "/apps/LiveApp/rollback", {"generation": 99}).status == 404
    for wrong in ({}, {"generation": "1"}, {"generation": 0}, {"generation": True}):
        assert admin.call("POST", "/apps/LiveApp/rollback", wrong).status == 400


def history(manager: Manager) -> list[dict[str, Any]]:
    versions: list[dict[str, Any]] = manager.call("GET", "/apps/LiveApp/history").json
    return versions


def test_a_diff_is_of_two_versions_or_of_one_and_the_file(admin: Manager) -> None:
    start = status(admin)["generation"]
    admin.call("POST", AMS, {"hlsTime": "4", "jwtSecretKey": "y" * 40})
    wait_until(lambda: len(history(admin)) == start + 1, "the version is on record")

    with_file = admin.call("GET", f"/apps/LiveApp/diff?from={start}")
    of_two = admin.call("GET", f"/apps/LiveApp/diff?from={start}&to={start + 1}")

    lines = [(one["kind"], one["text"]) for one in of_two.json["lines"]]
    assert ("removed", "hlsTime : 3") in lines
    assert ("added", f"settings.jwtSecretKey={MASK}") in lines
    assert with_file.json == of_two.json
    assert admin.call("GET", "/apps/LiveApp/diff?from=99").status == 404
    # To compare these would take minutes.
    write(admin, ODD + b"#\n!\n" * 1000)
    newest = status(admin)["generation"]
    admin.daemon.properties().write_bytes(ODD + b"!\n!\n#\n" * 1000)
    long = admin.call("GET", f"/apps/LiveApp/diff?from={newest}")
    assert (long.status, "all the same" in long.json["message"]) == (409, True)
    for query in ("", "?from=x", "?from=0", f"?from={2**63}", "?from=1&to=-1"):
        assert admin.call("GET", f"/apps/LiveApp/diff{query}").status == 400


def test_a_failed_application_is_shown_and_mended(admin: Manager) -> None:
    path = admin.daemon.properties("Broken")
    path.parent.mkdir(parents=True)
    path.write_text(f"jwtControlEnabled=perhaps\nhlsTime=4\njwtSecretKey={SECRET}\nother=1\n")
    wait_until(
        lambda: admin.call("GET", "/apps/Broken").json.get("state") == "failed", "it is failed"
    )

    state = admin.call("GET", "/apps/Broken").json
    settings = admin.call("GET", "/apps/Broken/settings")
    failed = admin.call("GET", "/applications/settings/Broken")
    mended = admin.call(
        "POST", "/apps/Broken/settings", changes(jwtControlEnabled="true"), tag(settings)
    )

    assert (state["generation"], state["ipFilter"], state["takenAt"]) == (0, None, None)
    assert failed.status == 409
    errors = [one for one in state["problems"] if one["severity"] == "error"]
    assert [(one["line"], one["key"]) for one in errors] == [(1, "jwtControlEnabled")]
    values = settings.json["values"]
    assert settings.json["state"] == "failed"
    assert (values["jwtControlEnabled"]["text"], values["hlsTime"]["text"]) == ("perhaps", "4")
    assert values["jwtSecretKey"]["text"] == MASK
    assert values["hlsListSize"]["isDefault"]
    assert settings.json["unknown"] == [{"key": "other", "text": "1"}]
    assert mended.json["generation"] == 1
    assert admin.daemon.get("/Broken/rest/v2/version", signed()) == 200


def test_a_stale_application_is_mended_with_the_digest_of_its_wrong_file(admin: Manager) -> None:
    admin.daemon.properties().write_bytes(ODD.replace(b"127.0.0.1", b"127.0.0"))
    wait_until(lambda: status(admin)["state"] == "stale", "it is stale")

    settings = admin.call("GET", "/apps/LiveApp/settings")
    lines = admin.call("GET", "/apps/LiveApp/file").json
    mended = admin.call(
        "POST",
        "/apps/LiveApp/settings",
        changes(remoteAllowedCIDR="127.0.0.1"),
        tag(settings),
    )

    assert settings.json["values"]["remoteAllowedCIDR"]["text"] == "127.0.0.1,10.0.0.0/8"
    assert lines["digest"] == settings.json["digest"]
    assert {"number": 10, "text": "hlsTime : 3", "key": "hlsTime"} in lines["lines"]
    assert lines["problems"][0]["line"] == 6
    assert mended.json["success"], mended.body
    assert status(admin)["state"] == "active"


def test_the_form_has_every_setting(admin: Manager) -> None:
    form = admin.call("GET", "/settings-form").json

    keys = {one["key"]: one for group in form["application"] for one in group["settings"]}
    assert keys["jwtSecretKey"]["secret"]
    assert keys["jwtControlEnabled"]["kind"] == "bool"
    assert "http.port" in {one["key"] for group in form["server"] for one in group["settings"]}


def test_without_a_record_settings_are_changed_and_no_version_is_told(home: Path) -> None:
    (home / "data").mkdir()
    (home / "data" / "settings.db").write_bytes(b"not a database" * 100)
    daemon = Daemon(home)
    daemon.write("LiveApp", jwtControlEnabled="false")

    with daemon:
        admin = first_user(daemon)
        changed = admin.call("POST", "/applications/settings/LiveApp", {"hlsTime": "4"})
        assert changed.json["success"], changed.body
        assert b"hlsTime=4" in daemon.properties().read_bytes()
        # Nor is there a conf/ yet.
        saved = admin.call("POST", "/server/settings", changes(logLevel="DEBUG"))
        assert saved.json["success"], saved.body
        assert (home / "conf" / "red5.properties").read_bytes() == b"logLevel=DEBUG\n"
        for path in ("history", "diff?from=1"):
            assert admin.call("GET", f"/apps/LiveApp/{path}").status == 503
        back = admin.call("POST", "/apps/LiveApp/rollback", {"generation": 1})
        assert back.status == 503


# Who may


def everything(app: str = "LiveApp") -> list[str]:
    """Return the paths of all that can be read."""
    files = [f"/apps/{app}", "/server"]
    return [
        "/apps",
        f"/apps/{app}",
        f"/apps/{app}/key-sets",
        f"/apps/{app}/refusals",
        f"/applications/settings/{app}",
        "/server-settings",
        "/settings-form",
        "/audit/0/200",
        "/refusals",
        *(
            f"{base}/{what}"
            for base in files
            for what in ("settings", "file", "history", "diff?from=1", "diff?from=1&to=2")
        ),
    ]


def test_a_reader_of_everything_sees_no_secret_and_changes_nothing(admin: Manager) -> None:
    conf = admin.daemon.home / "conf" / "red5.properties"
    server_secret = "s" * 40
    before = server(admin)["generation"]
    conf.write_text(
        f"# server.jwtServerSecretKey={server_secret[1:]}\n"
        f"server.jwtServerSecretKey={server_secret}\nserver.licence_key=licence-1\n"
    )
    wait_until(lambda: server(admin)["generation"] > before, "the server's file is in force")
    commented = b"#jwtSecretKey=" + SECRET.encode() + b"\n"
    write(admin, ODD.replace(b"! old\n", commented).replace(b"myOwnKey", b"myPassword"))
    reader = user(admin, system="READ_ONLY")
    secrets = (SECRET, HOOK_PASSWORD, server_secret[1:], "licence-1")
    wait_until(lambda: len(history(admin)) > 1, "the versions are on record")

    for path in everything():
        answer = reader.call("GET", path)
        assert answer.status == 200, (path, answer.body)
        for secret in secrets:
            assert secret.encode() not in answer.body, path
            # Nor does an administrator, without asking for it.
            assert secret.encode() not in admin.call("GET", path).body, path
        # All but the secrets is shown: with the file's digest they could be tried out.
        for file in (file_of(admin), conf.read_bytes()):
            digest = hashlib.sha256(file).hexdigest()
            assert digest.encode() not in answer.body, path
            assert digest not in answer.headers.get("etag", ""), path
    files = file_of(admin), conf.read_bytes()
    for path in (
        AMS,
        "/server-settings",
        *(
            f"{base}/{what}"
            for base in ("/apps/LiveApp", "/server")
            for what in ("settings", "settings/check", "settings/reveal", "rollback")
        ),
        "/apps/LiveApp/tokens",
        "/apps/LiveApp/key-sets/refresh",
    ):
        assert reader.call("POST", path, {"key": "jwtSecretKey", "generation": 1}).status == 403
    assert reader.call("GET", f"{AMS}?reveal=true").status == 403
    assert (file_of(admin), conf.read_bytes()) == files


def server(manager: Manager) -> dict[str, Any]:
    found: dict[str, Any] = manager.call("GET", "/apps").json["server"]
    return found


def test_rights_in_one_application_end_there(admin: Manager) -> None:
    admin.daemon.write("Other")
    wait_until(lambda: admin.call("GET", "/apps/Other").status == 200, "Other is there")
    owner = user(admin, Other="ADMIN")

    listed = owner.call("GET", "/apps").json

    assert ([one["name"] for one in listed["applications"]], listed["server"]) == (["Other"], None)
    for path in everything():
        allowed = path in ("/apps", "/settings-form")
        assert (owner.call("GET", path).status == 200) is allowed, path
    assert owner.call("POST", AMS, {"hlsTime": "4"}).status == 403
    assert owner.call("POST", "/applications/settings/Other", {"hlsTime": "4"}).body == OK


@pytest.mark.parametrize(
    ("key", "text"), [("vodUploadFinishScript", "/bin/sh"), ("vodImportRoots", "/")]
)
def test_what_reaches_beyond_an_application_takes_the_rights_for_that(
    admin: Manager, key: str, text: str
) -> None:
    owner = user(admin, LiveApp="ADMIN")
    posts: list[Callable[[Manager], Response]] = [
        lambda manager: manager.call("POST", AMS, {key: text}),
        lambda manager: manager.call("POST", "/apps/LiveApp/settings", changes(**{key: text})),
    ]

    for post in posts:
        refused = post(owner)
        assert (refused.status, key in refused.json["message"]) == (403, True)
    assert file_of(admin) == ODD
    for post in posts:
        assert post(admin).json["success"]


def test_secrets_are_revealed_to_administrators_and_that_is_on_record(admin: Manager) -> None:
    owner = user(admin, LiveApp="ADMIN")
    reveal = "/apps/LiveApp/settings/reveal"

    secret = owner.call("POST", reveal, {"key": "jwtSecretKey"}).json
    by_old_name = owner.call("POST", reveal, {"key": "settings.jwtSecretKey"}).json
    hook = owner.call("POST", reveal, {"key": "listenerHookURL"}).json
    whole = owner.call("GET", f"{AMS}?reveal=true").json

    assert secret == by_old_name == {"value": SECRET}
    assert HOOK_PASSWORD in hook["value"]
    assert whole["jwtSecretKey"] == SECRET
    assert owner.call("POST", reveal, {"key": "hlsTime"}).status == 400
    assert owner.call("POST", reveal, {"key": "nothing"}).status == 404
    entries = admin.call("GET", "/audit/0/6?target=LiveApp").json["entries"]
    done = [(one["action"], one["detail"]) for one in entries if one["success"]]
    assert done == [
        ("secrets revealed", ""),
        ("secret revealed", "listenerHookURL"),
        ("secret revealed", "settings.jwtSecretKey"),
        ("secret revealed", "jwtSecretKey"),
    ]


def test_changes_are_on_the_audit_log_by_keys_and_never_by_values(admin: Manager) -> None:
    admin.call("POST", AMS, {"jwtSecretKey": "n" * 40})
    admin.call("POST", "/apps/LiveApp/settings", changes(hlsTime="x", remoteAllowedCIDR="y"))
    admin.call("POST", "/apps/LiveApp/settings/check", changes(hlsTime="x"))
    admin.call("POST", "/apps/LiveApp/explain", {"token": "x"})
    admin.call("POST", "/server-settings", {"logLevel": "WARN"})

    entries = admin.call("GET", "/audit/0/3").json["entries"]

    assert [(one["action"], one["target"], one["success"]) for one in entries] == [
        ("settings changed", "system", True),
        ("settings not changed", "LiveApp", False),
        ("settings changed", "LiveApp", True),
    ]
    assert [one["actor"] for one in entries] == [EMAIL] * 3
    assert entries[1]["detail"].startswith("hlsTime, remoteAllowedCIDR")
    assert entries[2]["detail"] == "settings.jwtSecretKey"
    assert "nnnn" not in admin.daemon.log()
