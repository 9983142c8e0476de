"""Counts what happens; the figures behind the log lines."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence

REQUEST_BOUNDS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0)
COMMIT_BOUNDS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
GROUP_BOUNDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


class Histogram:
    """How many values there were up to each bound.

    Attributes:
        bounds: the upper ends, included, in ascending order.
        counts: one for each bound, and one for everything beyond the last; not cumulative.
        total: the sum of all values.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count *value*."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def copy(self) -> Histogram:
        """Return one that does not change with this one."""
        copy = Histogram(self.bounds)
        copy.counts, copy.total = self.counts.copy(), self.total
        return copy


class Counts:
    """The requests of one application since it is known.

    Attributes:
        passed: how many the guard let through.
        refused: how many it refused, by reason.
        play_refused: how many requests to play were refused, by reason.
        statuses: how many were answered with each status.
        token_hits: how many tokens the guard had verified before, and remembered.
        token_misses: how many it had to verify.
        took_s: how long the answers took, but not those that are files; seconds.
    """

    __slots__ = (
        "passed",
        "play_refused",
        "refused",
        "statuses",
        "token_hits",
        "token_misses",
        "took_s",
    )

    def __init__(self) -> None:
        self.passed = 0
        self.token_hits = self.token_misses = 0
        self.refused: Counter[str] = Counter()
        self.play_refused: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.took_s = Histogram(REQUEST_BOUNDS_S)

    def copy(self) -> Counts:
        """Return counts that do not change with these."""
        copy = Counts()
        copy.passed, copy.refused = self.passed, self.refused.copy()
        copy.token_hits, copy.token_misses = self.token_hits, self.token_misses
        copy.play_refused, copy.statuses = self.play_refused.copy(), self.statuses.copy()
        copy.took_s = self.took_s.copy()
        return copy


class Metrics:
    """Figures since the start of the process.

    Attributes:
        requests: by application, until it is removed.
        elsewhere: of requests that are for no application.
        reloads: by application and result (``in_force``, ``unchanged``, ``kept``).
        limits: how often each limit of the server was reached.
    """

    def __init__(self) -> None:
        self.requests: defaultdict[str, Counts] = defaultdict(Counts)
        self.elsewhere = Counts()
        self.reloads: Counter[tuple[str, str]] = Counter()
        self.limits: Counter[str] = Counter()
        self._commits_s = Histogram(COMMIT_BOUNDS_S)
        self._groups = Histogram(GROUP_BOUNDS)
        self._commits_lock = threading.Lock()

    def forget(self, application: str) -> None:
        """Drop the figures of an application that is removed."""
        self.requests.pop(application, None)
        for key in [key for key in self.reloads if key[0] == application]:
            del self.reloads[key]

    def add_commit(self, changes: int, took_s: float) -> None:
        """Count a commit of *changes* that took *took_s*; for the writers' threads."""
        with self._commits_lock:
            self._commits_s.add(took_s)
            self._groups.add(changes)

    def commits(self) -> tuple[Histogram, Histogram]:
        """Return copies of how long commits took, and of how many changes each had."""
        with self._commits_lock:
            return self._commits_s.copy(), self._groups.copy()
