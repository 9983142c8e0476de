"""What was answered is kept: over crashes, restarts and changes of settings."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import shutil
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.daemon import DEADLINE_S, SECRET, Daemon, Response, signed, wait_until

CLIENTS = 8


def create(daemon: Daemon, stream_id: str, application: str = "LiveApp", **more: Any) -> Response:
    value = {"streamId": stream_id, **more}
    return daemon.call("POST", "/broadcasts/create", value, application)


def ids(daemon: Daemon, application: str = "LiveApp") -> list[str]:
    response = daemon.call("GET", "/broadcasts/list/0/250", application=application)
    assert response.status == 200, response.body
    return [record["streamId"] for record in response.json]


def create_until_it_dies(daemon: Daemon, prefix: str, enough: threading.Semaphore) -> list[bytes]:
    """Return the broadcasts that the daemon acknowledged, as it answered them."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=DEADLINE_S)
    headers = {"Content-Type": "application/json"}
    acknowledged: list[bytes] = []
    try:
        while True:
            body = json.dumps({"streamId": f"{prefix}-{len(acknowledged)}"})
            connection.request("POST", "/LiveApp/rest/v2/broadcasts/create", body, headers)
            response = connection.getresponse()
            content = response.read()
            assert response.status == 200
            acknowledged.append(content)
            enough.release()
    except (OSError, http.client.HTTPException):
        return acknowledged
    finally:
        connection.close()


def test_every_acknowledged_broadcast_survives_kill_9(daemon: Daemon) -> None:
    kept: list[bytes] = []
    for number in range(4):
        enough = threading.Semaphore(0)
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as threads:
            clients = [
                threads.submit(create_until_it_dies, daemon, f"r{number}c{client}", enough)
                for client in range(CLIENTS)
            ]
            for _ in range(150):
                assert enough.acquire(timeout=DEADLINE_S)
            assert daemon.stop(signal.SIGKILL) == -signal.SIGKILL
        for client in clients:
            kept += client.result()

        daemon.start()

        for content in kept:
            stream_id = json.loads(content)["streamId"]
            assert daemon.call("GET", f"/broadcasts/{stream_id}").body == content
        # A create that was under way may have been kept, too; at most one of each client.
        count = daemon.call("GET", "/broadcasts/count").json["number"]
        assert len(kept) <= count <= len(kept) + CLIENTS * (number + 1)


def test_acknowledged_changes_and_deletions_survive_kill_9(daemon: Daemon) -> None:
    for name in ("changed", "deleted", "kept"):
        create(daemon, name, name="before")
    daemon.call("PUT", "/broadcasts/changed", {"name": "after"})
    daemon.call("DELETE", "/broadcasts/deleted")

    daemon.stop(signal.SIGKILL)
    daemon.start()

    assert ids(daemon) == ["changed", "kept"]
    assert daemon.call("GET", "/broadcasts/changed").json["name"] == "after"
    assert daemon.call("GET", "/broadcasts/count").json == {"number": 2}


def test_a_restart_changes_no_record(daemon: Daemon) -> None:
    before = [create(daemon, f"s{number}", name="é").body for number in range(10)]

    assert daemon.stop() == 0
    daemon.start()

    after = [daemon.call("GET", f"/broadcasts/s{number}").body for number in range(10)]
    assert after == before


def test_creates_under_way_are_answered_or_refused_when_the_daemon_stops(daemon: Daemon) -> None:
    enough = threading.Semaphore(0)
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as threads:
        clients = [
            threads.submit(create_until_it_dies, daemon, f"c{client}", enough)
            for client in range(CLIENTS)
        ]
        for _ in range(100):
            assert enough.acquire(timeout=DEADLINE_S)
        assert daemon.stop() == 0
    acknowledged = [content for client in clients for content in client.result()]

    daemon.start()

    for content in acknowledged:
        stream_id = json.loads(content)["streamId"]
        assert daemon.call("GET", f"/broadcasts/{stream_id}").body == content
    assert "Traceback" not in daemon.log()


def test_data_waits_for_its_application_to_come_back(daemon: Daemon) -> None:
    application = daemon.home / "webapps" / "LiveApp"
    create(daemon, "kept")

    shutil.rmtree(application)
    wait_until(lambda: daemon.get("/LiveApp/rest/v2/version") == 404, "the application is gone")
    daemon.write("LiveApp")
    wait_until(lambda: daemon.get("/LiveApp/rest/v2/version") == 200, "the application is back")

    assert ids(daemon) == ["kept"]
    assert create(daemon, "new").status == 200
    assert ids(daemon) == ["kept", "new"]


def test_a_renamed_application_starts_empty(daemon: Daemon) -> None:
    webapps = daemon.home / "webapps"
    create(daemon, "kept")

    (webapps / "LiveApp").rename(webapps / "Other")
    wait_until(lambda: daemon.get("/Other/rest/v2/version") == 200, "the new name is served")
    wait_until(lambda: daemon.get("/LiveApp/rest/v2/version") == 404, "the old name is not")

    assert ids(daemon, "Other") == []
    (webapps / "Other").rename(webapps / "LiveApp")
    wait_until(lambda: daemon.get("/LiveApp/rest/v2/version") == 200, "the old name is served")
    assert ids(daemon) == ["kept"]


def test_another_database_name_switches_the_database_while_serving(daemon: Daemon) -> None:
    create(daemon, "in-first")

    daemon.write(db__name="second")
    wait_until(lambda: ids(daemon) == [], "the second database is in use")
    create(daemon, "in-second")
    daemon.write()
    wait_until(lambda: ids(daemon) == ["in-first"], "the first database is in use again")
    create(daemon, "later")
    daemon.write(db__name="second")
    wait_until(lambda: ids(daemon) == ["in-second"], "the second database is in use again")

    assert daemon.stop() == 0
    daemon.start()
    assert ids(daemon) == ["in-second"]
    files = {path.name for path in (daemon.home / "data" / "LiveApp").iterdir()}
    assert {"LiveApp.db", "second.db"} <= files


def test_no_create_is_lost_while_settings_are_reloaded(daemon: Daemon) -> None:
    for number in range(30):
        daemon.write(listenerHookURL=f"http://hook.example/{number}")
        assert create(daemon, f"s{number:02}").status == 200

    assert ids(daemon) == [f"s{number:02}" for number in range(30)]


def test_a_database_in_memory_keeps_its_data_over_reloads_and_writes_no_file(
    daemon: Daemon,
) -> None:
    create(daemon, "in-file")
    daemon.write(db__type="memorydb")
    wait_until(lambda: ids(daemon) == [], "the database in memory is in use")

    create(daemon, "in-memory")
    daemon.write(db__type="memorydb", listenerHookURL="http://hook.example/")
    wait_until(
        lambda: (
            create(daemon, "probe").status == 400
            or daemon.call("GET", "/broadcasts/probe").json["listenerHookURL"]
            or not daemon.call("DELETE", "/broadcasts/probe")
        ),
        "the new settings are in force",
    )

    assert ids(daemon) == ["in-memory", "probe"]
    assert [path.name for path in (daemon.home / "data" / "LiveApp").glob("*.db")] == ["LiveApp.db"]
    daemon.write(db__type="mapdb")
    wait_until(lambda: ids(daemon) == ["in-file"], "the database in the file is in use again")


def test_a_kind_of_database_that_is_not_there_is_unavailable_behind_the_guard(
    daemon: Daemon,
) -> None:
    create(daemon, "kept")
    path = "/LiveApp/rest/v2/broadcasts/kept"
    daemon.write(db__type="mongodb", jwtControlEnabled="true", jwtSecretKey=SECRET)

    wait_until(lambda: daemon.get(path) == 403, "the guard is on")
    response = daemon.request("GET", path, headers={"Authorization": signed()})

    assert response.status == 503
    assert response.headers["content-type"] == "application/json"
    assert response.json == {
        "success": False,
        "message": "Data is not available",
        "dataId": "",
        "errorId": 0,
    }
    assert daemon.get(path, signed(secret="another secret of 32 characters!")) == 403
    daemon.write(jwtControlEnabled="false")
    wait_until(lambda: daemon.get(path) == 200, "the data is back")


def test_applications_whose_names_differ_in_case_share_nothing(daemon: Daemon) -> None:
    for application in ("Live", "live"):
        daemon.write(application, db__name="same")
    wait_until(lambda: daemon.get("/Live/rest/v2/version") == 200, "Live is served")
    wait_until(lambda: daemon.get("/live/rest/v2/version") == 200, "live is served")

    assert create(daemon, "upper", "Live").status == 200
    assert create(daemon, "lower", "live").status == 200

    assert (ids(daemon, "Live"), ids(daemon, "live")) == (["upper"], ["lower"])
    assert ids(daemon) == []


@pytest.mark.parametrize("damage", ["garbage", "directory"])
def test_a_damaged_database_costs_only_its_application(home: Path, damage: str) -> None:
    database = home / "data" / "Broken" / "Broken.db"
    if damage == "directory":
        database.mkdir(parents=True)
    else:
        database.parent.mkdir(parents=True)
        database.write_bytes(b"no database " * 1000)
    daemon = Daemon(home)
    daemon.write("LiveApp")
    daemon.write("Broken")

    with daemon:
        for _ in range(3):
            answer = create(daemon, "a", "Broken")
            assert (answer.status, answer.json["message"]) == (503, "Data is not available")
            assert answer.headers["retry-after"] == "1"
        assert create(daemon, "a").status == 200
        assert "Broken.db" in daemon.log()

        if damage == "directory":
            database.rmdir()
        else:
            database.unlink()
        assert create(daemon, "a", "Broken").status == 200
