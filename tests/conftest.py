"""Fixtures of all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.daemon import Daemon

# No test is about time, and the machine may be busy with others.
settings.register_profile("antmediad", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("antmediad")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home directory."""
    (tmp_path / "home" / "webapps").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def daemon(home: Path) -> Iterator[Daemon]:
    """A running daemon with one application, LiveApp, and no JWT filter."""
    running = Daemon(home)
    running.write("LiveApp")
    with running:
        yield running
