"""Several processes that follow the same files: they end with the same, whatever each saw."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from antmediad.applications.home import Home
from antmediad.applications.registry import Registry
from antmediad.applications.shared import SharedRegistry
from antmediad.observe.metrics import Metrics
from antmediad.store.history import History, Version
from tests.daemon import SECRET, write_properties

ON = {"jwtControlEnabled": "true", "jwtSecretKey": SECRET}
OFF = {"jwtControlEnabled": "false"}
GONE = {"remoteAllowedCIDR": "10.0.0.0/8"}
A, B, C = ({"remoteAllowedCIDR": f"10.{n}.0.0/16"} for n in range(3))


class Process:
    """A registry, and the versions that it has not put on record yet."""

    def __init__(self, home: Home, history: History) -> None:
        self.history = history
        self.waiting: list[tuple[Version, bytes | None]] = []
        self.registry = SharedRegistry(home, history, {}, Metrics())
        self.registry.on_version = lambda version, content: self.waiting.append((version, content))

    def see(self) -> None:
        self.registry.reload("LiveApp")

    def record(self, count: int = 1000) -> None:
        """Put on record what waits, *count* versions of it."""
        while self.waiting and count:
            asyncio.run(self.history.append(*self.waiting.pop(0)))
            count -= 1

    @property
    def in_force(self) -> tuple[int, str, bool, str]:
        application = self.registry.applications["LiveApp"]
        assert application.snapshot is not None
        settings = application.snapshot.settings
        allowed = str(settings.remote_allowed_cidr)
        return application.generation, application.state, settings.jwt_control_enabled, allowed


class Place:
    """A home, its record, and processes that serve it."""

    def __init__(self, path: Path) -> None:
        self.home = Home(path)
        self.history = History(path / "settings.db")
        self.processes: list[Process] = []

    def start(self) -> Process:
        process = Process(self.home, self.history)
        self.processes.append(process)
        process.see()
        return process

    def save(self, properties: dict[str, str]) -> None:
        write_properties(self.home.properties_of("LiveApp"), **properties)

    def settle(self) -> None:
        """Let all put on record what they have, and tell each other, until nothing is left."""
        for _ in range(10):
            for process in self.processes:
                process.record()
                for other in self.processes:
                    other.registry.agree("LiveApp")
            if not any(process.waiting for process in self.processes):
                return
        raise AssertionError("never at rest")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    place.save(A)
    yield place
    asyncio.run(place.history.close())


def test_processes_that_start_together_count_alike(place: Place) -> None:
    place.start(), place.start()
    place.settle()
    place.save(B)
    place.processes.clear()

    first, second = place.start(), place.start()
    place.settle()

    assert first.in_force == second.in_force
    assert [one.generation for one in place.history.versions("LiveApp")] == [2, 1]


# What each of two processes sees of the saves, and who is first to put his on record.
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first", "second"])
@pytest.mark.parametrize("seen", [*itertools.product([0, 1], repeat=3)], ids=str)
@pytest.mark.parametrize(
    "saves", [(B, C, A), (B, A, B), (B, B, C), (B, C, B)], ids=["b-c-a", "b-a-b", "b-b-c", "b-c-b"]
)
def test_whatever_each_sees_of_quick_saves_all_end_with_the_same_generation(
    place: Place, saves: tuple[dict[str, str], ...], seen: tuple[int, ...], order: tuple[int, int]
) -> None:
    pair = [place.start(), place.start()]
    place.settle()
    for save, is_seen in zip(saves, seen, strict=True):
        place.save(save)
        pair[0].see()
        if is_seen:
            pair[1].see()
        pair[order[0]].record(1)
    pair[1].see()
    pair[order[0]].record()
    pair[order[1]].record()

    place.settle()

    assert pair[0].in_force == pair[1].in_force
    restarted = place.start()
    assert restarted.in_force == pair[0].in_force
    assert not restarted.waiting


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first", "second"])
def test_a_guard_that_only_one_process_saw_is_not_lost_by_any(
    place: Place, order: tuple[int, int]
) -> None:
    pair = [place.start(), place.start()]
    place.settle()
    place.save(ON)
    pair[0].see()
    place.save(GONE)
    pair[0].see()
    pair[1].see()
    pair[order[0]].record()
    pair[order[1]].record()
    for process in pair:
        process.registry.agree("LiveApp")

    place.settle()

    assert pair[0].in_force == pair[1].in_force
    assert pair[0].in_force[1:3] == ("stale", True)


def test_an_older_spelling_that_says_no_does_not_count_for_who_missed_the_current_one(
    place: Place,
) -> None:
    one, other = place.start(), place.start()
    place.settle()
    place.save({"remoteAllowedCIDR": "nowhere"})
    other.see()
    place.save(ON)
    one.see()
    place.save({"settings__jwtControlEnabled": "false"})
    one.see()

    place.settle()

    assert one.in_force == other.in_force
    assert one.in_force[1:3] == ("stale", True)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first", "second"])
def test_a_guard_that_only_one_process_saw_is_not_lost_by_several_files_without_it(
    place: Place, order: tuple[int, int]
) -> None:
    pair = [place.start(), place.start()]
    place.settle()
    place.save(ON)
    pair[0].see()
    for cut_short in (GONE, C, B):
        place.save(cut_short)
        pair[0].see()
        pair[1].see()
    pair[order[0]].record()
    pair[order[1]].record()

    place.settle()

    assert pair[0].in_force == pair[1].in_force
    assert pair[0].in_force[1:3] == ("stale", True)


@pytest.mark.parametrize("kind", [Registry, SharedRegistry])
def test_a_guard_that_not_all_saw_is_not_lost_when_all_end_before_they_agree(
    place: Place, kind: type[Registry]
) -> None:
    pair = [place.start(), place.start()]
    place.settle()
    place.save(ON)
    pair[0].see()
    place.save(GONE)
    pair[1].see()
    pair[0].record()
    pair[1].record()

    restarted = kind(place.home, place.history, {}, Metrics())
    if restarted.reload("LiveApp") == "kept":
        restarted.restore("LiveApp")

    application = restarted.applications["LiveApp"]
    assert application.snapshot is not None
    assert application.state == "stale"
    assert application.snapshot.settings.jwt_control_enabled


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first", "second"])
def test_a_guard_that_was_switched_off_in_so_many_words_is_off_in_all(
    place: Place, order: tuple[int, int]
) -> None:
    place.save(ON)
    pair = [place.start(), place.start()]
    place.settle()
    place.save(OFF)
    pair[0].see()
    place.save(GONE)
    pair[0].see()
    pair[1].see()
    pair[order[0]].record()
    pair[order[1]].record()

    place.settle()

    assert pair[0].in_force == pair[1].in_force
    assert pair[0].in_force[1:3] == ("active", False)


def test_a_guard_that_is_off_in_so_many_words_stays_off_when_these_go(place: Place) -> None:
    place.save(ON)
    pair = [place.start(), place.start()]
    place.settle()
    for properties in (OFF, GONE, B):
        place.save(properties)
        for process in pair:
            process.see()
        place.settle()

    assert pair[0].in_force == pair[1].in_force
    assert pair[0].in_force[1:3] == ("active", False)


def test_a_secret_that_is_elsewhere_counts_once(place: Place, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    place.save({**ON, "jwtSecretKey": f"${{file:{tmp_path}/secret}}"})
    pair = [place.start(), place.start()]
    place.settle()
    (tmp_path / "secret").write_text(SECRET[::-1])
    for process in pair:
        process.see()

    place.settle()

    assert [process.in_force[0] for process in pair] == [2, 2]


def test_a_removed_application_counts_on_in_all(place: Place) -> None:
    pair = [place.start(), place.start()]
    place.settle()
    for process in pair:
        process.registry.remove("LiveApp")
    place.settle()
    for process in pair:
        process.see()

    place.settle()

    assert [process.in_force[0] for process in pair] == [3, 3]
