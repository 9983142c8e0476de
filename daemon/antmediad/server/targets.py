"""What request targets mean: which application, which handler, or neither."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from antmediad.api.routes import Route
from antmediad.errors import RequestError
from antmediad.rest.api import ROUTER
from antmediad.rest.call import Call
from antmediad.server.paths import parse_query, split_target

MAX_KNOWN = 4096
MAX_KNOWN_CHARS = 256

BASE = ["rest", "v2"]
"""Of the REST API, behind the application's name."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a request target means; never changed, for it serves many requests.

    Attributes:
        segments: of the path, decoded; the first is the application's name.
        query: the first value of each parameter.
        routes: by method, None when the path is none of the REST API.
        parameters: the variable segments of the path.
        outside: the segments of a path that belongs to no application, None for another.
    """

    segments: list[str]
    query: Mapping[str, str]
    routes: Mapping[str, Route[Call]] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    outside: tuple[str, ...] | None = None


class Targets:
    """Reads targets, and remembers those of the REST API for a while.

    Attributes:
        known: those remembered, by their text; looked up before `read` is called.
    """

    def __init__(self, is_outside: Callable[[Sequence[str]], bool]) -> None:
        """Read targets; *is_outside* tells what paths belong to no application."""
        self.known: dict[str, Target] = {}
        self._is_outside = is_outside

    def read(self, text: str) -> Target:
        """Return what *text* means.

        Raises:
            RequestError: 400, its path is not in normal form.
        """
        segments, query_text = split_target(text)
        query = parse_query(query_text)
        if self._is_outside(segments):
            return Target([], query, outside=tuple(segments))
        if segments[1:3] != BASE:
            return Target(segments, query)
        try:
            routes, parameters = ROUTER.find(segments[3:])
        except RequestError:
            # No such path: to be told to those only whom the guard lets through.
            return Target(segments, query)
        target = Target(segments, query, routes, parameters)
        if len(text) <= MAX_KNOWN_CHARS:
            if len(self.known) >= MAX_KNOWN:
                self.known.clear()
            self.known[text] = target
        return target
