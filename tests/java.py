"""A JDK to compare with: the one on PATH, or the distribution's where it can be installed."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

PACKAGE = "default-jdk-headless"


def find_java() -> str:
    """Return the path of a ``java`` that runs single source files (``java Program.java``).

    Without a JDK on PATH, root on a Debian-like system gets the distribution's installed.  If
    that fails the test is skipped, or fails where ``CI`` is ``true``: there, a comparison that
    silently does not happen would look like one that passed.
    """
    java = _installed_java()
    if java is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install()
        java = _installed_java()
    if java is None:
        missing = f"no JDK: put java and javac 17 or newer on PATH (Debian: {PACKAGE})"
        if os.environ.get("CI") == "true":
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    return java


def _installed_java() -> str | None:
    # A JRE has java too, but cannot compile a source file; only a JDK has javac.
    return shutil.which("java") if shutil.which("javac") else None


def _install() -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update"],
        ["apt-get", "install", "-y", "--no-install-recommends", PACKAGE],
    ):
        if subprocess.run(command, env=environment, capture_output=True, check=False).returncode:
            return
