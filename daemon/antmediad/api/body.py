"""What comes with a request: a JSON value, or the parts of a form."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Protocol

import orjson

from antmediad.errors import RequestError


class Part(Protocol):
    """One part of an upload; iterating over it, once, gives its bytes as they arrive."""

    @property
    def name(self) -> str:
        """The name of the form's field."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class Upload(Protocol):
    """The parts of a form, as they arrive; each must be read before the next one.

    Iterating raises `RequestError` for what is no form, and ConnectionError when the client
    is gone.
    """

    @property
    def size(self) -> int | None:
        """The length of the body, bytes, None when it is not known."""
        ...

    def __aiter__(self) -> AsyncIterator[Part]: ...


def parse_json(body: bytes) -> Any:
    """Return the value that a body holds; None for an empty one.

    What follows the first complete value is ignored, as Jackson does.

    Raises:
        RequestError: 400 with the place of the mistake.
    """
    if not body.strip():
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        message = f"malformed JSON at line {error.lineno}, column {error.colno}"
    try:
        value, _ = _FIRST_VALUE.raw_decode(body.decode().lstrip("\ufeff \t\r\n"))
        # Once more through orjson: it refuses what cannot be stored, lone surrogates.
        return orjson.loads(orjson.dumps(value))
    except (ValueError, RecursionError, TypeError):
        raise RequestError(400, message) from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(number: str) -> float:
    value = float(number)
    if abs(value) == float("inf"):
        raise ValueError("too large a number")
    return value


_FIRST_VALUE = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
