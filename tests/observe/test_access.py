"""The access log."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from antmediad.observe.access import MAX_WAITING, Access, AccessLog, line_of
from tests.daemon import wait_until

ACCESS = Access(
    at=1_763_758_023.9,
    client="203.0.113.9",
    application="LiveApp",
    method="GET",
    path="/LiveApp/rest/v2/version",
    version="1.1",
    status=403,
    size=51,
    took_s=0.000214,
    reason="expired",
)


@pytest.fixture
def log(tmp_path: Path) -> AccessLog:
    return AccessLog(tmp_path / "log" / "access.log")


def test_a_line_begins_in_the_common_log_format() -> None:
    assert line_of(ACCESS) == (
        '203.0.113.9 - - [21/Nov/2025:20:47:03 +0000] "GET /LiveApp/rest/v2/version HTTP/1.1"'
        " 403 51 application=LiveApp ms=0.21 reason=expired\n"
    )


def test_what_there_is_not_is_a_dash() -> None:
    line = line_of(ACCESS._replace(client="", application="", reason=""))

    assert line.startswith("- - - [")
    assert line.endswith(" application=- ms=0.21 reason=-\n")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        pytest.param('/a"b\\', '/a\\"b\\\\', id="quotes"),
        pytest.param("/a\nb\x1b", "/a\\nb\\x1b", id="control characters"),
        pytest.param("/\udcff", "/\\udcff", id="no UTF-8"),
        pytest.param("/" + "x" * 5000, "/" + "x" * 999, id="long"),
    ],
)
def test_a_path_cannot_be_more_than_a_path(path: str, shown: str) -> None:
    assert f'"GET {shown} HTTP/1.1"' in line_of(ACCESS._replace(path=path))


def test_lines_are_written_in_their_order_until_it_is_closed(
    log: AccessLog, tmp_path: Path
) -> None:
    log.switch(True)
    for status in range(200, 300):
        log.add(ACCESS._replace(status=status))
    log.close()

    lines = (tmp_path / "log" / "access.log").read_text().splitlines()
    assert [line.split('" ')[1].split()[0] for line in lines] == [str(n) for n in range(200, 300)]


def test_it_can_be_switched_on_and_off_again(log: AccessLog, tmp_path: Path) -> None:
    path = tmp_path / "log" / "access.log"
    log.switch(True)
    log.add(ACCESS)
    log.switch(False)
    log.switch(True)
    log.add(ACCESS)
    log.close()

    wait_until(lambda: path.exists() and path.read_text().count("\n") == 2)


def test_without_being_switched_on_there_is_no_file(log: AccessLog, tmp_path: Path) -> None:
    log.switch(False)
    log.close()

    assert list(tmp_path.iterdir()) == []


def test_what_there_is_no_room_for_is_left_out_and_told(
    log: AccessLog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(MAX_WAITING + 7):
        log.add(ACCESS)
    log.switch(True)
    log.close()

    assert (tmp_path / "log" / "access.log").read_text().count("\n") == MAX_WAITING
    assert caplog.messages == ["access log lines left out: count=7"]


def test_a_file_that_cannot_be_written_is_told(
    log: AccessLog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    (tmp_path / "log").write_text("no directory")
    log.switch(True)
    log.add(ACCESS)
    log.close()

    assert [message.partition(":")[0] for message in caplog.messages] == ["log file not written"]
