"""A properties file is replaced whole or not at all, and never one that nobody has seen."""

from __future__ import annotations

import fcntl
import os
import random
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest

from antmediad.applications.home import Home
from antmediad.applications.registry import Registry
from antmediad.applications.write import (
    NO_FILE,
    changed_keys,
    check_change,
    digest_of,
    edit_settings,
    write_settings,
)
from antmediad.errors import SettingsConflictError, SettingsError, SettingsWriteError
from antmediad.properties.reader import parse_properties
from antmediad.settings.parse import GUARD_GONE, parse_settings
from antmediad.settings.schema import SERVER_SPELLINGS
from tests.daemon import DAEMON, SECRET

OLD, NEW = b"a=1\n", b"a=2\n"
NOBODY = 65534
as_root = pytest.mark.skipif(
    os.geteuid() != 0 and os.environ.get("CI") != "true", reason="only root can be somebody else"
)

REPEATING = """
import sys
from pathlib import Path
from antmediad.applications.write import digest_of, write_settings
path = Path(sys.argv[1])
versions = [bytes([letter]) * 40_000 for letter in b"ab"]
print("ready", flush=True)
while True:
    for old, new in (versions, versions[::-1]):
        write_settings(path, new, digest_of(old))
"""
DYING = """
import os, signal, sys
from pathlib import Path
from antmediad.applications.write import digest_of, write_settings
os.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
write_settings(Path(sys.argv[1]), b"a=2\\n", digest_of(b"a=1\\n"))
"""
COUNTING = """
import sys
from pathlib import Path
from antmediad.applications.write import digest_of, edit_settings, write_settings
from antmediad.errors import SettingsConflictError
path, key = Path(sys.argv[1]), sys.argv[2]
written = conflicts = 0
while written < 60:
    before = path.read_bytes()
    after = edit_settings(before, {key: str(written + 1)})
    try:
        write_settings(path, after, digest_of(before))
        written += 1
    except SettingsConflictError:
        conflicts += 1
print(conflicts)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A properties file, alone in its directory."""
    (tmp_path / "WEB-INF").mkdir()
    path = tmp_path / "WEB-INF" / "red5-web.properties"
    path.write_bytes(OLD)
    return path


@contextmanager
def python(script: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": str(DAEMON)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


@contextmanager
def nobody() -> Iterator[Path]:
    """Be another user for a while, with a directory that this user can reach."""
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o777)
    os.seteuid(NOBODY)
    try:
        yield directory
    finally:
        os.seteuid(0)
        shutil.rmtree(directory)


def alone(path: Path) -> bool:
    return os.listdir(path.parent) == [path.name]


def test_a_file_is_replaced(path: Path) -> None:
    write_settings(path, NEW, digest_of(OLD))

    assert path.read_bytes() == NEW
    assert alone(path)


@pytest.mark.parametrize(
    "now", [pytest.param(b"a=3\n", id="edited"), pytest.param(None, id="gone")]
)
def test_another_file_than_the_expected_one_stays(path: Path, now: bytes | None) -> None:
    path.unlink()
    if now is not None:
        path.write_bytes(now)

    with pytest.raises(SettingsConflictError):
        write_settings(path, NEW, digest_of(OLD))

    assert (path.read_bytes() if path.exists() else None) == now


def test_a_hand_edit_while_writing_is_not_lost(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def edited_meanwhile(descriptor: int) -> None:
        path.write_bytes(b"a=by hand\n")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", edited_meanwhile)

    with pytest.raises(SettingsConflictError):
        write_settings(path, NEW, digest_of(OLD))

    assert path.read_bytes() == b"a=by hand\n"
    assert alone(path)


def test_of_writers_with_the_same_file_in_mind_one_wins(path: Path) -> None:
    results: list[str] = []
    together = threading.Barrier(8)

    def write(number: int) -> None:
        together.wait()
        try:
            write_settings(path, b"a=%d\n" % number, digest_of(OLD))
            results.append(f"a={number}\n")
        except SettingsConflictError:
            results.append("conflict")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(10, 18)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results.count("conflict") == 7
    assert path.read_text() in results


def test_writers_in_several_processes_lose_nothing(path: Path) -> None:
    with (
        python(COUNTING, str(path), "one") as one,
        python(COUNTING, str(path), "two") as two,
        python(COUNTING, str(path), "three") as three,
    ):
        statuses = [process.wait(60) for process in (one, two, three)]

    assert statuses == [0, 0, 0]
    values = {p.key: p.value for p in parse_properties(path.read_bytes()).properties}
    assert values == {"a": "1", "one": "60", "two": "60", "three": "60"}
    assert alone(path)


def test_a_killed_writer_leaves_the_old_file_or_the_new_one_whole(path: Path) -> None:
    versions = [bytes([letter]) * 40_000 for letter in b"ab"]
    seen: set[bytes] = set()
    rolls = random.Random(4)

    for _ in range(50):
        path.write_bytes(versions[0])
        with python(REPEATING, str(path)) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            time.sleep(rolls.uniform(0, 0.02))
            writer.kill()
        content = path.read_bytes()
        assert content in versions
        seen.add(content)

    assert len(seen) == 2
    write_settings(path, NEW, digest_of(path.read_bytes()))
    assert alone(path)


def test_what_a_killed_writer_left_is_removed_by_the_next_one(path: Path) -> None:
    path.with_name(".red5-web.properties.swp").touch()
    with python(DYING, str(path)) as writer:
        assert writer.wait(30) == -signal.SIGKILL
    assert path.read_bytes() == OLD
    assert len(os.listdir(path.parent)) == 3

    write_settings(path, NEW, digest_of(OLD))

    assert path.read_bytes() == NEW
    assert set(os.listdir(path.parent)) == {path.name, ".red5-web.properties.swp"}


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_the_mode_stays(path: Path, mode: int) -> None:
    path.chmod(mode)

    write_settings(path, NEW, digest_of(OLD))

    assert stat.S_IMODE(path.stat().st_mode) == mode


@as_root
def test_the_owner_stays(path: Path) -> None:
    os.chown(path, 12345, 54321)
    path.chmod(0o640)

    write_settings(path, NEW, digest_of(OLD))

    status = path.stat()
    assert (status.st_uid, status.st_gid) == (12345, 54321)
    assert stat.S_IMODE(status.st_mode) == 0o640


@as_root
def test_who_cannot_keep_the_owner_writes_nothing() -> None:
    with nobody() as directory:
        path = directory / "red5-web.properties"
        os.seteuid(0)
        path.write_bytes(OLD)
        path.chmod(0o666)
        os.seteuid(NOBODY)

        with pytest.raises(SettingsWriteError, match="run this as root or as root"):
            write_settings(path, NEW, digest_of(OLD))

        assert path.read_bytes() == OLD
        assert alone(path)


@as_root
@pytest.mark.parametrize("what", ["directory", "file"])
def test_what_may_not_be_written_stays(what: str) -> None:
    with nobody() as directory:
        path = directory / "red5-web.properties"
        path.write_bytes(OLD)
        os.seteuid(0)
        if what == "file":
            path.chmod(0o444)
        else:
            directory.chmod(0o555)
        os.seteuid(NOBODY)

        with pytest.raises(SettingsWriteError, match="Permission denied"):
            write_settings(path, NEW, digest_of(OLD))

        assert path.read_bytes() == OLD
        assert alone(path)


def test_a_symbolic_link_stays_and_what_it_leads_to_is_replaced(path: Path) -> None:
    link = path.parent.parent / "red5-web.properties"
    link.symlink_to("WEB-INF/red5-web.properties")

    write_settings(link, NEW, digest_of(OLD))

    assert link.is_symlink()
    assert path.read_bytes() == NEW
    assert not path.is_symlink()
    assert alone(path)


def test_a_full_disk_changes_nothing(path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(SettingsWriteError, match="nothing was changed"):
            write_settings(path, b"a=" + b"x" * 100_000, digest_of(OLD))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert path.read_bytes() == OLD
    assert alone(path)


def test_a_writer_does_not_wait_for_ever(path: Path) -> None:
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        with pytest.raises(SettingsWriteError, match="another writer"):
            write_settings(path, NEW, digest_of(OLD), wait_s=0.02)
    finally:
        os.close(directory)

    assert path.read_bytes() == OLD


# Which lines a setting is written to


SPELLED = ("listenerHookURL", "settings.listenerHookURL")


@pytest.mark.parametrize("value", ["http://new.example/", "", None])
def test_a_written_value_counts_whatever_stands_there(value: str | None) -> None:
    standing = (None, "", "http://a.example/", "http://b.example/")
    for texts in product(standing, repeat=4):
        lines = zip(SPELLED * 2, texts, strict=True)
        before = "".join(f"{key}={text}\n" for key, text in lines if text is not None).encode()

        after = edit_settings(before, {SPELLED[len(before) % 2]: value})

        settings = parse_settings(parse_properties(after).properties).settings
        assert settings.listener_hook_url == (value or "")


def test_a_line_of_two_settings_is_not_changed_for_one_of_them() -> None:
    before = b"settings.tokenControlEnabled=true\n"

    after = edit_settings(before, {"playTokenControlEnabled": "false"})

    settings = parse_settings(parse_properties(after).properties).settings
    assert after.startswith(before)
    assert (settings.publish_token_control_enabled, settings.play_token_control_enabled) == (
        True,
        False,
    )


def test_a_line_of_two_settings_is_removed_for_both_only() -> None:
    before = b"a=1\nsettings.tokenControlEnabled=true\n"

    with pytest.raises(SettingsError) as raised:
        edit_settings(before, {"playTokenControlEnabled": None})

    assert raised.value.problems[0].key == "playTokenControlEnabled"
    assert edit_settings(before, {"settings.tokenControlEnabled": None}) == b"a=1\n"


def test_two_spellings_of_one_setting_cannot_be_set_to_two_values() -> None:
    with pytest.raises(SettingsError, match="expected one value"):
        edit_settings(b"", {"jwksURL": "a", "settings.jwksURL": "b"})


# What is not written


class Checked:
    """An application on disk, and what the daemon would say about changes of its file."""

    def __init__(self, home: Path, text: str) -> None:
        self.path = Home(home).properties_of("LiveApp")
        self.path.parent.mkdir(parents=True)
        self.path.write_text(text)
        self.before = text.encode()
        self.registry = Registry(Home(home))
        self.registry.reload("LiveApp")

    def change(self, **changes: str | None) -> list[str]:
        """Return the keys of the problems that are told."""
        after = edit_settings(self.before, changes)
        problems = check_change(
            self.before, after, lambda content: self.registry.check("LiveApp", content)
        )
        return [problem.key for problem in problems]


IDENTITY = "webapp.contextPath=/LiveApp\nwebapp.virtualHosts=*\n"
GOOD = f"{IDENTITY}jwtControlEnabled=true\njwtSecretKey={SECRET}\n"


def test_a_wrong_value_names_its_field_and_line(home: Path) -> None:
    checked = Checked(home, GOOD)

    with pytest.raises(SettingsError) as raised:
        checked.change(remoteAllowedCIDR="10.0.0.0/33")

    (problem,) = raised.value.problems
    assert (problem.key, problem.line) == ("remoteAllowedCIDR", 5)
    assert "10.0.0.0/33" not in str(raised.value)


def test_the_jwt_filter_is_not_switched_off_by_removing_its_line(home: Path) -> None:
    checked = Checked(home, GOOD)

    with pytest.raises(SettingsError) as raised:
        checked.change(jwtControlEnabled=None)

    assert raised.value.problems[0].message == GUARD_GONE
    assert checked.change(jwtControlEnabled="false") == []


def test_an_error_elsewhere_is_told_and_hinders_nobody(home: Path) -> None:
    checked = Checked(home, GOOD + "ipFilterEnabled=ture\n")

    assert checked.change(appName="LiveApp") == ["ipFilterEnabled"]
    with pytest.raises(SettingsError):
        checked.change(ipFilterEnabled="flase")


def test_checking_changes_nothing_that_is_in_force(home: Path) -> None:
    checked = Checked(home, GOOD)
    before = checked.registry.applications["LiveApp"].snapshot

    checked.change(jwtControlEnabled="false")
    checked.registry.check("Other", b"a=1\n")

    assert checked.registry.applications["LiveApp"].snapshot is before
    assert list(checked.registry.applications) == ["LiveApp"]


def test_changed_keys_are_those_with_other_values() -> None:
    assert changed_keys(b"a=1\nb=2\nc=3\n", b"#\nc=3\na = 1\nb=3\nd=\n") == {"b", "d"}


def test_the_servers_file_is_edited_by_its_own_keys() -> None:
    before = b"server.name=a\nhlsTime=3\nsettings.hlsTime=4\n"

    after = edit_settings(before, {"server.name": "b", "logLevel": "DEBUG"}, SERVER_SPELLINGS)

    assert after == b"server.name=b\nhlsTime=3\nsettings.hlsTime=4\nlogLevel=DEBUG\n"
    # No setting of the server's: its spellings are two keys.
    assert edit_settings(before, {"hlsTime": None}, SERVER_SPELLINGS) == before.replace(
        b"hlsTime=3\n", b"", 1
    )


def test_a_file_is_made_where_none_is(path: Path) -> None:
    path.unlink()

    write_settings(path, NEW, NO_FILE)

    assert path.read_bytes() == NEW
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.stat().st_nlink == 1
    assert alone(path)


def test_no_file_is_made_where_one_is(path: Path) -> None:
    with pytest.raises(SettingsConflictError):
        write_settings(path, NEW, NO_FILE)
    assert path.read_bytes() == OLD
    assert alone(path)


def test_no_file_is_made_without_its_directory(tmp_path: Path) -> None:
    with pytest.raises(SettingsWriteError, match="directory is missing"):
        write_settings(tmp_path / "conf" / "red5.properties", NEW, NO_FILE)
    assert not (tmp_path / "conf").exists()
