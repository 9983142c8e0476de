"""HTTP connections: aiohttp's protocol, with JSON for what cannot be parsed."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable

from aiohttp import web

from antmediad.api.answer import refusal
from antmediad.server.reply import reply

logger = logging.getLogger(__name__)

KEEP_ALIVE_S = 75.0
LINGER_S = 2.0
HANDSHAKE_S = 15.0
TLS_END_S = 5.0
MAX_LINE_BYTES = 16384
MAX_FIELD_BYTES = 16384
MAX_FIELDS = 100
BACKLOG = 1024

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _Connection(web.RequestHandler):
    """One connection."""

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
        else:
            logger.info(
                "request not understood: client=%s error=%s", request.remote, type(exc).__name__
            )
        answer = refusal(status, "Bad request" if status < 500 else "Internal error")
        response = reply(request, answer)
        response.force_close()
        return response


class _Server(web.Server):
    """Makes the connections."""

    def __init__(self, handle: Handle) -> None:
        super().__init__(handle)

    def __call__(self) -> web.RequestHandler:
        return _Connection(
            self,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]
            keepalive_timeout=KEEP_ALIVE_S,
            lingering_time=LINGER_S,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_FIELD_BYTES,
            max_headers=MAX_FIELDS,
            auto_decompress=False,
        )


class Listener:
    """Listens on one address; another can take its place without a request being lost.

    Attributes:
        address: the host and port that are listened on, of which port 0 has become a real one.
        url: the same as a URL.
    """

    def __init__(self, handle: Handle) -> None:
        self._server = _Server(handle)
        self._listening: asyncio.Server | None = None
        self._wanted: tuple[str, int] | None = None
        self.address: tuple[str, int] = ("", 0)
        self.url = ""

    async def listen(self, host: str, port: int, context: ssl.SSLContext | None = None) -> None:
        """Listen on *host* and *port*, and no longer where it was before.

        Args:
            context: for TLS; that of the first call counts as long as the address is the same.

        Raises:
            OSError: it is not possible; what was listened on before still is.
        """
        if self._wanted == (host, port):
            return
        before = self._listening
        self._listening = await asyncio.get_running_loop().create_server(
            self._server,
            host,
            port,
            backlog=BACKLOG,
            reuse_address=True,
            ssl=context,
            ssl_handshake_timeout=HANDSHAKE_S if context else None,
            ssl_shutdown_timeout=TLS_END_S if context else None,
        )
        self._wanted = (host, port)
        name = self._listening.sockets[0].getsockname()
        self.address = (name[0], name[1])
        shown = f"[{name[0]}]" if ":" in name[0] else name[0]
        self.url = f"{'https' if context else 'http'}://{shown}:{name[1]}"
        if before is not None:
            before.close()

    def stop_listening(self) -> None:
        """Take no new connection."""
        if self._listening is not None:
            self._listening.close()
            self._listening = self._wanted = None

    async def close(self) -> None:
        """End all connections."""
        self.stop_listening()
        self._server.pre_shutdown()
        await self._server.shutdown(LINGER_S)


def detect_address() -> str:
    """Return the address under which other machines most likely reach this one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing: connecting a datagram socket only chooses the way out.
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
