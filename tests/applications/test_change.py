"""A change that a client asks for is in force when it is answered, and on record as its own."""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from antmediad.applications.change import Changed, change_settings
from antmediad.applications.home import Home
from antmediad.applications.registry import Registry, Result
from antmediad.applications.reload import LARGE_BYTES, Reloader
from antmediad.applications.settings_file import SERVER
from antmediad.applications.write import NO_FILE, digest_of, edit_settings
from antmediad.errors import SettingsConflictError, SettingsError, SettingsWriteError
from antmediad.properties.editor import split_lines
from antmediad.server.record import Recorder
from antmediad.settings.schema import SERVER_SPELLINGS
from antmediad.store.history import History, Version
from tests.daemon import SECRET, write_properties


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "never came true"
        await asyncio.sleep(0.002)


class Told(History):
    """A history that says when it was told of a change."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.told = asyncio.Event()

    async def announce(self, version: Version) -> None:
        await super().announce(version)
        self.told.set()


class Place:
    """A home with one application, followed by a registry whose versions go on record."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.path = home.properties_of("LiveApp")
        self.history = Told(home.history)
        self.registry = Registry(home, self.history, {})
        self.recorder = Recorder(self.history)
        self.registry.on_version = self.recorder.append

    async def change(
        self,
        change: Callable[[bytes], bytes],
        *,
        name: str = "LiveApp",
        expected_digest: str | None = None,
        actor: str = "ada@example.com",
    ) -> Changed:
        return await change_settings(
            self.registry,
            self.history,
            name,
            change,
            expected_digest=expected_digest,
            source="api",
            actor=actor,
        )

    async def versions(self, name: str = "LiveApp") -> list[tuple[int, str, str]]:
        """Return generation, source and actor of what is on record, the newest first."""
        file = self.registry.server if name == SERVER else self.registry.applications[name]
        await until(
            lambda: file.generation in [one.generation for one in self.history.versions(name)]
        )
        return [(one.generation, one.source, one.actor) for one in self.history.versions(name)]


def setting(**changes: str | None) -> Callable[[bytes], bytes]:
    return lambda content: edit_settings(content, changes)


def server_setting(key: str, value: str | None) -> Callable[[bytes], bytes]:
    return lambda content: edit_settings(content, {key: value}, SERVER_SPELLINGS)


@asynccontextmanager
async def followed(path: Path, **properties: str) -> AsyncIterator[Place]:
    home = Home(path)
    home.data.mkdir()
    (path / "conf").mkdir()
    write_properties(home.properties_of("LiveApp"), **(properties or {"hlsTime": "2"}))
    place = Place(home)
    reloader = Reloader(place.registry)
    reloader.start()
    try:
        yield place
    finally:
        await reloader.close()
        await place.recorder.close()


def test_a_change_is_in_force_when_it_is_answered(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with followed(tmp_path) as place:
            before = place.path.read_bytes()

            changed = await place.change(setting(hlsTime="3"), expected_digest=digest_of(before))

            snapshot = place.registry.applications["LiveApp"].snapshot
            assert snapshot is not None
            assert snapshot.settings.hls_time == "3"
            assert changed.before == digest_of(before)
            assert changed.after == snapshot.digest == digest_of(place.path.read_bytes())
            assert changed.generation == snapshot.generation == 2
            assert changed.keys == ("hlsTime",)
            assert await place.versions() == [(2, "api", "ada@example.com"), (1, "file", "")]

    asyncio.run(scenario())


def test_a_large_file_is_in_force_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with followed(tmp_path, hlsTime="2", padding="x" * LARGE_BYTES) as place:
            await place.change(setting(hlsTime="3"))

            snapshot = place.registry.applications["LiveApp"].snapshot
            assert snapshot is not None
            assert snapshot.settings.hls_time == "3"

    asyncio.run(scenario())


class Overtaken(Registry):
    """A registry that is told by somebody else, once, to read the file while it does."""

    is_overtaken = False

    async def reload_aside(self, name: str) -> Result:
        reading = asyncio.ensure_future(super().reload_aside(name))
        if not self.is_overtaken:
            self.is_overtaken = True
            await asyncio.sleep(0)
            self.applications[name].reading += 1
        return await reading

    def reload(self, name: str) -> Result:
        assert not self.is_overtaken, "a large file is read while requests wait"
        return super().reload(name)


def test_a_large_file_that_others_read_too_is_never_read_while_requests_wait(home: Path) -> None:
    path = Home(home).properties_of("LiveApp")
    write_properties(path, hlsTime="2", padding="x" * LARGE_BYTES)
    registry = Overtaken(Home(home))
    registry.reload("LiveApp")

    changed = asyncio.run(
        change_settings(
            registry,
            None,
            "LiveApp",
            setting(hlsTime="3"),
            expected_digest=None,
            source="api",
            actor="ada",
        )
    )

    assert registry.is_overtaken
    assert changed.generation == 2


def test_quick_changes_are_each_on_record_with_who_made_them(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with followed(tmp_path) as place:
            for actor, value in (("ada", "3"), ("bob", "4"), ("ada", "3"), ("eve", "2")):
                await place.change(setting(hlsTime=value), actor=actor)

            assert await place.versions() == [
                (5, "api", "eve"),
                (4, "api", "ada"),
                (3, "api", "bob"),
                (2, "api", "ada"),
                (1, "file", ""),
            ]

    asyncio.run(scenario())


def test_changes_at_the_same_time_are_all_made(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with followed(tmp_path) as place:
            keys = ("hlsTime", "hlsListSize", "dashWindowSize")
            await asyncio.gather(*(place.change(setting(**{key: "9"}), actor=key) for key in keys))

            values = {line.key: line.value for line in split_lines(place.path.read_bytes())}
            assert [values[key] for key in keys] == ["9"] * 3
            assert {actor for _, _, actor in await place.versions()} == {"", *keys}

    asyncio.run(scenario())


def test_of_two_who_make_the_same_change_the_first_is_on_record(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with followed(tmp_path) as place:
            first, second = await asyncio.gather(
                *(place.change(setting(hlsTime="3"), actor=actor) for actor in ("ada", "bob"))
            )

            assert second.before == second.after == first.after
            assert await place.versions() == [(2, "api", "ada"), (1, "file", "")]

    asyncio.run(scenario())


def test_what_others_write_meanwhile_stays(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with followed(tmp_path) as place:
            calls = 0

            def change(content: bytes) -> bytes:
                nonlocal calls
                calls += 1
                if calls == 1:
                    place.path.write_bytes(content + b"hlsListSize=9\n")
                return edit_settings(content, {"hlsTime": "3"})

            await place.change(change)

            assert calls == 2
            assert place.path.read_bytes() == b"hlsTime=3\nhlsListSize=9\n"

    asyncio.run(scenario())


def test_a_file_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with followed(tmp_path) as place:
            before = place.path.read_bytes()
            with pytest.raises(SettingsConflictError):
                await place.change(setting(hlsTime="3"), expected_digest=digest_of(b"other"))
            assert place.path.read_bytes() == before

    asyncio.run(scenario())


def test_nothing_is_written_when_there_is_nothing_to_change(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with followed(tmp_path) as place:
            inode = place.path.stat().st_ino

            changed = await place.change(setting(hlsTime="2"))

            assert changed.before == changed.after
            assert changed.generation == 1
            assert changed.keys == ()
            assert place.path.stat().st_ino == inode

    asyncio.run(scenario())


def test_a_change_that_the_daemon_would_refuse_is_not_written(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with followed(tmp_path, jwtControlEnabled="true", jwtSecretKey=SECRET) as place:
            before = place.path.read_bytes()
            with pytest.raises(SettingsError, match="jwtControlEnabled"):
                await place.change(setting(jwtControlEnabled=None))
            assert place.path.read_bytes() == before
            assert await place.versions() == [(1, "file", "")]

    asyncio.run(scenario())


def test_a_change_tells_what_is_odd_about_it_and_no_more(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with followed(tmp_path, jwtSecretKey=SECRET, dashWindowSize="odd") as place:
            await place.change(setting(jwtControlEnabled="true"))

            changed = await place.change(setting(jwtSecretKey=None))

            # On the line of the switch, which was not changed.
            assert [problem.key for problem in changed.problems] == ["jwtControlEnabled"]

    asyncio.run(scenario())


def test_who_failed_to_write_does_not_get_the_change_of_another(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with followed(tmp_path) as place:
            after = edit_settings(place.path.read_bytes(), {"hlsTime": "3"})
            first = True

            def change(content: bytes) -> bytes:
                nonlocal first
                if first:
                    place.path.write_bytes(content + b"# by hand\n")
                first = False
                return edit_settings(content, {"hlsTime": "3"})

            digest = digest_of(place.path.read_bytes())
            with pytest.raises(SettingsConflictError):
                await place.change(change, expected_digest=digest)
            place.path.write_bytes(after)
            place.registry.reload("LiveApp")

            assert (await place.versions())[0] == (2, "file", "")

    asyncio.run(scenario())


def test_a_change_that_changes_no_setting_leaves_no_note_behind(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with followed(tmp_path) as place:
            commented = place.path.read_bytes() + b"# a word\n"
            changed = await place.change(lambda _: commented)
            assert changed.generation == 1
            await place.change(setting(hlsTime="3"))

            place.path.write_bytes(commented)
            place.registry.reload("LiveApp")

            assert (await place.versions())[0] == (3, "file", "")

    asyncio.run(scenario())


def test_a_change_goes_on_when_its_client_goes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with followed(tmp_path) as place:
            directory = os.open(place.path.parent, os.O_RDONLY)
            fcntl.flock(directory, fcntl.LOCK_EX)

            task = asyncio.create_task(place.change(setting(hlsTime="3")))
            await place.history.told.wait()
            # Now it waits for its turn to write.
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()
            os.close(directory)

            await until(lambda: place.registry.applications["LiveApp"].generation == 2)
            assert (await place.versions())[0] == (2, "api", "ada@example.com")

    asyncio.run(scenario())


def test_the_servers_file_is_made_when_there_never_was_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with followed(tmp_path) as place:
            changed = await place.change(
                server_setting("logLevel", "DEBUG"), name=SERVER, expected_digest=NO_FILE
            )

            path = place.home.server_properties
            assert path.read_bytes() == b"logLevel=DEBUG\n"
            assert stat.S_IMODE(path.stat().st_mode) == 0o640
            assert changed.before == NO_FILE
            assert place.registry.server.snapshot is not None
            assert place.registry.server.snapshot.settings.log_level == "DEBUG"
            assert (await place.versions(SERVER))[0][1:] == ("api", "ada@example.com")
            unset = await place.change(server_setting("server.name", None), name=SERVER)
            assert unset.before == unset.after

    asyncio.run(scenario())


def test_no_file_is_made_in_place_of_one_that_is_gone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with followed(tmp_path) as place:
            await place.change(server_setting("logLevel", "DEBUG"), name=SERVER)
            place.home.server_properties.unlink()
            with pytest.raises(SettingsError, match="is gone"):
                await place.change(server_setting("logLevel", "INFO"), name=SERVER)
            place.path.unlink()
            with pytest.raises(SettingsError, match="is gone"):
                await place.change(setting(hlsTime="3"))

    asyncio.run(scenario())


def test_what_cannot_be_is_refused_with_a_reason(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with followed(tmp_path) as place:
            with pytest.raises(SettingsError, match="no such application"):
                await place.change(setting(hlsTime="3"), name="Other")
            place.home.server_properties.parent.rmdir()
            with pytest.raises(SettingsWriteError, match="directory is missing"):
                await place.change(server_setting("logLevel", "DEBUG"), name=SERVER)

    asyncio.run(scenario())


def test_an_earlier_version_is_put_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with followed(tmp_path) as place:
            first = place.path.read_bytes()
            await place.change(setting(hlsTime="3"))
            await place.versions()
            content = place.history.content("LiveApp", 1)
            assert content == first

            await place.change(lambda _: first, actor="bob")

            assert place.path.read_bytes() == first
            assert (await place.versions())[0] == (3, "api", "bob")

    asyncio.run(scenario())


def test_nobody_needs_a_history(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with followed(tmp_path) as place:
            changed = await change_settings(
                place.registry,
                None,
                "LiveApp",
                setting(hlsTime="3"),
                expected_digest=None,
                source="api",
                actor="",
            )
            assert changed.generation == 2

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["LiveApp", SERVER], ids=["application", "server"])
def test_in_a_home_that_is_read_only_nothing_is_changed(tmp_path: Path, name: str) -> None:
    home = Home(tmp_path / "home", tmp_path / "own", read_only=True)
    write_properties(home.properties_of("LiveApp"), appName="LiveApp")
    before = home.properties_of("LiveApp").read_bytes()
    registry = Registry(home, None, {})
    Reloader(registry).load()

    with pytest.raises(SettingsWriteError, match="this home is read only"):
        asyncio.run(
            change_settings(
                registry,
                None,
                name,
                lambda content: content + b"hlsTime=4\n",
                expected_digest=None,
                source="api",
                actor="me",
            )
        )

    assert home.properties_of("LiveApp").read_bytes() == before
    assert not home.server_properties.exists()
