"""The reloader on real files, where it cannot watch or is told nothing; the rest is in e2e."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from antmediad.applications.home import Home
from antmediad.applications.registry import Registry
from antmediad.applications.reload import Periods, Reloader
from antmediad.applications.settings_file import SERVER
from antmediad.applications.watch import OnChange, Watch
from antmediad.store.history import Version
from tests.daemon import DEADLINE_S, write_properties

NEVER = 1000.0
POLLING = Periods(gone_s=0.03, new_s=0.01, poll_s=0.01, sweep_s=NEVER)
SWEEPING = Periods(gone_s=0.03, new_s=0.01, poll_s=NEVER, sweep_s=0.02)
WATCHING = Periods(gone_s=0.03, new_s=0.01, poll_s=NEVER, sweep_s=NEVER)


def no_watch(*_: object) -> Watch:
    raise OSError(errno.EMFILE, "limit reached")


class DeafWatch(Watch):
    """Watches, and reports nothing."""

    def start(self) -> None:
        pass


class Following:
    """A home that a reloader follows."""

    def __init__(self, path: Path) -> None:
        self.home = Home(path)
        self.registry = Registry(self.home, environment={})

    def write(self, name: str = "LiveApp", **properties: str) -> None:
        write_properties(self.home.properties_of(name), appName=name, **properties)

    def value(self, name: str = "LiveApp") -> str:
        """Return one of the settings in force, "" when the application is not there."""
        application = self.registry.applications.get(name)
        if application is None or application.snapshot is None:
            return ""
        return application.snapshot.settings.hls_time

    def state(self, name: str = "LiveApp") -> str:
        application = self.registry.applications.get(name)
        return application.state if application is not None else "unknown"

    def run(
        self,
        act: Callable[[Following], Awaitable[None]],
        periods: Periods,
        open_watch: Callable[..., Watch] = Watch,
        remote: Callable[[str], bool] = lambda _: False,
    ) -> Reloader:
        async def run() -> Reloader:
            reloader = Reloader(self.registry, open_watch, periods, remote)
            reloader.start()
            try:
                await act(self)
            finally:
                await reloader.close()
            return reloader

        return asyncio.run(run())


@pytest.fixture
def following(home: Path) -> Following:
    following = Following(home)
    following.write(hlsTime="1")
    return following


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "never came true"
        await asyncio.sleep(0.002)


async def change_everything(following: Following) -> None:
    """Change, add, break, remove; and see each of it."""
    home = following.home
    assert following.value() == "1"
    following.write(hlsTime="2")
    await until(lambda: following.value() == "2")
    following.write("Other", hlsTime="3")
    await until(lambda: following.value("Other") == "3")
    following.write(jwtControlEnabled="ture")
    await until(lambda: following.state() == "stale")
    write_properties(home.server_properties, http__port="5999")
    server = following.registry.server
    await until(lambda: server.snapshot is not None and server.snapshot.digest != "")
    shutil.rmtree(home.webapps / "Other")
    await until(lambda: following.state("Other") == "unknown")
    assert following.value() == "2"


@pytest.mark.parametrize(
    ("periods", "open_watch"),
    [
        pytest.param(WATCHING, Watch, id="watching"),
        pytest.param(POLLING, no_watch, id="polling"),
        pytest.param(SWEEPING, DeafWatch, id="sweeping-when-every-event-is-lost"),
    ],
)
def test_every_change_is_seen_by(
    following: Following, periods: Periods, open_watch: Callable[..., Watch]
) -> None:
    following.run(change_everything, periods, open_watch)


def test_what_cannot_be_watched_is_polled_and_the_log_says_so_once(
    following: Following, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(10):
        following.write(f"App{number}")

    following.run(change_everything, POLLING, no_watch)

    said = [record.getMessage() for record in caplog.records if "polling" in record.getMessage()]
    assert said == ["watching falls back to polling: every=0.01s error=limit reached"]


def test_a_remote_file_system_is_polled_as_well(
    following: Following, caplog: pytest.LogCaptureFixture
) -> None:
    following.run(change_everything, POLLING, DeafWatch, lambda _: True)

    assert "error=remote file system: " in caplog.text


def test_a_file_that_is_polled_is_not_read_before_it_stays_as_it_is(following: Following) -> None:
    seen = []

    async def act(following: Following) -> None:
        path = following.home.properties_of("LiveApp")
        for number in range(20):
            path.write_text("hlsTime=7\n" + "# still writing\n" * number)
            await asyncio.sleep(0.02)
            seen.append(following.value())
        await until(lambda: following.value() == "7")

    following.run(act, Periods(poll_s=0.1, sweep_s=NEVER), no_watch)

    assert set(seen) == {"1"}


def test_polling_ends_when_watching_is_possible_again(
    following: Following, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "antmediad")
    attempts = []

    def open_watch(on_change: OnChange, on_overflow: Callable[[], None]) -> Watch:
        attempts.append(1)
        return Watch(on_change, on_overflow) if len(attempts) > 2 else no_watch()

    async def act(following: Following) -> None:
        await until(lambda: "watching works again" in caplog.text)
        await change_everything(following)

    following.run(act, Periods(gone_s=0.03, new_s=0.01, poll_s=NEVER, sweep_s=0.02), open_watch)


def test_a_change_is_seen_that_keeps_size_and_times_as_coarse_clocks_show_them(
    following: Following,
) -> None:
    async def act(following: Following) -> None:
        for value in "23456789":
            # In place and at once, so that the times of many changes are the same.
            following.write(hlsTime=value)
            await until(lambda value=value: following.value() == value)  # type: ignore[misc]

    following.run(act, POLLING, no_watch)


def test_events_lost_are_made_up_for_by_looking_at_everything(following: Following) -> None:
    opened = []

    def open_watch(on_change: OnChange, on_overflow: Callable[[], None]) -> Watch:
        opened.append(on_overflow)
        return DeafWatch(on_change, on_overflow)

    async def act(following: Following) -> None:
        following.write(hlsTime="2")
        following.write("Other", hlsTime="3")
        opened[0]()
        await until(lambda: (following.value(), following.value("Other")) == ("2", "3"))

    following.run(act, WATCHING, open_watch)


def test_the_directory_of_the_applications_may_vanish_and_return(following: Following) -> None:
    async def act(following: Following) -> None:
        webapps = following.home.webapps
        webapps.rename(webapps.parent / "away")
        await until(lambda: following.state() == "stale")
        assert following.value() == "1"
        webapps.mkdir()
        await until(lambda: following.state() == "unknown")
        webapps.rmdir()
        (webapps.parent / "away").rename(webapps)
        await until(lambda: following.state() == "active")
        following.write(hlsTime="2")
        await until(lambda: following.value() == "2")

    following.run(act, WATCHING)


def test_the_directory_of_the_applications_may_be_a_link_that_is_swapped(
    following: Following,
) -> None:
    home = following.home

    async def act(following: Following) -> None:
        following.write(hlsTime="2")
        await until(lambda: following.value() == "2")
        shutil.copytree(home.path / "v1", home.path / "v2")
        (home.path / "new").symlink_to("v2")
        write_properties(home.path / "v2/LiveApp/WEB-INF/red5-web.properties", hlsTime="3")
        (home.path / "new").rename(home.webapps)
        await until(lambda: following.value() == "3")
        following.write(hlsTime="4")
        await until(lambda: following.value() == "4")

    home.webapps.rename(home.path / "v1")
    home.webapps.symlink_to("v1")
    following.run(act, WATCHING)


def test_an_application_may_be_a_link_that_dangles_for_a_while(following: Following) -> None:
    home = following.home
    (home.webapps / "LiveApp").rename(home.path / "real")
    (home.webapps / "LiveApp").symlink_to(home.path / "real")

    async def act(following: Following) -> None:
        (home.path / "real").rename(home.path / "away")
        await until(lambda: following.state() == "stale")
        (home.path / "away").rename(home.path / "real")
        await until(lambda: following.state() == "active")

    following.run(act, WATCHING)


def test_a_file_behind_a_chain_of_links_is_followed_at_each_link(following: Following) -> None:
    home = following.home
    path = home.properties_of("LiveApp")
    versions = home.path / "mounted"
    for number in "12":
        (versions / number).mkdir(parents=True)
        (versions / number / "file").write_text(f"hlsTime={number}\n")
    (versions / "current").symlink_to("1")
    path.unlink()
    path.symlink_to(versions / "current" / "file")

    async def act(following: Following) -> None:
        (versions / "new").symlink_to("2")
        (versions / "new").rename(versions / "current")
        await until(lambda: following.value() == "2")
        (versions / "2" / "file").write_text("hlsTime=3\n")
        await until(lambda: following.value() == "3")

    following.run(act, WATCHING)


def test_a_reference_is_followed_where_it_leads(following: Following) -> None:
    home = following.home
    secret = home.path / "later" / "secret"
    following.write(jwtSecretKey=f"${{file:{secret}}}", hlsTime="2")

    def key() -> str:
        snapshot = following.registry.applications["LiveApp"].snapshot
        return snapshot.settings.jwt_secret_key if snapshot is not None else ""

    async def act(following: Following) -> None:
        assert following.state() == "failed"
        secret.parent.mkdir()
        secret.write_text("first")
        await until(lambda: key() == "first")
        secret.write_text("second")
        await until(lambda: key() == "second")
        secret.unlink()
        await until(lambda: following.state() == "stale")
        assert key() == "second"

    following.run(act, WATCHING)


def test_one_directory_may_hold_the_files_of_all_applications(following: Following) -> None:
    home = following.home
    (home.path / "files").mkdir()
    names = [f"App{number}" for number in range(300)]
    for name in names:
        (home.path / "files" / name).write_text("hlsTime=1\n")
        path = home.properties_of(name)
        path.parent.mkdir(parents=True)
        path.symlink_to(home.path / "files" / name)

    async def act(following: Following) -> None:
        reloads = following.registry._metrics.reloads
        before = sum(reloads.values())
        (home.path / "files" / "App7").write_text("hlsTime=2\n")
        await until(lambda: following.value("App7") == "2")
        assert sum(reloads.values()) - before == 1
        for name in names:
            (home.path / "files" / name).write_text("hlsTime=3\n")
        await until(lambda: all(following.value(name) == "3" for name in names))

    following.run(act, WATCHING)


@pytest.mark.parametrize("shift_s", [-100_000, 100_000])
def test_a_new_application_with_odd_times_is_found(following: Following, shift_s: int) -> None:
    async def act(following: Following) -> None:
        following.write("Other", hlsTime="2")
        odd = time.time() + shift_s
        os.utime(following.home.properties_of("Other"), (odd, odd))
        await until(lambda: following.value("Other") == "2")

    following.run(act, WATCHING)


def test_a_writer_that_never_closes_its_file_is_read_in_the_end(following: Following) -> None:
    async def act(following: Following) -> None:
        with following.home.properties_of("LiveApp").open("w") as file:
            file.write("hlsTime=2\n")
            file.flush()
            await until(lambda: following.value() == "2")

    following.run(act, Periods(writing_s=0.05, poll_s=NEVER, sweep_s=NEVER))


def test_a_small_file_saved_while_a_large_one_is_read_wins(following: Following) -> None:
    async def act(following: Following) -> None:
        for number in range(5):
            path = following.home.properties_of("LiveApp")
            path.write_text("hlsTime=9\n" + "x=y\n" * 100_000)
            await asyncio.sleep(0.01 * number)
            following.write(hlsTime=str(number))
            await until(lambda value=str(number): following.value() == value)  # type: ignore[misc]
        await asyncio.sleep(0.3)
        assert following.value() == "4"

    following.run(act, WATCHING)


def test_a_directory_that_comes_and_goes_leaves_no_watch_behind(following: Following) -> None:
    def watches() -> int:
        descriptors = (os.path.join("/proc/self/fdinfo", fd) for fd in os.listdir("/proc/self/fd"))
        texts = [Path(path).read_text() for path in descriptors if os.path.exists(path)]
        return sum(text.count("inotify wd:") for text in texts)

    async def act(following: Following) -> None:
        before = watches()
        for _ in range(3):
            following.write("Other", hlsTime="2")
            await until(lambda: following.value("Other") == "2")
            (following.home.webapps / "Other").rename(following.home.path / "Other")
            await until(lambda: following.state("Other") == "unknown")
            shutil.rmtree(following.home.path / "Other")
        assert before > 0
        await until(lambda: watches() == before)

    following.run(act, WATCHING)


def test_nothing_happens_after_the_end(following: Following) -> None:
    async def run() -> None:
        reloader = Reloader(following.registry, periods=WATCHING)
        reloader.start()
        following.write(hlsTime="2")
        reloader.rescan()
        await reloader.close()
        reloader.rescan()
        await asyncio.sleep(0.1)

    descriptors = len(os.listdir("/proc/self/fd"))
    asyncio.run(run())

    assert following.value() == "1"
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_home_without_applications_cannot_be_followed(tmp_path: Path) -> None:
    async def run() -> None:
        Reloader(Registry(Home(tmp_path), environment={})).start()

    with pytest.raises(FileNotFoundError):
        asyncio.run(run())


def test_the_server_is_known_by_no_name_of_an_application(following: Following) -> None:
    assert next(following.registry.files()).name == SERVER


class Record:
    """A past in which each of some applications had a file, or was removed."""

    def __init__(self, *names: str, removed: str = "") -> None:
        self._versions = {
            name: Version(name, 3, 0.0, "file", "" if name == removed else "d", False)
            for name in names
        }

    def latest(self) -> dict[str, Version]:
        return dict(self._versions)

    def content(self, application: str, generation: int) -> bytes | None:
        return b"hlsTime=9\n"

    def since_guarded(self, application: str, before: int) -> list[Version]:
        return []


def test_an_application_on_record_stays_as_long_as_its_directory_does(home: Path) -> None:
    for name in ("Kept", "Removed", "root"):
        (home / "webapps" / name).mkdir()
    (home / "webapps" / "File").touch()
    following = Following(home)
    names = ("Kept", "Removed", "root", "File", "Gone", "..")
    following.registry = Registry(following.home, Record(*names, removed="Removed"), {})

    async def act(following: Following) -> None:
        assert list(following.registry.applications) == ["Kept"]
        assert (following.state("Kept"), following.value("Kept")) == ("stale", "9")
        following.write("Kept", hlsTime="4")
        await until(lambda: following.value("Kept") == "4")
        shutil.rmtree(home / "webapps" / "Kept")
        await until(lambda: following.state("Kept") == "unknown")

    following.run(act, WATCHING)
