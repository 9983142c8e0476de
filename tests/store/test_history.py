"""The settings that were in force, on record."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from antmediad.errors import StoreError
from antmediad.store.database import Database
from antmediad.store.history import _MIGRATIONS, History, Version
from tests.daemon import DAEMON, wait_until

FIRST = Version("LiveApp", 1, 1_700_000_000.5, "file", "ab" * 32, True)
SECOND = dataclasses.replace(FIRST, generation=2, taken_at=1_700_000_001.0, guarded=False)

WRITER = """
import asyncio, sys
from pathlib import Path
from antmediad.store.history import History, Version

async def main():
    history = History(Path(sys.argv[1]))
    for generation in range(1, 101):
        content = b"x" * generation
        await history.append(Version("LiveApp", generation, 1.0, "file", "", True), content)
        print(generation, flush=True)
    sys.stdin.read()

asyncio.run(main())
"""


@pytest.fixture(params=["file", "memory"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    opened = History(tmp_path / "settings.db" if request.param == "file" else None)
    yield opened
    asyncio.run(opened.close())


def append(history: History, version: Version, content: bytes | None) -> int:
    return asyncio.run(history.append(version, content))


def test_a_new_history_is_empty(history: History) -> None:
    assert history.latest() == {}
    assert history.content("LiveApp", 1) is None


def test_the_newest_version_of_each_application_is_the_latest(history: History) -> None:
    other = dataclasses.replace(FIRST, application="liveapp", generation=10)

    append(history, SECOND, b"b=2\n")
    append(history, FIRST, b"a=1\n")
    append(history, other, b"")

    assert history.latest() == {"LiveApp": SECOND, "liveapp": other}


def test_every_content_is_kept_byte_by_byte(history: History) -> None:
    append(history, FIRST, b"a=\xff\0\r\n")
    append(history, SECOND, None)

    assert history.content("LiveApp", 1) == b"a=\xff\0\r\n"
    assert history.content("LiveApp", 2) is None
    assert history.content("liveapp", 1) is None


def test_a_version_that_is_on_record_stays_as_it_is(history: History) -> None:
    append(history, FIRST, b"a=1\n")
    append(history, dataclasses.replace(FIRST, source="panel"), b"a=2\n")

    assert history.latest() == {"LiveApp": FIRST}
    assert history.content("LiveApp", 1) == b"a=1\n"


def test_the_file_is_private_and_outlives_its_process(tmp_path: Path) -> None:
    path = tmp_path / "data" / "settings.db"
    umask = os.umask(0)
    try:
        history = History(path)
    finally:
        os.umask(umask)
    append(history, FIRST, b"jwtSecretKey=s\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    asyncio.run(history.close())

    reopened = History(path)

    assert reopened.latest() == {"LiveApp": FIRST}
    asyncio.run(reopened.close())


@pytest.mark.parametrize(
    ("generation", "digest", "expected"),
    [
        pytest.param(3, "cd", 3, id="next"),
        pytest.param(2, "ab", 2, id="the-same-of-another-process"),
        pytest.param(1, "ab", 2, id="the-same-by-another-way"),
        pytest.param(3, "ab", 3, id="the-same-file-with-another-secret"),
        pytest.param(2, "cd", 3, id="another-change-of-another-process"),
        pytest.param(7, "cd", 7, id="after-some-that-are-lost"),
    ],
)
def test_a_version_gets_a_generation_of_its_own_unless_it_is_the_newest_already(
    history: History, generation: int, digest: str, expected: int
) -> None:
    for number, before in enumerate(["00", "ab"], 1):
        append(history, dataclasses.replace(FIRST, generation=number, digest=before), b"")

    got = append(history, dataclasses.replace(FIRST, generation=generation, digest=digest), b"x")

    newest = history.newest("LiveApp")
    assert newest is not None
    assert (got, newest.generation, newest.digest) == (expected, expected, digest)
    assert history.newest("Other") is None


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param(2, [], id="none"),
        pytest.param(3, [2], id="the-newest"),
        pytest.param(4, [2, 3], id="and-what-followed"),
        pytest.param(7, [5, 6], id="the-latest-of-several"),
    ],
)
def test_what_came_since_the_filter_was_on_is_told(
    history: History, before: int, expected: list[int]
) -> None:
    for number in range(1, 8):
        version = dataclasses.replace(FIRST, generation=number, guarded=number in (2, 5))
        append(history, dataclasses.replace(version, digest=f"{number:02}"), b"")
        append(history, dataclasses.replace(version, application="Other", guarded=True), b"")

    found = history.since_guarded("LiveApp", before)

    assert [version.generation for version in found] == expected


def test_a_history_is_read_while_another_process_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "settings.db"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        env={**os.environ, "PYTHONPATH": str(DAEMON)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            written = int(line)
            history = History.for_reading(path)
            seen = history.latest()["LiveApp"].generation
            assert seen >= written
            assert history.content("LiveApp", seen) == b"x" * seen
            asyncio.run(history.close())
            if written == 100:
                break
        reader = History.for_reading(path)
        writer.communicate("")
    assert wait_until(lambda: reader.latest()["LiveApp"].generation == 100)
    asyncio.run(reader.close())


def test_a_history_of_a_stopped_daemon_is_read(tmp_path: Path) -> None:
    path = tmp_path / "settings.db"
    history = History(path)
    append(history, FIRST, b"a=1\n")
    asyncio.run(history.close())

    reader = History.for_reading(path)

    assert reader.latest() == {"LiveApp": FIRST}
    with pytest.raises(StoreError):
        append(reader, SECOND, b"b=2\n")
    asyncio.run(reader.close())


def test_no_history_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"settings\.db"):
        History.for_reading(tmp_path / "settings.db")


def announced(history: History, version: Version) -> None:
    asyncio.run(history.announce(version))


def test_an_announced_version_is_kept_with_its_source_and_actor(history: History) -> None:
    told = dataclasses.replace(FIRST, source="cli", actor="ann")
    announced(history, told)

    append(history, FIRST, b"a=1\n")
    append(history, SECOND, b"a=1\n")

    # Once: who writes the same again later is somebody else.
    assert history.versions("LiveApp") == [SECOND, told]


@pytest.mark.parametrize("other", [{"digest": "cd" * 32}, {"application": "Other"}])
def test_an_announcement_is_of_one_file_of_one_application(
    history: History, other: dict[str, str]
) -> None:
    announced(history, dataclasses.replace(FIRST, source="cli", actor="ann", **other))  # type: ignore[arg-type]

    append(history, FIRST, b"a=1\n")

    assert history.latest() == {"LiveApp": FIRST}


def test_an_announcement_that_a_later_one_overtook_is_forgotten(history: History) -> None:
    overtaken = dataclasses.replace(FIRST, source="cli", digest="cd" * 32)
    later = dataclasses.replace(FIRST, source="cli", taken_at=FIRST.taken_at + 1)
    announced(history, overtaken)
    announced(history, later)

    append(history, FIRST, b"a=1\n")
    append(history, dataclasses.replace(SECOND, digest="cd" * 32), b"b=2\n")

    assert [one.source for one in history.versions("LiveApp")] == ["file", "cli"]


def test_a_withdrawn_announcement_counts_no_more(history: History) -> None:
    announced(history, dataclasses.replace(FIRST, source="cli"))
    asyncio.run(history.withdraw("LiveApp", FIRST.digest))

    append(history, FIRST, b"a=1\n")

    assert history.latest() == {"LiveApp": FIRST}


def test_a_history_of_the_first_schema_is_read_on(tmp_path: Path) -> None:
    path = tmp_path / "settings.db"
    first = Database(path, _MIGRATIONS[:1])
    insert = "INSERT INTO version VALUES ('LiveApp', 1, 1.0, 'file', 'ab', 1, x'00')"
    asyncio.run(first.write(lambda connection: connection.execute(insert).rowcount))
    asyncio.run(first.close())

    history = History(path)

    assert history.versions("LiveApp") == [Version("LiveApp", 1, 1.0, "file", "ab", True, "")]
    assert history.content("LiveApp", 1) == b"\0"
    asyncio.run(history.close())
