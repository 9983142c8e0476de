"""Responses, written at less cost than aiohttp's own, and in one place for all errors."""

from __future__ import annotations

import time
from email.utils import formatdate
from http import HTTPStatus

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

from antmediad.api.answer import Answer, refusal

MAX_DIRECT_BYTES = 64 * 1024
"""Up to this size a response goes to the socket in one piece, without flow control."""

Headers = tuple[tuple[str, str], ...]

SERVER = "antmediad"
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
        transport = request.transport
        if transport is not None:
            transport.write(self._data)
            if transport.get_write_buffer_size() > MAX_DIRECT_BYTES:
                await request.writer.drain()
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: everything is written."""


class _Heads:
    """The headers of all direct responses but their length, made once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._heads: dict[tuple[int, str, Headers], bytes] = {}

    def of(self, status: int, content_type: str, headers: Headers) -> bytes:
        """Return the status line and the headers, up to the value of ``Content-Length``."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._heads.clear()
        key = (status, content_type, headers)
        head = self._heads.get(key)
        if head is None:
            lines = [
                _STATUS_LINES[status],
                f"Content-Type: {content_type}\r\n",
                f"Date: {formatdate(second, usegmt=True)}\r\n",
                f"Server: {SERVER}\r\n",
                *(f"{name}: {value}\r\n" for name, value in headers),
                "Content-Length: ",
            ]
            head = self._heads[key] = "".join(lines).encode("latin-1")
        return head


_heads = _Heads()


def reply(
    request: web.BaseRequest, answer: Answer, headers: Headers = (), *, close: bool = False
) -> web.StreamResponse:
    """Return the response to *request* that carries *answer*; HEAD gets its headers only.

    Args:
        headers: go before those of the answer.
        close: whether the connection ends with the response.
    """
    status, body = answer.status, answer.body
    headers += answer.headers
    close = close or status in _CLOSING
    if (
        len(body) > MAX_DIRECT_BYTES
        or request.version != HttpVersion11
        or not request.keep_alive
        or status in _EMPTY
        or close
    ):
        response = web.Response(body=body if status not in _EMPTY else None, status=status)
        if body and status not in _EMPTY:
            response.headers["Content-Type"] = answer.content_type
        response.headers["Server"] = SERVER
        response.headers.extend(headers)
        if close:
            response.force_close()
        return response
    head = _heads.of(status, answer.content_type, headers)
    shown = b"" if request.method == "HEAD" else body
    return _Direct(b"%b%d\r\n\r\n%b" % (head, len(body), shown), status)


def last_words(status: int, message: str, headers: Headers = ()) -> bytes:
    """Return a whole response to what is no request yet; the connection ends with it."""
    answer = refusal(status, message)
    head = _heads.of(status, answer.content_type, (("Connection", "close"), *headers))
    return b"%b%d\r\n\r\n%b" % (head, len(answer.body), answer.body)
