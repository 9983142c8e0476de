"""Fetches key-set documents over the network, within limits."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urljoin, urlsplit

import aiohttp

from antmediad.errors import KeySetError
from antmediad.guard.key_set import Fetched

TIMEOUT_S = 5.0
MAX_DOCUMENT_BYTES = 512 * 1024
MAX_REDIRECTS = 3

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=([0-9]{1,9})(?:[\s,]|$)")


async def fetch(url: str, timeout_s: float = TIMEOUT_S) -> Fetched:
    """Return the document at *url*.

    Redirects are followed `MAX_REDIRECTS` times, never from https to http.  The size is at most
    `MAX_DOCUMENT_BYTES` after decoding.

    Args:
        timeout_s: seconds for everything together.

    Raises:
        KeySetError: it cannot be had within these limits; the text says which one.
    """
    try:
        async with (
            asyncio.timeout(timeout_s),
            # A session a fetch: fetches are rare, and what a source sets (cookies) is not kept.
            aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), headers={"Accept": "application/json"}
            ) as session,
        ):
            for _ in range(MAX_REDIRECTS + 1):
                async with session.get(url, allow_redirects=False) as response:
                    target = response.headers.get("Location")
                    if response.status in (301, 302, 303, 307, 308) and target:
                        url = _redirected(url, target)
                        continue
                    if response.status != 200:
                        raise KeySetError(f"answered {response.status}")
                    return Fetched(await _read(response), _life_s(response))
    except TimeoutError:
        raise KeySetError(f"no answer within {timeout_s:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise KeySetError(f"unreachable: {type(error).__name__}") from error
    raise KeySetError(f"more than {MAX_REDIRECTS} redirects")


def _redirected(url: str, target: str) -> str:
    url_after = urljoin(url, target)
    before, after = urlsplit(url).scheme, urlsplit(url_after).scheme
    if after not in ("http", "https") or (before == "https" and after == "http"):
        raise KeySetError("redirected to a URL that is not https")
    return url_after


async def _read(response: aiohttp.ClientResponse) -> bytes:
    chunks, size = [], 0
    async for chunk in response.content.iter_chunked(65536):
        size += len(chunk)
        if size > MAX_DOCUMENT_BYTES:
            raise KeySetError(f"larger than {MAX_DOCUMENT_BYTES} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _life_s(response: aiohttp.ClientResponse) -> float | None:
    found = _MAX_AGE.search(response.headers.get("Cache-Control", "").lower())
    return float(found[1]) if found else None
