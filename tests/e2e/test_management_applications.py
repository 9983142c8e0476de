"""Applications are listed, created, removed and reset over the management API."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from antmediad.applications.home import RESERVED
from antmediad.management.rights import SYSTEM
from antmediad.server.monitor import PROBES
from tests.daemon import SECRET, Daemon, wait_until
from tests.manager import EMAIL, Manager, first_user, user_with

NOT_ALLOWED = "Not allowed to access this resource. Contact system admin"
EXISTS = "Application with the same name already exists"


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    """The session of an administrator, on one daemon for all tests here."""
    running = Daemon(tmp_path_factory.mktemp("management") / "home")
    running.write("LiveApp")
    with running:
        yield first_user(running)


def served(daemon: Daemon, name: str) -> int:
    return daemon.get(f"/{name}/rest/v2/version")


def create(admin: Manager, name: str) -> str:
    """Create an application, and return what was said."""
    answer = admin.call("POST", f"/applications/{name}", {})
    assert answer.status == 200, answer.body
    assert answer.json["success"] is (answer.json["message"] == "")
    return str(answer.json["message"])


def remove(admin: Manager, name: str, query: str = "") -> str:
    answer = admin.call("DELETE", f"/applications/{name}{query}")
    assert answer.status == 200, answer.body
    assert answer.json["success"] is (answer.json["message"] == "")
    return str(answer.json["message"])


def history_of(daemon: Daemon, name: str) -> list[tuple[str, str, int]]:
    """Return source, actor and guard of each version on record, the oldest first."""
    path = daemon.home / "data" / "settings.db"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        return connection.execute(
            "SELECT source, actor, guarded FROM version WHERE application = ? ORDER BY generation",
            (name,),
        ).fetchall()


def test_applications_are_listed_upper_case_first(admin: Manager) -> None:
    for name in ("beta", "Zeta", "alpha"):
        assert create(admin, name) == ""

    names = admin.call("GET", "/applications").json["applications"]

    assert [name for name in names if name in ("beta", "Zeta", "alpha", "LiveApp")] == [
        *("LiveApp", "Zeta"),
        *("alpha", "beta"),
    ]


def test_a_created_application_is_served_when_the_call_returns(admin: Manager) -> None:
    daemon = admin.daemon

    assert create(admin, "My_app-1") == ""

    assert served(daemon, "My_app-1") == 200
    assert daemon.properties("My_app-1").read_text().splitlines() == [
        "webapp.contextPath=/My_app-1",
        "webapp.virtualHosts=*",
        "appName=My_app-1",
        "db.type=mapdb",
        "db.name=my_app-1",
        "db.host=localhost",
    ]
    assert daemon.properties("My_app-1").stat().st_mode & 0o777 == 0o640
    wait_until(lambda: history_of(daemon, "My_app-1") == [("api", EMAIL, 0)], "history")
    assert create(admin, "My_app-1") == EXISTS


def test_of_several_creations_at_once_one_wins(admin: Manager) -> None:
    with ThreadPoolExecutor(6) as callers:
        said = list(callers.map(lambda _: create(admin, "contested"), range(6)))

    assert sorted(said) == ["", *[EXISTS] * 5]
    assert served(admin.daemon, "contested") == 200


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("with%20blank", "alphanumeric"),
        ("dot.ted", "alphanumeric"),
        ("%C3%BCmlaut", "alphanumeric"),
        ("line%0Abreak", "alphanumeric"),
        ("a" * 65, "64 characters"),
        *((name, "reserved") for name in ("root", "ROOT", "settings", "System", "key-sets")),
    ],
)
def test_a_name_that_cannot_be_is_refused(admin: Manager, name: str, text: str) -> None:
    before = sorted(os.listdir(admin.daemon.home / "webapps"))

    assert text in create(admin, name)

    assert sorted(os.listdir(admin.daemon.home / "webapps")) == before


def test_names_that_mean_something_else_are_reserved() -> None:
    assert {SYSTEM, *PROBES} <= RESERVED


def test_what_is_there_but_no_application_is_not_overwritten(admin: Manager) -> None:
    webapps = admin.daemon.home / "webapps"
    (webapps / "occupied").write_text("mine")
    (webapps / "dangling").symlink_to("nowhere")
    (webapps / "empty").mkdir()

    said = [create(admin, name) for name in ("occupied", "dangling", "empty")]

    assert said == [EXISTS] * 3
    assert (webapps / "occupied").read_text() == "mine"
    assert os.listdir(webapps / "empty") == []


def test_what_a_crash_left_of_a_creation_or_a_removal_is_removed(admin: Manager) -> None:
    webapps = admin.daemon.home / "webapps"
    for kind in ("new", "gone"):
        (webapps / f".half.0123456789abcdef.{kind}" / "WEB-INF").mkdir(parents=True)
    (webapps / ".mine").mkdir()

    create(admin, "after-crash")
    remove(admin, "after-crash")

    assert [name for name in os.listdir(webapps) if name.startswith(".")] == [".mine"]


def test_a_removed_application_keeps_its_data_unless_told_otherwise(admin: Manager) -> None:
    daemon = admin.daemon
    data = daemon.home / "data" / "kept"
    create(admin, "kept")
    daemon.call("POST", "/broadcasts/create", {"streamId": "one"}, "kept")

    assert remove(admin, "kept") == ""

    assert served(daemon, "kept") == 404
    assert not daemon.properties("kept").parent.parent.exists()
    assert data.is_dir()
    create(admin, "kept")
    assert daemon.call("GET", "/broadcasts/one", application="kept").status == 200
    assert remove(admin, "kept", "?deleteDB=true") == ""
    assert not data.exists()
    create(admin, "kept")
    assert daemon.call("GET", "/broadcasts/one", application="kept").status == 404
    assert daemon.call("POST", "/broadcasts/create", {}, "kept").status == 200
    assert [version[0] for version in history_of(daemon, "kept")][:2] == ["api", "removed"]


def test_one_that_is_created_while_another_of_its_name_is_removed_has_working_data(
    admin: Manager,
) -> None:
    daemon = admin.daemon
    create(admin, "quick")
    for _ in range(5):
        daemon.call("POST", "/broadcasts/create", {"streamId": "one"}, "quick")
        with ThreadPoolExecutor(2) as callers:
            removing = callers.submit(remove, admin, "quick", "?deleteDB=true")
            wait_until(lambda: create(admin, "quick") == "", "quick is created")
            assert removing.result() == ""

        assert daemon.call("GET", "/broadcasts/one", application="quick").status == 404
        assert daemon.call("POST", "/broadcasts/create", {}, "quick").status == 200


def test_the_data_of_an_application_in_memory_goes_with_it(admin: Manager) -> None:
    daemon = admin.daemon
    daemon.write("fleeting", db__type="memorydb")
    wait_until(lambda: served(daemon, "fleeting") == 200, "fleeting is served")
    daemon.call("POST", "/broadcasts/create", {"streamId": "one"}, "fleeting")

    assert remove(admin, "fleeting", "?deleteDB=true") == ""

    daemon.write("fleeting", db__type="memorydb")
    wait_until(lambda: served(daemon, "fleeting") == 200, "fleeting is served again")
    assert daemon.call("GET", "/broadcasts/one", application="fleeting").status == 404


def test_of_a_link_only_the_link_is_removed(admin: Manager, tmp_path: Path) -> None:
    daemon = admin.daemon
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "WEB-INF").mkdir(parents=True)
    (elsewhere / "WEB-INF" / "red5-web.properties").write_text(
        "webapp.contextPath=/linked\nwebapp.virtualHosts=*\n"
    )
    (daemon.home / "webapps" / "linked").symlink_to(elsewhere)
    wait_until(lambda: served(daemon, "linked") == 200, "linked is served")

    assert remove(admin, "linked") == ""

    assert served(daemon, "linked") == 404
    assert not (daemon.home / "webapps" / "linked").is_symlink()
    assert (elsewhere / "WEB-INF" / "red5-web.properties").exists()


def test_links_in_a_removed_application_are_not_followed(admin: Manager, tmp_path: Path) -> None:
    (tmp_path / "video.mp4").write_bytes(b"mine")
    create(admin, "with-link")
    (admin.daemon.home / "webapps" / "with-link" / "streams").symlink_to(tmp_path)

    assert remove(admin, "with-link") == ""

    assert (tmp_path / "video.mp4").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nowhere", "AppSettings is not available for app: nowhere."),
        ("root", "AppSettings is not available for app: root."),
        ("dot.ted", "appname contains invalid character"),
    ],
)
def test_what_is_no_application_is_not_removed(admin: Manager, name: str, text: str) -> None:
    assert text in remove(admin, name)


def test_an_application_without_good_settings_is_not_listed_and_can_be_removed(
    admin: Manager,
) -> None:
    daemon = admin.daemon
    daemon.write("broken", remoteAllowedCIDR="nonsense")
    wait_until(lambda: served(daemon, "broken") == 503, "broken is known")

    assert "broken" not in admin.call("GET", "/applications").json["applications"]

    assert remove(admin, "broken") == ""
    assert served(daemon, "broken") == 404


def test_an_application_created_anew_is_not_kept_closed_by_its_predecessor(admin: Manager) -> None:
    daemon = admin.daemon
    create(admin, "again")
    daemon.write("again", jwtControlEnabled="true", jwtSecretKey=SECRET)
    wait_until(lambda: served(daemon, "again") == 403, "again is closed")

    assert remove(admin, "again") == ""
    assert create(admin, "again") == ""

    assert served(daemon, "again") == 200
    wait_until(
        lambda: (
            history_of(daemon, "again")
            == [("api", EMAIL, 0), ("file", "", 1), ("removed", EMAIL, 0), ("api", EMAIL, 0)]
        ),
        "history",
    )


def test_one_that_was_removed_while_the_daemon_was_down_does_not_either(home: Path) -> None:
    daemon = Daemon(home)
    daemon.write("guarded", jwtControlEnabled="true", jwtSecretKey=SECRET)
    with daemon:
        assert served(daemon, "guarded") == 403
        admin = first_user(daemon)
        daemon.stop()
        daemon.properties("guarded").unlink()
        daemon.properties("guarded").parent.rmdir()
        (home / "webapps" / "guarded").rmdir()
        daemon.start()

        assert create(admin, "guarded") == ""

        assert served(daemon, "guarded") == 200
    assert [guarded for _, _, guarded in history_of(daemon, "guarded")] == [1, 0, 0]


def test_without_a_record_of_the_past_a_created_application_is_served(home: Path) -> None:
    daemon = Daemon(home)
    daemon.write("LiveApp")
    (home / "data").mkdir()
    (home / "data" / "settings.db").write_bytes(b"not a database" * 100)
    with daemon:
        assert create(first_user(daemon), "fresh") == ""

        assert served(daemon, "fresh") == 200


def test_a_directory_that_cannot_be_made_is_told(home: Path) -> None:
    daemon = Daemon(home)
    with daemon:
        admin = first_user(daemon)
        (home / "webapps").rename(home / "webapps.away")

        assert create(admin, "nowhere") == "Application is not created: No such file or directory"


def test_the_figures_of_an_application_are_told(admin: Manager) -> None:
    daemon = admin.daemon
    create(admin, "figures")
    streams = daemon.home / "webapps" / "figures" / "streams"
    streams.mkdir()
    (streams / "one.mp4").write_bytes(b"x" * 1000)
    (streams / "loop").symlink_to(streams)

    infos = {one["name"]: one for one in admin.call("GET", "/applications-info").json}

    storage = 1000 + daemon.properties("figures").stat().st_size
    assert infos["figures"] == {
        "name": "figures",
        "liveStreamCount": 0,
        "vodCount": 0,
        "storage": storage,
    }


def test_nobody_is_live_without_a_media_engine(admin: Manager) -> None:
    there = admin.call("GET", "/applications/live-streams/LiveApp")
    unknown = admin.call("GET", "/applications/live-streams/nowhere")

    assert there.json == []
    assert (unknown.status, unknown.json["success"]) == (404, False)
    assert unknown.json["message"]


def test_a_reset_finishes_what_was_live_and_nothing_else(admin: Manager) -> None:
    daemon = admin.daemon
    create(admin, "worn")
    for name in ("live", "created", "watched"):
        daemon.call("POST", "/broadcasts/create", {"streamId": name}, "worn")
    # As another server left it; over REST nobody can.
    with sqlite3.connect(daemon.home / "data" / "worn" / "worn.db") as connection:
        for name, property_, value in (
            ("live", "status", '"broadcasting"'),
            ("watched", "hlsViewerCount", "7"),
        ):
            connection.execute(
                "UPDATE broadcast SET json = CAST(json_set(CAST(json AS TEXT), ?, json(?)) AS BLOB)"
                " WHERE stream_id = ?",
                (f"$.{property_}", value, name),
            )
        connection.execute("UPDATE broadcast SET status = 'broadcasting' WHERE stream_id = 'live'")
    before = {one["name"]: one for one in admin.call("GET", "/applications-info").json}

    answer = admin.call("POST", "/applications/worn/reset", {}).json
    again = admin.call("POST", "/applications/worn/reset", {}).json

    assert before["worn"]["liveStreamCount"] == 1
    assert (answer["success"], answer["message"]) == (True, "Successfull operations: 2")
    assert again["message"] == "Successfull operations: 0"
    broadcasts = {
        name: daemon.call("GET", f"/broadcasts/{name}", application="worn").json
        for name in ("live", "created", "watched")
    }
    assert broadcasts["live"]["status"] == "finished"
    assert broadcasts["created"]["status"] == "created"
    assert broadcasts["watched"]["hlsViewerCount"] == 0
    unknown = admin.call("POST", "/applications/nowhere/reset", {}).json
    assert unknown["message"] == "No application adaptor with this name nowhere"


def test_a_war_file_is_refused_with_a_reason(admin: Manager) -> None:
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    form["Cookie"] = f"JSESSIONID={admin.cookie}"
    body = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nwar\r\n--x--\r\n'

    refused = admin.daemon.request("PUT", "/rest/v2/applications/war", body, form)

    assert (refused.status, refused.json["success"]) == (200, False)
    assert "WAR" in refused.json["message"]


@pytest.mark.parametrize(
    ("path", "status", "value"),
    [
        ("/shutdown-proper-status?appNames=LiveApp", 200, True),
        ("/shutdown-properly?appNames=LiveApp,", 200, True),
        ("/shutdown-proper-status", 400, "Bad parameter for appNames. "),
        ("/shutdown-properly?appNames=", 400, "Bad parameter for appNames. "),
        (
            "/shutdown-proper-status?appNames=LiveApp,nowhere",
            404,
            "Either server may not be initialized or application name that does not exist is"
            " requested. ",
        ),
    ],
)
def test_every_application_stopped_in_order(
    admin: Manager, path: str, status: int, value: object
) -> None:
    answer = admin.call("GET", path)

    assert answer.status == status
    if status != 200:
        assert answer.json["message"] == value
    else:
        assert answer.json is True or answer.json["success"] is True


@pytest.mark.parametrize(
    ("rights", "allowed"),
    [
        (
            {"LiveApp": "ADMIN"},
            {"GET /applications/live-streams/LiveApp", "POST /applications/LiveApp/reset"},
        ),
        ({"LiveApp": "USER"}, {"GET /applications/live-streams/LiveApp"}),
        (
            {"system": "READ_ONLY"},
            {
                "GET /applications/live-streams/LiveApp",
                "GET /applications",
                "GET /applications-info",
                "GET /shutdown-proper-status?appNames=LiveApp",
            },
        ),
    ],
    ids=("administrator", "user", "reader of everything"),
)
def test_rights_decide_who_may_what(
    admin: Manager, rights: dict[str, str], allowed: set[str]
) -> None:
    user = user_with(admin.daemon, admin, **rights)
    calls = (
        *("GET /applications", "GET /applications-info"),
        "GET /applications/live-streams/LiveApp",
        "GET /shutdown-proper-status?appNames=LiveApp",
        # A GET that would change something.
        "GET /shutdown-properly?appNames=LiveApp",
        *("POST /applications/LiveApp/reset", "POST /applications/mine"),
        *("DELETE /applications/LiveApp", "PUT /applications/mine"),
    )

    for call in calls:
        method, _, path = call.partition(" ")
        answer = user.call(method, path)
        expected = 200 if call in allowed else 403
        assert answer.status == expected, (call, answer.body)
        if expected == 403:
            assert answer.json["message"] == NOT_ALLOWED
    assert served(admin.daemon, "LiveApp") == 200
