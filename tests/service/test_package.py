"""The Debian package, and the service that it brings, under a real systemd."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from tests.daemon import SECRET, signed, wait_until
from tests.service.machine import Machine
from tests.service.test_install import MAKE

HOME = "/usr/local/antmedia"
LIVE = f"{HOME}/webapps/LiveApp/WEB-INF/red5-web.properties"
LIST = "/LiveApp/rest/v2/broadcasts/list/0/10"
UNITS = ("antmedia.service", "antmedia.socket", "antmedia-https.socket")
REQUESTS = 20_000


class Packages(NamedTuple):
    """Paths of two versions, inside the machine."""

    first: str
    second: str


@pytest.fixture(scope="module")
def packages(machine: Machine) -> Packages:
    """The package, and a later one with the same contents."""
    machine.run(*MAKE, "deb")
    first = "/shared/" + str(
        next((machine.shared / "source" / "dist").glob("*.deb")).relative_to(machine.shared)
    )
    machine.run("dpkg-deb", "-R", first, "/tmp/later")
    machine.run("sed", "-i", "s/^Version: .*/Version: 99/", "/tmp/later/DEBIAN/control")
    machine.run("dpkg-deb", "-Zgzip", "-z1", "-b", "/tmp/later", "/shared/later.deb")
    return Packages(first, "/shared/later.deb")


@pytest.fixture
def service(machine: Machine, packages: Packages) -> Iterator[Machine]:
    """The machine with the package installed and its service running, as it comes."""
    machine.run("dpkg", "-i", packages.first)
    yield machine
    machine.run("dpkg", "--purge", "antmediad")
    machine.run("rm", "-rf", HOME)


@contextmanager
def drop_in(machine: Machine, text: str) -> Iterator[None]:
    """Have the service run with *text* added to its unit."""
    directory = "/etc/systemd/system/antmedia.service.d"
    machine.run("install", "-d", directory)
    machine.path(f"{directory}/test.conf").write_text(text)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "antmedia")
    yield
    machine.run("rm", "-r", directory)
    machine.run("systemctl", "daemon-reload")


def journal(machine: Machine) -> str:
    return machine.run("journalctl", "--unit=antmedia", "--output=cat", "--no-pager")


def test_the_units_are_correct_and_the_sandbox_is_tight(service: Machine) -> None:
    paths = [f"/usr/lib/systemd/system/{unit}" for unit in UNITS]

    assert service.run("systemd-analyze", "verify", *paths) == ""
    # Exposure in tenths; more is an error.
    service.run("systemd-analyze", "security", "--offline=yes", "--threshold=20", paths[0])


def test_the_package_starts_its_service_and_the_status_tells_how_it_is(service: Machine) -> None:
    assert service.run("systemctl", "is-active", "antmedia") == "active"
    assert service.run("systemctl", "is-enabled", "antmedia") == "enabled"
    assert service.show("StatusText") == "2 active"
    assert service.status_of(LIST) == 200
    assert "/usr/lib/antmediad" in service.run("readlink", "-f", "/usr/bin/antmediad")


def test_a_saved_file_is_in_force_and_a_wrong_one_is_in_the_status(service: Machine) -> None:
    with service.path(LIVE).open("a") as file:
        file.write(f"jwtControlEnabled=true\njwtSecretKey={SECRET}\n")

    wait_until(lambda: service.status_of(LIST) == 403, "the JWT filter is on")
    assert service.status_of(LIST, "-H", f"Authorization: {signed()}") == 200

    with service.path(LIVE).open("a") as file:
        file.write("remoteAllowedCIDR=nonsense\n")

    wait_until(lambda: service.show("StatusText") == "1 active, 1 stale", "the status tells")


def test_a_secret_comes_from_a_credential(service: Machine) -> None:
    secret = service.path("/etc/jwt-secret")
    secret.write_text(SECRET)
    secret.chmod(0o600)
    with service.path(LIVE).open("a") as file:
        file.write("jwtControlEnabled=true\njwtSecretKey=${credential:jwt-secret}\n")

    with drop_in(service, "[Service]\nLoadCredential=jwt-secret:/etc/jwt-secret\n"):
        assert service.status_of(LIST) == 403
        assert service.status_of(LIST, "-H", f"Authorization: {signed()}") == 200


def test_restarts_under_load_lose_nothing(service: Machine) -> None:
    before = service.show("MainPID")
    load = service.start_load(REQUESTS)
    service.run("service", "antmedia", "restart")
    service.run("systemctl", "restart", "antmedia")
    is_under_load = load.poll() is None
    loaded = service.finish_load(load)

    assert is_under_load
    assert loaded.results == {"200": REQUESTS}
    assert service.show("MainPID") != before


def test_with_the_socket_unit_restarts_under_load_lose_nothing_either(service: Machine) -> None:
    service.run("systemctl", "stop", "antmedia")
    service.run("systemctl", "enable", "--now", "antmedia.socket")
    # Nobody has started the service; the request does.
    assert service.status_of(LIST) == 200
    assert "address is that of the socket unit" in journal(service)

    load = service.start_load(REQUESTS)
    service.run("service", "antmedia", "restart")
    service.run("systemctl", "restart", "antmedia")
    is_under_load = load.poll() is None
    loaded = service.finish_load(load)

    assert is_under_load
    assert loaded.results == {"200": REQUESTS}


def test_a_reload_under_load_loses_nothing(service: Machine) -> None:
    before = service.show("MainPID")
    load = service.start_load(REQUESTS // 2)
    service.run("systemctl", "reload", "antmedia")
    loaded = service.finish_load(load)

    assert loaded.results == {"200": REQUESTS // 2}
    assert service.show("MainPID") == before
    wait_until(lambda: "reload of everything asked for" in journal(service), "it was reloaded")


def test_the_address_follows_the_settings_over_a_restart(service: Machine) -> None:
    service.run("sed", "-i", "s/^http.port=.*/http.port=5090/", f"{HOME}/conf/red5.properties")
    wait_until(lambda: service.status_of(LIST, port=5090) == 200, "the new port is served")
    service.run("systemctl", "kill", "--signal=KILL", "antmedia")
    service.run("sed", "-i", "s/^http.port=.*/http.port=5091/", f"{HOME}/conf/red5.properties")

    wait_until(lambda: service.status_of(LIST, port=5091) == 200, "it is started anew")
    assert service.status_of(LIST, port=5080) == 0
    assert service.status_of(LIST, port=5090) == 0


def test_a_daemon_that_hangs_is_started_anew(service: Machine) -> None:
    with drop_in(service, "[Service]\nWatchdogSec=1\n"):
        hung = service.show("MainPID")
        service.run("systemctl", "kill", "--signal=STOP", "--kill-who=main", "antmedia")

        wait_until(lambda: service.show("NRestarts") == "1", "systemd starts it anew")
        wait_until(lambda: service.show("StatusText") == "2 active", "it serves")
        assert service.show("MainPID") != hung
        assert service.status_of(LIST) == 200
        assert "Watchdog timeout" in journal(service)
        # Where it hung.
        assert "Fatal Python error: Aborted" in journal(service)


def test_an_upgrade_under_load_loses_nothing_and_keeps_what_was_edited(
    service: Machine, packages: Packages
) -> None:
    with service.path(LIVE).open("a") as file:
        file.write("# edited\n")
    service.run("sed", "-i", "s/^logLevel=.*/logLevel=WARN/", f"{HOME}/conf/red5.properties")
    service.run("rm", "-r", f"{HOME}/webapps/WebRTCAppEE")
    before = service.show("MainPID")

    load = service.start_load(REQUESTS)
    service.run("dpkg", "-i", packages.second)
    loaded = service.finish_load(load)

    assert loaded.results == {"200": REQUESTS}
    assert service.show("MainPID") != before
    assert service.path(LIVE).read_text().endswith("# edited\n")
    assert "logLevel=WARN" in service.path(f"{HOME}/conf/red5.properties").read_text()
    # What the administrator removed does not come back.
    assert not service.path(f"{HOME}/webapps/WebRTCAppEE").exists()


def test_removal_keeps_settings_and_data_and_purging_keeps_what_is_not_the_packages(
    service: Machine, packages: Packages
) -> None:
    service.run("install", "-d", f"{HOME}/webapps/Mine/WEB-INF")
    service.path(f"{HOME}/webapps/Mine/WEB-INF/red5-web.properties").write_text("# mine\n")

    service.run("dpkg", "--remove", "antmediad")
    after_removal = {
        "active": service.run("systemctl", "is-active", "antmedia", check=False),
        "settings": service.path(LIVE).exists(),
        "data": service.path(f"{HOME}/data/settings.db").exists(),
        "program": service.path("/usr/lib/antmediad").exists(),
    }
    service.run("dpkg", "-i", packages.first)
    again = service.status_of(LIST)
    service.run("systemctl", "enable", "antmedia.socket")
    service.run("dpkg", "--purge", "antmediad")

    assert after_removal == {
        "active": "inactive",
        "settings": True,
        "data": True,
        "program": False,
    }
    assert again == 200
    assert [path.name for path in service.path(HOME).iterdir()] == ["webapps"]
    assert [path.name for path in service.path(f"{HOME}/webapps").iterdir()] == ["Mine"]
    assert not service.path("/var/lib/antmediad").exists()
    assert (
        service.run("find", "/etc/systemd/system", "/var/lib/systemd", "-name", "antmedia*") == ""
    )
