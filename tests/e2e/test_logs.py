"""What a running daemon logs, and where."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon import (
    DAEMON,
    DEADLINE_S,
    SECRET,
    Daemon,
    signed,
    wait_until,
    write_properties,
)

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (?:INFO|WARNING|ERROR) \S.*\n")

ACCESS_LINE = re.compile(
    r'^(\S+) - - \[[^]]+\] "(\S+ \S+) HTTP/1\.1" (\d+) (\d+)'
    r" application=(\S+) ms=\d+\.\d\d reason=(\S+)$",
    re.MULTILINE,
)


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines(keepends=True) if path.exists() else []


def test_the_log_is_in_a_file_too_and_its_errors_in_another(daemon: Daemon) -> None:
    log, errors = (
        daemon.home / "log" / name for name in ("ant-media-server.log", "antmedia-error.log")
    )
    daemon.write(ipFilterEnabled="perhaps")
    daemon.wait_for_log("settings kept")
    daemon.stop()

    assert lines_of(log) == daemon.log().splitlines(keepends=True)
    assert all(LINE.fullmatch(line) for line in lines_of(log))
    assert lines_of(errors) == [line for line in lines_of(log) if " ERROR " in line]
    assert lines_of(errors)


def test_a_log_that_was_moved_away_goes_on_in_a_new_file(daemon: Daemon) -> None:
    log = daemon.home / "log" / "ant-media-server.log"
    wait_until(lambda: "serving: " in "".join(lines_of(log)))
    log.rename(log.with_name("moved"))
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGHUP)

    wait_until(lambda: "signal=SIGHUP" in "".join(lines_of(log)))
    assert "serving: " not in log.read_text()


def test_a_daemon_that_cannot_write_its_log_files_serves(home: Path) -> None:
    (home / "log").write_text("no directory")
    daemon = Daemon(home)
    daemon.write()
    with daemon:
        assert daemon.get("/LiveApp/rest/v2/version") == 200
        daemon.write(ipFilterEnabled="perhaps")
        daemon.wait_for_log("settings kept")
        assert daemon.log().count("WARNING log file not written") == 2

        (home / "log").unlink()
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_log("WARNING log file written again")
        wait_until(lambda: lines_of(home / "log" / "ant-media-server.log"))


def test_a_flood_of_refusals_is_counted_rather_than_written(daemon: Daemon) -> None:
    statuses: list[int] = []

    def refuse(times: int = 1) -> bool:
        statuses.extend(daemon.get("/LiveApp/rest/v2/version") for _ in range(times))
        return statuses[-1] == 403

    def flood() -> bool:
        """Send what is more than a second's share, unless this machine is very slow."""
        refuse(100)
        return " requests refused: application=LiveApp reason=no_token count=" in daemon.log()

    daemon.write(jwtControlEnabled="true", jwtSecretKey="a" * 32)
    wait_until(refuse)
    wait_until(flood)
    daemon.stop()

    written = daemon.log().count(" request refused: application=LiveApp")
    counted = re.findall(r" requests refused: application=LiveApp .*count=(\d+)\n", daemon.log())
    assert written + sum(map(int, counted)) == statuses.count(403)
    assert written < statuses.count(403)


@pytest.fixture
def logging_daemon(home: Path) -> Iterator[Daemon]:
    """A daemon with an access log, and a proxy before it."""
    daemon = Daemon(home)
    daemon.write(jwtControlEnabled="true", jwtSecretKey=SECRET)
    write_properties(
        home / "conf" / "red5.properties", log__access="on", http__trusted_proxies="127.0.0.1"
    )
    with daemon:
        yield daemon


def test_the_access_log_has_a_line_for_each_request(logging_daemon: Daemon) -> None:
    daemon, token, api = logging_daemon, signed(), "/LiveApp/rest/v2"
    video = daemon.home / "webapps" / "LiveApp" / "streams" / "a.mp4"
    video.parent.mkdir()
    video.write_bytes(b"x" * 1000)

    def send(method: str, path: str, **headers: str) -> None:
        daemon.request(method, path, headers=headers)

    send("GET", f"{api}/version?token=secret", Authorization=token)
    send("HEAD", f"{api}/version", Authorization=token)
    send("GET", f"{api}/broadcasts/count", Authorization="x.y")
    send("GET", "/Live%41pp/rest/v2/version", **{"X-Forwarded-For": "203.0.113.9"})
    send("GET", "/LiveApp/streams/a.mp4", Range="bytes=0-99")
    send("GET", "/LiveApp/streams/b.mp4")
    send("GET", "/Nobody/rest/v2/version")
    send("GET", "/..%2f..")
    send("GET", f"http://user:password@host{api}/elsewhere#token", Authorization=token)
    send(
        "OPTIONS",
        f"{api}/version",
        **{"Origin": "https://a", "Access-Control-Request-Method": "GET"},
    )
    send("GET", "/healthz")
    daemon.stop()

    text = (daemon.home / "log" / "access.log").read_text()
    parsed = ACCESS_LINE.findall(text)
    here, size = "127.0.0.1", parsed[0][3]
    assert text.count("\n") == len(parsed)
    assert [(*one[:3], *one[4:]) for one in parsed] == [
        (here, f"GET {api}/version", "200", "LiveApp", "-"),
        (here, f"HEAD {api}/version", "200", "LiveApp", "-"),
        (here, f"GET {api}/broadcasts/count", "403", "LiveApp", "malformed"),
        ("203.0.113.9", "GET /Live%41pp/rest/v2/version", "403", "LiveApp", "ip_not_allowed"),
        (here, "GET /LiveApp/streams/a.mp4", "206", "LiveApp", "-"),
        (here, "GET /LiveApp/streams/b.mp4", "404", "LiveApp", "-"),
        (here, "GET /Nobody/rest/v2/version", "404", "-", "-"),
        (here, "GET /..%2f..", "400", "-", "-"),
        (here, f"GET {api}/elsewhere", "404", "LiveApp", "-"),
        (here, f"OPTIONS {api}/version", "200", "LiveApp", "-"),
        (here, "GET /healthz", "200", "-", "-"),
    ]
    assert int(size) > 0
    assert [one[3] for one in parsed[1:5:3]] == ["0", "100"]


def test_the_access_log_is_switched_by_saving_the_file(daemon: Daemon) -> None:
    log, conf = daemon.home / "log" / "access.log", daemon.home / "conf" / "red5.properties"

    def is_seen(path: str) -> bool:
        daemon.get(path)
        return path in "".join(lines_of(log))

    assert daemon.get("/before") == 404
    write_properties(conf, log__access="on")
    wait_until(lambda: is_seen("/while"))
    reloads = daemon.log().count("settings in force: server")
    write_properties(conf, log__access="off")
    wait_until(lambda: daemon.log().count("settings in force: server") > reloads)
    assert daemon.get("/after") == 404
    daemon.stop()

    assert "/before" not in log.read_text()
    assert "/after" not in log.read_text()


def test_the_log_can_be_json(home: Path) -> None:
    daemon = Daemon(home, "--log-format", "json")
    daemon.write(hlsTime="3")
    daemon.write("Bad", ipFilterEnabled="perhaps")
    write_properties(home / "conf" / "red5.properties", http__trusted_proxies="127.0.0.1")
    with daemon:
        daemon.request("GET", "/LiveApp/rest/v2/x", headers={"X-Forwarded-For": "192.0.2.1"})

    lines = [json.loads(line) for line in daemon.log().splitlines()]
    refused = next(line for line in lines if line["event"] == "request refused")
    assert refused["fields"] == {
        "application": "LiveApp",
        "client": "192.0.2.1",
        "reason": "ip_not_allowed",
        "method": "GET",
        "path": "/LiveApp/rest/v2/x",
    }
    kept = next(line for line in lines if line["event"] == "settings kept")
    assert kept["level"] == "ERROR"
    assert kept["fields"].items() > {"application": "Bad", "state": "failed", "line": 3}.items()
    assert kept["fields"]["key"] == "ipFilterEnabled"
    in_force = next(line["fields"] for line in lines if "jwt_filter" in line["fields"])
    assert (in_force["generation"], in_force["jwt_filter"]) == (1, "off")
    text = (home / "log" / "ant-media-server.log").read_text()
    assert [line["message"] for line in lines] == [
        line.split(" ", 2)[2] for line in text.splitlines()
    ]


def test_the_journal_gets_priorities_and_no_second_time(home: Path) -> None:
    write_properties(home / "webapps" / "Bad" / "WEB-INF" / "red5-web.properties", hlsTime="x")
    # As systemd does it: the variable names the very socket or file.
    journal = home / "journal"
    journal.touch()
    status = journal.stat()
    with journal.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "antmediad", "serve", "--home", home, "--port", "0"],
            env={
                **os.environ,
                "PYTHONPATH": str(DAEMON),
                "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}",
            },
            stderr=stream,
        )
    wait_until(lambda: "serving: " in journal.read_text())
    process.terminate()
    assert process.wait(DEADLINE_S) == 0

    lines = journal.read_text().splitlines()
    assert all(re.match(r"<6>INFO |<4>WARNING |<3>ERROR ", line) for line in lines)
    assert any(line.startswith("<6>INFO serving: url=") for line in lines)
    assert any(line.startswith("<4>WARNING settings") for line in lines)
