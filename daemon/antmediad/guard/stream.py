"""What publishers and players show for a stream: JWT, hash and time-based code."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from antmediad.errors import TokenError
from antmediad.guard.issue import issue_with_secret
from antmediad.guard.token import (
    SECRET_ALGORITHM,
    claims_of,
    is_signed_by,
    numeric_date,
    parse_token,
)

MIN_SECRET_CHARS = 32
CODE_DIGITS = 6


def issue_stream_token(
    secret: str, stream_id: str, type_: str, expire_date: int, room_id: str | None
) -> str:
    """Return a stream token in compact form, signed with ``jwtStreamSecretKey``.

    Args:
        type_: ``publish`` or ``play``.
        expire_date: seconds since 1970; may be over already.
        room_id: becomes a claim unless it is None or empty.

    Raises:
        TokenError: ``short_secret``.
    """
    _check_length(secret)
    claims: dict[str, Any] = {"streamId": stream_id, "type": type_, "exp": expire_date}
    if room_id:
        claims["roomId"] = room_id
    return issue_with_secret(claims, secret)


def check_stream_token(text: str, secret: str, stream_id: str, type_: str, now: float) -> None:
    """Let the bearer of *text* publish or play a stream.

    A token without ``exp`` is valid for good; ``nbf`` is honoured when it is there.

    Args:
        secret: ``jwtStreamSecretKey``.
        type_: ``publish`` or ``play``, which the token's claim must equal.
        now: seconds since 1970.

    Raises:
        TokenError: ``short_secret``, a reason of `parse_token`, ``algorithm_not_allowed``,
            ``bad_signature``, ``bad_claim``, ``expired``, ``not_yet_valid``, ``wrong_stream`` or
            ``wrong_type``.
    """
    _check_length(secret)
    token = parse_token(text)
    if token.algorithm != SECRET_ALGORITHM:
        raise TokenError("algorithm_not_allowed")
    if not is_signed_by(token, SECRET_ALGORITHM, secret.encode(errors="replace")):
        raise TokenError("bad_signature")
    claims = claims_of(token)
    begin, end = numeric_date(claims, "nbf"), numeric_date(claims, "exp")
    if end is not None and now >= end:
        raise TokenError("expired")
    if begin is not None and now < begin:
        raise TokenError("not_yet_valid")
    if claims.get("streamId") != stream_id:
        raise TokenError("wrong_stream")
    if claims.get("type") != type_:
        raise TokenError("wrong_type")


def decode_base32(text: str) -> bytes:
    """Return the bytes of *text*: RFC 4648, section 6, in either letter case.

    Padded to a multiple of 8 characters, and canonical: the bits that are left over are zero.

    Raises:
        ValueError: it is anything else.  The message does not show it.
    """
    try:
        decoded = base64.b32decode(text, casefold=True)
    except ValueError:
        decoded = b""
    # The decoder is lenient about the bits that are left over.
    if base64.b32encode(decoded).decode("ascii") != text.upper():
        raise ValueError("expected canonical base32")
    return decoded


def totp(secret: bytes, period_s: int, now: float, offset: int = 0) -> str:
    """Return the time-based code of six digits (RFC 6238, with HMAC-SHA-1).

    Args:
        period_s: the time step, seconds, at least 1.
        now: seconds since 1970.
        offset: in steps, from the one that *now* is in.
    """
    counter = int(now // period_s) + offset
    digest = hmac.digest(secret, counter.to_bytes(8, "big", signed=True), "sha1")
    place = digest[-1] & 0xF
    number = int.from_bytes(digest[place : place + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def subscriber_secret(secret: str, subscriber_id: str, stream_id: str, type_: str | None) -> bytes:
    """Return the key of a subscriber who has none of their own, made of the application's.

    Args:
        secret: ``timeTokenSecretForPlay`` or ``timeTokenSecretForPublish``.
        type_: as the client gave it; None when it gave none.
    """
    text = f"{secret}{subscriber_id}{stream_id}{'null' if type_ is None else type_}"
    # Characters as Java counts them: two for each one beyond the basic plane.
    length = len(text) + sum(character > "\uffff" for character in text)
    return (text + "X" * (-length % 8)).encode(errors="replace")


def stream_hash(stream_id: str, type_: str, secret: str) -> str:
    """Return the hash that lets its bearer publish or play: SHA-256, hexadecimal, small letters.

    Args:
        secret: ``tokenHashSecret``.
    """
    return hashlib.sha256(f"{stream_id}{type_}{secret}".encode(errors="replace")).hexdigest()


def is_same(given: str, expected: str) -> bool:
    """Compare a hash or code with the right one, in a time that does not tell how they differ."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def _check_length(secret: str) -> None:
    if len(secret) < MIN_SECRET_CHARS:
        raise TokenError("short_secret")
