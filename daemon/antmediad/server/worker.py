"""A worker's end of what it and its supervisor tell each other."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

from antmediad.errors import UsageError
from antmediad.observe.exposition import WorkerFigures
from antmediad.observe.metrics import Counts
from antmediad.observe.refusals import Refusal
from antmediad.observe.sums import Sums, nothing, samples
from antmediad.server.channel import Channel
from antmediad.server.systemd import HTTP, HTTPS, Sockets

logger = logging.getLogger(__name__)

ANSWER_WITHIN_S = 10.0
FIGURES_WITHIN_S = 3.0
MAX_SOCKETS = 64
MAX_LABEL_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Which worker a process is, and how it reaches its supervisor.

    Attributes:
        number: from 1; a worker that takes the place of another has its number.
        is_first: whether it is the one that does what is done once at a start.
        channel, sockets: descriptors of the ends of two socket pairs.
    """

    number: int
    is_first: bool
    channel: int
    sockets: int

    def __str__(self) -> str:
        return f"{self.number},{int(self.is_first)},{self.channel},{self.sockets}"


def parse_place(text: str) -> Place:
    """Return what ``str`` made of a place.

    Raises:
        ValueError: it is something else.
    """
    number, is_first, channel, sockets = map(int, text.split(","))
    return Place(number, bool(is_first), channel, sockets)


def label_of(name: str, host: str = "", port: int = 0) -> bytes:
    """Return what is sent with sockets, to tell which ones they are."""
    return f"{name} {host} {port}".encode()


@dataclass(frozen=True, slots=True)
class Joined:
    """What all workers of one daemon have in common.

    Attributes:
        given: the sockets of socket units.
        setup_code: for the first user.
        started_at: when the daemon began to serve, seconds since 1970.
        instance_id: tells this run of the daemon from others.
        key: that of the management API.
    """

    setup_code: str = field(repr=False)
    started_at: float
    instance_id: str
    key: bytes = field(repr=False)
    given: Sockets = field(default_factory=dict)


class Worker:
    """This process as one of several that serve together."""

    def __init__(self, place: Place) -> None:
        """Take the descriptors of *place*.

        Raises:
            UsageError: they are none: only a supervisor starts workers.
        """
        self.place = place
        self.on_gone: Callable[[], None] = lambda: None
        """Called when the supervisor is gone: nobody would replace or reload this process."""
        self.on_rescan: Callable[[], None] = lambda: None
        """Called when everything is to be looked at."""
        self.on_record: Callable[[str], None] = lambda _: None
        """Called with an application of which another worker has put versions on record."""
        self.sums: Callable[[], Awaitable[Sums]] = _no_sums
        """Returns the figures of this process."""
        self.recent: Callable[[str | None, int], Sequence[Refusal]] = lambda *_: ()
        """Returns the latest refusals of this process, of one application or of all."""
        try:
            ends = [socket.socket(fileno=number) for number in (place.channel, place.sockets)]
        except OSError:
            raise UsageError("a worker is started by 'antmediad serve --workers' only") from None
        for end in ends:
            os.set_inheritable(end.fileno(), False)
            end.setblocking(False)
        end, self._sockets = ends
        self._channel = Channel(end, self._answer)
        self._turn = asyncio.Lock()
        self._serving: asyncio.Task[None] | None = None

    async def join(self) -> Joined:
        """Begin to talk to the supervisor.

        Raises:
            UsageError: it does not answer.
        """
        await self._channel.open()
        self._serving = asyncio.create_task(self._serve())
        try:
            hello = await self._ask("hello")
        except OSError as error:
            raise UsageError("the supervisor of the workers is gone") from error
        given = {name: self._take(hello["given"][name], label_of(name)) for name in (HTTP, HTTPS)}
        return Joined(
            hello["setup_code"],
            hello["started_at"],
            hello["instance_id"],
            bytes.fromhex(hello["key"]),
            {name: sockets for name, sockets in given.items() if sockets},
        )

    async def leave(self) -> None:
        """Talk to the supervisor no longer."""
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        self._sockets.close()

    def tell_ready(self, status: str, url: str, log_level: str) -> None:
        """Tell that this worker serves, and how it is."""
        self._channel.tell("ready", [status, url, log_level])

    def tell_recorded(self, application: str) -> None:
        """Tell the others that versions of *application* are on record."""
        self._channel.tell("recorded", application)

    def tell_removed(self, application: str) -> None:
        """Tell that *application* is removed, and its figures with it."""
        self._channel.tell("removed", application)

    async def open(self, name: str, host: str, port: int) -> Sequence[socket.socket]:
        """Return sockets that listen on an address, shared with the other workers.

        Raises:
            OSError: it is not possible.
        """
        async with self._turn:
            count, problem, number = await self._ask("open", [name, host, port])
            if problem is None:
                return self._take(count, label_of(name, host, port))
        # A name that is not resolved has a number that is none of the system's.
        raise (OSError if number else socket.gaierror)(number or socket.EAI_NONAME, problem)

    def release(self, name: str) -> None:
        """Tell that this worker listens no longer for *name*."""
        self._channel.tell("release", name)

    async def gather(self, own: Sums) -> WorkerFigures:
        """Return the figures of the other workers.  Without an answer there are none of them."""
        try:
            found = await self._channel.ask("figures", own, FIGURES_WITHIN_S)
        except OSError as error:
            logger.warning("figures of this worker alone: error=%s", type(error).__name__)
            return WorkerFigures(silent=1)
        return WorkerFigures(**found)

    async def verdicts(self) -> Mapping[str, Counts]:
        """Return what the guards of the other workers have passed and refused, by application."""
        figures = await self.gather(await self.sums())
        found: defaultdict[str, Counts] = defaultdict(Counts)
        for labels, value in samples(figures.others, "antmediad_guard_verdicts"):
            counts = found[labels["application"]]
            if labels["verdict"] == "passed":
                counts.passed += int(value)
            else:
                counts.refused[labels["reason"]] += int(value)
        return found

    async def refusals(self, application: str | None, limit: int) -> Sequence[Refusal]:
        """Return the latest refusals of the other workers, of each *limit* at most."""
        try:
            found = await self._channel.ask("refusals", [application, limit], FIGURES_WITHIN_S)
        except OSError as error:
            logger.warning("refusals of this worker alone: error=%s", type(error).__name__)
            return ()
        return [Refusal(*fields) for fields in found]

    async def _ask(self, what: str, value: Any = None) -> Any:
        return await self._channel.ask(what, value, ANSWER_WITHIN_S)

    def _take(self, count: int, label: bytes) -> list[socket.socket]:
        """Return sockets that were sent before the answer that tells of them.

        What comes before these is for somebody who has not waited so long.
        """
        if not count:
            return []
        while True:
            found, handles, _, _ = socket.recv_fds(self._sockets, MAX_LABEL_BYTES, MAX_SOCKETS)
            if found == label:
                break
            for handle in handles:
                os.close(handle)
        for handle in handles:
            os.set_inheritable(handle, False)
        return [socket.socket(fileno=handle) for handle in handles]

    async def _serve(self) -> None:
        await self._channel.serve()
        logger.error("supervisor is gone: this worker stops")
        self.on_gone()

    async def _answer(self, what: str, value: Any) -> Any:
        if what == "figures":
            return await self.sums()
        if what == "refusals":
            return [astuple(one) for one in self.recent(*value)]
        if what == "rescan":
            self.on_rescan()
        elif what == "recorded":
            self.on_record(value)
        return None


async def _no_sums() -> Sums:
    return nothing()
