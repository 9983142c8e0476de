"""``make install`` and ``make uninstall``, on a Debian 12."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.service.machine import Machine

HOME = "/usr/local/antmedia"
FILES = (
    "/usr/local/bin/antmediad",
    "/usr/local/lib/antmediad",
    "/usr/local/lib/systemd/system/antmedia.service",
    "/usr/local/lib/systemd/system/antmedia.socket",
    "/usr/local/lib/systemd/system/antmedia-https.socket",
    "/usr/local/lib/sysusers.d/antmedia.conf",
    "/usr/local/lib/tmpfiles.d/antmedia.conf",
)
# The machine has no network.
MAKE = ("env", "PIP_NO_INDEX=1", "PIP_FIND_LINKS=/shared/wheels", "make", "-C", "/shared/source")


@pytest.fixture
def bare(machine: Machine) -> Iterator[Machine]:
    """The machine, on which nothing is left in the end."""
    yield machine
    machine.run(*MAKE, "uninstall", check=False)
    machine.run("rm", "-rf", HOME)


def find(machine: Machine) -> list[str]:
    """Return which of `FILES` there are; links are not followed, they are those of inside."""
    return [path for path in FILES if os.path.lexists(machine.path(path))]


def test_make_install_gives_a_service_and_make_uninstall_takes_it_away(bare: Machine) -> None:
    bare.run("install", "-d", f"{HOME}/webapps/Mine/WEB-INF")
    mine = bare.path(f"{HOME}/webapps/Mine/WEB-INF/red5-web.properties")
    mine.write_text("# mine\nwebapp.contextPath=/Mine\n")

    bare.run(*MAKE, "install")
    installed = find(bare)
    bare.run("systemctl", "enable", "--now", "antmedia")
    started = bare.show("StatusText"), bare.status_of("/Mine/rest/v2/version")
    bare.run(*MAKE, "uninstall")
    left = find(bare)

    assert installed == list(FILES)
    assert started == ("1 active", 200)
    assert mine.read_text() == "# mine\nwebapp.contextPath=/Mine\n"
    assert left == []
    assert bare.path(f"{HOME}/data/settings.db").exists()
    assert bare.path(f"{HOME}/conf/red5.properties").exists()
    assert bare.run("systemctl", "is-active", "antmedia", check=False) == "inactive"
