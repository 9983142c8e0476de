"""Tokens of an application: issued, explained, and the key sets that verify them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Any, Final

import orjson

from antmediad.api.answer import Answer, answer
from antmediad.api.json_schema import (
    BOOLEAN,
    NUMBER_OR_NULL,
    OBJECT,
    TEXT,
    TEXT_OR_NULL,
    list_of,
    object_of,
)
from antmediad.api.routes import Schema
from antmediad.errors import RequestError, TokenError
from antmediad.guard.explanation import explain
from antmediad.guard.issue import issue_with_secret
from antmediad.guard.key_set import KeySet, without_secrets
from antmediad.guard.token import SECRET_ALGORITHM, numeric_date
from antmediad.management.access import Access
from antmediad.management.call import Call
from antmediad.management.routes import Route
from antmediad.management.subject import NOT_AVAILABLE, find_application
from antmediad.settings.schema import Settings

MAX_CLAIMS_BYTES: Final = 8192
MAX_LIFE_S: Final = 10 * 366 * 86_400
REFRESH_WAIT_S: Final = 20.0
"""For how long a refresh is waited for; it goes on after that."""

_TIMES: Final = ("exp", "nbf", "iat")
_ORDER = Schema(
    object_of(
        {
            "claims": {**OBJECT, "description": f"at most {MAX_CLAIMS_BYTES} bytes"},
            "expiresInS": {"type": ["number", "null"], "minimum": 1, "maximum": MAX_LIFE_S},
        }
    )
)
_TOKEN = Schema(object_of({"token": TEXT, "claims": OBJECT}))
_QUESTION = Schema(
    object_of(
        {
            "token": {**TEXT_OR_NULL, "description": "with or without Bearer"},
            "address": {**TEXT_OR_NULL, "description": "of the client; by default the caller's"},
        }
    )
)
_VERDICT = Schema(
    object_of(
        {
            "allowed": BOOLEAN,
            "reason": TEXT_OR_NULL,
            "meaning": TEXT_OR_NULL,
            "steps": list_of(
                object_of(
                    {
                        "name": TEXT,
                        "outcome": {"enum": ["passed", "failed", "skipped"]},
                        "detail": TEXT,
                    }
                )
            ),
        }
    )
)
_KEY_SETS = Schema(
    list_of(
        object_of(
            {
                "url": TEXT,
                "resolvedUrl": TEXT_OR_NULL,
                "keys": list_of(
                    object_of(
                        {
                            "kid": TEXT_OR_NULL,
                            "kty": TEXT,
                            "alg": TEXT_OR_NULL,
                            "use": TEXT,
                        }
                    )
                ),
                "fetchedAt": NUMBER_OR_NULL,
                "error": TEXT_OR_NULL,
                "isUp": BOOLEAN,
            }
        )
    )
)


def issue_token(call: Call) -> Answer:
    """Return a token that the application accepts, signed with its secret."""
    call.note.action = "token not issued"
    settings = _settings(call)
    sent = call.object()
    claims = _claims(sent, call.now)
    if settings.jwks_url:
        raise RequestError(
            409, "Tokens are signed by whoever holds the key: jwksURL is set, not a secret"
        )
    if not settings.jwt_secret_key:
        raise RequestError(409, "There is no secret to sign with: set jwtSecretKey")
    if settings.jwt_algorithms and SECRET_ALGORITHM not in settings.jwt_algorithms:
        raise RequestError(409, f"jwtAlgorithms does not have {SECRET_ALGORITHM}")
    token = issue_with_secret(claims, settings.jwt_secret_key)
    call.note.action = "token issued"
    call.note.detail = f"claims: {', '.join(claims) or 'none'}"
    return answer({"token": token, "claims": claims})


def _claims(sent: Mapping[str, Any], now: float) -> Mapping[str, Any]:
    claims = sent.get("claims")
    if not isinstance(claims, dict | None):
        raise RequestError(400, "claims: expected an object")
    claims = dict(claims or {})
    life_s = sent.get("expiresInS")
    if life_s is not None:
        is_number = isinstance(life_s, int | float) and not isinstance(life_s, bool)
        if not (is_number and math.isfinite(life_s) and 1 <= life_s <= MAX_LIFE_S):
            raise RequestError(400, f"expiresInS: expected null, or 1 to {MAX_LIFE_S} seconds")
        if "exp" in claims:
            raise RequestError(400, "expiresInS: expected null, because claims has an exp")
        claims["exp"] = int(now + life_s)
    try:
        for name in _TIMES:
            numeric_date(claims, name)
    except TokenError:
        raise RequestError(
            400, f"claims: expected {', '.join(_TIMES)} to be numbers, seconds since 1970"
        ) from None
    if len(orjson.dumps(claims)) > MAX_CLAIMS_BYTES:
        raise RequestError(400, f"claims: expected {MAX_CLAIMS_BYTES} bytes or less")
    return claims


async def explain_token(call: Call) -> Answer:
    """Tell whether a request with this token, from this address, is let through, and why."""
    # A question: it changes nothing.
    call.note.left_out = True
    name = find_application(call).name
    sent = call.object()
    address = call.text("address", sent).strip() or (call.clients[0] if call.clients else "")
    guard = call.resources.guard_of(name)
    if guard is None:
        raise RequestError(409, NOT_AVAILABLE)
    explained = await explain(guard, address, call.text("token", sent).strip())
    return answer(
        {
            "allowed": explained.is_allowed,
            "reason": explained.reason or None,
            "meaning": explained.meaning or None,
            "steps": [check._asdict() for check in explained.checks()],
        }
    )


def list_key_sets(call: Call) -> Answer:
    """Return the key sets that decide, with the keys held."""
    return answer([_described(one) for one in _key_sets(call)])


async def refresh_key_sets(call: Call) -> Answer:
    """Fetch the key sets now, and return them."""
    call.note.action = "key sets refreshed"
    found = _key_sets(call)
    try:
        async with asyncio.timeout(REFRESH_WAIT_S):
            await asyncio.gather(*(one.refresh() for one in found))
    except TimeoutError:
        call.note.detail = f"not all within {REFRESH_WAIT_S:g} s"
    return answer([_described(one) for one in found])


def _key_sets(call: Call) -> list[KeySet]:
    snapshot = find_application(call).snapshot
    if snapshot is None or not snapshot.settings.jwt_control_enabled:
        return []
    by_url = {one.url: one for one in call.resources.key_sets}
    return [by_url[url] for url in snapshot.settings.jwks_url if url in by_url]


def _settings(call: Call) -> Settings:
    snapshot = find_application(call).snapshot
    if snapshot is None:
        raise RequestError(409, NOT_AVAILABLE)
    return snapshot.settings


def _described(key_set: KeySet) -> dict[str, Any]:
    return {
        "url": without_secrets(key_set.url),
        "resolvedUrl": without_secrets(key_set.location) if key_set.location else None,
        "keys": [
            {
                "kid": key.kid,
                "kty": key.kty,
                "alg": next(iter(key.algorithms)) if len(key.algorithms) == 1 else None,
                # Others are not held.
                "use": "sig",
            }
            for key in key_set.keys
        ],
        "fetchedAt": key_set.fetched_at or None,
        "error": key_set.error or None,
        "isUp": bool(key_set.fetched_at and not key_set.error),
    }


ROUTES = (
    Route(
        "POST",
        "/apps/{app}/tokens",
        issue_token,
        consumes_json=True,
        body=_ORDER,
        access=Access.APPLICATION_ADMIN,
        answers={200: _TOKEN},
    ),
    Route(
        "POST",
        "/apps/{app}/explain",
        explain_token,
        consumes_json=True,
        body=_QUESTION,
        access=Access.APPLICATION_READ,
        answers={200: _VERDICT},
    ),
    Route(
        "GET",
        "/apps/{app}/key-sets",
        list_key_sets,
        access=Access.APPLICATION_READ,
        answers={200: _KEY_SETS},
    ),
    Route(
        "POST",
        "/apps/{app}/key-sets/refresh",
        refresh_key_sets,
        access=Access.APPLICATION_ADMIN,
        answers={200: _KEY_SETS},
    ),
)
