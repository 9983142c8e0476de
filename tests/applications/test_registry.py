"""The registry: what a file on disk makes of the settings in force, and of what is on record."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from antmediad.applications.home import Home
from antmediad.applications.registry import Registry
from antmediad.applications.settings_file import SERVER, Application
from antmediad.store.history import Version
from tests.daemon import SECRET, write_properties

GUARDED = {"jwtControlEnabled": "true", "jwtSecretKey": SECRET}


class Record:
    """A history in memory, as `store.history.History` keeps it on disk."""

    def __init__(self) -> None:
        self.versions: list[tuple[Version, bytes | None]] = []

    def latest(self) -> dict[str, Version]:
        return {version.application: version for version, _ in self.versions}

    def content(self, application: str, generation: int) -> bytes | None:
        found = [
            content
            for version, content in self.versions
            if (version.application, version.generation) == (application, generation)
        ]
        return found[0] if found else None

    def since_guarded(self, application: str, before: int) -> list[Version]:
        known = [
            version
            for version, _ in self.versions
            if version.application == application and version.generation < before
        ]
        guarded = [at for at, version in enumerate(known) if version.guarded]
        return known[guarded[-1] :] if guarded else []

    def append(self, version: Version, content: bytes | None) -> None:
        self.versions.append((version, content))


class Place:
    """A home with one application, and the registries of one process after another."""

    def __init__(self, path: Path) -> None:
        self.home = Home(path)
        self.record = Record()
        self.environment: dict[str, str] = {}
        self.changes: list[str] = []
        self.registry = self.restarted()

    def restarted(self) -> Registry:
        """Return the registry of a process that knows what is on record, and nothing more."""
        self.registry = Registry(self.home, self.record, self.environment)
        self.registry.on_version = self.record.append
        self.registry.on_change = self.changes.append
        return self.registry

    def write(self, **properties: str) -> None:
        write_properties(self.home.properties_of("LiveApp"), **properties)

    def write_text(self, text: str) -> None:
        path = self.home.properties_of("LiveApp")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def load(self, **properties: str) -> Application:
        """Write the properties, reload, and return the application."""
        if properties:
            self.write(**properties)
        if self.registry.reload("LiveApp") == "kept":
            self.registry.restore("LiveApp")
        return self.application

    @property
    def application(self) -> Application:
        return self.registry.applications["LiveApp"]


@pytest.fixture
def place(home: Path) -> Place:
    return Place(home)


def in_force(application: Application) -> tuple[bool, str]:
    assert application.snapshot is not None
    settings = application.snapshot.settings
    return settings.jwt_control_enabled, settings.jwt_secret_key


def errors(application: Application) -> list[tuple[int, str]]:
    """Return line and key of what is wrong; a short file has warnings as well."""
    return [(one.line, one.key) for one in application.problems if one.severity == "error"]


def test_a_good_file_makes_an_application_active(place: Place) -> None:
    application = place.load(**GUARDED)

    assert (application.state, application.generation) == ("active", 1)
    assert in_force(application) == (True, SECRET)
    assert place.changes == ["LiveApp"]


def test_a_file_that_never_was_good_makes_it_failed(place: Place) -> None:
    application = place.load(jwtControlEnabled="ture")

    assert (application.state, application.generation) == ("failed", 0)
    assert application.snapshot is None
    assert errors(application) == [(1, "jwtControlEnabled")]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("jwtControlEnabled=ture\n", id="not-a-switch"),
        pytest.param("jwtControlEnabled=true\nremoteAllowedCIDR=10.0.0.0/33\n", id="bad-cidr"),
        pytest.param("jwtControlEnabled=true\njwksURL=ftp://issuer\n", id="bad-url"),
        pytest.param("jwtControlEnabled=true\nx=\\u00zz\n", id="bad-escape"),
        pytest.param("jwtControlEnabled=true\njwtSecretKey=${file:none}\n", id="no-reference"),
        pytest.param("", id="empty"),
        pytest.param("# only a comment\n", id="comment"),
        pytest.param("appName=LiveApp\n", id="cut-before-the-guard"),
        pytest.param("appName=LiveApp\njwtControlEna", id="cut-in-the-key"),
        pytest.param("appName=LiveApp\njwtControlEnabled=", id="cut-before-the-value"),
        pytest.param("appName=LiveApp\njwtControlEnabled=tr", id="cut-in-the-value"),
    ],
)
def test_a_wrong_file_leaves_the_last_good_settings_in_force(place: Place, text: str) -> None:
    before = place.load(**GUARDED).snapshot
    place.write_text(text)

    application = place.load()

    assert (application.state, application.snapshot) == ("stale", before)
    assert errors(application)


def test_a_file_that_is_good_again_makes_it_active_again(place: Place) -> None:
    place.load(**GUARDED)
    place.load(jwtControlEnabled="ture")

    application = place.load(**GUARDED)

    assert (application.state, application.generation) == ("active", 1)
    assert errors(application) == []


def test_every_problem_of_a_file_is_told_with_its_line(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    application = place.load(
        jwtControlEnabled="ture", remoteAllowedCIDR="10.0.0.0/33", jwksURL="ftp://x"
    )

    assert errors(application) == [
        (1, "jwtControlEnabled"),
        (2, "remoteAllowedCIDR"),
        (3, "jwksURL"),
    ]
    assert "line 2: remoteAllowedCIDR: " in caplog.text
    assert str(place.home.properties_of("LiveApp")) in caplog.text


def test_the_log_is_spared_when_a_file_has_very_many_problems(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.write_text("x=\\uzzzz\n" * 1000)

    application = place.load()

    assert len(errors(application)) == 1000
    assert len(caplog.records) < 50
    assert "errors=1000" in caplog.text


def test_a_problem_never_shows_a_value(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    place.load(jwtSecretKey=SECRET, jwtControlEnabled="value-of-it")

    assert "value-of-it" not in caplog.text
    assert SECRET not in caplog.text


def test_settings_that_are_equal_change_nothing(place: Place) -> None:
    before = place.load(**GUARDED).snapshot
    place.write_text(f"# why\njwtSecretKey:{SECRET}\njwtControlEnabled yes\n")
    place.changes.clear()

    application = place.load()

    assert before is not None
    assert application.snapshot is not None
    assert application.generation == 1
    assert application.snapshot.settings is before.settings
    assert place.changes == []


def test_an_unknown_key_makes_a_generation_of_its_own(place: Place) -> None:
    place.load(**GUARDED)

    assert place.load(**GUARDED, someOtherKey="x").generation == 2


def test_the_generation_only_grows_over_changes_and_restarts(place: Place) -> None:
    generations = [place.load(**GUARDED).generation]
    for number in range(3):
        generations.append(place.load(**GUARDED, hlsTime=str(number + 3)).generation)
        place.restarted()
        generations.append(place.load().generation)
    place.write(**GUARDED, hlsTime="9")
    place.restarted()
    generations.append(place.load().generation)

    assert generations == [1, 2, 2, 3, 3, 4, 4, 5]


def test_a_comment_added_before_a_restart_makes_no_generation(place: Place) -> None:
    place.load(**GUARDED)
    place.write_text(f"# why\njwtSecretKey={SECRET}\njwtControlEnabled=true\n")
    place.restarted()

    assert place.load().generation == 1


def test_the_jwt_filter_goes_off_when_its_line_says_so(place: Place) -> None:
    place.load(**GUARDED)

    application = place.load(jwtControlEnabled="false", jwtSecretKey=SECRET)

    assert (application.state, application.generation) == ("active", 2)
    assert in_force(application) == (False, SECRET)


@pytest.mark.parametrize("restart", [False, True], ids=["running", "after-a-restart"])
def test_the_jwt_filter_stays_on_when_its_line_is_gone(place: Place, restart: bool) -> None:
    place.load(**GUARDED)
    place.write(jwtSecretKey=SECRET)
    if restart:
        place.restarted()

    application = place.load()

    assert application.state == "stale"
    assert in_force(application) == (True, SECRET)
    assert any("write jwtControlEnabled=false" in p.message for p in application.problems)


@pytest.mark.parametrize("restart", [False, True], ids=["running", "after-a-restart"])
def test_an_older_spelling_that_said_no_all_along_does_not_count_when_the_current_is_gone(
    place: Place, restart: bool
) -> None:
    place.load(**GUARDED, settings__jwtControlEnabled="false")
    place.write(jwtSecretKey=SECRET, settings__jwtControlEnabled="false")
    if restart:
        place.restarted()

    application = place.load()

    assert application.state == "stale"
    assert in_force(application)[0]


@pytest.mark.parametrize("restart", [False, True], ids=["running", "after-a-restart"])
def test_the_older_spelling_switches_off_what_it_switched_on(place: Place, restart: bool) -> None:
    place.load(settings__jwtControlEnabled="true", jwtSecretKey=SECRET)
    place.write(settings__jwtControlEnabled="false", jwtSecretKey=SECRET)
    if restart:
        place.restarted()

    application = place.load()

    assert application.state == "active"
    assert not in_force(application)[0]


def test_a_restored_version_keeps_its_jwt_filter_on_as_well(place: Place) -> None:
    place.load(**GUARDED)
    place.write(jwtControlEnabled="ture")
    place.restarted()
    place.load()

    application = place.load(jwtSecretKey=SECRET)

    assert application.state == "stale"
    assert in_force(application) == (True, SECRET)


def test_a_filter_switched_on_by_the_environment_is_on_record_as_such(place: Place) -> None:
    place.environment["GUARD"] = "false"
    place.load(jwtControlEnabled="${GUARD}", jwtSecretKey=SECRET)
    place.environment["GUARD"] = "true"
    place.restarted()
    place.load()
    place.write(jwtSecretKey=SECRET)
    place.restarted()

    application = place.load()

    assert application.state == "stale"
    assert in_force(application)[0]


def test_a_broken_file_at_the_start_leaves_the_version_on_record_in_force(place: Place) -> None:
    place.load(**GUARDED)
    place.load(**GUARDED, hlsTime="5")
    place.write(jwtControlEnabled="ture")
    place.restarted()

    application = place.load()

    assert (application.state, application.generation) == ("stale", 2)
    assert in_force(application) == (True, SECRET)
    assert errors(application) == [(1, "jwtControlEnabled")]


def test_a_version_whose_reference_is_gone_is_not_restored(place: Place) -> None:
    secret = place.home.path / "secret"
    secret.write_text(SECRET)
    place.load(jwtControlEnabled="true", jwtSecretKey=f"${{file:{secret}}}")
    secret.unlink()
    place.restarted()

    application = place.load()

    assert application.state == "failed"
    assert secret in application.references


def test_the_reference_that_a_broken_file_waits_for_is_watched_after_a_restore(
    place: Place,
) -> None:
    place.load(**GUARDED)
    secret = place.home.path / "secret"
    place.write(jwtControlEnabled="true", jwtSecretKey=f"${{file:{secret}}}")
    place.restarted()
    application = place.load()
    before = (application.state, in_force(application))
    secret.write_text("another secret of 32 characters!")

    changed = application.has_changed()
    application = place.load()

    assert before == ("stale", (True, SECRET))
    assert changed
    assert (application.state, in_force(application)) == (
        "active",
        (True, "another secret of 32 characters!"),
    )


def test_what_was_removed_is_forgotten_and_comes_back_with_a_higher_generation(
    place: Place,
) -> None:
    place.load(**GUARDED)

    place.registry.remove("LiveApp")
    after_removal = dict(place.registry.applications)
    application = place.load(jwtSecretKey=SECRET)

    assert after_removal == {}
    assert (application.state, application.generation) == ("active", 3)
    assert [version.digest == "" for version, _ in place.record.versions] == [False, True, False]


def test_an_application_that_could_not_be_created_anew_comes_back_guarded(place: Place) -> None:
    place.load(**GUARDED)
    place.restarted()

    with suppress(OSError), place.registry.expect_new("LiveApp"):
        raise OSError
    place.load(jwtSecretKey=SECRET)

    assert in_force(place.application) == (True, SECRET)
    assert place.application.state == "stale"


def test_one_that_was_created_anew_has_no_guard_to_lose(place: Place) -> None:
    place.load(**GUARDED)
    place.restarted()

    with place.registry.expect_new("LiveApp"):
        place.write(jwtSecretKey=SECRET)
    place.load()

    assert in_force(place.application) == (False, SECRET)
    assert place.application.generation == 3


def test_removing_what_is_not_known_is_not_told(place: Place) -> None:
    place.registry.remove("LiveApp")

    assert place.changes == []
    assert place.record.versions == []


def test_a_file_that_vanished_leaves_its_settings_in_force(place: Place) -> None:
    before = place.load(**GUARDED).snapshot
    place.home.properties_of("LiveApp").unlink()

    application = place.load()

    assert (application.state, application.snapshot) == ("stale", before)
    assert "the file is gone" in application.problems[0].message


def test_a_server_without_a_file_is_served_with_the_defaults(place: Place) -> None:
    assert place.registry.reload(SERVER) == "in_force"
    assert place.registry.server.state == "active"
    assert place.registry.server.snapshot is not None
    assert place.registry.server.snapshot.settings.http_port == 5080


@pytest.mark.parametrize("restart", [False, True], ids=["running", "after-a-restart"])
def test_a_server_file_that_vanished_leaves_its_settings_in_force(
    place: Place, restart: bool
) -> None:
    write_properties(place.home.server_properties, http__port="5999")
    place.registry.reload(SERVER)
    place.home.server_properties.unlink()
    if restart:
        place.restarted()

    assert place.registry.reload(SERVER) == "kept"
    place.registry.restore(SERVER)
    assert place.registry.server.state == "stale"
    assert place.registry.server.snapshot is not None
    assert place.registry.server.snapshot.settings.http_port == 5999


def test_a_secret_that_another_file_holds_changes_with_that_file(place: Place) -> None:
    secret = place.home.path / "secret"
    secret.write_text("first")
    place.load(jwtControlEnabled="true", jwtSecretKey=f"${{file:{secret}}}")
    secret.write_text("other")

    application = place.load()

    assert in_force(application) == (True, "other")
    assert application.generation == 2


def test_a_mistake_in_the_parser_stops_neither_the_daemon_nor_the_settings_in_force(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = place.load(**GUARDED).snapshot

    def fail(*_: object) -> None:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr(Application, "parse", fail)
    application = place.load(**GUARDED, hlsTime="5")

    assert (application.state, application.snapshot) == ("stale", before)
    assert "ZeroDivisionError" in caplog.text
    assert SECRET not in caplog.text


def begun(place: Place, meanwhile: Callable[[], object]) -> str:
    """Return the result of a reading that has begun before *meanwhile*, and ends after it."""

    async def run() -> str:
        reading = asyncio.create_task(place.registry.reload_aside("LiveApp"))
        await asyncio.sleep(0)
        meanwhile()
        return await reading

    return asyncio.run(run())


def test_a_reading_aside_that_was_overtaken_changes_nothing(place: Place) -> None:
    place.write(**GUARDED, hlsTime="3")

    result = begun(place, lambda: place.load(**GUARDED, hlsTime="4"))

    assert place.application.snapshot is not None
    assert result == "unchanged"
    assert place.application.snapshot.settings.hls_time == "4"
    assert place.application.generation == 1


def test_a_reading_aside_of_what_was_removed_meanwhile_changes_nothing(place: Place) -> None:
    place.write(**GUARDED)

    result = begun(place, lambda: place.registry.remove("LiveApp"))

    assert result == "unchanged"
    assert place.registry.applications == {}
    assert place.record.versions == []


def test_a_reading_aside_comes_to_the_same_as_one_at_once(place: Place) -> None:
    place.write(**GUARDED)
    first = begun(place, lambda: None)
    second = begun(place, lambda: None)
    place.write(jwtControlEnabled="ture")
    third = begun(place, lambda: None)

    assert (first, second, third) == ("in_force", "unchanged", "kept")
    assert (place.application.state, in_force(place.application)) == ("stale", (True, SECRET))
