"""One set of tests, run against each store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from antmediad.store.application import ApplicationStore
from antmediad.store.interface import Store


@pytest.fixture(params=["file", "memory"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of one application, in a file and in memory."""
    store = ApplicationStore(tmp_path / "app.db" if request.param == "file" else None)
    yield store
    asyncio.run(store.close())
