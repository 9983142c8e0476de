"""Fixtures of all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon import Daemon


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
