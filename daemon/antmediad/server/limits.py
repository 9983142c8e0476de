"""Tells of limits that were reached: in the figures always, in the log but once a second each."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Final

from antmediad.observe.flood import Flood

logger = logging.getLogger(__name__)

CONNECTIONS: Final = "max_connections"
CONNECTIONS_PER_ADDRESS: Final = "max_connections_per_address"
REQUESTS: Final = "max_requests_under_way"
STORE_QUEUE: Final = "store_queue"
SLOW_HEAD: Final = "slow_head"
SLOW_READER: Final = "slow_reader"

_OF_ONE_CLIENT = frozenset({SLOW_HEAD, SLOW_READER})


class Limits:
    """Counts how often each limit was reached.

    Attributes:
        reached: by the limit's name.
    """

    def __init__(self, reached: Counter[str]) -> None:
        """Count in *reached*."""
        self.reached = reached
        self._flood: Flood | None = None

    def reach(self, limit: str) -> None:
        """Count that *limit* was reached, and tell; call it in a running event loop."""
        self.reached[limit] += 1
        if self._flood is None:
            self._flood = Flood(asyncio.get_running_loop().call_later, _tell_of_more, burst=1)
        if self._flood.admits("", limit):
            logger.log(_level(limit), "limit reached: limit=%s", limit)


def _tell_of_more(_: str, limit: str, count: int) -> None:
    logger.log(_level(limit), "limit reached: limit=%s count=%d", limit, count)


def _level(limit: str) -> int:
    # That one client is slow is nothing that anybody has to look at.
    return logging.INFO if limit in _OF_ONE_CLIENT else logging.WARNING
