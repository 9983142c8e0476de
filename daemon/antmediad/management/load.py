"""How busy the processors are."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import psutil

WINDOW_S = 60.0
"""Figures are of this time at most, seconds."""
LEAST_S = 0.1
"""Between two readings at least; the kernel counts in steps of 10 ms."""
INTERVALS = 5
"""The mean is of so many, as in Ant Media Server."""


class Reading(NamedTuple):
    """Seconds: on the clock, of all processors, those of them that were busy, of this process."""

    at: float
    total: float
    busy: float
    process: float


class Load(NamedTuple):
    """Percent of all processors together."""

    system: int
    process: int


def read_times() -> Reading:
    """Return the times until now."""
    all_times, own = psutil.cpu_times(), psutil.Process().cpu_times()
    # `guest` is part of `user`, `guest_nice` of `nice`.
    total = sum(all_times) - getattr(all_times, "guest", 0) - getattr(all_times, "guest_nice", 0)
    busy = total - all_times.idle - getattr(all_times, "iowait", 0)
    return Reading(time.monotonic(), total, busy, own.user + own.system)


class Processors:
    """Tells how busy they are; reads only when asked, so that it costs nothing otherwise.

    The figures are means over the last `INTERVALS` times between two questions.  The first one
    after a long time waits for `LEAST_S`.
    """

    def __init__(
        self,
        read: Callable[[], Reading] = read_times,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._read = read
        self._wait = wait
        self._readings: deque[Reading] = deque(maxlen=INTERVALS + 1)

    async def load(self) -> Load:
        """Return how busy they are."""
        while True:
            now = self._read()
            readings = self._readings
            while readings and now.at - readings[0].at > WINDOW_S:
                readings.popleft()
            if not readings or now.at - readings[-1].at >= LEAST_S:
                readings.append(now)
            first, last = readings[0], readings[-1]
            if first is not last:
                # Of processors that came or went, or a clock that stood still.
                total = max(last.total - first.total, 1e-9)
                return Load(
                    _percent((last.busy - first.busy) / total),
                    _percent((last.process - first.process) / total),
                )
            await self._wait(LEAST_S)


def _percent(share: float) -> int:
    return round(100 * min(max(share, 0.0), 1.0))
