"""``antmediad settings``, as a process, on real files and beside a real daemon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from antmediad.settings.setting import MASK
from antmediad.store.history import History
from tests.daemon import DAEMON, SECRET, Daemon, signed, wait_until

OTHER = "0therSecretThatNobodyMaySee-0123456789"
FILE = f"""\
# LiveApp
webapp.contextPath=/LiveApp
webapp.virtualHosts=*
#jwtSecretKey={OTHER}

settings.jwtControlEnabled = true
jwtSecretKey: {SECRET}
my.own.key=kept
s3Endpoint=https://user:{OTHER}@s3.example/
"""
VERSION = "/LiveApp/rest/v2/version"


class Settings:
    """The command ``settings`` on one home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / "webapps" / "LiveApp" / "WEB-INF" / "red5-web.properties"

    def __call__(
        self, action: str, *arguments: str, input: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *(sys.executable, "-m", "antmediad", "settings", action, "LiveApp", *arguments),
                *("--home", str(self.home)),
            ],
            capture_output=True,
            text=True,
            input=input,
            env={**os.environ, "PYTHONPATH": str(DAEMON), **environment},
            timeout=30,
        )

    def history(self) -> Any:
        return json.loads(self("history", "--json").stdout)


@pytest.fixture
def settings(home: Path) -> Settings:
    """The command on a home whose LiveApp has FILE."""
    settings = Settings(home)
    settings.path.parent.mkdir(parents=True)
    settings.path.write_text(FILE)
    return settings


def test_get_prints_what_is_in_the_file_with_secrets_masked(settings: Settings) -> None:
    done = settings("get")

    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert {"jwtControlEnabled=true", f"jwtSecretKey={MASK}", "my.own.key=kept"} <= set(lines)
    assert not [line for line in lines if line.startswith("remoteAllowedCIDR=")]
    assert SECRET not in done.stdout
    assert OTHER not in done.stdout


def test_get_takes_any_spelling_and_tells_defaults(settings: Settings) -> None:
    done = settings("get", "settings.jwtSecretKey", "settings.remoteAllowedCIDR")

    assert done.stdout == f"jwtSecretKey={MASK}\nremoteAllowedCIDR=127.0.0.1\n"


def test_get_reveals_only_when_told_to(settings: Settings) -> None:
    assert settings("get", "jwtSecretKey", "--reveal").stdout == f"jwtSecretKey={SECRET}\n"


def test_get_all_has_every_setting(settings: Settings) -> None:
    lines = settings("get", "--all").stdout.splitlines()

    assert len(lines) > 150
    assert "remoteAllowedCIDR=127.0.0.1" in lines


def test_get_tells_where_a_value_comes_from(settings: Settings) -> None:
    with settings.path.open("a") as file:
        file.write("jwksURL=${env:KEYS_AT}\n")
    keys = ("jwtControlEnabled", "jwksURL", "my.own.key", "ipFilterEnabled")

    done = settings("get", *keys, "--origin", "--json", KEYS_AT="https://keys.example/")

    origins = [(one["line"], one["spelling"], one["source"]) for one in json.loads(done.stdout)]
    assert origins == [
        (6, "settings.jwtControlEnabled", "file"),
        (10, "jwksURL", "env:KEYS_AT"),
        (8, "my.own.key", "file"),
        (None, None, "default"),
    ]
    assert "env:KEYS_AT" in settings("get", "--origin", KEYS_AT="https://keys.example/").stdout


def test_get_masks_a_secret_that_a_placeholder_brings_in(settings: Settings) -> None:
    with settings.path.open("a") as file:
        file.write("appName=x${jwtSecretKey}x\n")

    done = settings("get")

    assert f"appName=x{MASK}x" in done.stdout
    assert SECRET not in done.stdout + done.stderr


def test_set_changes_one_line_and_shows_it(settings: Settings) -> None:
    done = settings("set", "jwtControlEnabled=false")

    assert done.returncode == 0
    assert settings.path.read_text() == FILE.replace("Enabled = true", "Enabled = false")
    assert "-settings.jwtControlEnabled = true\n+settings.jwtControlEnabled = false" in done.stdout
    assert SECRET not in done.stdout
    assert OTHER not in done.stdout


def test_set_reads_a_secret_from_standard_input_and_does_not_show_it(settings: Settings) -> None:
    done = settings("set", "settings.jwtSecretKey=-", input=f"{OTHER}\n")

    assert done.returncode == 0
    assert settings.path.read_text() == FILE.replace(SECRET, OTHER)
    assert f"-jwtSecretKey: {MASK}\n+jwtSecretKey: {MASK}" in done.stdout
    assert OTHER not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(("set", "remoteAllowedCIDR=10.0.0.0/33"), "remoteAllowedCIDR", id="wrong"),
        pytest.param(("unset", "jwtControlEnabled"), "write jwtControlEnabled=false", id="guard"),
        pytest.param(("set", "jwtControlEnable=true"), "did you mean jwtControlEnabled", id="typo"),
        pytest.param(("unset", "nothing.like.it"), "no such setting", id="unknown"),
        pytest.param(("set", OTHER), "expected KEY=VALUE", id="no value"),
        pytest.param(("set", "appName=-", "db.name=-"), "standard input", id="two from input"),
        pytest.param(("set", "appName=\udcff"), "appName", id="no text"),
        pytest.param(("rollback", "7"), "nothing is on record", id="no history"),
    ],
)
def test_what_is_refused_changes_nothing_and_is_named(
    settings: Settings, arguments: tuple[str, ...], told: str
) -> None:
    done = settings(*arguments)

    assert done.returncode == 2
    assert told in done.stderr
    assert settings.path.read_text() == FILE
    assert OTHER not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_dry_run_shows_the_change_and_does_not_make_it(settings: Settings) -> None:
    done = settings("set", "jwtControlEnabled=off", "--dry-run")

    assert done.returncode == 0
    assert "+settings.jwtControlEnabled = off" in done.stdout
    assert settings.path.read_text() == FILE


def test_force_writes_a_key_that_no_setting_has(settings: Settings) -> None:
    assert settings("set", "for.the.scripts=1", "--force").returncode == 0

    assert settings.path.read_text() == f"{FILE}for.the.scripts=1\n"


def test_unset_removes_the_line_in_any_spelling(settings: Settings) -> None:
    assert settings("unset", "s3Endpoint", "my.own.key").returncode == 0

    assert settings.path.read_text() == FILE.partition("my.own.key")[0]


def test_nothing_to_change_is_said(settings: Settings) -> None:
    done = settings("set", "jwtControlEnabled=true")

    assert (done.returncode, done.stdout) == (0, "nothing to change\n")


def test_a_warning_about_what_was_changed_is_told(settings: Settings) -> None:
    done = settings("set", "jwtSecretKey=short")

    assert done.returncode == 0
    assert "warning: line 7: jwtSecretKey" in done.stderr


def test_no_history_is_made_by_the_command(settings: Settings) -> None:
    settings("set", "my.own.key=changed")

    assert not (settings.home / "data").exists()


def test_a_daemon_follows_set_and_rollback(settings: Settings) -> None:
    before = settings.path.read_text()
    with Daemon(settings.home) as daemon:
        assert daemon.get(VERSION) == 403
        assert daemon.get(VERSION, signed()) == 200

        settings("set", "jwtControlEnabled=false", SUDO_USER="ann")
        wait_until(lambda: daemon.get(VERSION) == 200, "the JWT filter is off")
        settings("rollback", "1", SUDO_USER="bob")
        wait_until(lambda: daemon.get(VERSION) == 403, "the JWT filter is on")
        settings.path.write_text(before.replace("=kept", "=by hand"))
        versions = wait_until(
            lambda: (found := settings.history()) and len(found) == 4 and found, "four versions"
        )

    assert [(one["generation"], one["source"], one["actor"]) for one in versions] == [
        (4, "file", None),
        (3, "cli", "bob"),
        (2, "cli", "ann"),
        (1, "file", None),
    ]
    assert [one["changed"] for one in versions[:3]] == [
        ["my.own.key"],
        ["settings.jwtControlEnabled"],
        ["settings.jwtControlEnabled"],
    ]
    assert "settings.jwtControlEnabled" in settings("history").stdout


def test_diff_compares_versions_and_the_file(settings: Settings) -> None:
    with Daemon(settings.home):
        settings.path.write_text(FILE.replace(SECRET, OTHER))
        wait_until(lambda: len(settings.history()) == 2, "a second version")

    settings.path.write_text(FILE.replace("=kept", "=new"))
    last, first = settings("diff"), settings("diff", "1")
    between, same = settings("diff", "1", "2"), settings("diff", "2", "2")

    assert [one.returncode for one in (last, first, between, same)] == [1, 1, 1, 0]
    assert "+my.own.key=new" in first.stdout
    assert f"jwtSecretKey: {MASK}\n+" not in first.stdout
    assert f"-jwtSecretKey: {MASK}\n+jwtSecretKey: {MASK}" in between.stdout
    assert not [
        one for one in (last, first, between) if SECRET in one.stdout or OTHER in one.stdout
    ]


def test_a_rollback_does_not_switch_the_jwt_filter_off_unsaid(settings: Settings) -> None:
    settings.path.write_text(FILE.replace("settings.jwtControlEnabled = true\n", ""))
    with Daemon(settings.home) as daemon:
        assert daemon.get(VERSION) == 200
        settings.path.write_text(FILE)
        wait_until(lambda: daemon.get(VERSION) == 403, "the JWT filter is on")
        done = settings("rollback", "1")

        assert daemon.get(VERSION) == 403

    assert done.returncode == 2
    assert "write jwtControlEnabled=false" in done.stderr
    assert settings.path.read_text() == FILE


def test_a_note_about_a_change_waits_for_the_next_daemon(settings: Settings) -> None:
    with Daemon(settings.home):
        pass
    settings("set", "my.own.key=changed", SUDO_USER="ann")

    with Daemon(settings.home):
        versions = wait_until(lambda: (found := settings.history()) and len(found) == 2 and found)

    assert (versions[0]["source"], versions[0]["actor"]) == ("cli", "ann")


def test_the_history_of_a_removed_application_is_still_there(settings: Settings) -> None:
    with Daemon(settings.home):
        settings.path.unlink()
        settings.path.parent.rmdir()
        settings.path.parent.parent.rmdir()
        wait_until(lambda: len(settings.history()) == 2, "removed")

    assert settings.history()[0]["source"] == "removed"
    assert History.for_reading(settings.home / "data" / "settings.db").content("LiveApp", 1)
