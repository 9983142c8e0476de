"""The command where its surroundings are wrong: streams, homes, arguments, files that went."""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from antmediad.cli.main import home_of, main
from antmediad.cli.output import print_json
from antmediad.errors import UsageError
from tests.daemon import DAEMON, SECRET, Daemon, signed, write_properties

VERSION = "/LiveApp/rest/v2/version"


def shell(line: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell, in which ``antmediad`` is the command and ``$1`` the first argument."""
    return subprocess.run(
        ["sh", "-c", f'antmediad() {{ "$PYTHON" -m antmediad "$@"; }}; {line}', "sh", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(DAEMON), "PYTHON": sys.executable, **environment},
        timeout=30,
    )


def is_clean(done: subprocess.CompletedProcess[str]) -> bool:
    """Tell whether an error was told in one line, without a traceback."""
    return (
        done.stderr.startswith("antmediad: ")
        and "Traceback" not in done.stderr
        and "Exception ignored" not in done.stderr
    )


@pytest.fixture
def guarded(home: Path) -> Path:
    """The properties file of a LiveApp that takes tokens of SECRET, last line the guard's."""
    path = home / "webapps" / "LiveApp" / "WEB-INF" / "red5-web.properties"
    write_properties(
        path,
        webapp__contextPath="/LiveApp",
        webapp__virtualHosts="*",
        jwtSecretKey=SECRET,
        jwtControlEnabled="true",
    )
    return path


def serve_once(home: Path) -> None:
    with Daemon(home) as daemon:
        assert daemon.get(VERSION, signed()) == 200


# What a daemon finds


def test_an_application_whose_file_is_gone_is_listed_and_guarded_after_a_restart(
    home: Path, guarded: Path
) -> None:
    serve_once(home)
    guarded.unlink()

    listed = shell('antmediad apps --json --home "$1"', str(home))
    checked = shell('antmediad check --json --home "$1"', str(home))
    named = shell('antmediad check LiveApp --home "$1"', str(home))

    assert (listed.returncode, checked.returncode, named.returncode) == (1, 2, 2)
    assert [one["state"] for one in json.loads(listed.stdout)] == ["stale"]
    assert [one["file"] for one in json.loads(checked.stdout)] == [str(guarded)]
    assert "the file is gone" in named.stdout
    with Daemon(home) as daemon:
        assert daemon.get(VERSION) == 403
        assert daemon.get(VERSION, signed()) == 200


def test_check_refuses_what_the_daemon_refuses_and_tells_the_last_line(
    home: Path, guarded: Path
) -> None:
    serve_once(home)
    whole = guarded.read_text()
    cut = whole.partition("jwtControlEnabled")[0].partition("settings.jwtControl")[0]
    guarded.write_text(f"{cut}ipFilterEnabled=false\n")
    lines = len(guarded.read_text().splitlines())

    everything = shell('antmediad check --json --home "$1"', str(home))
    named = shell('antmediad check LiveApp --json --home "$1"', str(home))
    alone = shell('antmediad check --json "$1"', str(guarded))

    (error,) = [one for one in json.loads(everything.stdout) if one["severity"] == "error"]
    assert (everything.returncode, named.returncode, alone.returncode) == (2, 2, 0)
    assert (error["key"], error["line"]) == ("jwtControlEnabled", lines)
    assert "its line is gone" in error["message"]
    warnings = [one for one in json.loads(everything.stdout) if one["severity"] == "warning"]
    assert "ipFilterEnabled" in {one["key"] for one in warnings}
    assert json.loads(named.stdout) == json.loads(everything.stdout)


# Homes


@pytest.mark.parametrize("command", ["apps", "check", "check LiveApp", "settings get LiveApp"])
def test_a_home_that_cannot_be_looked_at_is_an_error(tmp_path: Path, command: str) -> None:
    done = shell(f'antmediad {command} --home "$1"', str(tmp_path / ("x" * 300)))

    assert done.returncode == 2
    assert "cannot be looked at (File name too long)" in done.stderr
    assert is_clean(done)


def test_a_working_directory_that_is_gone_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()

    done = shell('cd "$1" && rmdir "$1" && antmediad apps --home .', str(tmp_path / "gone"))

    assert done.returncode == 2
    assert is_clean(done)


def test_a_noted_home_that_is_no_text_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "antmediad.home").write_bytes(b"\xff\xfe/\x80")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.delenv("ANTMEDIA_HOME", raising=False)

    with pytest.raises(UsageError, match=r"antmediad\.home"):
        home_of(argparse.Namespace(home=None, data=None))


@pytest.mark.parametrize("where", ["is_dir", "listdir"])
def test_a_home_without_a_right_to_look_into_it_is_an_error(
    home: Path, guarded: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def refuse(path: object) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    logger = logging.getLogger("antmediad")
    level = logger.level
    place: Any = Path if where == "is_dir" else os
    monkeypatch.setattr(place, where, refuse)

    try:
        assert main(["check", "--home", str(home)]) == 2
    finally:
        # Commands silence the log of their process.
        logger.setLevel(level)


# Arguments


@pytest.mark.parametrize("action", ["rollback", "diff"])
@pytest.mark.parametrize("generation", ["99999999999999999999", "9223372036854775808", "0", "x"])
def test_a_generation_that_cannot_be_is_an_error(
    home: Path, guarded: Path, action: str, generation: str
) -> None:
    serve_once(home)

    done = shell(f'antmediad settings {action} LiveApp {generation} --home "$1"', str(home))

    assert done.returncode == 2
    assert "expected a generation" in done.stderr
    assert is_clean(done)


@pytest.mark.parametrize(
    "arguments",
    ["apps --hom .", "check --stri", "settings get LiveApp --rev", "token create --sec /dev/null"],
)
def test_options_have_no_abbreviations(arguments: str) -> None:
    done = shell(f"antmediad {arguments}")

    assert done.returncode == 2
    assert "unrecognized arguments" in done.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"", "is empty; expected a secret", id="empty"),
        pytest.param(b"\xff\xfe", "expected a secret in UTF-8", id="no text"),
    ],
)
def test_a_file_without_a_secret_is_an_error_in_words(
    tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)

    done = shell('antmediad token create --secret-file "$1"', str(path))

    assert done.returncode == 2
    assert done.stderr == f"antmediad: {path}: {told}\n"


# Standard streams


@pytest.mark.parametrize("redirection", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    "command", ["apps", "apps --json", "check", "settings get LiveApp", "settings history LiveApp"]
)
def test_a_closed_stream_changes_no_verdict(
    home: Path, guarded: Path, command: str, redirection: str
) -> None:
    serve_once(home)

    done = shell(f'antmediad {command} --home "$1" {redirection}', str(home))

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "command",
    ["settings set LiveApp jwtSecretKey=-", "explain --app LiveApp -", "token inspect -"],
)
@pytest.mark.parametrize(
    ("input", "told"),
    [("<&-", "standard input is closed"), ("< {file}", "expected text in UTF-8")],
)
def test_input_that_cannot_be_read_is_an_error(
    home: Path, guarded: Path, tmp_path: Path, command: str, input: str, told: str
) -> None:
    (tmp_path / "input").write_bytes(b"\xff\xfe")
    before = guarded.read_bytes()
    redirection = input.format(file=tmp_path / "input")

    done = shell(f"antmediad {command} {redirection}", ANTMEDIA_HOME=str(home), PYTHONUTF8="0",
                 PYTHONIOENCODING="utf-8:strict")  # fmt: skip

    assert done.returncode == 2
    assert told in done.stderr
    assert is_clean(done)
    assert guarded.read_bytes() == before


@pytest.mark.parametrize(
    ("unbuffered", "told"),
    [
        pytest.param("", "standard output: No space left on device", id="buffered"),
        pytest.param("1", "No space left on device", id="unbuffered"),
    ],
)
@pytest.mark.parametrize(
    "command", ["apps", "apps --json", "check", "settings get LiveApp", "--help", "apps --help"]
)
def test_a_full_disk_is_an_error(
    home: Path, guarded: Path, command: str, unbuffered: str, told: str
) -> None:
    done = shell(
        f"antmediad {command} > /dev/full", ANTMEDIA_HOME=str(home), PYTHONUNBUFFERED=unbuffered
    )

    assert (done.returncode, done.stderr) == (2, f"antmediad: {told}\n")


def test_a_reader_who_left_is_no_error(home: Path, guarded: Path) -> None:
    done = shell(
        "{ antmediad settings get LiveApp --all; echo $? >&2; } | true", ANTMEDIA_HOME=str(home)
    )

    assert done.stderr in ("141\n", "0\n")


@pytest.mark.parametrize("options", ["", "--json"])
def test_what_the_encoding_cannot_say_is_escaped(tmp_path: Path, options: str) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + "/é".encode() + b"\xff")
    Path(path).write_text("jwksURL=ftp://keys.example/\n")

    ascii_only = shell(f'antmediad check {options} "$1"', path, PYTHONIOENCODING="ascii")
    utf8 = shell(f'antmediad check {options} "$1"', path, PYTHONIOENCODING="utf-8")

    for done in (ascii_only, utf8):
        assert (done.returncode, done.stderr) == (2, "")
        if options:
            assert {one["file"] for one in json.loads(done.stdout)} == {f"{tmp_path}/é\\udcff"}


def test_json_is_printed_of_what_no_json_text_can_hold(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"\ud800": ["\udcff", float("inf"), 2**70, None, True, ("é",)]})

    assert json.loads(capsys.readouterr().out) == {
        "\\ud800": ["\\udcff", None, 2**70, None, True, ["é"]]
    }
