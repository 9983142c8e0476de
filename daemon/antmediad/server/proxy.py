"""The panel's way to the applications' APIs: ``/rest/v2/request?_path=...``.

Ant Media Server sends such a call to itself over the network, as 127.0.0.1, with a token of the
application.  Here it goes to the handler, and the rights of the caller decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_to_bytes

from antmediad.errors import RequestError
from antmediad.server.paths import parse_query

_PARAMETER = "_path"
_MAX_PARAMETERS = 100


@dataclass(frozen=True, slots=True)
class Proxied:
    """The call of an application's API that a request stands for.

    Attributes:
        segments: of its path, the application's name first.
        query: the first value of each parameter.
    """

    segments: tuple[str, ...]
    query: dict[str, str]


def is_proxied(segments: Sequence[str]) -> bool:
    """Tell whether a path is one of the proxy's."""
    return segments[:3] == ["rest", "v2", "request"] or segments[:2] == ["rest", "request"]


def read_proxied(segments: Sequence[str], query: str) -> Proxied:
    """Return the call that a request to the proxy stands for.

    Args:
        segments: of the request's own path, decoded; what follows ``request`` goes on in the
            path that is asked for.
        query: of the request, as it came.

    Raises:
        RequestError: 400, there is not exactly one ``_path``, or it is not in normal form.
    """
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS, errors="strict"
        )
    except ValueError:
        raise RequestError(400, "Query cannot be read") from None
    paths = [value for name, value in pairs if name == _PARAMETER]
    if len(paths) != 1:
        raise RequestError(400, f"{_PARAMETER}: expected exactly one, {{App}}/rest/v2/...")
    # Decoded as a parameter by now: what it holds is a URL's path, with segments of its own.
    path, _, inner_query = paths[0].partition("?")
    asked = map(_decoded, path.removeprefix("/").removesuffix("/").split("/"))
    suffix = segments[segments.index("request") + 1 :]
    values = parse_query(inner_query)
    for name, value in pairs:
        if name != _PARAMETER:
            values.setdefault(name, value)
    return Proxied(tuple(map(_checked, (*asked, *suffix))), values)


def _decoded(segment: str) -> str:
    try:
        return unquote_to_bytes(segment).decode()
    except UnicodeError:
        raise RequestError(400, f"{_PARAMETER}: expected UTF-8") from None


def _checked(segment: str) -> str:
    if segment in ("", ".", "..") or "/" in segment or "\\" in segment or not segment.isprintable():
        raise RequestError(400, f"{_PARAMETER}: expected a path in normal form")
    return segment
