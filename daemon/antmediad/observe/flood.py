"""Keeps floods out of the log: of many events of a kind a few are told, and how many there were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

BURST = 20
"""How many of a kind are told one by one within `WINDOW_S`."""
WINDOW_S = 1.0


class Flood:
    """Says of each event whether it is to be told, and tells at the end of a window of the others.

    A window begins with the first event after the one before it has ended, so nothing runs
    while nothing happens.  There must be a bound on how many kinds there are.

    Args:
        call_later: calls a function after some seconds, as an event loop does.
        tell: called with an application, a reason and how many such events were not told.
    """

    def __init__(
        self,
        call_later: Callable[[float, Callable[[], None]], object],
        tell: Callable[[str, str, int], None],
        burst: int = BURST,
    ) -> None:
        self._call_later = call_later
        self._tell = tell
        self._burst = burst
        self._seen: Counter[tuple[str, str]] = Counter()

    def admits(self, application: str, reason: str) -> bool:
        """Count an event, and return whether it is to be told."""
        if not self._seen:
            self._call_later(WINDOW_S, self.end)
        kind = (application, reason)
        self._seen[kind] += 1
        return self._seen[kind] <= self._burst

    def end(self) -> None:
        """End the window now."""
        seen, self._seen = self._seen, Counter()
        for (application, reason), count in seen.items():
            if count > self._burst:
                self._tell(application, reason, count - self._burst)
