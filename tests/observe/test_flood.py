"""Floods of events."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from antmediad.observe.flood import WINDOW_S, Flood


class Loop:
    """An event loop in which time passes when it is told so."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Callable[[], None]]] = []
        self.told: list[tuple[str, str, int]] = []

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> None:
        self.calls.append((delay_s, callback))

    def tell(self, application: str, reason: str, count: int) -> None:
        self.told.append((application, reason, count))

    def pass_window(self) -> None:
        [(delay_s, callback)] = self.calls
        assert delay_s == WINDOW_S
        self.calls.clear()
        callback()


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def flood(loop: Loop) -> Flood:
    return Flood(loop.call_later, loop.tell, burst=3)


def test_a_few_events_are_told_and_nothing_else(flood: Flood, loop: Loop) -> None:
    assert [flood.admits("A", "expired") for _ in range(3)] == [True] * 3

    loop.pass_window()
    assert loop.told == []


def test_of_a_flood_the_first_are_told_and_the_number_of_the_others(
    flood: Flood, loop: Loop
) -> None:
    assert [flood.admits("A", "expired") for _ in range(10)] == [True] * 3 + [False] * 7

    loop.pass_window()
    assert loop.told == [("A", "expired", 7)]


def test_a_flood_hides_no_other_application_and_no_other_reason(flood: Flood, loop: Loop) -> None:
    for _ in range(10):
        flood.admits("A", "expired")

    assert flood.admits("A", "no_token")
    assert flood.admits("B", "expired")
    loop.pass_window()
    assert loop.told == [("A", "expired", 7)]


def test_a_flood_that_goes_on_is_told_in_each_window(flood: Flood, loop: Loop) -> None:
    for _ in range(2):
        assert [flood.admits("A", "expired") for _ in range(5)] == [True] * 3 + [False] * 2
        loop.pass_window()

    assert loop.told == [("A", "expired", 2)] * 2


def test_nothing_runs_while_nothing_happens(flood: Flood, loop: Loop) -> None:
    assert loop.calls == []
    flood.admits("A", "expired")
    loop.pass_window()

    assert loop.calls == []
