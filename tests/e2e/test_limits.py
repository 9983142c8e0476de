"""A running daemon at its limits: what it refuses, and that it goes on."""

from __future__ import annotations

import socket
import sqlite3
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPException
from pathlib import Path

from tests.daemon import DEADLINE_S, SECRET, Daemon, signed, wait_until, write_properties
from tests.e2e.test_metrics import figure

VERSION = "/LiveApp/rest/v2/version"
# Becomes the daemon, with few files to open.
WITH_FEW_FILES = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
os.execv(sys.argv[1], sys.argv[1:])
"""


@contextmanager
def locked(daemon: Daemon) -> Iterator[None]:
    """Keep the application's data from being written."""
    (path,) = (daemon.home / "data").glob("LiveApp/*.db")
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
    finally:
        connection.close()


def is_served(daemon: Daemon) -> bool:
    try:
        return daemon.get(VERSION) == 200
    except (OSError, HTTPException):
        return False


def test_while_as_many_requests_as_may_be_are_worked_on_others_get_503(daemon: Daemon) -> None:
    assert daemon.call("POST", "/broadcasts/create", {"name": "a"}).status == 200

    def generation() -> float:
        return figure(daemon, "antmediad_settings_generation", application="") or 0

    before = generation()
    write_properties(daemon.home / "conf" / "red5.properties", http__max_requests_under_way="1")
    wait_until(lambda: generation() > before, "the limit is in force")

    def create() -> int:
        return daemon.call("POST", "/broadcasts/create", {"name": "b"}).status

    def shed() -> float:
        name = "antmediad_limits_reached_total"
        return figure(daemon, name, limit="max_requests_under_way") or 0

    with ExitStack() as opened:
        # What waits for its client does not count.
        for path in (b"/LiveApp/rest/v2/broadcasts/create", b"/rest/v2/users/authenticate"):
            slow = socket.create_connection(("127.0.0.1", daemon.port), DEADLINE_S)
            opened.enter_context(slow).sendall(
                b"POST " + path + b" HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
            )
            assert b"100 Continue" in slow.recv(1024)
        assert daemon.get(VERSION) == 200
        assert shed() == 0
        with ThreadPoolExecutor() as pool:
            with locked(daemon):
                writing = pool.submit(create)
                wait_until(lambda: figure(daemon, "antmediad_requests_under_way") == 1)
                refused = daemon.request("GET", VERSION)
                probes = [daemon.get(f"/{probe}") for probe in ("healthz", "readyz", "metrics")]
            writing.result()

    assert refused.status == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json["success"] is False
    assert probes == [200, 200, 200]
    assert shed() == 1
    daemon.wait_for_log("limit reached: limit=max_requests_under_way")
    assert daemon.get(VERSION) == 200


def test_a_stranger_may_not_send_as_much_to_the_management_api_as_a_user(daemon: Daemon) -> None:
    body = '{"email":"a@b","password":"' + "x" * 20_000 + '"}'

    refused = daemon.request("POST", "/rest/v2/users/authenticate", body)

    assert refused.status == 413
    assert "16384" in refused.json["message"]


def test_a_rate_limit_holds_from_the_moment_it_is_saved_to_that_at_which_it_is_taken_back(
    daemon: Daemon,
) -> None:
    guarded = {"jwtControlEnabled": "true", "jwtSecretKey": SECRET}
    daemon.write(**guarded, restRequestsPerSecondPerAddress="1")

    wait_until(lambda: daemon.get(VERSION, "bad") == 429, "the limit is in force")
    refused = wait_until(
        lambda: (found := daemon.request("GET", VERSION)).status == 429 and found, "refused again"
    )
    assert refused.headers["retry-after"] == "1"
    assert refused.json == {
        "success": False,
        "message": "Too many requests",
        "dataId": "",
        "errorId": 0,
    }
    assert figure(daemon, "antmediad_guard_verdicts_total", reason="rate_limited")
    daemon.wait_for_log("reason=rate_limited")
    daemon.write(**guarded)
    wait_until(lambda: daemon.get(VERSION, signed()) == 200, "the limit is gone")
    assert {daemon.get(VERSION, signed()) for _ in range(20)} == {200}


def test_without_files_to_open_the_daemon_goes_on(home: Path) -> None:
    daemon = Daemon(home)
    daemon.starter = (sys.executable, "-c", WITH_FEW_FILES)
    daemon.write()
    with daemon, ExitStack() as opened:
        daemon.wait_for_log("fewer connections than http.max_connections")
        clients = [
            opened.enter_context(socket.create_connection(("127.0.0.1", daemon.port), DEADLINE_S))
            for _ in range(400)
        ]
        # What is beyond the limit is answered; what not even a file can be had for is not.
        told = [client.recv(4096) for client in clients[192:]]
        assert told[0].startswith(b"HTTP/1.1 503 ")

        clients[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert clients[0].recv(4096).startswith(b"HTTP/1.1 200 ")
        opened.close()
        wait_until(lambda: is_served(daemon), "there is room again")
