"""HTTPS, with real certificates and real handshakes."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.certificates import Issued
from tests.daemon import Daemon, wait_until, write_properties

VERSION = "/LiveApp/rest/v2/version"


def put(home: Path, certificate: bytes, key: bytes) -> None:
    """Write both files in place."""
    (home / "conf").mkdir(exist_ok=True)
    (home / "conf" / "fullchain.pem").write_bytes(certificate)
    (home / "conf" / "privkey.pem").write_bytes(key)


def settings(home: Path, **properties: str) -> None:
    write_properties(home / "conf" / "red5.properties", **{"http__port": "0", **properties})


def https_port(daemon: Daemon) -> int:
    """Return the port of the last listener that the log tells of."""
    lines = [line for line in daemon.log().splitlines() if "listening: url=https" in line]
    return int(lines[-1].rpartition(":")[2])


def trusting(issued: Issued | None = None) -> ssl.SSLContext:
    """Return a client's context that trusts *issued*, or everybody."""
    context = ssl.create_default_context()
    if issued is not None:
        context.load_verify_locations(cadata=issued.certificate.decode())
    else:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def handshake(port: int, context: ssl.SSLContext, name: str | None = "localhost") -> ssl.SSLSocket:
    raw = socket.create_connection(("127.0.0.1", port), 10)
    return context.wrap_socket(raw, server_hostname=name)


def served(port: int, name: str | None = "localhost") -> bytes | None:
    """Return the certificate that a handshake gets, in DER form."""
    with handshake(port, trusting(), name) as connection:
        return connection.getpeercert(binary_form=True)


def get(port: int, issued: Issued) -> http.client.HTTPResponse:
    connection = http.client.HTTPSConnection(
        "localhost", port, timeout=10, context=trusting(issued)
    )
    try:
        connection.request("GET", VERSION)
        response = connection.getresponse()
        response.read()
        return response
    finally:
        connection.close()


@pytest.fixture
def first() -> Issued:
    return Issued("first")


@pytest.fixture
def daemon(home: Path, first: Issued) -> Iterator[Daemon]:
    """A daemon that serves the certificate *first* on a port of its own choice."""
    put(home, first.certificate, first.key)
    settings(home)
    running = Daemon(home, "--https-port", "0")
    running.write()
    with running:
        yield running


def test_both_are_served_and_the_log_names_both(daemon: Daemon, first: Issued) -> None:
    port = https_port(daemon)

    secure = get(port, first)

    assert (daemon.get(VERSION), secure.status) == (200, 200)
    assert secure.getheader("Strict-Transport-Security") is None
    assert f" serving: url=http://127.0.0.1:{daemon.port} url=https://127.0.0.1:{port} " in (
        daemon.log()
    )


def test_a_connection_lives_through_many_requests_and_a_renewal(
    daemon: Daemon, first: Issued, home: Path
) -> None:
    second = Issued("second")
    port = https_port(daemon)
    connection = http.client.HTTPSConnection("localhost", port, timeout=10, context=trusting(first))
    statuses = []

    def ask() -> None:
        connection.request("GET", VERSION)
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)

    ask()
    before = connection.sock
    put(home, second.certificate, second.key)
    wait_until(lambda: served(port) == second.der, "the second certificate")
    ask()

    assert statuses == [200, 200]
    assert connection.sock is before
    connection.close()


def test_protocols_are_modern(daemon: Daemon) -> None:
    port = https_port(daemon)
    old, fine = trusting(), trusting()
    fine.maximum_version = ssl.TLSVersion.TLSv1_2
    fine.set_alpn_protocols(["h2", "http/1.1"])
    old.set_ciphers("ALL:@SECLEVEL=0")
    # Python itself warns of what is tried here.
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises(OSError, match=r"(?i)protocol|reset|closed"):
        handshake(port, old)
    with handshake(port, fine) as connection:
        agreed = (connection.version(), connection.selected_alpn_protocol())
    with handshake(port, trusting()) as connection:
        best = connection.version()

    assert (agreed, best) == (("TLSv1.2", "http/1.1"), "TLSv1.3")


def is_last(seen: list[bytes | None], der: bytes) -> bool:
    return seen[-1] == der


def in_place(home: Path, issued: Issued) -> None:
    put(home, issued.certificate, issued.key)


def by_rename(home: Path, issued: Issued) -> None:
    for name, content in (("fullchain.pem", issued.certificate), ("privkey.pem", issued.key)):
        (home / "conf" / "new").write_bytes(content)
        (home / "conf" / "new").rename(home / "conf" / name)


def by_link(home: Path, issued: Issued) -> None:
    """Replace the files as certbot and Kubernetes do: by other targets of symbolic links."""
    directory = home / "conf" / f"version-{time.time_ns()}"
    directory.mkdir()
    (directory / "fullchain.pem").write_bytes(issued.certificate)
    (directory / "privkey.pem").write_bytes(issued.key)
    for name in ("fullchain.pem", "privkey.pem"):
        (home / "conf" / "link").symlink_to(directory / name)
        (home / "conf" / "link").rename(home / "conf" / name)


@pytest.mark.parametrize("replace", [in_place, by_rename, by_link])
def test_a_renewal_under_load_fails_no_handshake(
    daemon: Daemon, first: Issued, home: Path, replace: Callable[[Path, Issued], None]
) -> None:
    port = https_port(daemon)
    seen: list[bytes | None] = []
    failures: list[Exception] = []
    enough = threading.Event()

    def load(number: int) -> None:
        context = trusting()
        if number % 2:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        while not enough.is_set():
            try:
                with handshake(port, context, "localhost" if number < 2 else None) as connection:
                    connection.sendall(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % VERSION.encode())
                    assert connection.recv(12) == b"HTTP/1.1 200"
                    seen.append(connection.getpeercert(binary_form=True))
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=load, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    renewed, delays = [], []
    try:
        wait_until(lambda: len(seen) > 20, "load")
        for number in range(3):
            new = Issued(f"renewed {number}")
            renewed.append(new)
            replace(home, new)
            since = time.monotonic()
            wait_until(partial(is_last, seen, new.der), "the new certificate")
            delays.append(time.monotonic() - since)
    finally:
        enough.set()
        for thread in threads:
            thread.join()

    assert failures == []
    assert set(seen) == {first.der, *(new.der for new in renewed)}
    assert max(delays) < 1
    assert " ERROR " not in daemon.log()


def into_a_pipe(_: Issued, home: Path) -> None:
    (home / "conf" / "privkey.pem").unlink()
    os.mkfifo(home / "conf" / "privkey.pem")


BAD: dict[str, Callable[[Issued, Path], object]] = {
    "key-of-another": lambda new, home: put(home, new.certificate, Issued("other").key),
    "garbage": lambda _, home: put(home, b"\x00\xff nonsense", b"-----BEGIN nonsense"),
    "half-written": lambda new, home: put(home, new.certificate[:200], new.key),
    "empty": lambda _, home: put(home, b"", b""),
    "missing": lambda _, home: (home / "conf" / "privkey.pem").unlink(),
    "both-missing": lambda _, home: shutil.rmtree(home / "conf"),
    "pipe": into_a_pipe,
    "bad-chain": lambda _, home: (home / "conf" / "chain.pem").write_bytes(b"nonsense"),
}


@pytest.mark.parametrize("spoil", BAD.values(), ids=BAD)
def test_a_bad_pair_keeps_the_certificate_until_there_is_a_good_one(
    daemon: Daemon, first: Issued, home: Path, spoil: Callable[[Issued, Path], object]
) -> None:
    port = https_port(daemon)
    second = Issued("second")

    spoil(second, home)
    daemon.wait_for_log(" ERROR certificate kept: error=http.ssl_certificate_")
    kept = served(port)
    time.sleep(0.6)  # two more looks
    told = daemon.log().count("certificate kept")
    for name in ("chain.pem", "privkey.pem"):
        (home / "conf" / name).unlink(missing_ok=True)
    put(home, second.certificate, second.key)
    wait_until(lambda: served(port) == second.der, "the second certificate")

    assert (kept, told) == (first.der, 1)
    assert "PRIVATE KEY" not in daemon.log()
    assert "privkey" not in daemon.log()
    assert "Traceback" not in daemon.log()


def test_the_chain_file_completes_a_certificate(home: Path) -> None:
    root = Issued("root", is_ca=True)
    middle = Issued("middle", root, is_ca=True)
    leaf = Issued("leaf", middle)
    put(home, leaf.certificate, leaf.key)
    (home / "conf" / "chain.pem").write_bytes(middle.certificate)
    daemon = Daemon(home, "--https-port", "0")
    daemon.write()

    with daemon:
        status = get(https_port(daemon), root).status

    assert status == 200


def test_hsts_is_told_over_https_only_and_with_every_answer(
    daemon: Daemon, first: Issued, home: Path
) -> None:
    port = https_port(daemon)

    settings(home, https__hsts_seconds="86400")
    wait_until(lambda: get(port, first).getheader("Strict-Transport-Security"), "HSTS")
    secure = [get(port, first).getheader("Strict-Transport-Security")]
    connection = http.client.HTTPSConnection("localhost", port, timeout=10, context=trusting(first))
    for method, path in (("OPTIONS", VERSION), ("GET", "/none"), ("GET", "/LiveApp/streams/a.mp4")):
        preflight = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
        connection.request(method, path, headers=preflight)
        response = connection.getresponse()
        response.read()
        secure.append(response.getheader("Strict-Transport-Security"))
    connection.close()

    assert secure == ["max-age=86400"] * 4
    assert "strict-transport-security" not in daemon.request("GET", VERSION).headers


def test_what_is_no_tls_disturbs_nobody(daemon: Daemon, first: Issued) -> None:
    port = https_port(daemon)
    # The last line of the start.
    daemon.wait_for_log("no user yet")
    lines = len(daemon.log().splitlines())
    waiting = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]

    for garbage in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x00", os.urandom(4096)):
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", port), 10) as connection:
                connection.sendall(garbage)
    # A handshake that is given up, by a client that does not trust the certificate.
    for _ in range(20):
        with pytest.raises(ssl.SSLCertVerificationError):
            get(port, Issued("unknown"))
    status = get(port, first).status
    said = daemon.log().splitlines()[lines:]
    stopped = daemon.stop()
    for connection in waiting:
        connection.close()

    assert (status, said, stopped) == (200, [], 0)
    assert "Traceback" not in daemon.log()


def test_the_port_changes_live_and_one_in_use_is_an_error_only(home: Path, first: Issued) -> None:
    put(home, first.certificate, first.key)
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    taken = socket.create_server(("127.0.0.1", 0))
    settings(home, https__port=str(taken.getsockname()[1]))
    daemon = Daemon(home)
    daemon.write()
    with daemon, taken:
        daemon.wait_for_log(" ERROR cannot listen for HTTPS: ")
        beside = daemon.get(VERSION)
        settings(home, https__port=str(ports[0]))
        daemon.wait_for_log(f"listening: url=https://127.0.0.1:{ports[0]}")
        at_first = get(ports[0], first).status
        settings(home, https__port=str(ports[1]))
        daemon.wait_for_log(f"listening: url=https://127.0.0.1:{ports[1]}")
        moved = get(ports[1], first).status
        wait_until(lambda: not accepts(ports[0]), "the first port is left")
        settings(home, https__port=str(ports[1]), http__ssl_certificate_file="")
        wait_until(lambda: not accepts(ports[1]), "no HTTPS")
        settings(home, https__port=str(ports[1]))
        wait_until(lambda: accepts(ports[1]), "HTTPS again")
        again = get(ports[1], first).status

    assert (beside, at_first, moved, again) == (200, 200, 200, 200)


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def test_the_defaults_count_when_there_are_such_files(home: Path, first: Issued) -> None:
    names = {
        "http__ssl_certificate_file": "conf/fullchain.pem",
        "http__ssl_certificate_key_file": "conf/privkey.pem",
        "http__ssl_certificate_chain_file": "conf/chain.pem",
    }
    settings(home, **names)
    daemon = Daemon(home, "--https-port", "0")
    daemon.write()
    with daemon:
        time.sleep(0.6)  # two looks
        without = daemon.log()
        put(home, first.certificate, first.key)
        daemon.wait_for_log("listening: url=https")
        status = get(https_port(daemon), first).status

    assert status == 200
    assert "HTTPS" not in without
    assert " ERROR " not in daemon.log()


def test_files_that_are_named_have_to_be_there(home: Path, first: Issued, tmp_path: Path) -> None:
    pem = tmp_path / "elsewhere"
    settings(
        home,
        http__ssl_certificate_file=str(pem / "a.crt"),
        http__ssl_certificate_key_file=str(pem / "a.key"),
    )
    daemon = Daemon(home, "--https-port", "0")
    daemon.write()
    with daemon:
        daemon.wait_for_log(" ERROR no certificate, no HTTPS: error=http.ssl_certificate_file: ")
        beside = daemon.get(VERSION)
        pem.mkdir()
        (pem / "a.crt").write_bytes(first.certificate)
        (pem / "a.key").write_bytes(first.key)
        daemon.wait_for_log("listening: url=https")
        status = get(https_port(daemon), first).status

    assert (beside, status) == (200, 200)
