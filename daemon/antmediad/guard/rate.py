"""How many requests a second may come: of all clients together, and of each address."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from antmediad.errors import RateError
from antmediad.guard.address import source_of

MAX_ADDRESSES = 10_000
BURST_S = 1.0
"""A client that was silent may send the requests of so long at once."""
# What comes of adding up the times between requests, which are no binary fractions.
_ROUNDING_S = 1e-6


class Rate:
    """A token bucket for all clients, and one for each address.

    Of a bucket only the time is kept at which it is full again (the generic cell rate algorithm,
    ITU-T I.371): each request moves it on by the time that it takes to fill one token in.
    A request that is refused takes no token from any.
    """

    def __init__(
        self,
        per_second: int,
        per_second_of_address: int,
        clock: Callable[[], float] = time.monotonic,
        most_addresses: int = MAX_ADDRESSES,
    ) -> None:
        """Allow so many requests; 0 is no limit.

        Args:
            clock: seconds, monotonic.
            most_addresses: for how many the time is kept; a further one takes the place of that
                which has sent no request for longest, and which then begins anew.
        """
        self._interval_s = 1 / per_second if per_second else 0.0
        self._interval_of_address_s = 1 / per_second_of_address if per_second_of_address else 0.0
        self._clock = clock
        self._most_addresses = most_addresses
        self._full_at = 0.0
        # That which sent a request last is the last one.
        self._full_at_of: OrderedDict[str, float] = OrderedDict()

    def take(self, clients: Sequence[str]) -> None:
        """Take a token for a request that answers for *clients*, addresses as text.

        Raises:
            RateError: there is none.
        """
        now = self._clock()
        wait_s = _wait_s(self._full_at, self._interval_s, now)
        sources = {source_of(client) for client in clients} if self._interval_of_address_s else ()
        for source in sources:
            full_at = self._full_at_of.get(source, now)
            wait_s = max(wait_s, _wait_s(full_at, self._interval_of_address_s, now))
        if wait_s > _ROUNDING_S:
            raise RateError(math.ceil(wait_s))
        self._full_at = max(self._full_at, now) + self._interval_s
        for source in sources:
            full_at = self._full_at_of.pop(source, now)
            if len(self._full_at_of) >= self._most_addresses:
                self._full_at_of.popitem(last=False)
            self._full_at_of[source] = max(full_at, now) + self._interval_of_address_s


def _wait_s(full_at: float, interval_s: float, now: float) -> float:
    """Return after how long there is a token again in a bucket; not above 0 when there is one."""
    return full_at + interval_s - BURST_S - now if interval_s else 0.0
