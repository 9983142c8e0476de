"""Files of log lines."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from antmediad.observe.files import RETRY_S, LogFile


class Clock:
    """A clock that stands still until it is told the time."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def file(tmp_path: Path, clock: Clock, told: list[str]) -> Iterator[LogFile]:
    """A file of at most 20 bytes, of which two older ones are kept."""

    def tell(text: str, *arguments: object) -> None:
        told.append(text % arguments)

    made = LogFile(tmp_path / "log" / "a.log", tell, max_bytes=20, kept=2, clock=clock)
    yield made
    made.close()


def test_the_file_and_its_directory_are_made_for_the_owner_and_the_group(file: LogFile) -> None:
    file.write(b"one\n")

    assert file.path.read_bytes() == b"one\n"
    assert stat.S_IMODE(file.path.stat().st_mode) & ~0o640 == 0
    assert stat.S_IMODE(file.path.parent.stat().st_mode) & ~0o750 == 0


def test_lines_are_added_to_what_is_there(file: LogFile) -> None:
    file.write(b"one\n")
    file.close()
    file.write(b"two\n")

    assert file.path.read_bytes() == b"one\ntwo\n"


def test_a_full_file_makes_room_and_the_oldest_goes(file: LogFile) -> None:
    for number in range(4):
        file.write(b"the line number %d\n" % number)

    texts = {path.name: path.read_text() for path in file.path.parent.iterdir()}
    assert texts == {
        "a.log": "the line number 3\n",
        "a.log.1": "the line number 2\n",
        "a.log.2": "the line number 1\n",
    }


def test_a_line_that_is_too_long_is_written_whole(file: LogFile) -> None:
    file.write(b"x" * 50 + b"\n")

    assert file.path.stat().st_size == 51


def test_a_file_that_was_moved_away_is_begun_anew(file: LogFile) -> None:
    file.write(b"one\n")
    moved = file.path.rename(file.path.with_name("moved"))
    file.write(b"two\n")

    assert (moved.read_bytes(), file.path.read_bytes()) == (b"one\n", b"two\n")


def test_of_two_that_write_to_a_file_one_rotates_it(file: LogFile, told: list[str]) -> None:
    file.write(b"the first line\n")
    with file.path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        file.write(b"the second\n")

    assert file.path.read_bytes() == b"the first line\nthe second\n"
    file.write(b"the third\n")
    assert file.path.read_bytes() == b"the third\n"
    assert told == []


def test_what_cannot_be_renamed_is_written_on(file: LogFile, told: list[str]) -> None:
    for name in ("a.log.1", "a.log.2"):
        (file.path.parent / name / "something").mkdir(parents=True)
    for _ in range(3):
        file.write(b"the same old line\n")

    assert file.path.read_bytes() == b"the same old line\n" * 3
    assert told == []


@pytest.mark.parametrize("kind", ["directory", "pipe", "no directory", "device"])
def test_trouble_is_told_once_and_over_when_it_is_over(
    file: LogFile, clock: Clock, told: list[str], kind: str
) -> None:
    if kind == "no directory":
        file.path.parent.write_text("")
    else:
        file.path.parent.mkdir()
    if kind == "directory":
        file.path.mkdir()
    elif kind == "pipe":
        os.mkfifo(file.path)
    elif kind == "device":
        file.path.symlink_to("/dev/full")

    for _ in range(3):
        file.write(b"lost\n")
        clock.now += RETRY_S

    assert len(told) == 1
    assert told[0].startswith(f"log file not written: file={file.path} error=")
    if kind == "no directory":
        file.path.parent.unlink()
    else:
        file.path.rename(file.path.with_name("away"))
    file.write(b"kept\n")
    assert file.path.read_bytes() == b"kept\n"
    assert told[1:] == [f"log file written again: file={file.path} lost=3"]


def test_it_is_not_tried_again_at_once_unless_asked_for(
    file: LogFile, clock: Clock, told: list[str]
) -> None:
    file.path.mkdir(parents=True)
    file.write(b"lost\n")
    file.path.rmdir()
    clock.now += RETRY_S / 2
    file.write(b"lost as well\n")
    assert not file.path.exists()

    file.retry()
    file.write(b"kept\n")

    assert file.path.read_bytes() == b"kept\n"
    assert told[1].endswith(" lost=2")


def test_a_line_after_half_a_line_is_one_of_its_own(file: LogFile, clock: Clock) -> None:
    file.write(b"one\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    # What a full disk does: a part of the line finds room.
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
    try:
        file.write(b"two and more\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    clock.now += RETRY_S
    file.write(b"three\n")

    assert file.path.read_bytes() == b"one\ntwo \nthree\n"
