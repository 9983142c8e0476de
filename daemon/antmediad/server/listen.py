"""Listens for connections, elsewhere when the settings say so, and ends them in order."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from antmediad.server.connection import Handle, Patience, Server
from antmediad.server.connections import Connections
from antmediad.server.systemd import KEPT, Sockets, forget_sockets, keep_sockets

logger = logging.getLogger(__name__)

HANDSHAKE_S = 15.0
TLS_END_S = 5.0
BACKLOG = 1024
LAST_CALL_S = 0.5
"""How long a connection without a request may still bring one when all is about to end."""
LOOK_S = 0.01


class Shared(Protocol):
    """Opens sockets for several processes together."""

    async def open(self, name: str, host: str, port: int) -> Sequence[socket.socket]: ...
    def release(self, name: str) -> None: ...


class Listener:
    """Listens on one address; another can take its place without a request being lost.

    Attributes:
        is_given: whether a socket unit passed its sockets, whose address then counts.
        address: the host and port that are listened on, of which port 0 has become a real one.
        url: the same as a URL.
        shared: opens the sockets, when that is not for this process alone to do.
    """

    shared: Shared | None = None

    def __init__(
        self,
        handle: Handle,
        name: str,
        sockets: Sockets,
        connections: Connections,
        patience: Patience | None = None,
    ) -> None:
        """Answer with *handle*; use those of *sockets* that are for *name*, ``http`` or ``https``.

        Those of a socket unit are used in any case, those that systemd kept if they have the
        address that is wanted.

        Args:
            connections: admits and counts them.
            patience: how long clients are waited for.
        """
        self._name = name
        self._given = tuple(sockets.get(name, ()))
        self._kept = tuple(sockets.get(KEPT + name, ()))
        self._patience = patience or Patience()
        self._server = Server(handle, connections, self._patience)
        self._listening: list[asyncio.Server] = []
        self._ends: list[asyncio.Task[None]] = []
        self._wanted: tuple[str, int] | None = None
        self._turn = asyncio.Lock()
        self.is_given = bool(self._given)
        self.address: tuple[str, int] = ("", 0)
        self.url = ""

    async def listen(self, host: str, port: int, context: ssl.SSLContext | None = None) -> None:
        """Listen on *host* and *port*, and no longer where it was before.

        Of several calls at a time the last one counts.

        Args:
            context: for TLS; that of the first call counts as long as the address is the same.

        Raises:
            OSError: it is not possible; what was listened on before still is.
        """
        async with self._turn:
            await self._listen(host, port, context)

    async def _listen(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        if self._wanted == (host, port):
            return
        if self.is_given and self._listening:
            self._wanted = (host, port)
            logger.warning(
                "address stays that of the socket unit: url=%s wanted_host=%s wanted_port=%d",
                self.url,
                host,
                port,
            )
            return
        before = self._listening
        self._listening = await self._open(host, port, context)
        self._wanted = (host, port)
        # Each ends with its last connection, one in the TLS handshake included, but tells so only
        # to those who ask before it is closed.
        self._ends = [end for end in self._ends if not end.done()]
        self._ends += [asyncio.create_task(server.wait_closed()) for server in self._listening]
        sockets = [one for server in self._listening for one in server.sockets]
        name = sockets[0].getsockname()
        self.address = (name[0], name[1])
        shown = f"[{name[0]}]" if ":" in name[0] else name[0]
        self.url = f"{'https' if context else 'http'}://{shown}:{name[1]}"
        if self.is_given:
            logger.info("address is that of the socket unit, not of the settings: url=%s", self.url)
        else:
            keep_sockets(self._name, [one.fileno() for one in sockets])
        for server in before:
            server.close()

    async def _open(
        self, host: str, port: int, context: ssl.SSLContext | None
    ) -> list[asyncio.Server]:
        create = partial(
            asyncio.get_running_loop().create_server,
            self._server,
            backlog=BACKLOG,
            ssl=context,
            ssl_handshake_timeout=HANDSHAKE_S if context else None,
            ssl_shutdown_timeout=TLS_END_S if context else None,
        )
        sockets: Sequence[socket.socket] = self._given
        if not sockets and self.shared is not None:
            sockets = await self.shared.open(self._name, host, port)
        elif not sockets:
            sockets = await self._take_kept(host, port)
        if sockets:
            return [await create(sock=one) for one in sockets]
        return [await create(host=host, port=port, reuse_address=True)]

    async def _take_kept(self, host: str, port: int) -> tuple[socket.socket, ...]:
        """Return the sockets from before a restart if they are just what is wanted."""
        kept, self._kept = self._kept, ()
        if not kept:
            return ()
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
        except OSError:
            # To be told, like all else, by the attempt to listen.
            found = []
        wanted = {(address[0], address[4]) for address in found}
        if wanted == {(one.family, one.getsockname()) for one in kept}:
            return kept
        self._forget(kept)
        return ()

    def _forget(self, sockets: Sequence[socket.socket]) -> None:
        # One that stays open would take connections that nobody answers, and the port.
        for one in sockets:
            one.close()
        forget_sockets(self._name)

    def stop_listening(self) -> None:
        """Take no new connection, and have systemd keep none for later."""
        if not self.is_given and (self._kept or self._listening):
            kept, self._kept = self._kept, ()
            self._forget(kept)
        if self.shared is not None:
            self.shared.release(self._name)
        self._stop()

    def _stop(self) -> None:
        for server in self._listening:
            server.close()
        self._listening, self._wanted = [], None

    async def finish(self, grace_s: float) -> None:
        """Take no new connection, and wait until those that there are have ended.

        The caller has every answer from now on end its connection.  Where no request is under way
        one may be on its way all the same; only after a while without one a connection is closed.

        Args:
            grace_s: how long requests may take.
        """
        # Listening goes on meanwhile: without anybody who keeps the socket for the next process,
        # the time between the two is that in which connections are refused.
        await self._last_call()
        # The kernel resets those that it has accepted and we have not.
        await _look_at_sockets()
        self._stop()
        await self._last_call()
        if self._ends:
            await asyncio.wait(self._ends, timeout=grace_s)

    async def _last_call(self) -> None:
        """Close the connections that are idle, and stay so."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LAST_CALL_S
        idle = self._server.idle()
        while idle and loop.time() < until:
            await asyncio.sleep(LOOK_S)
            idle &= self._server.idle()
        await _look_at_sockets()
        for connection in idle & self._server.idle():
            connection.force_close()

    async def close(self) -> None:
        """End all connections."""
        self._stop()
        self._server.pre_shutdown()
        await self._server.shutdown(self._patience.linger_s)
        for end in self._ends:
            end.cancel()
        await asyncio.gather(*self._ends, return_exceptions=True)


async def _look_at_sockets() -> None:
    """Return after everything that has arrived by now was read."""
    # Timers may be served before sockets are looked at; after two rounds both were.
    for _ in range(2):
        await asyncio.sleep(0)


def detect_address() -> str:
    """Return the address under which other machines most likely reach this one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing: connecting a datagram socket only chooses the way out.
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
