"""Cross-origin requests (filters.md, section 8 of the contract; the Fetch standard).

Any origin may call; none may do so with the browser's own credentials, so that ``*`` is all
that is ever allowed.  A token in ``Authorization`` is no such credential.
"""

from __future__ import annotations

import re

from antmediad.errors import RequestError

METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE")
REQUEST_HEADERS = (
    "Accept",
    "Origin",
    "X-Requested-With",
    "Access-Control-Request-Headers",
    "Content-Type",
    "Access-Control-Request-Method",
    "Authorization",
)
MAX_AGE_S = 1800

_ALLOWED = frozenset(name.lower() for name in REQUEST_HEADERS)
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@]+", re.ASCII)

HEADERS = (("Access-Control-Allow-Origin", "*"), ("Vary", "Origin"))
_PREFLIGHT_HEADERS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", ",".join(METHODS)),
    ("Access-Control-Allow-Headers", ",".join(REQUEST_HEADERS)),
    ("Access-Control-Max-Age", str(MAX_AGE_S)),
    ("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
)


def check_origin(origin: str, method: str) -> None:
    """Let a cross-origin request go on.

    Raises:
        RequestError: 403, for something else than an origin or a method that is not listed.
    """
    if origin != "null" and not _ORIGIN.fullmatch(origin):
        raise RequestError(403, "Origin not allowed")
    if method not in METHODS:
        raise RequestError(403, "Method not allowed across origins")


def answer_preflight(method: str, header_names: str) -> tuple[tuple[str, str], ...]:
    """Return the headers that answer a preflight for *method* with *header_names*.

    Raises:
        RequestError: 403, for a method or a header that is not listed.
    """
    names = {name.strip().lower() for name in header_names.split(",") if name.strip()}
    if method.strip() not in METHODS or not names <= _ALLOWED:
        raise RequestError(403, "Method or header not allowed across origins")
    return _PREFLIGHT_HEADERS
