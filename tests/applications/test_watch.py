"""What inotify is made to report, and what it is not."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from antmediad.applications.watch import ANY, Change, Role, Watch, is_remote

Seen = list[tuple[str, str, Change]]
Act = Callable[[Watch, Path], object]


def seen_while(act: Act, path: Path, watch_for: tuple[tuple[str, str, Role], ...]) -> Seen:
    """Return what is reported while *act* runs, up to a change that is made after it."""

    async def run() -> Seen:
        seen: Seen = []
        watch = Watch(lambda *change: seen.append(change), lambda: None)
        watch.start()
        for owner, name, role in watch_for:
            watch.add(owner, str(path), name, role)
        act(watch, path)
        # In order: what this raises comes after all that was to be seen.
        end = path.parent / "end"
        end.mkdir(exist_ok=True)
        watch.add("end", str(end), ANY, Role.STRUCTURE)
        (end / "mark").touch()
        await until(lambda: any(owner == "end" for owner, _, _ in seen))
        watch.close()
        return [change for change in seen if change[0] != "end"]

    return asyncio.run(run())


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.002)


@pytest.fixture
def watched(tmp_path: Path) -> Path:
    (tmp_path / "watched").mkdir()
    (tmp_path / "watched" / "file").write_text("before")
    return tmp_path / "watched"


def replace(_: Watch, path: Path) -> None:
    (path.parent / "new").write_text("after")
    (path.parent / "new").rename(path / "file")


@pytest.mark.parametrize(
    ("act", "changes"),
    [
        pytest.param(
            lambda _, path: (path / "file").write_text("after"),
            [Change.WRITING, Change.WRITTEN],
            id="written",
        ),
        pytest.param(replace, [Change.WRITTEN], id="replaced"),
        pytest.param(lambda _, path: (path / "file").unlink(), [Change.ENTRY], id="deleted"),
        pytest.param(
            lambda _, path: (path / "file").rename(path / "x"), [Change.ENTRY], id="renamed"
        ),
        pytest.param(lambda _, path: (path / "file").chmod(0o600), [Change.ENTRY], id="chmod"),
        pytest.param(lambda _, path: (path / "file").read_text(), [], id="read"),
        pytest.param(lambda _, path: (path / "other").write_text("x"), [], id="another-entry"),
    ],
)
def test_of_contents_writing_and_coming_and_going_is_reported(
    watched: Path, act: Act, changes: list[Change]
) -> None:
    seen = seen_while(act, watched, (("owner", "file", Role.CONTENTS),))

    assert list(dict.fromkeys(change for _, _, change in seen)) == changes
    assert {(owner, name) for owner, name, _ in seen} <= {("owner", "file")}


def test_of_structure_writing_is_not_reported_even_beside_another_owner_of_contents(
    watched: Path,
) -> None:
    seen = seen_while(
        lambda _, path: (path / "file").write_text("after"),
        watched,
        (("structure", ANY, Role.STRUCTURE), ("contents", "file", Role.CONTENTS)),
    )

    assert {owner for owner, _, _ in seen} == {"contents"}


def test_of_structure_coming_and_going_is_reported(watched: Path) -> None:
    def act(_: Watch, path: Path) -> None:
        (path / "new").mkdir()
        (path / "new").rename(path / "other")
        (path / "other").rmdir()

    seen = seen_while(act, watched, (("owner", ANY, Role.STRUCTURE),))

    assert [name for _, name, _ in seen] == ["new", "new", "other", "other"]


def test_a_directory_that_is_moved_or_deleted_reports_itself(watched: Path) -> None:
    def act(_: Watch, path: Path) -> None:
        path.rename(path.parent / "moved")

    seen = seen_while(act, watched, (("one", "file", Role.CONTENTS), ("two", "x", Role.STRUCTURE)))

    assert {(owner, name) for owner, name, _ in seen} == {("one", ""), ("two", "")}


def test_what_is_removed_is_reported_to_the_others_only(watched: Path) -> None:
    def act(watch: Watch, path: Path) -> None:
        watch.remove("one", watch.add("one", str(path), "file", Role.CONTENTS))
        (path / "file").write_text("after")

    both = (("one", "file", Role.CONTENTS), ("two", "file", Role.CONTENTS))

    assert {owner for owner, _, _ in seen_while(act, watched, both)} == {"two"}
    assert seen_while(act, watched, both[:1]) == []


def test_a_name_of_odd_bytes_is_reported(watched: Path) -> None:
    def act(_: Watch, path: Path) -> None:
        Path(os.fsdecode(os.fsencode(path) + b"/\xff\n")).touch()

    seen = seen_while(act, watched, (("owner", ANY, Role.STRUCTURE),))

    assert os.fsencode(seen[0][1]) == b"\xff\n"


def test_events_that_the_kernel_dropped_are_told(tmp_path: Path) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    lost = []

    async def run() -> None:
        watch = Watch(lambda *_: None, lambda: lost.append(True))
        watch.start()
        watch.add("owner", str(tmp_path), ANY, Role.STRUCTURE)
        # Two names in turn, or the kernel would make one event of many equal ones.
        for name in ("a", "b"):
            (tmp_path / name).touch()
        for number in range(limit + 10):
            os.chmod(tmp_path / "ab"[number % 2], 0o600)
        await until(lambda: bool(lost))
        watch.close()

    asyncio.run(run())
    assert lost == [True]


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_what_is_no_directory_cannot_be_watched(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()

    async def run() -> None:
        watch = Watch(lambda *_: None, lambda: None)
        try:
            watch.add("owner", str(tmp_path / name), ANY, Role.STRUCTURE)
        finally:
            watch.close()

    with pytest.raises((FileNotFoundError, NotADirectoryError)):
        asyncio.run(run())


def test_no_descriptor_is_left_open() -> None:
    async def run() -> None:
        for _ in range(5):
            watch = Watch(lambda *_: None, lambda: None)
            watch.start()
            watch.close()
            watch.close()

    before = len(os.listdir("/proc/self/fd"))
    asyncio.run(run())

    assert len(os.listdir("/proc/self/fd")) == before


MOUNTS = """\
22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:30 / /srv rw - nfs4 server:/srv rw,vers=4.2
31 30 0:31 / /srv/local rw - xfs /dev/sdb rw
32 22 0:32 / /mnt/two\\040words rw - fuse.sshfs host: rw
33 22 0:33 / /mnt/stacked rw - cifs //host/share rw
34 22 0:34 / /mnt/stacked rw - tmpfs none rw
35 22 0:35 / /mnt/\xff\xe4 rw - 9p host rw
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home", False),
        ("/srv", True),
        ("/srv/antmedia", True),
        ("/srvother", False),
        ("/srv/local/antmedia", False),
        ("/mnt/two words/x", True),
        ("/mnt/stacked/x", False),
        (os.fsdecode(b"/mnt/\xff\xe4/x"), True),
    ],
)
def test_a_remote_file_system_is_told_from_a_local_one(
    tmp_path: Path, path: str, expected: bool
) -> None:
    (tmp_path / "mountinfo").write_bytes(MOUNTS.encode("latin-1"))

    assert is_remote(path, str(tmp_path / "mountinfo")) is expected


@pytest.mark.parametrize("text", ["", "nonsense\n", "22 1 0:21 /\n"])
def test_a_table_of_mounts_that_cannot_be_read_means_local(tmp_path: Path, text: str) -> None:
    (tmp_path / "mountinfo").write_text(text)

    assert not is_remote("/srv", str(tmp_path / "mountinfo"))
    assert not is_remote("/srv", str(tmp_path / "none"))
