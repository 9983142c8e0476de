"""``antmediad top``, of a running daemon, on a real terminal."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_commands import antmediad
from tests.daemon import DAEMON, DEADLINE_S, Daemon, signed, write_properties
from tests.key_server import KeyServer


@pytest.fixture
def busy(home: Path) -> Iterator[Daemon]:
    """A daemon with applications in all states, two of which refuse."""
    daemon = Daemon(home)
    daemon.write(jwtControlEnabled="true", jwtSecretKey="a" * 32)
    daemon.write("Bad", ipFilterEnabled="perhaps")
    with KeyServer() as source:
        daemon.write("Keys", jwtControlEnabled="true", jwksURL=source.url + "/keys")
        with daemon:
            yield daemon


def url(daemon: Daemon) -> str:
    return f"http://127.0.0.1:{daemon.port}"


class Top:
    """The command on a terminal of its own."""

    def __init__(self, *arguments: str, lines: int = 20, columns: int = 100) -> None:
        self.terminal, self._inner = pty.openpty()
        self.resize(lines, columns)
        self.before = termios.tcgetattr(self._inner)
        self._shown = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "antmediad", "top", *arguments],
            stdin=self._inner,
            stdout=self._inner,
            stderr=self._inner,
            env={**os.environ, "PYTHONPATH": str(DAEMON), "TERM": "xterm"},
            start_new_session=True,
        )

    def __enter__(self) -> Top:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)
        os.close(self._inner)

    def resize(self, lines: int, columns: int) -> None:
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))

    def read_until(self, pattern: str) -> str:
        """Return what was shown since the last call, when *pattern* is in it."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            text = self._shown.decode(errors="replace")
            if re.search(pattern, text):
                self._shown = b""
                return text
            if select.select([self.terminal], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):
                    self._shown += os.read(self.terminal, 65536)
        raise AssertionError(f"never shown: {pattern} in {self._shown!r}")

    def is_restored(self) -> bool:
        """Tell whether the terminal is as it was, on its first screen and with a cursor."""
        left = self.read_until(r"\x1b\[\?1049l")
        return "\x1b[?25h" in left and termios.tcgetattr(self._inner) == self.before


def test_once_prints_a_table(busy: Daemon) -> None:
    done = antmediad("top", "--url", url(busy), "--once", "--interval", "0.1")

    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    head = next(line for line in lines if line[:1] == ["APPLICATION"])
    rows = {line[0]: line for line in lines if line[:1] in (["LiveApp"], ["Bad"], ["Keys"])}
    assert head[:3] == ["APPLICATION", "STATE", "GENERATION"]
    assert {name: row[1:3] for name, row in rows.items()} == {
        "LiveApp": ["active", "1"],
        "Bad": ["failed", "-"],
        "Keys": ["active", "1"],
    }
    assert any(line[:1] and line[0].endswith("/keys") for line in lines)
    assert "\x1b" not in done.stdout


def test_rates_are_those_of_the_interval(busy: Daemon) -> None:
    token = signed(secret="a" * 32)
    command = [sys.executable, "-m", "antmediad", "top", "--url", url(busy), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(DAEMON)}
    with subprocess.Popen(
        [*command, "--interval", "2"], stdout=subprocess.PIPE, env=environment
    ) as top:
        while top.poll() is None:
            busy.get("/LiveApp/rest/v2/version", token)
            busy.get("/LiveApp/rest/v2/version", "x.y")
        assert top.stdout is not None
        told = json.load(top.stdout)

    first = told["applications"][0]
    assert (first["name"], first["state"], first["reason"]) == ("LiveApp", "active", "malformed")
    assert first["requestsPerSecond"] == pytest.approx(
        first["passedPerSecond"] + first["refusedPerSecond"]
    )
    assert first["refusedPerSecond"] > 0
    assert 0 < first["p50Seconds"] <= first["p99Seconds"]
    assert told["seconds"] >= 2
    assert [one["keys"] for one in told["keySets"]] == [0]


def test_the_daemon_is_found_by_the_settings_of_its_home(home: Path) -> None:
    conf = home / "conf" / "red5.properties"
    write_properties(conf, http__host="0.0.0.0", http__port="1")
    done = antmediad("top", "--home", str(home), "--once")

    assert done.returncode == 2
    assert "http://127.0.0.1:1: no daemon answers (Connection refused)" in done.stderr
    write_properties(conf, http__host="::", http__port="0")
    assert "http.port is 0" in antmediad("top", "--home", str(home), "--once").stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("--url", "ftp://a"), "expected http://HOST:PORT", id="no URL"),
        pytest.param(("--url", "http://a:b"), "expected http://HOST:PORT", id="no port"),
        pytest.param(("--url", "http://a:secret@127.0.0.1:1"), "http://127.0.0.1:1: no", id="user"),
        pytest.param(("--interval", "0"), "expected seconds, 0.1 to 3600", id="no interval"),
        pytest.param(("--interval", "nan"), "expected seconds, 0.1 to 3600", id="no number"),
    ],
)
def test_a_wrong_argument_is_told(arguments: tuple[str, ...], said: str) -> None:
    done = antmediad("top", "--once", *arguments)

    assert done.returncode == 2
    assert said in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_whoever_may_not_read_the_figures_is_told_what_to_do(home: Path) -> None:
    daemon = Daemon(home)
    daemon.write()
    write_properties(home / "conf" / "red5.properties", metrics__allowed_cidr="192.0.2.1")
    with daemon:
        done = antmediad("top", "--url", url(daemon), "--once")
        other = antmediad("top", "--url", url(daemon) + "/healthz", "--once")

    assert done.returncode == other.returncode == 2
    assert "metrics.allowed_cidr" in done.stderr
    assert "no figures of antmediad" in other.stderr


def test_without_a_terminal_nothing_is_shown_again_and_again(daemon: Daemon) -> None:
    done = antmediad("top", "--url", url(daemon))

    assert done.returncode == 2
    assert "--once" in done.stderr


def test_on_a_terminal_it_shows_itself_until_q(busy: Daemon) -> None:
    with Top("--url", url(busy), "--interval", "0.1") as top:
        first = top.read_until("q: quit")
        assert first.startswith("\x1b[?1049h\x1b[?25l")
        assert re.search(r"Bad +\x1b\[31mfailed", first)
        top.read_until("LiveApp")

        os.write(top.terminal, b"q")
        assert top.process.wait(DEADLINE_S) == 0
        assert top.is_restored()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
def test_the_terminal_is_given_back_on_a_signal(busy: Daemon, number: signal.Signals) -> None:
    with Top("--url", url(busy)) as top:
        top.read_until("LiveApp")
        top.process.send_signal(number)

        assert top.process.wait(DEADLINE_S) == 0
        assert top.is_restored()


def test_it_takes_the_size_that_the_terminal_gets(busy: Daemon) -> None:
    with Top("--url", url(busy), "--interval", "3600") as top:
        top.read_until("LiveApp")
        top.resize(7, 40)
        top.process.send_signal(signal.SIGWINCH)

        shown = top.read_until(r"more lines\)")
        lines = re.sub(r"\x1b\[[^A-Za-z]*[A-Za-z]", "", shown).splitlines()
        assert len(lines) <= 7
        assert max(map(len, lines)) <= 40


def test_a_daemon_that_goes_away_may_come_back(busy: Daemon) -> None:
    with Top("--url", url(busy), "--interval", "0.1") as top:
        top.read_until("LiveApp")
        busy.stop()

        shown = top.read_until("no daemon answers")
        assert top.process.poll() is None
        assert "LiveApp" in shown or "LiveApp" in top.read_until("LiveApp")
