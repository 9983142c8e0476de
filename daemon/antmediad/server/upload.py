"""Files in the body of a request: ``multipart/form-data`` (RFC 7578), never held in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from email.message import Message
from email.parser import BytesHeaderParser

from aiohttp import HttpVersion11, hdrs, web

from antmediad.errors import RequestError

IDLE_TIMEOUT_S = 60.0
MAX_HEADER_BYTES = 16 * 1024
MAX_PARTS = 32
MAX_BOUNDARY_CHARS = 70
"""RFC 2046, section 5.1.1."""

Read = Callable[[], Awaitable[bytes]]


class FormPart:
    """One part, read up to its end by whoever wants it, or else passed over.

    Attributes:
        name: of the form's field.
    """

    def __init__(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        self.name = name
        self._chunks = chunks

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks


class Form:
    """The parts of a body, one after the other; what comes before and after them is dropped."""

    def __init__(self, read: Read, boundary: bytes, size: int | None = None) -> None:
        """Read from *read*, which returns nothing at the end, what *boundary* parts.

        Args:
            size: how long all of it is, bytes, None when that is not known.
        """
        self.size = size
        self._read = read
        self._delimiter = b"\r\n--" + boundary
        # The first delimiter may stand at the very beginning.
        self._buffer = bytearray(b"\r\n")

    async def __aiter__(self) -> AsyncIterator[FormPart]:
        """Yield the parts.

        Raises:
            RequestError: 400, this is no form, or it ends too early.
        """
        async for _ in self._up_to_delimiter():
            pass
        for _ in range(MAX_PARTS):
            if await self._is_last():
                return
            chunks = self._up_to_delimiter()
            yield FormPart(_name_of(await self._headers()), chunks)
            async for _ in chunks:
                pass
        raise RequestError(400, f"Form has more than {MAX_PARTS} parts")

    async def _up_to_delimiter(self) -> AsyncIterator[bytes]:
        buffer, delimiter = self._buffer, self._delimiter
        while True:
            end = buffer.find(delimiter)
            if end >= 0:
                if end:
                    chunk = bytes(memoryview(buffer)[:end])
                    del buffer[: end + len(delimiter)]
                    yield chunk
                else:
                    del buffer[: len(delimiter)]
                return
            # The last bytes could be the beginning of the delimiter.
            ready = len(buffer) - len(delimiter) + 1
            if ready > 0:
                chunk = bytes(memoryview(buffer)[:ready])
                del buffer[:ready]
                yield chunk
            await self._more()

    async def _is_last(self) -> bool:
        """Read the end of a delimiter's line but its line break; tell whether no part follows."""
        while len(self._buffer) < 2:
            await self._more()
        if self._buffer.startswith(b"--"):
            await self._drain()
            return True
        while self._buffer.startswith((b" ", b"\t")):
            del self._buffer[0]
            if not self._buffer:
                await self._more()
        return False

    async def _headers(self) -> Message:
        while True:
            end = self._buffer.find(b"\r\n\r\n", 0, MAX_HEADER_BYTES)
            if end >= 0:
                break
            if len(self._buffer) >= MAX_HEADER_BYTES:
                raise RequestError(400, "Form has a part without usable headers")
            await self._more()
        if not self._buffer.startswith(b"\r\n"):
            raise RequestError(400, "Form is malformed")
        headers = bytes(memoryview(self._buffer)[2 : end + 2])
        # The last line break stays: a part without content goes on with its delimiter.
        del self._buffer[: end + 2]
        if self._buffer.startswith(self._delimiter):
            return BytesHeaderParser().parsebytes(headers)
        del self._buffer[:2]
        return BytesHeaderParser().parsebytes(headers)

    async def _more(self) -> None:
        data = await self._read()
        if not data:
            raise RequestError(400, "Form ends before its last part does")
        self._buffer += data

    async def _drain(self) -> None:
        self._buffer.clear()
        while await self._read():
            pass


def _name_of(headers: Message) -> str:
    encoding = headers.get("Content-Transfer-Encoding", "binary").strip().lower()
    if encoding not in ("7bit", "8bit", "binary"):
        raise RequestError(400, "Content-Transfer-Encoding is not supported")
    name = headers.get_param("name", header="Content-Disposition")
    return name if isinstance(name, str) else ""


def open_form(request: web.BaseRequest, idle_s: float = IDLE_TIMEOUT_S) -> Form:
    """Return the form in the body of *request*, of which some has to come every *idle_s* seconds.

    Raises:
        RequestError: 415, the body is not declared as a form; 400, nothing says what parts it.
    """
    declared = Message()
    declared["Content-Type"] = request.headers.get(hdrs.CONTENT_TYPE, "")
    if declared.get_content_type() != "multipart/form-data":
        raise RequestError(415, "Content-Type is not supported: expected multipart/form-data")
    boundary = declared.get_boundary("")
    if not boundary.isascii() or not 0 < len(boundary) <= MAX_BOUNDARY_CHARS:
        raise RequestError(400, "Content-Type has no usable boundary")
    is_first = True

    async def read() -> bytes:
        nonlocal is_first
        if is_first:
            is_first = False
            meet_expectation(request)
        try:
            async with asyncio.timeout(idle_s):
                return await request.content.readany()
        except TimeoutError:
            raise RequestError(408, "Body did not arrive in time") from None
        except (web.RequestPayloadError, ValueError):
            raise RequestError(400, "Body cannot be read") from None

    return Form(read, boundary.encode(), request.content_length)


def meet_expectation(request: web.BaseRequest) -> None:
    """Tell a client that waits for it to go on with the body.

    Raises:
        RequestError: 417, it expects something else.
    """
    expected = request.headers.get(hdrs.EXPECT)
    if expected is not None:
        if expected.lower() != "100-continue":
            raise RequestError(417, "Expectation cannot be met")
        if request.transport is not None and request.version >= HttpVersion11:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
