"""What the access log says of a request."""

from __future__ import annotations

import time
from collections.abc import Container, Sequence
from contextlib import suppress

from aiohttp import web

from antmediad.errors import RequestError
from antmediad.observe.access import Access
from antmediad.server.paths import path_of, split_target


def access_of(  # noqa: PLR0913 - one line of the log
    request: web.BaseRequest,
    known: Container[str],
    clients: Sequence[str],
    status: int,
    size: int,
    took_s: float,
    reason: str,
) -> Access:
    """Return what there is to say about an answered request.

    Args:
        known: the names of the applications.
        clients: for whom it came; empty when nobody looked for them, and the peer counts.
        size: of the answer's body, bytes.
    """
    application = ""
    with suppress(RequestError):
        segments, _ = split_target(request.raw_path)
        if segments and segments[0] in known:
            application = segments[0]
    return Access(
        at=time.time(),
        client=",".join(clients) or request.remote or "",
        application=application,
        method=request.method,
        path=path_of(request.raw_path),
        version=f"{request.version.major}.{request.version.minor}",
        status=status,
        size=size if request.method != "HEAD" else 0,
        took_s=took_s,
        reason=reason,
    )
