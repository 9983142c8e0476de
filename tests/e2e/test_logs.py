"""What a running daemon logs, and where."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from tests.daemon import Daemon, wait_until

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (?:INFO|WARNING|ERROR) \S.*\n")


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
