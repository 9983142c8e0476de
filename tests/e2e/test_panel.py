"""The panel, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium, serious_violations
from tests.daemon import Daemon
from tests.manager import EMAIL, PASSWORD, first_user

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


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


def sign_in(page: Page) -> None:
    """Sign in by the form."""
    page.goto("/")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Applications", level=1)).to_be_visible()


def test_the_first_user_is_made_and_signed_in(daemon: Daemon, page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", name="Set up antmediad")).to_be_visible()
    assert serious_violations(page) == []
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Create the user").click()
    expect(page.get_by_text("Use 8 characters or more.")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the user").click()

    expect(page.get_by_role("heading", name="Applications", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="LiveApp")).to_be_visible()
    assert serious_violations(page) == []


def test_a_wrong_password_is_told_and_the_right_one_signs_in(daemon: Daemon, page: Page) -> None:
    first_user(daemon)
    page.goto("/")

    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_contain_text("Wrong e-mail or password")
    sign_in(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
