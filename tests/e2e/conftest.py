"""Fixtures of tests in a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import DESKTOP, chromium
from tests.daemon import Daemon


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for all tests of this module."""
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser, daemon: Daemon) -> Iterator[Page]:
    """A page of the daemon's panel; that it wants nothing from elsewhere is checked at the end."""
    context = browser.new_context(
        base_url=f"http://127.0.0.1:{daemon.port}",
        viewport=DESKTOP,  # type: ignore[arg-type]
    )
    page = context.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    # What the Content-Security-Policy refuses is told here, too.
    page.on(
        "console", lambda message: wrong.append(message.text) if message.type == "error" else None
    )
    yield page
    context.close()
    own = (f"http://127.0.0.1:{daemon.port}/", "data:", "blob:")
    assert [url for url in asked if not url.startswith(own)] == []
    assert [text for text in wrong if "Failed to load resource" not in text] == []
