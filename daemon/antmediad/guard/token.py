"""JSON Web Tokens: reading their compact form, signatures and claims (RFC 7515, RFC 7519)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from jwt import PyJWTError
from jwt.algorithms import get_default_algorithms

from antmediad.errors import TokenError

SECRET_ALGORITHM = "HS256"  # noqa: S105 - an algorithm's name
ASYMMETRIC_ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
MAX_TOKEN_CHARS = 16384

_ALGORITHMS = get_default_algorithms()
# Base64url without the leniency of Python's decoder, which skips what is not in the alphabet.
# Padding is tolerated because Ant Media Server's library tolerates it.
_COMPACT = re.compile(r"([\w-]+={0,2})\.([\w-]+={0,2})\.([\w-]*={0,2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """A token taken apart; nothing about it is verified yet.

    Attributes:
        header: the JOSE header, a JSON object.
        algorithm: its ``alg``.
        kid: its ``kid``, if any.
        signing_input: what the signature covers, ASCII.
        payload: the claims, still encoded.
        signature: bytes.
    """

    header: Mapping[str, Any]
    algorithm: str
    kid: str | None
    signing_input: bytes
    payload: str
    signature: bytes


def bearer_token(authorization: Sequence[str]) -> str:
    """Return the token of the request's ``Authorization`` lines: raw, or after ``Bearer``.

    Raises:
        TokenError: ``no_token``, or ``several_tokens`` when there is more than one line.
    """
    if not authorization:
        raise TokenError("no_token")
    if len(authorization) > 1:
        raise TokenError("several_tokens")
    text = authorization[0].strip(" \t")
    if text[:6].lower() == "bearer" and text[6:7] in ("", " ", "\t"):
        text = text[7:].strip(" \t")
    if not text:
        raise TokenError("no_token")
    return text


def parse_token(text: str) -> Token:
    """Take the compact form *text* apart.

    Raises:
        TokenError: ``malformed``; ``critical_header`` for a ``crit`` member (RFC 7515, section
            4.1.11: this implementation understands no extension).
    """
    if len(text) > MAX_TOKEN_CHARS:
        raise TokenError("malformed")
    parts = _COMPACT.fullmatch(text)
    if parts is None:
        raise TokenError("malformed")
    header = _json_object(parts[1])
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or not isinstance(kid, str | None):
        raise TokenError("malformed")
    if "crit" in header:
        raise TokenError("critical_header")
    return Token(
        header=header,
        algorithm=algorithm,
        kid=kid,
        signing_input=text[: parts.end(2)].encode("ascii"),
        payload=parts[2],
        signature=_decode(parts[3]),
    )


def is_signed_by(token: Token, algorithm: str, key: Any) -> bool:
    """Tell whether *token* bears a good signature by *key* under *algorithm*.

    *algorithm* comes from the key and the settings, never from the token alone: a caller has
    compared the two already.
    """
    try:
        return _ALGORITHMS[algorithm].verify(token.signing_input, key, token.signature)
    except (PyJWTError, ValueError, TypeError):
        return False


def claims_of(token: Token) -> Mapping[str, Any]:
    """Return the claims of *token*; to be called on a token whose signature is good.

    Raises:
        TokenError: ``malformed``, when the payload is not a JSON object.
    """
    return _json_object(token.payload)


def numeric_date(claims: Mapping[str, Any], name: str) -> float | None:
    """Return the claim *name* in seconds since 1970 (RFC 7519, section 2), None when absent.

    Raises:
        TokenError: ``bad_claim``, for anything that is not a number.
    """
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenError("bad_claim")
    return float(value)


def _json_object(encoded: str) -> dict[str, Any]:
    try:
        value = orjson.loads(_decode(encoded))
    except orjson.JSONDecodeError:
        raise TokenError("malformed") from None
    if not isinstance(value, dict):
        raise TokenError("malformed")
    return value


def _decode(encoded: str) -> bytes:
    bare = encoded.rstrip("=")
    try:
        return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        raise TokenError("malformed") from None
