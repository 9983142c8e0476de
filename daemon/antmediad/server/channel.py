"""Questions and answers between two processes of one daemon, over a stream socket."""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import orjson

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 256 * 1024 * 1024
"""Of figures of thousands of applications; what is larger is none of ours."""

Answer = Callable[[str, Any], Awaitable[Any]]
"""Takes what is asked, and a value; returns the answer.  Both are JSON."""


class Channel:
    """One end of a socket pair: asks the other one, and answers it, at the same time."""

    def __init__(self, end: socket.socket, answer: Answer) -> None:
        """Use *end*; what the other one asks or tells is for *answer*."""
        self._end = end
        self._answer = answer
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._reader = asyncio.StreamReader()
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Make it possible to ask; answers come while `serve` runs."""
        self._reader, self._writer = await asyncio.open_unix_connection(sock=self._end)

    async def serve(self) -> None:
        """Answer until the other end is gone, in order or not."""
        reader = self._reader
        try:
            with suppress(OSError, EOFError):
                while True:
                    size = int.from_bytes(await reader.readexactly(4), "big")
                    if size > MAX_MESSAGE_BYTES:
                        logger.error("message between processes too large: bytes=%d", size)
                        break
                    self._take(orjson.loads(await reader.readexactly(size)))
        finally:
            self.close()

    def close(self) -> None:
        """End it; whoever waits for an answer gets none."""
        for task in tuple(self._answering):
            task.cancel()
        if self._writer is not None:
            self._writer.close()
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(ConnectionResetError("the other process is gone"))
        self._asked.clear()

    async def ask(self, what: str, value: Any, within_s: float) -> Any:
        """Return the other end's answer.

        Raises:
            OSError: there was none within *within_s* seconds (`TimeoutError`), or there will be
                none.
        """
        number = next(self._numbers)
        asked = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            self._send([number, what, value])
            async with asyncio.timeout(within_s):
                return await asked
        finally:
            self._asked.pop(number, None)

    def tell(self, what: str, value: Any = None) -> None:
        """Tell the other end something; whether it takes notice is not known."""
        with suppress(ConnectionError):
            self._send([0, what, value])

    def _send(self, message: list[Any]) -> None:
        if self._writer is None or self._writer.is_closing():
            raise ConnectionResetError("the other process is gone")
        data = orjson.dumps(message, option=orjson.OPT_NON_STR_KEYS)
        self._writer.write(len(data).to_bytes(4, "big") + data)

    def _take(self, message: list[Any]) -> None:
        number, what, value = message
        if number >= 0:
            task = asyncio.create_task(self._reply(number, what, value))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
            return
        asked = self._asked.get(-number)
        # Whoever asked may wait no longer.
        if asked is not None and not asked.done():
            asked.set_result(value)

    async def _reply(self, number: int, what: str, value: Any) -> None:
        try:
            answer = await self._answer(what, value)
        except Exception:
            # Who asked learns by the time that passes; the others go on.
            logger.exception("question of another process not answered: what=%s", what)
            return
        if number:
            with suppress(ConnectionError):
                self._send([-number, "", answer])
