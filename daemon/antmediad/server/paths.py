"""Request targets: from the text of the request line to path segments and query."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote_to_bytes

from antmediad.errors import RequestError

_AUTHORITY = re.compile(r"https?://[^/?]*", re.IGNORECASE)


def path_of(target: str) -> str:
    """Return the path of a request target as it is, without what a log is not to have.

    In a query some clients send tokens; before the path, of a target in absolute form, may be
    a user's password.
    """
    path = target.partition("?")[0]
    if not path.startswith("/"):
        path = _AUTHORITY.sub("", path, count=1)
    return path.partition("#")[0]


def split_target(target: str) -> tuple[list[str], str]:
    """Return the decoded segments of a request target, and its query as it is.

    A trailing slash makes no difference.  Matrix parameters (``;x=y``) are dropped.

    Raises:
        RequestError: 400, for dot segments, encoded slashes and anything but UTF-8: what one
            reader of a path takes for one resource, another could take for a different one.
    """
    query = target.partition("?")[2]
    path = path_of(target)
    segments = path.split("/")[1:]
    if segments and not segments[-1]:
        segments.pop()
    if "%" in path or ";" in path or "/." in path or "\\" in path or not path.isascii():
        segments = [_decode(segment) for segment in segments]
        if segments and not segments[-1]:
            # Of the last one only matrix parameters were there.
            segments.pop()
    return segments, query


def _decode(segment: str) -> str:
    try:
        text = unquote_to_bytes(segment.partition(";")[0]).decode()
    except UnicodeError:
        raise RequestError(400, "Path is not UTF-8") from None
    if text in (".", "..") or "/" in text or "\\" in text or "\0" in text:
        raise RequestError(400, "Path is not in normal form")
    return text


def parse_query(query: str) -> dict[str, str]:
    """Return the first value of each parameter.

    Raises:
        RequestError: 400, for more parameters than any call has.
    """
    if not query:
        return {}
    if not query.isascii():
        # What is not UTF-8 came as lone surrogates, which no store can look for.
        query = query.encode(errors="surrogateescape").decode(errors="replace")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=100, errors="replace")
    except ValueError:
        raise RequestError(400, "Too many query parameters") from None
    values: dict[str, str] = {}
    for name, value in pairs:
        values.setdefault(name, value)
    return values
