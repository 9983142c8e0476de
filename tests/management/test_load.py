"""How busy the processors are is found out by whoever asks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from antmediad.management.load import INTERVALS, LEAST_S, WINDOW_S, Processors, Reading, read_times


class Clock:
    """Processors, two of them, that are as busy as was said, and time that passes when told."""

    def __init__(self) -> None:
        self.now = Reading(0.0, 0.0, 0.0, 0.0)
        self.waited_s: list[float] = []
        self.system, self.own = 0.0, 0.0
        self.processors = Processors(lambda: self.now, self.wait)

    def pass_s(self, seconds: float) -> None:
        at, total, busy, process = self.now
        self.now = Reading(
            at + seconds,
            total + 2 * seconds,
            busy + 2 * seconds * self.system,
            process + 2 * seconds * self.own,
        )

    async def wait(self, seconds: float) -> None:
        self.waited_s.append(seconds)
        self.pass_s(seconds)

    def ask(self) -> Sequence[int]:
        return asyncio.run(self.processors.load())


def test_the_first_question_waits_for_a_moment_and_the_next_ones_do_not() -> None:
    clock = Clock()
    clock.system, clock.own = 0.5, 0.25

    first = clock.ask()
    clock.pass_s(1)
    second = clock.ask()

    assert (first, second) == ((50, 25), (50, 25))
    assert clock.waited_s == [LEAST_S]


def test_two_questions_at_once_get_one_answer() -> None:
    clock = Clock()
    clock.system = 1.0

    async def both() -> list[Sequence[int]]:
        return list(await asyncio.gather(clock.processors.load(), clock.processors.load()))

    assert asyncio.run(both()) == [(100, 0), (100, 0)]


def test_the_figure_is_a_mean_over_the_last_times_only() -> None:
    clock = Clock()
    clock.system = 1.0
    for _ in range(20):
        clock.pass_s(1)
        clock.ask()

    clock.system = 0.0
    figures = []
    for _ in range(INTERVALS + 1):
        clock.pass_s(1)
        figures.append(clock.ask()[0])

    assert figures == [80, 60, 40, 20, 0, 0]


def test_after_a_long_time_what_was_before_does_not_count() -> None:
    clock = Clock()
    clock.system = 1.0
    clock.ask()

    clock.pass_s(WINDOW_S + 1)
    clock.system = 0.0

    assert clock.ask() == (0, 0)


def test_the_times_of_this_machine_are_read() -> None:
    reading = read_times()

    assert 0 < reading.busy < reading.total
    assert 0 < reading.process
