"""antmediad beside an Ant Media Server, on that one's own home."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ams_home import APPLICATIONS, make_ams_home, picture_of
from tests.cli.test_commands import antmediad
from tests.daemon import Daemon, wait_until
from tests.manager import EMAIL, PASSWORD, Manager, first_user
from tests.rest_api import create

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
FORM = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nvideo\r\n--x--\r\n'
REFUSED = "this home is read only"


def without_override() -> None:
    """Let modes hold for root, too."""
    if os.geteuid() == 0:
        ctypes.CDLL(None, use_errno=True).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


@pytest.fixture
def ams(tmp_path: Path) -> Iterator[Path]:
    """A home of Ant Media Server that nobody may write to."""
    home = tmp_path / "antmedia"
    make_ams_home(home)
    paths = [home, *home.rglob("*")]
    for path in paths:
        path.chmod(path.stat().st_mode & ~0o222)
    yield home
    for path in paths:
        if path.exists():
            path.chmod(path.stat().st_mode | 0o200)


@pytest.fixture
def watching(ams: Path, tmp_path: Path) -> Iterator[Daemon]:
    """A daemon that watches it, and keeps its own data elsewhere."""
    daemon = Daemon(
        ams, "--data", str(tmp_path / "own" / "state"), "--read-only", "--https-port", "0"
    )
    daemon.start(preexec_fn=without_override)
    yield daemon
    if daemon.process is not None and daemon.process.poll() is None:
        daemon.stop()


def test_the_home_of_an_ant_media_server_is_served_without_a_change_to_it(
    ams: Path, watching: Daemon, tmp_path: Path
) -> None:
    before = picture_of(ams)
    own = tmp_path / "own" / "state"

    manager = first_user(watching)
    for name in APPLICATIONS:
        create(watching, name, streamId="one")
    watching.request("GET", "/LiveApp/streams/stream1.mp4")
    assert watching.stop() == 0

    assert picture_of(ams) == before
    assert manager.cookie
    assert {path.name for path in own.iterdir()} == {"data", "log"}
    assert (own / "data" / "LiveApp" / "liveapp.db").exists()
    assert "applications=3 (3 active)" in watching.log()
    assert " ERROR " not in watching.log()


def test_a_file_that_the_other_server_saves_is_followed(ams: Path, watching: Daemon) -> None:
    path = watching.properties()
    for writable in (path, path.parent):
        writable.chmod(writable.stat().st_mode | 0o200)

    path.write_text(path.read_text().replace("jwtControlEnabled=false", "jwtControlEnabled=true"))

    wait_until(lambda: watching.get("/LiveApp/rest/v2/version") == 403, "the token is asked for")


@pytest.mark.parametrize(
    ("method", "path", "value"),
    [
        pytest.param("POST", "/applications/New", None, id="create an application"),
        pytest.param("DELETE", "/applications/LiveApp", None, id="remove an application"),
    ],
)
def test_what_would_change_the_home_is_refused(
    ams: Path, watching: Daemon, method: str, path: str, value: Any
) -> None:
    before = picture_of(ams)

    answer = first_user(watching).call(method, path, value).json

    assert answer["success"] is False
    assert REFUSED in answer["message"]
    assert picture_of(ams) == before


def test_a_certificate_is_not_installed(ams: Path, watching: Daemon) -> None:
    before = picture_of(ams)
    names = ("fullChainFile", "privateKeyFile", "chainFile")
    form = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\nPEM\r\n' for name in names
    )
    manager = first_user(watching)

    answer = watching.request(
        "POST",
        "/rest/v2/ssl-settings?type=CUSTOM_CERTIFICATE&domain=host.example",
        f"{form}--x--\r\n",
        {
            "Content-Type": "multipart/form-data; boundary=x",
            "Cookie": f"JSESSIONID={manager.cookie}",
        },
    )

    assert answer.json["success"] is False
    assert REFUSED in answer.json["message"]
    assert picture_of(ams) == before


def test_settings_are_not_changed(ams: Path, watching: Daemon) -> None:
    before = picture_of(ams)

    answer = first_user(watching).call("POST", "/applications/settings/LiveApp", {"hlsTime": "5"})

    assert answer.json["success"] is False
    assert REFUSED in answer.body.decode()
    assert picture_of(ams) == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("POST", "/vods/create?name=a.mp4", FORM, id="upload"),
        pytest.param("POST", "/vods/directory?directory=/srv", b"", id="import"),
        pytest.param("DELETE", "/vods/directory?directory=/srv", b"", id="unlink"),
        pytest.param("DELETE", "/vods/1", b"", id="delete"),
    ],
)
def test_files_of_vods_are_not_changed(
    ams: Path, watching: Daemon, method: str, path: str, body: bytes
) -> None:
    before = picture_of(ams)

    answer = watching.request(
        method,
        f"/LiveApp/rest/v2{path}",
        body,
        {"Content-Type": "multipart/form-data; boundary=x"},
    )

    assert answer.status == 200
    assert answer.json["success"] is False
    assert REFUSED in answer.json["message"]
    assert picture_of(ams) == before


def test_a_home_that_may_be_written_keeps_what_is_asked_for_and_nothing_else(
    tmp_path: Path,
) -> None:
    home, own = tmp_path / "antmedia", tmp_path / "own"
    make_ams_home(home, segments=1)
    (home / "webapps" / "LiveApp" / "streams" / ".vod.mp4.upload").unlink()
    before = picture_of(home)
    with Daemon(home, "--data", str(own), "--https-port", "0") as daemon:
        create(daemon, streamId="one")
        assert picture_of(home) == before

        assert first_user(daemon).call("POST", "/applications/New").json["success"]

        assert (home / "webapps" / "New").is_dir()
        assert not (home / "data").exists()
        assert (own / "log" / "ant-media-server.log").exists()


@pytest.mark.parametrize("by", ["option", "environment"])
def test_commands_know_the_data_of_a_home_that_has_it_elsewhere(
    ams: Path, watching: Daemon, tmp_path: Path, by: str
) -> None:
    own = str(tmp_path / "own" / "state")
    first_user(watching)
    options = ["--home", str(ams), "--data", own] if by == "option" else []
    environment = {} if options else {"ANTMEDIA_HOME": str(ams), "ANTMEDIA_DATA": own}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return antmediad(*arguments, *options, environment=environment)

    assert EMAIL in run("user", "list").stdout
    versions = json.loads(run("settings", "history", "LiveApp", "--json").stdout)
    assert versions
    assert [one["name"] for one in json.loads(run("apps", "--json").stdout)] == [*APPLICATIONS]


def test_a_user_made_on_the_command_line_can_log_in(
    ams: Path, watching: Daemon, tmp_path: Path
) -> None:
    done = antmediad(
        "user", "add", EMAIL, "--home", str(ams), "--data", str(tmp_path / "own" / "state"),
        input=PASSWORD + "\n",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert Manager(watching).log_in().json["success"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(("--read-only",), "expected --data as well", id="no data"),
        pytest.param(("--read-only", "--data", "HOME/own"), "outside of", id="within"),
        pytest.param(("--data", "HOME/LICENSE/x"), "cannot be made", id="not possible"),
    ],
)
def test_a_directory_that_cannot_be_used_is_told(
    ams: Path, options: tuple[str, ...], expected: str
) -> None:
    before = picture_of(ams)

    done = antmediad(
        "serve", "--home", str(ams), *(one.replace("HOME", str(ams)) for one in options)
    )

    assert done.returncode == 2
    assert expected in done.stderr
    assert picture_of(ams) == before


def test_a_second_daemon_on_the_same_data_does_not_start(daemon: Daemon) -> None:
    assert daemon.process is not None

    done = antmediad("serve", "--home", str(daemon.home), "--host", "127.0.0.1", "--port", "0")

    assert done.returncode == 2
    assert f"in use by another antmediad (process {daemon.process.pid})" in done.stderr
    assert daemon.get("/LiveApp/rest/v2/version") == 200


def test_the_lock_of_a_killed_daemon_is_no_obstacle(daemon: Daemon) -> None:
    daemon.stop(9)

    daemon.start()

    assert daemon.get("/LiveApp/rest/v2/version") == 200
