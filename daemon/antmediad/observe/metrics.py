"""Counts what happens; the figures behind the log lines."""

from __future__ import annotations

from collections import Counter, defaultdict


class Counts:
    """The requests of one application since the start of the process.

    Attributes:
        passed: how many the guard let through.
        refused: how many it refused, by reason.
        statuses: how many were answered with each status.
    """

    __slots__ = ("passed", "refused", "statuses")

    def __init__(self) -> None:
        self.passed = 0
        self.refused: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()


class Metrics:
    """Figures since the start of the process.

    Attributes:
        requests: by application; an application that comes back goes on counting.
        reloads: by application and result (``in_force``, ``unchanged``, ``kept``).
    """

    def __init__(self) -> None:
        self.requests: defaultdict[str, Counts] = defaultdict(Counts)
        self.reloads: Counter[tuple[str, str]] = Counter()
