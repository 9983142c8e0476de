"""A certificate is installed over the management API, and served without a restart."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from antmediad.applications.certificate import MAX_PEM_BYTES
from tests.certificates import Issued
from tests.daemon import Daemon, Response, wait_until
from tests.manager import Manager, first_user, user_with

CUSTOM = "/ssl-settings?domain=media.example.com&type=CUSTOM_CERTIFICATE"
DEFAULTS = "# the operator's\nhttp.port=0\nserver.name=old.example.com\n"


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    """The session of an administrator, on one daemon for all tests here."""
    home = tmp_path_factory.mktemp("management") / "home"
    running = Daemon(home, "--https-port", "0")
    running.write("LiveApp")
    (home / "conf").mkdir()
    (home / "conf" / "red5.properties").write_text(DEFAULTS)
    with running:
        yield first_user(running)


@pytest.fixture(scope="module")
def issuer() -> Issued:
    return Issued("issuer", is_ca=True)


@pytest.fixture(scope="module")
def issued(issuer: Issued) -> Issued:
    return Issued("media.example.com", issuer)


def form_of(files: Mapping[str, bytes]) -> bytes:
    parts = (
        b'--x\r\nContent-Disposition: form-data; name="%s"; filename="a.pem"\r\n\r\n%s\r\n'
        % (name.encode(), content)
        for name, content in files.items()
    )
    return b"".join((*parts, b"--x--\r\n"))


def upload(manager: Manager, files: Mapping[str, bytes], path: str = CUSTOM) -> Response:
    headers = {
        "Cookie": f"JSESSIONID={manager.cookie}",
        "Content-Type": "multipart/form-data; boundary=x",
    }
    return manager.daemon.request("POST", f"/rest/v2{path}", form_of(files), headers)


def files_of(issued: Issued, issuer: Issued, **others: bytes) -> dict[str, bytes]:
    return {
        "fullChainFile": issued.certificate + issuer.certificate,
        "privateKeyFile": issued.key,
        "chainFile": issuer.certificate,
        **others,
    }


def conf_of(daemon: Daemon) -> tuple[str, list[str]]:
    """Return the server's settings, and the names beside them."""
    conf = daemon.home / "conf"
    return (conf / "red5.properties").read_text(), sorted(one.name for one in conf.iterdir())


def served(daemon: Daemon) -> bytes | None:
    lines = [line for line in daemon.log().splitlines() if "listening: url=https" in line]
    if not lines:
        return None
    port = int(lines[-1].rpartition(":")[2])
    pem = ssl.get_server_certificate(("127.0.0.1", port), timeout=10)
    return ssl.PEM_cert_to_DER_cert(pem)


def test_an_installed_certificate_is_served_and_so_is_the_next(
    admin: Manager, issued: Issued, issuer: Issued
) -> None:
    daemon = admin.daemon
    assert served(daemon) is None

    answer = upload(admin, files_of(issued, issuer))

    assert answer.json == {"success": True, "message": "", "dataId": "", "errorId": 0}
    wait_until(lambda: served(daemon) == issued.der, "the certificate is served")
    text, names = conf_of(daemon)
    assert text.startswith(DEFAULTS)
    (directory,) = (daemon.home / "conf" / name for name in names if name.startswith("ssl-"))
    assert f"http.ssl_certificate_key_file=conf/{directory.name}/privkey.pem\n" in text
    assert {one.name: one.stat().st_mode & 0o777 for one in directory.iterdir()} == {
        "fullchain.pem": 0o640,
        "privkey.pem": 0o600,
        "chain.pem": 0o640,
    }

    renewed = Issued("media.example.com", issuer)
    assert upload(admin, files_of(renewed, issuer)).json["success"]

    wait_until(lambda: served(daemon) == renewed.der, "the renewed one is served")
    assert directory.is_dir()


def test_what_cannot_be_served_changes_nothing(
    admin: Manager, issued: Issued, issuer: Issued
) -> None:
    daemon = admin.daemon
    before = conf_of(daemon)
    locked = issued.private_key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")
    )
    expired = Issued("old", issuer, begins_in_days=-9, ends_in_days=-1)
    future = Issued("new", issuer, begins_in_days=1, ends_in_days=9)
    cases: dict[str, Any] = {
        "privateKeyFile: is not the key": files_of(issued, issuer, privateKeyFile=issuer.key),
        "privateKeyFile: expected a private key": files_of(issued, issuer, privateKeyFile=b"no"),
        "without a password": files_of(issued, issuer, privateKeyFile=locked),
        "fullChainFile: expected certificates": files_of(issued, issuer, fullChainFile=b"no"),
        "chainFile: expected certificates": files_of(issued, issuer, chainFile=issued.key),
        "fullChainFile: the certificate is expired": files_of(expired, issuer),
        "fullChainFile: the certificate is not valid yet": files_of(future, issuer),
    }

    for reason, files in cases.items():
        answer = upload(admin, files)
        assert (answer.status, answer.json["success"]) == (200, False), reason
        message = answer.json["message"]
        assert message.startswith("Certificate file operation is not succesful due to ")
        assert reason in message
        assert "PRIVATE" not in message

    assert conf_of(daemon) == before


@pytest.mark.parametrize("missing", ["fullChainFile", "privateKeyFile", "chainFile"])
def test_each_file_is_needed(admin: Manager, issued: Issued, issuer: Issued, missing: str) -> None:
    files = files_of(issued, issuer)
    blank = upload(admin, {**files, missing: b" \r\n"})
    del files[missing]

    for answer in (upload(admin, files), blank):
        assert (answer.status, answer.json["success"]) == (200, False)
        assert answer.json["message"].startswith("Missing parameters for custom SSL certificate.")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("domain=media.example.com", "Undefined configuration type"),
        ("domain=media.example.com&type=OTHER", "Unknown SSL configuration type"),
        ("domain=media.example.com&type=custom_certificate", "Unknown SSL configuration type"),
        ("domain=media.example.com&type=CUSTOM_DOMAIN", "expected type CUSTOM_CERTIFICATE"),
        ("type=ANTMEDIA_SUBDOMAIN", "expected type CUSTOM_CERTIFICATE"),
        ("type=NO_SSL", "expected type CUSTOM_CERTIFICATE"),
        ("type=CUSTOM_CERTIFICATE", "Invalid domain name parameter"),
        ("domain=localhost&type=CUSTOM_CERTIFICATE", "Invalid domain name parameter"),
        ("domain=a.b%20c.de&type=CUSTOM_CERTIFICATE", "Invalid domain name parameter"),
    ],
)
def test_what_else_is_asked_for_is_refused_with_a_reason(
    admin: Manager, issued: Issued, issuer: Issued, query: str, message: str
) -> None:
    answer = upload(admin, files_of(issued, issuer), f"/ssl-settings?{query}")

    assert (answer.status, answer.json["success"]) == (200, False)
    assert message in answer.json["message"]


def test_no_more_is_read_than_a_certificate_can_have(
    admin: Manager, issued: Issued, issuer: Issued
) -> None:
    large = files_of(issued, issuer, chainFile=b"x" * (MAX_PEM_BYTES + 1))

    assert upload(admin, large).status == 413


def test_only_an_administrator_of_everything_installs_one(
    admin: Manager, issued: Issued, issuer: Issued
) -> None:
    for rights in ({"system": "READ_ONLY"}, {"LiveApp": "ADMIN"}):
        user = user_with(admin.daemon, admin, **rights)
        assert upload(user, files_of(issued, issuer)).status == 403
    assert admin.call("GET", "/ssl-settings").status == 405


def test_no_key_is_in_the_log(admin: Manager, issued: Issued) -> None:
    body = issued.key.splitlines()[1].decode()

    assert body not in admin.daemon.log()


def test_a_home_without_any_configuration_gets_one(
    home: Path, issued: Issued, issuer: Issued
) -> None:
    daemon = Daemon(home, "--https-port", "0")
    with daemon:
        admin = first_user(daemon)
        (home / "conf" / ".ssl-20260101T000000Z-01234567.new").mkdir(parents=True)

        assert upload(admin, files_of(issued, issuer)).json["success"]

        wait_until(lambda: served(daemon) == issued.der, "the certificate is served")
    text, names = conf_of(daemon)
    assert text.count("\n") == 3
    assert [name[:4] for name in names] == ["red5", "ssl-"]


def test_a_home_that_is_read_only_stays_as_it_is(
    home: Path, tmp_path: Path, issued: Issued, issuer: Issued
) -> None:
    (home / "conf").mkdir()
    daemon = Daemon(home, "--https-port", "0", "--data", str(tmp_path / "own"), "--read-only")
    with daemon:
        answer = upload(first_user(daemon), files_of(issued, issuer)).json

    assert not answer["success"]
    assert "this home is read only" in answer["message"]
    assert list((home / "conf").iterdir()) == []
