"""What a request must be like before its handler gets it, and its body."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Sequence

from aiohttp import hdrs, web

from antmediad.api.answer import Answer, refusal
from antmediad.errors import RequestError
from antmediad.server.cors import METHODS
from antmediad.server.upload import meet_expectation

MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_STRANGERS_BODY_BYTES = 16 * 1024
"""Of the management API's callers that are not known yet: there may be as many as connections."""
BODY_TIMEOUT_S = 30.0

_JSON = re.compile(r"application/(?:json|\*)\s*(?:;.*)?|\*/\*\s*(?:;.*)?", re.IGNORECASE)


def answer_without_route(routes: Collection[str], method: str) -> Answer:
    """Return the answer to a method that a path does not have; it has those of *routes*."""
    allowed = set(routes) | {"OPTIONS"}
    if "GET" in routes:
        allowed.add("HEAD")
    allow = (("Allow", ", ".join(name for name in METHODS if name in allowed)),)
    if method == "OPTIONS":
        return Answer(b"", 200, allow)
    return refusal(405, "Method not allowed", allow)


def check_accept(accept: Sequence[str]) -> None:
    """Check that the lines of ``Accept`` allow JSON.

    Raises:
        RequestError: 406, they do not.
    """
    if accept[0] == "*/*":
        return
    ranges = [part.strip() for line in accept for part in line.split(",") if part.strip()]
    for media_range in ranges:
        quality = re.search(r";\s*q=0(?:\.0*)?\s*(?:;|$)", media_range)
        if _JSON.fullmatch(media_range) and not quality:
            return
    if ranges:
        raise RequestError(406, "Not acceptable: this API answers with application/json")


def check_content_type(request: web.BaseRequest, *, optional: bool) -> None:
    """Check that a body is declared as JSON; not to be declared is enough if *optional*.

    Raises:
        RequestError: 415, it is declared as something else.
    """
    kind = request.headers.get(hdrs.CONTENT_TYPE)
    if kind is None:
        if request.body_exists and request.content_length != 0 and not optional:
            raise RequestError(415, "Content-Type is missing: expected application/json")
    elif not _JSON.fullmatch(kind.strip()):
        raise RequestError(415, "Content-Type is not supported: expected application/json")


async def read_body(
    request: web.BaseRequest, most_bytes: int = MAX_BODY_BYTES, within_s: float = BODY_TIMEOUT_S
) -> bytes:
    """Return the whole body, which has to come within *within_s* seconds.

    Raises:
        RequestError: 400, 408, 413 or 417: it cannot be had.
    """
    if (request.content_length or 0) > most_bytes:
        raise RequestError(413, f"Body is larger than {most_bytes} bytes")
    meet_expectation(request)
    chunks, size = [], 0
    try:
        async with asyncio.timeout(within_s):
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > most_bytes:
                    raise RequestError(413, f"Body is larger than {most_bytes} bytes")
                chunks.append(chunk)
    except TimeoutError:
        raise RequestError(408, "Body did not arrive in time") from None
    except (web.RequestPayloadError, ValueError):
        raise RequestError(400, "Body cannot be read") from None
    return b"".join(chunks)
