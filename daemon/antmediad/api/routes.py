"""Which handler answers which path and method below an API's base."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from antmediad.api.answer import Answer
from antmediad.api.fields import ListOf, Model, Record, Texts
from antmediad.api.models import RESULT
from antmediad.errors import RequestError

INT32, INT64 = 1 << 31, 1 << 63
JSON = "application/json"

C = TypeVar("C")
"""A call, as its handler gets it."""


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON Schema, for what no `Model` reads or writes."""

    schema: Record


Answered = Model | ListOf | Texts | Schema | tuple[Model, ...]
"""What an answer holds; of several models, one of them."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query parameter, as the API's description tells it."""

    name: str
    type: Literal["string", "integer", "long", "number", "boolean"] = "string"
    description: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Route(Generic[C]):
    """One endpoint: how it is found, and what the API's description says of it.

    Attributes:
        method: of HTTP; GET answers HEAD, too.
        path: below the API's base, with ``{name}``, ``{name:int}`` or ``{name:long}`` for
            segments that vary.  A segment of fixed text goes before one that varies.
        handler: answers the call; the first line of its docstring is the endpoint's summary.
        consumes_json: whether the request's content type must be JSON, or absent when there is
            no body, or a body of any text.
        form: the schema of a body that must be ``multipart/form-data``, which the handler reads.
        query: the query parameters that the handler reads.
        body: what the body holds, None when there is none to send; "text" for any text.
        produces: the content type of its answers; one that is not JSON goes to any client.
        answers: what each status that the handler itself answers with comes with; None for
            nothing.  The statuses that any endpoint may answer with are not repeated here.
    """

    method: str
    path: str
    handler: Callable[[C], Answer | Awaitable[Answer]]
    consumes_json: bool = False
    form: Record | None = None
    query: tuple[Query, ...] = ()
    body: Model | ListOf | Schema | Literal["text"] | None = None
    produces: str = JSON
    answers: Mapping[int, Answered | None] = field(default_factory=lambda: {200: RESULT})


R = TypeVar("R", bound=Route[Any])


class _Node(Generic[R]):
    """The routes below one segment."""

    __slots__ = ("fixed", "methods", "variable")

    def __init__(self) -> None:
        self.fixed: dict[str, _Node[R]] = {}
        self.variable: list[tuple[str, str, _Node[R]]] = []
        self.methods: dict[str, R] = {}


class Router(Generic[R]):
    """Finds routes by path segments."""

    def __init__(self, routes: Iterable[R]) -> None:
        self.routes = tuple(routes)
        self._root: _Node[R] = _Node()
        for route in self.routes:
            node = self._root
            for segment in filter(None, route.path.split("/")):
                node = _below(node, segment)
            node.methods[route.method] = route

    def find(self, segments: Sequence[str]) -> tuple[Mapping[str, R], dict[str, str]]:
        """Return the routes of a path by method, and the values of its variable segments.

        Raises:
            RequestError: 404, there is no such path.
        """
        parameters: dict[str, str] = {}
        node = _descend(self._root, segments, 0, parameters)
        if node is None:
            raise RequestError(404, "Not found")
        return node.methods, parameters


def _descend(
    node: _Node[R], segments: Sequence[str], depth: int, parameters: dict[str, str]
) -> _Node[R] | None:
    """Return the node of *segments* from *depth* on, None when no route fits them.

    Fixed text that leads nowhere is no dead end: ``/broadcasts/list`` is the broadcast "list".
    """
    if depth == len(segments):
        return node if node.methods else None
    segment = segments[depth]
    below = node.fixed.get(segment)
    if below is not None:
        found = _descend(below, segments, depth + 1, parameters)
        if found is not None:
            return found
    for name, kind, below in node.variable:
        if _fits(kind, segment) if kind else segment:
            found = _descend(below, segments, depth + 1, parameters)
            if found is not None:
                parameters[name] = segment
                return found
    return None


def _below(node: _Node[R], segment: str) -> _Node[R]:
    if not segment.startswith("{"):
        return node.fixed.setdefault(segment, _Node())
    name, _, kind = segment.strip("{}").partition(":")
    for known_name, known_kind, below in node.variable:
        if (known_name, known_kind) == (name, kind):
            return below
    node.variable.append((name, kind, _Node()))
    return node.variable[-1][2]


def _fits(kind: str, segment: str) -> bool:
    """Tell whether a segment is a number of its kind; one that is not is no such path (404)."""
    digits = segment[1:] if segment[:1] in ("+", "-") else segment
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        return False
    limit = INT32 if kind == "int" else INT64
    return -limit <= int(segment) < limit
