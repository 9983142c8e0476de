"""One call of an application's REST API, past its guard."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from antmediad.api.body import Upload, parse_json
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


@dataclass(frozen=True, slots=True)
class Files:
    """Where an application's files are, and what runs when one has come.

    Attributes:
        directory: the application's, below ``webapps``; absolute.
        read_only: whether nothing is changed there, not even when asked to.
    """

    directory: Path
    scripts: Scripts
    read_only: bool = False


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
        """Return the value that the body holds; see `parse_json`."""
        return parse_json(self.body)
