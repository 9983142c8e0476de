"""Conditional requests (RFC 9110, section 13): a change is made to what was read, or not at all."""

from __future__ import annotations

import hmac
import re

from antmediad.errors import RequestError
from antmediad.management.call import Call
from antmediad.management.rights import SYSTEM, Role, role_for

_TAG = re.compile(r'(?:W/)?"([0-9a-f]*)"|([0-9a-f]+)')


def shown_digest(call: Call, digest: str, name: str = "") -> str:
    """Return what stands for a file's digest in answers: the digest itself, for who may change it.

    Whoever sees the file with its secrets masked could try out by its SHA-256 what they are.  What
    others get differs when the digest differs, too, but tells nothing to who does not know a key.

    Args:
        name: the application's, or `SYSTEM`; by default what the path is about.
    """
    name = name or call.parameters.get("app", SYSTEM)
    if not digest or role_for(call.caller.rights, name) is Role.ADMIN:
        return digest
    return hmac.digest(call.resources.key, digest.encode(), "sha256").hex()


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
