"""The listening sockets that several workers share."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress

from antmediad.server.systemd import KEPT, Sockets, forget_sockets, keep_sockets

BACKLOG = 1024

Address = tuple[str, str, int]
"""For what, ``http`` or ``https``; host and port as they are wanted."""


class Ports:
    """Opens each address once, and keeps it open while a worker listens on it.

    All workers accept from one queue: what waits in it is lost with none of them.  A socket that
    is not used any more stays open when no other has taken its place, for the worker that will.
    """

    def __init__(self, passed: Sockets) -> None:
        """Begin with what systemd passed; see `antmediad.server.systemd`."""
        self._passed = dict(passed)
        self._open: dict[Address, tuple[socket.socket, ...]] = {}
        self._latest: dict[str, Address] = {}
        self._used: dict[tuple[int, str], Address] = {}
        self._turn = asyncio.Lock()

    def given(self, name: str) -> Sequence[socket.socket]:
        """Return the sockets of a socket unit, whose address counts whatever is wanted."""
        return self._passed.get(name, ())

    async def open(self, worker: int, name: str, host: str, port: int) -> Sequence[socket.socket]:
        """Return the sockets that listen on an address, which is where *worker* does from now on.

        Raises:
            OSError: it is not possible.
        """
        address = (name, host, port)
        async with self._turn:
            if address not in self._open:
                self._open[address] = await self._listen(address)
            if self._latest.get(name) != address:
                # Perhaps an older one again, which others have not left yet.
                self._latest[name] = address
                keep_sockets(name, [one.fileno() for one in self._open[address]])
            self._used[worker, name] = address
            self._close_unused()
            return self._open[address]

    def release(self, worker: int, name: str) -> None:
        """Note that *worker* listens no longer for *name*; when nobody does, nothing is kept."""
        self._used.pop((worker, name), None)
        if any(used_name == name for _, used_name in self._used):
            return
        kept = self._passed.pop(KEPT + name, ())
        if self._latest.pop(name, None) is not None or kept:
            _close(kept)
            self._close_unused()
            forget_sockets(name)

    def forget(self, worker: int) -> None:
        """Note that *worker* is gone, and will be replaced."""
        for key in [key for key in self._used if key[0] == worker]:
            del self._used[key]
        self._close_unused()

    def close(self) -> None:
        """Close everything; the workers' own handles stay as they are."""
        for sockets in (*self._open.values(), *self._passed.values()):
            _close(sockets)
        self._open.clear()
        self._passed.clear()

    def _close_unused(self) -> None:
        needed = {*self._used.values(), *self._latest.values()}
        for address in self._open.keys() - needed:
            _close(self._open.pop(address))

    async def _listen(self, address: Address) -> tuple[socket.socket, ...]:
        name, host, port = address
        found = await asyncio.get_running_loop().getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        wanted = dict.fromkeys((family, place) for family, _, _, _, place in found)
        kept = tuple(self._passed.pop(KEPT + name, ()))
        if kept:
            if wanted.keys() == {(one.family, one.getsockname()) for one in kept}:
                return kept
            # One that stays open would take connections that nobody answers, and the port.
            _close(kept)
            forget_sockets(name)
        opened: list[socket.socket] = []
        try:
            for family, place in wanted:
                opened.append(one := socket.socket(family, socket.SOCK_STREAM))
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                one.bind(place)
                one.listen(BACKLOG)
                one.setblocking(False)
        except BaseException:
            _close(opened)
            raise
        return tuple(opened)


def _close(sockets: Sequence[socket.socket]) -> None:
    for one in sockets:
        with suppress(OSError):
            one.close()
