"""One-time tokens and stream JWTs (rest-v2.md, sections 2.4, 2.5 and 6)."""

from __future__ import annotations

import secrets

from antmediad.api.answer import FAIL, OK, Answer, answer, answer_list, result
from antmediad.api.fields import ListOf, Record
from antmediad.api.models import RESULT
from antmediad.api.routes import Query, Route
from antmediad.errors import RecordExistsError, TokenError
from antmediad.guard.stream import issue_stream_token
from antmediad.rest.call import Call
from antmediad.rest.models import TOKEN

TOKEN_ID_DIGITS = 24
TYPES = ("play", "publish")

INCOMPLETE = "Define Stream ID, Token Type and Expire Date (unix time)"
TYPE_INVALID = "Invalid token type. Supported types are 'play' and 'publish'"
NOT_SAVED = "Cannot save token to the datastore"
# Two blanks, as in the original.
NO_JWT = (
    "Cannot create JWT token. The problem can be ->  this is community edition or JWT stream key"
    " is not set or it's length is less than 32"
)


async def create(call: Call) -> Answer:
    """Make a one-time token to play or publish a stream, which need not exist yet."""
    refused = _refuse(call)
    if refused is not None:
        return refused
    record = _describe(call, f"{secrets.randbelow(10**TOKEN_ID_DIGITS):0{TOKEN_ID_DIGITS}d}")
    try:
        await call.store.tokens.insert(record)
    except RecordExistsError:
        return result(False, NOT_SAVED, status=400)
    return answer(record)


async def validate(call: Call) -> Answer:
    """Tell whether a one-time token is good; one that is good is used up.

    With a ``roomId``, the token must be of that room and is not used up.
    """
    value = call.json()
    if value is None:
        return FAIL
    return OK if await call.store.tokens.validate(TOKEN.create(value), call.now()) else FAIL


async def delete_all(call: Call) -> Answer:
    """Revoke all one-time tokens of a stream."""
    return OK if await call.store.tokens.delete_all(call.parameters["id"]) else FAIL


def list_page(call: Call) -> Answer:
    """Return one page of a stream's one-time tokens, those expired included."""
    return answer_list(call.store.tokens.list_json(call.parameters["id"], *call.page()))


def create_jwt(call: Call) -> Answer:
    """Make a JWT to play or publish a stream until it expires; it is not stored."""
    refused = _refuse(call)
    if refused is not None:
        return refused
    try:
        token = issue_stream_token(
            call.settings.jwt_stream_secret_key,
            call.parameters["id"],
            call.query["type"],
            call.integer("expireDate", bits=64),
            call.query.get("roomId"),
        )
    except TokenError:
        return result(False, NO_JWT, status=400)
    return answer(_describe(call, token))


def _refuse(call: Call) -> Answer | None:
    expire_date, type_ = call.integer("expireDate", bits=64), call.query.get("type")
    if type_ is None or expire_date <= 0:
        return result(False, INCOMPLETE, status=400)
    if type_ not in TYPES:
        return result(False, TYPE_INVALID, status=400)
    return None


def _describe(call: Call, token_id: str) -> Record:
    return {
        "tokenId": token_id,
        "streamId": call.parameters["id"],
        "expireDate": call.integer("expireDate", bits=64),
        "type": call.query["type"],
        "roomId": call.query.get("roomId"),
    }


_WANTED = (
    Query("expireDate", "long", "when it expires, seconds since 1970", required=True),
    Query("type", description="play or publish", required=True),
    Query("roomId", description="the room whose streams it is for"),
)

ROUTES = (
    Route(
        "GET",
        "/broadcasts/{id}/token",
        create,
        query=_WANTED,
        answers={200: TOKEN, 400: RESULT},
    ),
    Route("POST", "/broadcasts/validate-token", validate, consumes_json=True, body=TOKEN),
    Route("DELETE", "/broadcasts/{id}/tokens", delete_all, consumes_json=True),
    Route(
        "GET",
        "/broadcasts/{id}/tokens/list/{offset:int}/{size:int}",
        list_page,
        answers={200: ListOf(TOKEN)},
    ),
    Route(
        "GET",
        "/broadcasts/{id}/jwt-token",
        create_jwt,
        query=_WANTED,
        answers={200: TOKEN, 400: RESULT},
    ),
)
