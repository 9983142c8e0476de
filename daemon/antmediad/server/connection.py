"""One HTTP connection: aiohttp's protocol, which never waits for its client without an end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong

from antmediad.api.answer import refusal
from antmediad.server.connections import Connections, Farewell, turn_away
from antmediad.server.limits import CONNECTIONS, SLOW_HEAD, SLOW_READER
from antmediad.server.reply import last_words, reply

logger = logging.getLogger(__name__)

MAX_FIELD_BYTES = 16 * 1024
# aiohttp's error is the same for a target and for a field, but for the limit that it names.
MAX_TARGET_BYTES = MAX_FIELD_BYTES - 1
MAX_FIELDS = 100
MAX_HEAD_BYTES = 64 * 1024
"""Of a head that comes in several pieces, together."""

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a client is waited for, seconds.

    Attributes:
        head_s: for the whole head of a request, from its first byte on; of the first one, from
            the beginning of the connection on.
        keep_alive_s: for the next request.
        linger_s: for the rest of a body that nobody wants.
        stall_s: for the client to take any of an answer.
    """

    head_s: float = 15.0
    keep_alive_s: float = 75.0
    linger_s: float = 2.0
    stall_s: float = 60.0


class Connection(web.RequestHandler):
    """One connection.

    Attributes:
        has_begun: whether a part of a request has come, and the rest is awaited.
    """

    has_begun = False
    _source: str | None = None
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    _unsent = 0

    def __init__(self, server: web.Server, connections: Connections, patience: Patience) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]
            keepalive_timeout=patience.keep_alive_s,
            lingering_time=patience.linger_s,
            max_line_size=MAX_TARGET_BYTES,
            max_field_size=MAX_FIELD_BYTES,
            max_headers=MAX_FIELDS,
            auto_decompress=False,
        )
        self._connections = connections
        self._patience = patience

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless this is one connection too many."""
        # aiohttp forgets it sooner than what was written to it has gone out.
        self._wire = wire = cast("asyncio.Transport", transport)
        peer = wire.get_extra_info("peername")
        self._source = self._connections.admit(peer[0] if peer else "")
        if self._source is None:
            self._hand_over(turn_away(self._connections))
            return
        super().connection_made(transport)
        if self._task_handler is not None:
            self._task_handler.add_done_callback(self._see_out)
        self._head_timer = self._loop.call_later(self._patience.head_s, self._give_up_head)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget everything."""
        self._stop_head_timer()
        self._stop_stall_timer()
        if self._source is not None:
            self._connections.leave(self._source)
            self._source = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        super().data_received(data)
        if self._messages or self._current_request is not None:
            self.has_begun = False
            if self._head_timer is not None:
                self._stop_head_timer()
        elif data and (self._waiter is not None or not self._request_count):
            # Otherwise it is of a body that is read to its end without being wanted.
            self._wait_for_head(len(data))

    def _wait_for_head(self, size: int) -> None:
        if not self.has_begun:
            self.has_begun = True
            self._head_bytes = 0
            if self._head_timer is None:
                self._head_timer = self._loop.call_later(self._patience.head_s, self._give_up_head)
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            self._end(431, f"Header is larger than {MAX_HEAD_BYTES} bytes")

    def _give_up_head(self) -> None:
        self._head_timer = None
        if self.has_begun:
            self._connections.limits.reach(SLOW_HEAD)
            self._end(408, "Request did not arrive in time")
        else:
            self.force_close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end(self, status: int, message: str) -> None:
        """Answer what is no whole request, and end the connection."""
        if self.transport is None:
            return
        self.transport = None
        self._hand_over(Farewell(self._connections, last_words(status, message)))
        if self._task_handler is not None:
            # It waits for a request, or has not begun and would take the end for an error.
            self._task_handler.cancel()
        self.connection_lost(None)

    def _hand_over(self, farewell: Farewell) -> None:
        self._wire.set_protocol(farewell)
        farewell.connection_made(self._wire)

    def pause_writing(self) -> None:
        """Wait for the client to take some of what is written."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """Wait for it no longer."""
        super().resume_writing()
        self._stop_stall_timer()

    def _see_out(self, _: asyncio.Task[None]) -> None:
        """Close what has ended, also if its client does not take the last answer."""
        if self._stall_timer is None and self._source is not None:
            self._watch_reader()

    def _watch_reader(self) -> None:
        self._unsent = self._wire.get_write_buffer_size()
        if self._unsent:
            self._stall_timer = self._loop.call_later(self._patience.stall_s, self._check_reader)

    def _check_reader(self) -> None:
        self._stall_timer = None
        before = self._unsent
        if self._wire.get_write_buffer_size() < before:
            self._watch_reader()
        else:
            self._connections.limits.reach(SLOW_READER)
            self._wire.abort()

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to answer, and nothing on its way that is known of."""
        is_waiting = self._waiter is not None and not self._waiter.done()
        return is_waiting and not self.has_begun

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the response to what is no HTTP request; the connection ends with it."""
        if isinstance(exc, ConnectionError):
            # The client has left; there is nobody to answer.
            raise exc
        if status >= 500:
            logger.error("connection failed: client=%s", request.remote, exc_info=exc)
            answer = refusal(status, "Internal error")
        else:
            logger.info(
                "request not understood: client=%s error=%s", request.remote, type(exc).__name__
            )
            answer = refusal(*_refusal_of(status, exc))
        response = reply(request, answer)
        response.force_close()
        return response


def _refusal_of(status: int, error: BaseException | None) -> tuple[int, str]:
    """Return the status and the message for a head that cannot be parsed."""
    if isinstance(error, LineTooLong):
        if MAX_TARGET_BYTES in error.args:
            return 414, f"URL is longer than {MAX_TARGET_BYTES} bytes"
        return 431, f"Header field is larger than {MAX_FIELD_BYTES} bytes"
    if isinstance(error, BadHttpMessage) and error.message.startswith("Too many headers"):
        return 431, f"Header has more than {MAX_FIELDS} fields"
    return status, "Bad request"


class Server(web.Server):
    """Makes the connections."""

    def __init__(self, handle: Handle, connections: Connections, patience: Patience) -> None:
        super().__init__(handle)
        self._all = connections
        self._patience = patience

    def __call__(self) -> asyncio.Protocol:  # type: ignore[override]
        """Return what takes care of a new connection."""
        if self._all.is_full:
            # Sooner than `Connection` would: a parser is not made for nothing.
            self._all.limits.reach(CONNECTIONS)
            return turn_away(self._all)
        return Connection(self, self._all, self._patience)

    def idle(self) -> set[web.RequestHandler]:
        """Return the connections on which there is nothing to answer."""
        return {one for one in self.connections if isinstance(one, Connection) and one.is_idle}
