"""A real daemon on a real home directory and a real socket, for tests."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jwt

SECRET = "zautXStXM9iW3aD3FuyPH0TdK4GHPmHq"
DEADLINE_S = 20.0
DAEMON = Path(__file__).parent.parent / "daemon"


class Response(NamedTuple):
    """An HTTP response; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def wait_until(condition: Callable[[], Any], what: str = "condition") -> Any:
    """Return the first true value of *condition*; fail when none comes in time."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError(f"never came true: {what}")


def signed(claims: Mapping[str, Any] | None = None, secret: str = SECRET, **header: Any) -> str:
    """Return an HS256 token."""
    return jwt.encode(dict(claims or {}), secret, "HS256", headers=header or None)


def write_properties(path: Path, **properties: str) -> None:
    """Write a properties file in place; ``__`` in a name stands for a dot."""
    lines = [f"{key.replace('__', '.')}={value}\n" for key, value in properties.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), encoding="ascii")


class Daemon:
    """One antmediad process, and a client of it.

    Attributes:
        starter: the beginning of a command that becomes the daemon.
    """

    def __init__(self, home: Path, *arguments: str, **environment: str) -> None:
        self.home = home
        self.log_path = home.parent / f"{home.name}.log"
        self.port = 0
        self._arguments = arguments
        self._environment = environment
        self.starter: tuple[str, ...] = ()
        self.process: subprocess.Popen[bytes] | None = None
        (home / "webapps").mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Daemon:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()

    def start(self, **options: Any) -> None:
        """Start, and wait until it serves; *options* are those of subprocess.Popen."""
        before = self.log_path.stat().st_size if self.log_path.exists() else 0
        serve = [sys.executable, "-m", "antmediad", "serve", "--home", str(self.home)]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.starter, *serve, "--host", "127.0.0.1", "--port", "0", *self._arguments],
                env={**os.environ, "PYTHONPATH": str(DAEMON), **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **options,
            )

        def served() -> re.Match[str] | None:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError(f"daemon ended: {self.log()[before:]}")
            return re.search(r'[ "]serving: url=http://\S+:(\d+)', self.log()[before:])

        self.port = int(wait_until(served, "the daemon serves")[1])

    def stop(self, signal_: int = signal.SIGTERM) -> int:
        """Send a signal, and return the exit status."""
        assert self.process is not None
        self.process.send_signal(signal_)
        return self.process.wait(DEADLINE_S)

    def log(self) -> str:
        """Return everything that was logged so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait_for_log(self, text: str) -> None:
        """Wait until *text* was logged; lines are written by a thread of the daemon."""
        wait_until(lambda: text in self.log(), f"logged: {text}")

    def properties(self, application: str = "LiveApp") -> Path:
        """Return the path of an application's properties file."""
        return self.home / "webapps" / application / "WEB-INF" / "red5-web.properties"

    def write(self, application: str = "LiveApp", **properties: str) -> None:
        """Write an application's properties file in place; ``__`` stands for a dot."""
        write_properties(
            self.properties(application),
            **{"webapp__contextPath": f"/{application}", "webapp__virtualHosts": "*", **properties},
        )

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send one request on a connection of its own; a body is JSON unless headers say else."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            sent = dict(headers or {})
            if body is not None and not any(name.lower() == "content-type" for name in sent):
                sent["Content-Type"] = "application/json"
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return Response(
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                response.read(),
            )
        finally:
            connection.close()

    def call(
        self, method: str, path: str, value: Any = None, application: str = "LiveApp"
    ) -> Response:
        """Call the application's REST API, with *value* as JSON body unless it is None."""
        body = None if value is None else json.dumps(value)
        return self.request(method, f"/{application}/rest/v2{path}", body)

    def get(self, path: str, token: str | None = None) -> int:
        """Return the status of a GET, with *token* in the Authorization header."""
        headers = {} if token is None else {"Authorization": token}
        return self.request("GET", path, headers=headers).status
