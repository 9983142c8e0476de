"""Fixtures of the tests of properties files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.java import find_java
from tests.properties.oracle import Oracle


@pytest.fixture(scope="session")
def oracle() -> Iterator[Oracle]:
    """Java, which reads documents for the whole session."""
    oracle = Oracle(find_java())
    yield oracle
    oracle.stop()
