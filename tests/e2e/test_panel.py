"""The panel, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser import DESKTOP, PHONE, serious_violations, sign_in
from tests.daemon import Daemon, wait_until
from tests.manager import EMAIL, PASSWORD, first_user


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


def open_tab(page: Page, name: str, application: str = "LiveApp") -> None:
    page.get_by_role("navigation").get_by_role("link", name="Applications").click()
    page.get_by_role("link", name=application, exact=True).click()
    page.get_by_role("link", name=name, exact=True).click()


def test_from_a_switch_to_a_token_to_a_broken_file_and_back(daemon: Daemon, page: Page) -> None:
    list_path = "/LiveApp/rest/v2/broadcasts/list/0/10"
    first_user(daemon)
    sign_in(page)

    # The JWT filter is switched on, with a generated secret.
    page.get_by_role("link", name="LiveApp", exact=True).click()
    page.get_by_role("switch", name="JWT filter").check()
    page.get_by_role("button", name="Generate jwtSecretKey").click()
    expect(page.get_by_role("button", name="Copy jwtSecretKey")).to_be_enabled()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("region", name="Messages")).to_contain_text("is in force")
    assert daemon.get(list_path) == 403
    secret = properties_of(daemon)["jwtSecretKey"]
    assert len(secret) >= 32

    # A token that the panel makes is let in, and the panel itself needs none.
    page.get_by_role("link", name="Tokens", exact=True).click()
    page.get_by_role("button", name="Create", exact=True).click()
    line = page.get_by_role("group", name="Try it").inner_text()
    token = line.split("Authorization: ")[1].split("'")[0]
    assert daemon.get(list_path, token) == 200
    page.get_by_role("link", name="Broadcasts", exact=True).click()
    expect(page.get_by_text("No broadcasts yet.")).to_be_visible()
    page.get_by_role("link", name="Tokens", exact=True).click()
    page.get_by_role("textbox", name="Token").fill(token[:-2] + "xx")
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_role("region", name="Verdict")).to_contain_text("signature")

    # What somebody else writes to the file appears without a reload.
    page.get_by_role("link", name="Settings", exact=True).click()
    expect(page.get_by_role("textbox", name="Allowed addresses")).to_have_value("127.0.0.1")
    good = daemon.properties().read_text()
    daemon.properties().write_text(good + "remoteAllowedCIDR=127.0.0.1,10.0.0.0/8\n")
    expect(page.get_by_role("textbox", name="Allowed addresses")).to_have_value(
        "127.0.0.1,10.0.0.0/8"
    )

    # A broken file changes nothing, and says where it is broken.
    lines = len(good.splitlines())
    daemon.properties().write_text(good + "remoteAllowedCIDR=10.0.0.0/99\n")
    expect(page.get_by_text("stale").first).to_be_visible()
    problem = page.get_by_role("listitem").filter(has_text=f"line {lines + 1}").first
    expect(problem).to_contain_text("remoteAllowedCIDR")
    assert daemon.get(list_path, token) == 200
    assert serious_violations(page) == []

    # A version of before is restored.
    page.get_by_role("link", name="History", exact=True).click()
    page.get_by_role("button", name="Restore generation 2").click()
    page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    expect(page.get_by_role("region", name="Messages")).to_contain_text("2 is restored")
    expect(page.get_by_text("stale")).to_have_count(0)
    assert daemon.properties().read_text() == good
    history = page.get_by_role("table", name="Versions")
    expect(history).to_contain_text(EMAIL)


def properties_of(daemon: Daemon) -> dict[str, str]:
    lines = daemon.properties().read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_two_editors_at_once_lose_nothing(daemon: Daemon, page: Page) -> None:
    first_user(daemon)
    sign_in(page)
    page.get_by_role("link", name="LiveApp", exact=True).click()
    page.get_by_role("switch", name="JWT filter").check()
    page.route("**/apps", lambda route: route.abort())
    page.route("**/apps/LiveApp", lambda route: route.abort())

    daemon.properties().write_text(daemon.properties().read_text() + "# by hand\nhlsTime=3\n")
    wait_until(lambda: daemon.log().count("settings in force: application") == 2, "the edit")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_role("alert")).to_contain_text("Nothing is saved yet")
    expect(page.get_by_role("switch", name="JWT filter")).to_be_checked()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("region", name="Messages")).to_contain_text("is in force")
    assert properties_of(daemon)["jwtControlEnabled"] == "true"
    assert "# by hand\nhlsTime=3\n" in daemon.properties().read_text()


VIEWS = (
    "/applications",
    "/applications/LiveApp",
    "/applications/LiveApp/file",
    "/applications/LiveApp/history",
    "/applications/LiveApp/tokens",
    "/applications/LiveApp/broadcasts",
    "/applications/LiveApp/vods",
    "/activity",
    "/activity/changes",
    "/activity/log",
    "/activity/machine",
    "/users",
    "/server",
    "/server/file",
    "/server/history",
    "/server/certificate",
    "/server/about",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_view_is_accessible_and_fits(
    daemon: Daemon, page: Page, scheme: str, size: dict[str, int]
) -> None:
    first_user(daemon)
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    sign_in(page)

    for view in VIEWS:
        page.goto(f"/#{view}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator("main[aria-busy]")).to_have_count(0)
        assert serious_violations(page) == [], view
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], view
