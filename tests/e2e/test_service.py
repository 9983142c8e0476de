"""What the daemon and its service manager tell each other, over real sockets."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.certificates import Issued
from tests.daemon import DEADLINE_S, Daemon, wait_until
from tests.e2e.test_tls import get, handshake, put, settings, trusting

REQUEST = b"GET /LiveApp/rest/v2/version HTTP/1.1\r\nHost: localhost\r\n\r\n"
# Becomes the daemon, with the files of these numbers as its number 3 and following.
PASS_ON = """
import fcntl, os, sys
passed = [int(text) for text in sys.argv[1].split(",")]
numbers = [fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 100) for number in passed]
for number in passed:
    os.set_inheritable(number, False)
for place, number in enumerate(numbers):
    os.dup2(number, 3 + place)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


class Message(NamedTuple):
    """One datagram of sd_notify(3)."""

    lines: list[str]
    handles: list[int]


class Manager:
    """Stands where systemd does: listens to the daemon, and passes it sockets."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.settimeout(DEADLINE_S)

    def close(self) -> None:
        """Listen no longer."""
        self._socket.close()

    def receive(self) -> Message:
        """Return the next message."""
        text, handles, _, _ = socket.recv_fds(self._socket, 4096, 8)
        return Message(text.decode().splitlines(), handles)

    def is_silent(self, for_s: float) -> bool:
        """Tell whether nothing comes for so long."""
        self._socket.settimeout(for_s)
        try:
            self.receive()
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(DEADLINE_S)
        return False

    def wait_for(self, line: str) -> Message:
        """Return the next message with *line*; others are dropped, and what they hold is closed."""
        while line not in (message := self.receive()).lines:
            for handle in message.handles:
                os.close(handle)
        return message


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(tmp_path / "notify")
    yield manager
    manager.close()


def listening(port: int = 0) -> socket.socket:
    return socket.create_server(("127.0.0.1", port), backlog=16)


def port_of(one: socket.socket) -> int:
    return int(one.getsockname()[1])


@contextmanager
def started(
    home: Path, sockets: list[socket.socket], names: str, **environment: str
) -> Iterator[Daemon]:
    """Yield a daemon to which *sockets* are passed as sd_listen_fds(3) says."""
    numbers = [one.fileno() for one in sockets]
    count = str(len(numbers))
    daemon = Daemon(home, LISTEN_FDS=count, LISTEN_FDNAMES=names, **environment)
    daemon.starter = (sys.executable, "-c", PASS_ON, ",".join(map(str, numbers)))
    daemon.write("LiveApp")
    daemon.start(pass_fds=numbers)
    try:
        yield daemon
    finally:
        daemon.stop()


def connect(port: int, request: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
    client.sendall(request)
    return client


def read_answer(client: socket.socket) -> tuple[int, str]:
    """Return the status and the headers of one answer."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += (more := client.recv(65536))
        assert more, f"connection ended after {data!r}"
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]
    while len(body) < length:
        body += client.recv(65536)
    return int(head.split(b" ")[1]), head.decode().lower()


def test_a_passed_socket_is_used_and_its_queue_outlives_the_process(home: Path) -> None:
    with listening() as passed:
        with started(home, [passed], "http") as daemon:
            served = (daemon.port, daemon.get("/LiveApp/rest/v2/version"))
        # No process takes from its queue, which is the kernel's.
        waiting = connect(port_of(passed), REQUEST)

        with waiting, started(home, [passed], "http") as second:
            assert served == (port_of(passed), 200)
            assert read_answer(waiting)[0] == 200
            second.wait_for_log("address is that of the socket unit")


def test_a_kept_socket_is_used_only_if_it_has_the_address_that_is_wanted(home: Path) -> None:
    with listening() as kept:
        with started(home, [kept], "kept-http") as daemon:
            # Port 0 is wanted: none that is known beforehand.
            assert daemon.port != port_of(kept)
            assert daemon.get("/LiveApp/rest/v2/version") == 200


def test_the_service_manager_gets_the_socket_to_keep(home: Path, manager: Manager) -> None:
    daemon = Daemon(home, NOTIFY_SOCKET=manager.path)
    daemon.write("LiveApp")
    with daemon:
        stored = manager.wait_for("FDSTORE=1")
        waiting = socket.socket(fileno=stored.handles[0])

        assert "FDNAME=kept-http" in stored.lines
        assert port_of(waiting) == daemon.port
        assert manager.wait_for("READY=1").lines[1] == "STATUS=1 active"
        waiting.close()
    manager.wait_for("STOPPING=1")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param("antmedia.socket", "FileDescriptorName=http or https", id="other-name"),
        pytest.param("", "FileDescriptorName=http or https", id="no-name"),
    ],
)
def test_what_is_passed_must_have_a_name_that_says_what_for(
    home: Path, names: str, expected: str
) -> None:
    with listening() as passed:
        service = started(home, [passed], names)

        with pytest.raises(AssertionError, match=expected):
            service.__enter__()


def test_what_is_passed_must_listen(home: Path) -> None:
    with socket.socket() as passed:
        service = started(home, [passed], "http")

        with pytest.raises(AssertionError, match="no TCP socket that listens"):
            service.__enter__()


def test_sockets_and_watchdog_are_not_passed_on(home: Path) -> None:
    with listening() as passed, started(home, [passed], "http", WATCHDOG_USEC="30000000") as daemon:
        assert daemon.process is not None
        script = home / "script"
        script.write_text('#!/bin/sh\nenv > "$0.env"\nls -l /proc/$$/fd >> "$0.env"\n')
        script.chmod(0o755)
        daemon.write("LiveApp", vodUploadFinishScript=str(script))
        found = home / "script.env"

        def upload() -> bool:
            form = (
                b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
                b"a\r\n--x--\r\n"
            )
            headers = {"Content-Type": "multipart/form-data; boundary=x"}
            daemon.request("POST", "/LiveApp/rest/v2/vods/create?name=a.mp4", form, headers)
            return found.exists()

        wait_until(upload, "the script runs")
        wait_until(lambda: "->" in found.read_text(), "the script has told its files")
        told = found.read_text()
    assert "PATH=" in told
    assert "LISTEN_" not in told
    assert "WATCHDOG_" not in told
    assert "socket:" not in told


def test_the_watchdog_is_fed_while_the_loop_runs_and_not_while_it_hangs(
    home: Path, manager: Manager
) -> None:
    daemon = Daemon(home, NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="300000")
    daemon.write("LiveApp")
    with daemon:
        for _ in range(3):
            manager.wait_for("WATCHDOG=1")
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: manager.is_silent(0.9), "no word from a daemon that hangs")
        daemon.process.send_signal(signal.SIGCONT)

        manager.wait_for("WATCHDOG=1")


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(b"", id="new"),
        pytest.param(REQUEST, id="used"),
    ],
)
def test_a_request_on_an_idle_connection_is_answered_while_the_daemon_stops(
    daemon: Daemon, before: bytes
) -> None:
    assert daemon.process is not None
    with connect(daemon.port, before) as client:
        if before:
            assert "connection: close" not in read_answer(client)[1]
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_for_log("stopping: ")
        client.sendall(REQUEST)

        status, headers = read_answer(client)
        assert status == 200
        assert "connection: close" in headers
        assert client.recv(1) == b""
    assert daemon.process.wait(DEADLINE_S) == 0


def test_a_request_of_which_a_part_has_come_is_waited_for(daemon: Daemon) -> None:
    assert daemon.process is not None
    with connect(daemon.port, REQUEST[:20]) as client, connect(daemon.port) as idle:
        daemon.process.send_signal(signal.SIGTERM)
        # The idle one is closed; that is later than a request may take to begin.
        assert idle.recv(1) == b""
        client.sendall(REQUEST[20:])

        assert read_answer(client)[0] == 200
    assert daemon.process.wait(DEADLINE_S) == 0


def test_who_connects_during_the_last_call_is_served(daemon: Daemon) -> None:
    assert daemon.process is not None
    with connect(daemon.port, REQUEST) as idle:
        read_answer(idle)
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_for_log("stopping: ")
        with connect(daemon.port, REQUEST) as late:
            status, headers = read_answer(late)

        assert status == 200
        assert "connection: close" in headers


def test_without_connections_the_daemon_stops_at_once(daemon: Daemon) -> None:
    assert daemon.stop() == 0


def test_a_passed_socket_for_https_refuses_handshakes_until_there_is_a_certificate(
    home: Path,
) -> None:
    issued = Issued("first")
    with (
        listening() as http,
        listening() as https,
        started(home, [http, https], "http:https") as daemon,
    ):
        daemon.wait_for_log("no certificate, every handshake is refused")
        with pytest.raises(ssl.SSLError):
            handshake(port_of(https), trusting())

        put(home, issued.certificate, issued.key)
        daemon.wait_for_log("certificate in force")
        served = get(port_of(https), issued).status
        settings(home, http__ssl_certificate_file="")
        wait_until(lambda: daemon.log().count("every handshake is refused") == 2, "no certificate")

        assert served == 200
        with pytest.raises(ssl.SSLError):
            handshake(port_of(https), trusting())


def test_idle_connections_over_tls_may_bring_a_last_request_as_well(home: Path) -> None:
    issued = Issued("first")
    put(home, issued.certificate, issued.key)
    with (
        listening() as http,
        listening() as https,
        started(home, [http, https], "http:https") as daemon,
    ):
        assert daemon.process is not None
        with handshake(port_of(https), trusting(issued)) as client:
            daemon.process.send_signal(signal.SIGTERM)
            daemon.wait_for_log("stopping: ")
            client.sendall(REQUEST)

            status, headers = read_answer(client)
        assert status == 200
        assert "connection: close" in headers
