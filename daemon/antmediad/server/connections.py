"""How many connections there are, how many there may be, and the answer to one too many."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from typing import cast

from antmediad.errors import AddressError
from antmediad.guard.address import Network, is_within, parse_address, source_of
from antmediad.server.limits import CONNECTIONS, CONNECTIONS_PER_ADDRESS, Limits
from antmediad.server.reply import last_words
from antmediad.settings.schema import ServerSettings

logger = logging.getLogger(__name__)

LINGER_S = 2.0
"""How long is read on after the last answer: a client that still writes would lose the answer."""
MAX_LINGERING = 64
"""How many connections may do so at a time; the others are closed with their answer."""
RETRY_S = 1


class Connections:
    """Counts the connections of all listeners together.

    Attributes:
        limits: told of each connection that is one too many.
        count: how many are open, without those that are turned away.
        most: how many may be.
        lingering: how many have got their last answer and are not closed yet.
    """

    def __init__(self, limits: Limits, most_files: int = 1 << 20) -> None:
        """Allow what the default settings do; *most_files* is how many the process may open."""
        self.limits = limits
        self.count = 0
        self.lingering = 0
        # A connection may have a file open that it serves, and databases and logs need some.
        self._most_possible = most_files - most_files // 4
        self._by_source: Counter[str] = Counter()
        self.most = 0
        self.refresh(ServerSettings())

    def refresh(self, settings: ServerSettings) -> None:
        """Allow what *settings* do from now on; what is open stays open."""
        before = self.most
        wanted = settings.http_max_connections
        self.most = min(wanted, self._most_possible)
        self._most_per_source = settings.http_max_connections_per_address
        self._trusted_proxies: Sequence[Network] = settings.http_trusted_proxies
        if self.most < wanted and self.most != before:
            logger.warning(
                "fewer connections than http.max_connections, for want of open files:"
                " connections=%d wanted=%d",
                self.most,
                wanted,
            )

    @property
    def is_full(self) -> bool:
        """Whether no further connection may be opened."""
        return self.count >= self.most

    def admit(self, peer: str) -> str | None:
        """Count a connection from *peer*, and return what `leave` wants; None: it is too many."""
        if self.is_full:
            self.limits.reach(CONNECTIONS)
            return None
        source = source_of(peer)
        most = self._most_per_source
        if most and self._by_source[source] >= most and not self._is_proxy(peer):
            self.limits.reach(CONNECTIONS_PER_ADDRESS)
            return None
        self.count += 1
        self._by_source[source] += 1
        return source

    def leave(self, source: str) -> None:
        """Count a connection no longer, of which `admit` gave *source*."""
        self.count -= 1
        self._by_source[source] -= 1
        if not self._by_source[source]:
            del self._by_source[source]

    def _is_proxy(self, peer: str) -> bool:
        """Tell whether *peer* is a proxy that is trusted to connect for everybody."""
        try:
            return is_within(parse_address(peer), self._trusted_proxies)
        except AddressError:
            return False


class Farewell(asyncio.Protocol):
    """The end of a connection: it gets an answer, and what comes is read and dropped."""

    def __init__(self, connections: Connections, words: bytes) -> None:
        """Answer with *words*, a whole response."""
        self._connections = connections
        self._words = words
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Answer, and end the connection soon."""
        wire = cast("asyncio.Transport", transport)
        wire.write(self._words)
        # The end of a TLS connection has its own time limit.
        if self._connections.lingering >= MAX_LINGERING or not wire.can_write_eof():
            wire.close()
            return
        wire.write_eof()
        self._connections.lingering += 1
        self._timer = asyncio.get_running_loop().call_later(LINGER_S, wire.abort)

    def connection_lost(self, _: Exception | None) -> None:
        """Linger no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._connections.lingering -= 1


def turn_away(connections: Connections) -> Farewell:
    """Return what answers a connection that is one too many, before anything of it is read."""
    retry = (("Retry-After", str(RETRY_S)),)
    return Farewell(connections, last_words(503, "Too many connections", retry))
