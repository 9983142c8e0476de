"""One call of the REST API, past its guard, and the answer to it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import orjson

from antmediad.errors import RequestError
from antmediad.rest.scripts import Scripts
from antmediad.settings.schema import Settings
from antmediad.store.interface import Store

MAX_PAGE = 250

_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Host:
    """How clients reach this server: its address, and its public name or the address again."""

    address: str
    name: str


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


@dataclass(frozen=True, slots=True)
class Files:
    """Where an application's files are, and what runs when one has come.

    Attributes:
        directory: the application's, below ``webapps``; absolute.
    """

    directory: Path
    scripts: Scripts


@dataclass(slots=True)
class Call:
    """What a handler needs to know.

    Attributes:
        application: its name.
        settings: the snapshot under which the whole call is answered.
        parameters: the variable segments of the path, decoded.
        query: the first value of each query parameter.
        body: all of it, empty when there is none.
        now: the clock, seconds since 1970.
        files: the application's files.
        upload: the body, for a route that consumes a form.
    """

    application: str
    settings: Settings
    host: Host
    open_store: Callable[[], Store]
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes = b""
    now: Callable[[], float] = time.time
    files: Files = field(kw_only=True)
    upload: Upload | None = None

    @property
    def store(self) -> Store:
        """The application's data.

        Raises:
            StoreError: it cannot be used.
        """
        return self.open_store()

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a boolean query parameter: ``true`` in any letter case, or false."""
        value = self.query.get(name)
        return default if value is None else value.lower() == "true"

    def number(self, name: str) -> int:
        """Return an integer segment of the path, which the route has checked."""
        return int(self.parameters[name])

    def page(self) -> tuple[int, int]:
        """Return the page that the segments ``offset`` and ``size`` ask for: from where, how many.

        Both are at least 0, and the second one at most `MAX_PAGE`.
        """
        return max(self.number("offset"), 0), min(max(self.number("size"), 0), MAX_PAGE)

    def integer(self, name: str, default: int | None = None, *, bits: int = 32) -> int:
        """Return an integer query parameter.

        Args:
            default: when it is missing.  Without one, missing and blank mean 0: Java's
                primitive types; with one, blank is no number: its boxed types.

        Raises:
            RequestError: 404, it is no integer of so many bits.
        """
        value = self.query.get(name)
        if value is None or (default is None and not value.strip()):
            return default or 0
        limit = 1 << (bits - 1)
        if not _INTEGER.fullmatch(value) or not -limit <= int(value) < limit:
            raise RequestError(404, f"Not found: {name} is not an integer")
        return int(value)

    def json(self) -> Any:
        """Return the value that the body holds; None for an empty one.

        What follows the first complete value is ignored, as Jackson does.

        Raises:
            RequestError: 400 with the place of the mistake.
        """
        if not self.body.strip():
            return None
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            message = f"malformed JSON at line {error.lineno}, column {error.colno}"
        try:
            value, _ = _FIRST_VALUE.raw_decode(self.body.decode().lstrip("\ufeff \t\r\n"))
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


# Not frozen, as Call: freezing would cost each request more than its routing does.
@dataclass(slots=True)
class Answer:
    """What goes back: a status and, unless it is empty, a JSON body.  Never changed once made."""

    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"


Handler = Callable[[Call], Answer | Awaitable[Answer]]


def answer(value: Any, status: int = 200) -> Answer:
    """Return an answer with *value* as JSON."""
    return Answer(orjson.dumps(value), status)


def answer_list(records: Iterable[bytes]) -> Answer:
    """Return an answer with a list of values that are JSON text already."""
    return Answer(b"[" + b",".join(records) + b"]")


def result(
    success: bool,
    message: str | None = "",
    data_id: str | None = "",
    error_id: int = 0,
    status: int = 200,
) -> Answer:
    """Return Ant Media Server's ``Result`` object."""
    value = {"success": success, "message": message, "dataId": data_id, "errorId": error_id}
    return answer(value, status)


OK = result(True)
FAIL = result(False)


def refusal(status: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Return the answer to a call that is not carried out."""
    return Answer(result(False, message).body, status, headers)
