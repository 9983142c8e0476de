"""The panel's views of broadcasts, videos, activity, users and the server, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import DESKTOP, PHONE, serious_violations, sign_in
from tests.certificates import Issued
from tests.daemon import SECRET, Daemon, signed
from tests.manager import EMAIL, Manager, first_user, user_with

LIST = "/LiveApp/rest/v2/broadcasts/list/0/50"


def messages(page: Page) -> Locator:
    return page.get_by_role("region", name="Messages")


def open_view(page: Page, view: str) -> None:
    page.goto(f"/#{view}")
    expect(page.locator("main[aria-busy]")).to_have_count(0)


def names_in(daemon: Daemon) -> list[str]:
    return [one["name"] for one in daemon.request("GET", LIST).json]


def test_a_broadcast_is_made_found_edited_and_deleted(daemon: Daemon, page: Page) -> None:
    first_user(daemon)
    sign_in(page)
    open_view(page, "/applications/LiveApp/broadcasts")

    page.get_by_role("button", name="New broadcast").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("First")
    dialog.get_by_label("Stream id").fill("not/valid")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog).to_contain_text("Use A-Z, a-z, 0-9")
    dialog.get_by_label("Stream id").fill("stream1")
    assert serious_violations(page) == []
    dialog.get_by_role("button", name="Create").click()
    expect(messages(page)).to_contain_text("First is created")
    assert names_in(daemon) == ["First"]

    page.get_by_label("Find a broadcast").fill("nothing like it")
    expect(page.get_by_text("No broadcast has that")).to_be_visible()
    page.get_by_label("Find a broadcast").fill("FIR")
    page.get_by_role("button", name="Edit stream1").click()
    dialog.get_by_label("Name", exact=True).fill("Second")
    dialog.get_by_role("button", name="Save").click()
    expect(messages(page)).to_contain_text("Second is saved")
    assert names_in(daemon) == ["Second"]

    page.get_by_label("Find a broadcast").fill("")
    page.get_by_role("button", name="Delete stream1").click()
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Delete stream1")).to_be_focused()
    page.get_by_role("button", name="Delete stream1").click()
    dialog.get_by_role("button", name="Delete the broadcast").click()
    expect(page.get_by_text("No broadcasts yet.")).to_be_visible()
    assert names_in(daemon) == []


def test_what_the_api_refuses_is_said_in_the_dialog(daemon: Daemon, page: Page) -> None:
    manager = first_user(daemon)
    manager.proxied("POST", "LiveApp/rest/v2/broadcasts/create", {"streamId": "stream1"})
    sign_in(page)
    open_view(page, "/applications/LiveApp/broadcasts")

    page.get_by_role("button", name="New broadcast").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Stream id").fill("stream1")
    dialog.get_by_role("button", name="Create").click()

    expect(dialog.get_by_role("alert")).to_contain_text("already being used")
    expect(dialog.get_by_label("Stream id")).to_have_value("stream1")


def test_broadcasts_come_in_pages_of_fifty(daemon: Daemon, page: Page) -> None:
    manager = first_user(daemon)
    for number in range(52):
        body = {"streamId": f"s{number:02d}", "name": f"n{number:02d}"}
        manager.proxied("POST", "LiveApp/rest/v2/broadcasts/create", body)
    sign_in(page)
    open_view(page, "/applications/LiveApp/broadcasts")

    page.get_by_label("Sort by").select_option("name, A to Z")
    expect(page.get_by_text("52 broadcasts, 1 to 50 shown")).to_be_visible()
    page.get_by_role("button", name="Next").click()

    expect(page.get_by_text("52 broadcasts, 51 to 52 shown")).to_be_focused()
    expect(page.get_by_role("row")).to_have_count(3)
    expect(page.get_by_role("button", name="Edit s51")).to_be_visible()


def test_a_video_is_uploaded_played_and_deleted(daemon: Daemon, page: Page, tmp_path: Path) -> None:
    film, text = tmp_path / "film.MP4", tmp_path / "notes.txt"
    film.write_bytes(b"moving" * 100_000)
    text.write_bytes(b"words")
    first_user(daemon)
    sign_in(page)
    open_view(page, "/applications/LiveApp/vods")

    page.locator("input[type=file]").set_input_files([film, text])
    expect(messages(page)).to_contain_text("film.MP4 is uploaded")
    expect(page.get_by_role("alert").filter(has_text="not taken")).to_be_visible()
    link = page.get_by_role("link", name="film.mp4")
    address = link.get_attribute("href") or ""
    assert serious_violations(page) == []

    assert daemon.request("GET", address).body == film.read_bytes()
    page.get_by_role("button", name="Delete film.mp4").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete the video").click()
    expect(page.get_by_text("No videos yet.")).to_be_visible()
    assert daemon.request("GET", address).status == 404


def test_an_upload_is_cancelled(daemon: Daemon, page: Page, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"moving" * 100_000)
    first_user(daemon)
    sign_in(page)
    open_view(page, "/applications/LiveApp/vods")
    # It is on its way until it is cancelled.
    page.route("**/request?*create*", lambda _: None)

    page.locator("input[type=file]").set_input_files(film)
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("dialog", name="Discard the changes?").get_by_text("Cancel").click()
    page.get_by_role("button", name="Cancel film.mp4").click()

    expect(page.get_by_role("progressbar")).to_have_count(0)
    expect(page.get_by_role("button", name="Upload videos")).to_be_focused()
    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_role("switch", name="JWT filter")).to_be_visible()


def test_a_refused_request_appears_as_it_comes(daemon: Daemon, page: Page) -> None:
    first_user(daemon)
    daemon.write("LiveApp", jwtControlEnabled="true", jwtSecretKey=SECRET)
    daemon.wait_for_log("settings in force")
    sign_in(page)
    open_view(page, "/activity")
    expect(page.get_by_text("No refusals.")).to_be_visible()

    assert daemon.get(LIST, signed({"exp": 1})) == 403

    row = page.get_by_role("row").filter(has_text="expired")
    expect(row).to_contain_text(LIST)
    page.get_by_label("Only with").fill("no_token")
    expect(page.get_by_text("None of the refusals")).to_be_visible()


def test_the_log_and_the_changes_are_shown(daemon: Daemon, page: Page) -> None:
    first_user(daemon)
    sign_in(page)

    open_view(page, "/activity/log")
    expect(page.get_by_role("region", name="End of the log")).to_contain_text("serving")
    open_view(page, "/activity/changes")
    expect(page.get_by_role("row").filter(has_text="first user created")).to_contain_text("done")
    page.get_by_label("Only about").fill("nobody")
    expect(page.get_by_text("Nothing is recorded about “nobody”.")).to_be_visible()
    open_view(page, "/activity/machine")
    expect(page.get_by_role("region", name="Memory")).to_contain_text(" of ")


def test_a_user_is_added_limited_and_removed(daemon: Daemon, page: Page) -> None:
    first_user(daemon)
    daemon.write("Other")
    daemon.wait_for_log("application=Other")
    sign_in(page)
    open_view(page, "/users")

    page.get_by_role("button", name="Add a user").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("E-mail").fill("you@example.com")
    dialog.get_by_role("button", name="Generate").click()
    password = dialog.get_by_label("Password").input_value()
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog).to_contain_text("Choose a right")
    dialog.get_by_label("LiveApp").select_option("READ_ONLY")
    assert serious_violations(page) == []
    dialog.get_by_role("button", name="Add", exact=True).click()
    row = page.get_by_role("row").filter(has_text="you@example.com")
    expect(row).to_contain_text("LiveApp: READ_ONLY")
    assert Manager(daemon).log_in("you@example.com", password).json["success"]

    page.get_by_role("button", name="Edit: you@example.com").click()
    dialog.get_by_label("Other").select_option("ADMIN")
    dialog.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("Other: ADMIN")
    page.get_by_role("button", name="New password: you@example.com").click()
    dialog.get_by_label("New password").fill("another horse")
    dialog.get_by_role("button", name="Set the password").click()
    expect(messages(page)).to_contain_text("has a new password")
    expect(row).to_contain_text("Other: ADMIN")
    assert Manager(daemon).log_in("you@example.com", "another horse").json["success"]

    page.get_by_role("button", name="Remove: you@example.com").click()
    dialog.get_by_role("button", name="Remove the user").click()
    expect(row).to_have_count(0)
    expect(page.get_by_role("button", name=f"Edit: {EMAIL}")).to_have_count(0)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_reader_is_offered_nothing_that_would_be_refused(
    daemon: Daemon, page: Page, size: dict[str, int]
) -> None:
    admin = first_user(daemon)
    daemon.write("LiveApp", jwtControlEnabled="true", jwtSecretKey=SECRET)
    daemon.wait_for_log("settings in force")
    admin.proxied("POST", "LiveApp/rest/v2/broadcasts/create", {"streamId": "stream1"})
    user_with(daemon, admin, LiveApp="READ_ONLY")
    reader = next(
        one["email"] for one in admin.call("GET", "/user-list").json if one["email"] != EMAIL
    )
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, reader)

    open_view(page, "/applications/LiveApp/broadcasts")
    expect(page.get_by_role("cell", name="stream1").first).to_be_visible()
    for name in ("New broadcast", "Edit stream1", "Delete stream1"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    open_view(page, "/applications/LiveApp/vods")
    expect(page.get_by_role("button", name="Upload videos")).to_have_count(0)
    open_view(page, "/applications/LiveApp/settings")
    expect(page.get_by_role("textbox", name="Secret jwtSecretKey")).to_be_disabled()
    expect(page.get_by_role("button", name="jwtSecretKey")).to_have_count(0)
    open_view(page, "/applications/LiveApp/tokens")
    expect(page.get_by_role("button", name="Create", exact=True)).to_have_count(0)
    expect(page.get_by_role("button", name="Check", exact=True)).to_be_visible()
    for view in ("/users", "/server", "/activity/log"):
        open_view(page, view)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("alert").filter(has_text="not allowed")).to_have_count(0)


def test_a_token_is_read_in_the_browser_and_stored_nowhere(daemon: Daemon, page: Page) -> None:
    first_user(daemon)
    daemon.write("LiveApp", jwtControlEnabled="true", jwtSecretKey=SECRET)
    daemon.wait_for_log("settings in force")
    sign_in(page)
    open_view(page, "/applications/LiveApp/tokens")

    page.get_by_role("textbox", name="Token").fill(f"Bearer {signed({'exp': 1, 'sub': 'me'})}")
    page.get_by_label("Address").fill("127.0.0.1")
    page.get_by_role("button", name="Check", exact=True).click()

    expect(page.get_by_role("region", name="Verdict")).to_contain_text("'exp' is over")
    contents = page.get_by_role("region", name="What the token says")
    expect(contents).to_contain_text("1970")
    expect(contents).to_contain_text('"sub": "me"')
    assert serious_violations(page) == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    page.get_by_label("Further claims").fill('{"aud": 1}')
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_text("aud must be a text")).to_be_visible()


def test_the_server_is_set_and_gets_a_certificate(
    daemon: Daemon, page: Page, tmp_path: Path
) -> None:
    issuer = Issued("issuer", is_ca=True)
    issued = Issued("media.example.com", issuer)
    files = {
        "Full chain": issued.certificate + issuer.certificate,
        "Private key": issued.key,
        "Chain": issuer.certificate,
    }
    first_user(daemon)
    sign_in(page)

    open_view(page, "/server")
    page.get_by_label("Find a setting").fill("server.name")
    page.get_by_role("textbox", name="server.name").fill("media.example.com")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(messages(page)).to_contain_text("is in force")

    open_view(page, "/server/certificate")
    page.get_by_label("Domain name").fill("media.example.com")
    for label, content in files.items():
        path = tmp_path / f"{label}.pem"
        path.write_bytes(content)
        page.get_by_label(label, exact=True).set_input_files(path)
    page.get_by_label("Private key").set_input_files(tmp_path / "Chain.pem")
    expect(page.get_by_text("There is no private key in PEM form")).to_be_visible()
    page.get_by_label("Private key").set_input_files(tmp_path / "Private key.pem")
    page.get_by_role("button", name="Use this certificate").click()

    expect(messages(page)).to_contain_text("is in use")


def test_a_list_says_why_it_is_empty_and_comes_once_the_settings_are_mended(
    daemon: Daemon, page: Page
) -> None:
    daemon.write("Broken", remoteAllowedCIDR="nowhere")
    daemon.wait_for_log("application=Broken")
    first_user(daemon)
    sign_in(page)
    open_view(page, "/applications/Broken/broadcasts")
    expect(page.get_by_role("alert")).to_contain_text("its settings cannot be used")

    daemon.write("Broken")

    expect(page.get_by_text("No broadcasts yet.")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_hidden()
