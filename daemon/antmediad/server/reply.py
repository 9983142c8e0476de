"""Responses, written at less cost than aiohttp's own, and in one place for all errors."""

from __future__ import annotations

import time
from email.utils import formatdate
from http import HTTPStatus

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

MAX_DIRECT_BYTES = 64 * 1024
"""Up to this size a response goes to the socket in one piece, without flow control."""

Headers = tuple[tuple[str, str], ...]

_SERVER = "antmediad"
_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus
}
# Without content, and without a Content-Length of its own (RFC 9110, section 8.6).
_EMPTY = frozenset({204, 304})
# The rest of the request's body is on its way, and nobody will read it.
_CLOSING = frozenset({408, 413})


class _Direct(web.StreamResponse):
    """A whole response as bytes.

    aiohttp builds a header dictionary, serialises it and writes headers and body apart.  Here
    the hot path joins a few strings instead; everything else about the connection stays
    aiohttp's.
    """

    def __init__(self, data: bytes, status: int) -> None:
        # Not super().__init__(): the dictionaries it makes are what this class avoids.
        self._data = data
        self._status = status
        self._keep_alive = True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write everything, and wait while a client that does not read has too much of it."""
        if request.transport is not None:
            request.transport.write(self._data)
            await request.writer.drain()
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: everything is written."""


class _Date:
    """The ``Date`` header's value, made once a second."""

    def __init__(self) -> None:
        self._second, self._text = 0, ""

    def __call__(self) -> str:
        second = int(time.time())
        if second != self._second:
            self._second, self._text = second, formatdate(second, usegmt=True)
        return self._text


_date = _Date()


def reply(
    request: web.BaseRequest,
    body: bytes,
    status: int = 200,
    headers: Headers = (),
    content_type: str = "application/json",
) -> web.StreamResponse:
    """Return the response to *request* that carries *body*; HEAD gets its headers only."""
    if (
        len(body) > MAX_DIRECT_BYTES
        or request.version != HttpVersion11
        or not request.keep_alive
        or status in _EMPTY
        or status in _CLOSING
    ):
        response = web.Response(body=body if status not in _EMPTY else None, status=status)
        if body and status not in _EMPTY:
            response.headers["Content-Type"] = content_type
        response.headers["Server"] = _SERVER
        response.headers.extend(headers)
        if status in _CLOSING:
            response.force_close()
        return response
    head = (
        f"{_STATUS_LINES[status]}Content-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nDate: {_date()}\r\nServer: {_SERVER}\r\n"
    )
    for name, value in headers:
        head += f"{name}: {value}\r\n"
    data = f"{head}\r\n".encode("latin-1")
    return _Direct(data if request.method == "HEAD" else data + body, status)
