"""Conditional requests (RFC 9110, section 13): a change is made to what was read, or not at all."""

from __future__ import annotations

import re

from antmediad.errors import RequestError
from antmediad.management.call import Call

_TAG = re.compile(r'(?:W/)?"([0-9a-f]*)"|([0-9a-f]+)')


def entity_tag(digest: str) -> tuple[str, str]:
    """Return the header that tells a file's digest."""
    return ("ETag", f'"{digest}"')


def expected_digest(call: Call) -> str | None:
    """Return the digest that the file must have to be changed, None for any.

    A tag that a compressing proxy has made weak is taken, too: the digest is of the file, not of
    the answer.

    Raises:
        RequestError: 400, ``If-Match`` holds something else.
    """
    sent = call.headers.get("if-match", "*").strip()
    if sent == "*":
        return None
    tag = _TAG.fullmatch(sent)
    if tag is None:
        raise RequestError(400, "If-Match: expected one digest, as the ETag has it")
    return tag[1] or tag[2] or ""
