"""``antmediad user``, as a process, on a real database."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from antmediad.management.passwords import verify_password
from antmediad.store.audit import AuditEntry
from antmediad.store.management import ManagementStore
from tests.daemon import DAEMON, write_properties

PASSWORD = "correct horse"
ANN = "ann@example.com"

as_root = pytest.mark.skipif(
    os.geteuid() != 0 and os.environ.get("CI") != "true", reason="only root can be somebody else"
)


class Command:
    """The command ``user`` on one home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.database = home / "data" / "management.db"

    def line(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "antmediad", "user", *arguments, "--home", str(self.home)]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(DAEMON), "SUDO_USER": "carol"}

    def __call__(self, *arguments: str, input: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.line(*arguments),
            capture_output=True,
            text=True,
            input=input,
            env=self.environment(),
            timeout=60,
        )

    def typed(self, *arguments: str, answers: list[str]) -> tuple[int, str]:
        """Run it on a terminal, and answer its questions; return its status and what it shows."""
        terminal, of_process = pty.openpty()
        # A session of its own: no terminal of the tests is there to be asked.
        with subprocess.Popen(
            self.line(*arguments),
            env=self.environment(),
            stdin=of_process,
            stdout=of_process,
            stderr=of_process,
            start_new_session=True,
        ) as process:
            os.close(of_process)
            shown = b""
            # Reading fails once the process has closed its end.
            with suppress(OSError):
                while read := os.read(terminal, 4096):
                    shown += read
                    if answers and shown.count(b": ") > shown.count(b"\r\n"):
                        os.write(terminal, f"{answers.pop(0)}\n".encode())
            os.close(terminal)
            return process.wait(60), shown.decode()

    def users(self) -> Any:
        return json.loads(self("list", "--json").stdout)

    def store(self, read: Callable[[ManagementStore], Any]) -> Any:
        store = ManagementStore(self.database)
        try:
            return read(store)
        finally:
            asyncio.run(store.close())

    def takes(self, email: str, password: str) -> bool:
        password_hash = self.store(lambda store: store.accounts.password_hash(email))
        return verify_password(password_hash, password)

    def log(self) -> list[AuditEntry]:
        entries: list[AuditEntry] = self.store(lambda store: store.audit.entries(0, 100))
        return entries


@pytest.fixture
def user(home: Path) -> Command:
    """The command on a home with the applications `live` and `vod`."""
    for application in ("live", "vod"):
        write_properties(home / "webapps" / application / "WEB-INF" / "red5-web.properties")
    return Command(home)


def test_the_default_is_an_administrator_of_the_system(user: Command) -> None:
    done = user("add", "Ann@Example.com", input=f"{PASSWORD}\n")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (ann,) = user.users()
    assert (ann["email"], ann["roles"]) == ("Ann@Example.com", {"system": "ADMIN"})
    assert (ann["userType"], ann["scope"]) == ("ADMIN", "system")
    assert ann["appNameUserType"] == {"system": "ADMIN"}
    assert user.takes(ANN, PASSWORD)
    assert stat.S_IMODE(user.database.stat().st_mode) == 0o600


def test_a_user_of_applications_has_a_role_in_these_only(user: Command) -> None:
    user("add", ANN, "--type", "USER", "--app", "live", "vod", input=PASSWORD)
    user("add", "bob@example.com", "--app", "live", "--type", "READ_ONLY", input=PASSWORD)

    ann, bob = user.users()
    assert ann["roles"] == {"live": "USER", "vod": "USER"}
    assert (ann["userType"], ann["scope"]) == (None, None)
    assert bob["appNameUserType"] == {"live": "READ_ONLY"}
    table = user("list").stdout.splitlines()
    assert [line.split()[0] for line in table] == ["EMAIL", ANN, "bob@example.com"]
    assert "live: USER, vod: USER" in table[1]


def test_nobody_is_listed_before_there_is_anybody(user: Command) -> None:
    assert user("list").stdout == "no users\n"
    assert user.users() == []
    assert not user.database.exists()


@pytest.mark.parametrize(
    ("arguments", "input", "message"),
    [
        pytest.param([ANN], "seven77\n", "at least 8 characters", id="short password"),
        pytest.param([ANN], "", "at least 8 characters", id="no password"),
        pytest.param([ANN], f"{PASSWORD}\n{PASSWORD}\n", "a single line", id="two lines"),
        pytest.param([ANN], "x" * 1025, "at most 1024 characters", id="long password"),
        pytest.param(["ann"], PASSWORD, "NAME@DOMAIN", id="no e-mail"),
        pytest.param(["ann @example.com"], PASSWORD, "NAME@DOMAIN", id="blank in an e-mail"),
        pytest.param([f"{'a' * 300}@b"], PASSWORD, "e-mail: expected", id="long e-mail"),
        pytest.param([ANN, "--app", "live2"], PASSWORD, "there are: live, vod", id="no such app"),
        pytest.param([ANN, "--app", "system"], PASSWORD, "leave --app out", id="system"),
        pytest.param([ANN, "--type", "OWNER"], PASSWORD, "invalid choice", id="no such type"),
    ],
)
def test_what_cannot_be_added_is_said_and_nothing_is_made(
    user: Command, arguments: list[str], input: str, message: str
) -> None:
    done = user("add", *arguments, input=input)

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert input.strip() == "" or input.strip() not in done.stderr
    assert not user.database.exists()


def test_a_user_is_added_once(user: Command) -> None:
    user("add", ANN, input=PASSWORD)

    done = user("add", "ANN@example.com", input="another password")

    assert done.returncode == 2
    assert "is a user already" in done.stderr
    assert user.takes(ANN, PASSWORD)


def test_on_a_terminal_the_password_is_asked_for_twice_and_not_shown(user: Command) -> None:
    status, shown = user.typed("add", ANN, answers=[PASSWORD, PASSWORD])

    assert status == 0
    assert PASSWORD not in shown
    assert user.takes(ANN, PASSWORD)


def test_passwords_that_differ_change_nothing(user: Command) -> None:
    status, shown = user.typed("add", ANN, answers=[PASSWORD, "correct house"])

    assert status == 2
    assert "the passwords differ" in shown
    assert not user.database.exists()


def test_another_password_ends_the_sessions(user: Command) -> None:
    user("add", ANN, input=PASSWORD)
    user.store(
        lambda store: asyncio.run(store.accounts.start_session(b"1", ANN, "192.0.2.1", 1.7e9))
    )

    assert user("passwd", "ANN@example.com", input="another password\n").returncode == 0

    assert user.takes(ANN, "another password")
    assert not user.takes(ANN, PASSWORD)
    assert user.store(lambda store: store.accounts.find_session(b"1", 1.7e9)) is None


def test_what_a_running_process_has_open_changes_beside_it(user: Command) -> None:
    store = ManagementStore(user.database)

    user("add", ANN, input=PASSWORD)
    assert store.accounts.find_user(ANN)
    user("remove", ANN, "--force")

    assert not store.accounts.has_users()
    asyncio.run(store.close())


def test_the_last_administrator_is_removed_by_force_only(user: Command) -> None:
    user("add", ANN, input=PASSWORD)
    user("add", "bob@example.com", "--app", "live", input=PASSWORD)

    refused = user("remove", "ANN@example.com")
    assert refused.returncode == 2
    assert "last administrator" in refused.stderr
    assert user("remove", "bob@example.com").returncode == 0
    assert user("remove", ANN, "--force").returncode == 0

    assert user.users() == []


def test_one_of_two_administrators_is_removed(user: Command) -> None:
    user("add", ANN, input=PASSWORD)
    user("add", "bob@example.com", input=PASSWORD)

    assert user("remove", ANN).returncode == 0

    assert [one["email"] for one in user.users()] == ["bob@example.com"]


@pytest.mark.parametrize("action", ["passwd", "remove"])
def test_nobody_cannot_be_changed(user: Command, action: str) -> None:
    done = user(action, ANN, input=PASSWORD)

    assert done.returncode == 2
    assert f"no user {ANN}" in done.stderr


def test_the_audit_log_says_who_did_it(user: Command) -> None:
    user("add", ANN, input=PASSWORD)
    user("passwd", ANN, input="another password")
    user("remove", ANN, "--force")

    entries = user.log()
    assert [entry.action for entry in entries] == [
        "user removed",
        "password changed",
        "user created",
    ]
    assert {(entry.actor, entry.source, entry.target) for entry in entries} == {
        ("cli:carol", "cli", ANN)
    }
    assert entries[-1].detail == "system: ADMIN"


def test_a_database_that_is_none_is_named(user: Command) -> None:
    user.database.parent.mkdir()
    user.database.write_text("not a database, but long enough to be looked at" * 100)

    for done in (user("list"), user("add", ANN, input=PASSWORD)):
        assert done.returncode == 2
        assert "management.db" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.fixture
def home_of_another() -> Iterator[Command]:
    """A home whose data belongs to a user without a name; its path is open to everybody."""
    path = Path(tempfile.mkdtemp())
    try:
        path.chmod(0o755)
        (path / "webapps").mkdir(mode=0o755)
        (path / "data").mkdir(mode=0o700)
        os.chown(path / "data", 12345, 54321)
        yield Command(path)
    finally:
        shutil.rmtree(path)


@as_root
def test_what_root_makes_belongs_to_the_owner_of_the_data(home_of_another: Command) -> None:
    store = None
    assert home_of_another("add", ANN, input=PASSWORD).returncode == 0
    try:
        store = ManagementStore(home_of_another.database)
        home_of_another("passwd", ANN, input="another password")

        made = {path.name: path.stat() for path in home_of_another.database.parent.iterdir()}
        assert made.keys() >= {"management.db", "management.db-wal", "management.db-shm"}
        assert {(one.st_uid, one.st_gid) for one in made.values()} == {(12345, 54321)}
        assert {stat.S_IMODE(one.st_mode) for one in made.values()} == {0o600}
    finally:
        if store is not None:
            asyncio.run(store.close())


@as_root
def test_a_link_that_the_owner_of_the_data_has_put_leads_root_nowhere(
    home_of_another: Command, tmp_path: Path
) -> None:
    target = tmp_path / "of-root.db"
    home_of_another.database.symlink_to(target)

    done = home_of_another("add", ANN, input=PASSWORD)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not target.exists()


@as_root
def test_a_home_without_data_gets_it_for_its_owner(home_of_another: Command) -> None:
    (home_of_another.home / "data").rmdir()
    os.chown(home_of_another.home, 12345, 54321)

    assert home_of_another("add", ANN, input=PASSWORD).returncode == 0

    made = [home_of_another.database.parent, home_of_another.database]
    assert {path.stat().st_uid for path in made} == {12345}


@as_root
def test_who_may_not_use_the_database_is_told_who_may(home_of_another: Command) -> None:
    home_of_another("add", ANN, input=PASSWORD)
    os.chown(home_of_another.database, 0, 0)

    done = home_of_another("list")

    assert done.returncode == 2
    assert "run this as root or as the daemon's user" in done.stderr
