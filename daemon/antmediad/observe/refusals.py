"""The latest refusals, for whoever wants to see them without searching the log."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count, islice

from antmediad.observe.lines import printable

MAX_REFUSALS = 1000
MAX_PATH = 200
MAX_CLIENT = 100
MAX_METHOD = 20


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused request.

    Attributes:
        at: when, seconds since 1970.
        client: the address; several when a proxy named several.
        path: without the query, in which some clients send tokens.
        reason: the word that logs and metrics have.
    """

    at: float
    application: str
    client: str
    method: str
    path: str
    reason: str


class Refusals:
    """Keeps the latest refusals, `MAX_REFUSALS` over all.

    Room is shared between the applications: one that is flooded does not push out what others
    have, as long as they have less.
    """

    def __init__(self, limit: int = MAX_REFUSALS, clock: Callable[[], float] = time.time) -> None:
        """Keep *limit* of them; *clock* gives seconds since 1970."""
        self._limit = limit
        self._clock = clock
        self._numbers = count()
        # The application that was refused last is the last one; none has no refusals.
        self._kept: OrderedDict[str, deque[tuple[int, Refusal]]] = OrderedDict()
        self._size = 0

    def add(self, application: str, client: str, method: str, path: str, reason: str) -> None:
        """Keep a refusal; of *path* nothing after ``?``, and all texts cut and printable."""
        refusal = Refusal(
            self._clock(),
            application,
            printable(client[:MAX_CLIENT]),
            printable(method[:MAX_METHOD]),
            printable(path.partition("?")[0][:MAX_PATH]),
            reason,
        )
        own = self._kept.setdefault(application, deque())
        self._kept.move_to_end(application)
        own.append((next(self._numbers), refusal))
        self._size += 1
        if self._size > self._limit:
            self._drop_one(application, own)

    def recent(self, application: str | None = None, limit: int = 100) -> list[Refusal]:
        """Return the latest refusals, newest first, *limit* at most; None is all applications."""
        entries: Iterable[tuple[int, Refusal]]
        if application is not None:
            entries = reversed(self._kept.get(application, ()))
        else:
            everything = (entry for own in self._kept.values() for entry in own)
            entries = sorted(everything, key=lambda entry: entry[0], reverse=True)
        return [refusal for _, refusal in islice(entries, limit)]

    def _drop_one(self, application: str, own: deque[tuple[int, Refusal]]) -> None:
        # Whoever has more than a fair share pays for it.  Looking for who has most is for the
        # others only, and each time brings the shares nearer to each other: a flood does not
        # make every refusal cost that.
        if len(own) <= max(self._limit // len(self._kept), 1):
            # Of several the one whose last refusal is the oldest.
            application, own = max(self._kept.items(), key=lambda item: len(item[1]))
        own.popleft()
        self._size -= 1
        if not own:
            del self._kept[application]
