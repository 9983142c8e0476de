"""What key sets are tested with: a source in memory, a clock that is set, a shelf in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple

from antmediad.errors import KeySetError
from antmediad.guard.key_set import Fetched, KeySet

URL = "https://idp.example"
LOCATION = "https://idp.example/.well-known/jwks.json"
NOW = 1_700_000_000.0


class Clock:
    """Seconds since 1970, for as long as nobody changes `now`."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Source:
    """Answers fetches from `documents`; an error there is raised, a URL not there is 404.

    Attributes:
        asked: the URLs fetched so far.
        was_asked: set by the first fetch.
        gate: fetches wait for it; open unless cleared.
        life_s: said of every document.
    """

    def __init__(self, **documents: bytes | Exception) -> None:
        """Serve *documents* by their URLs; ``keys`` stands for `LOCATION`."""
        self.documents: dict[str, bytes | Exception] = {}
        if "keys" in documents:
            self.documents[LOCATION] = documents["keys"]
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.was_asked = asyncio.Event()
        self.life_s: float | None = None

    async def fetch(self, url: str) -> Fetched:
        self.asked.append(url)
        self.was_asked.set()
        await self.gate.wait()
        document = self.documents.get(url, KeySetError("answered 404"))
        if isinstance(document, Exception):
            raise document
        return Fetched(document, self.life_s)


class Kept(NamedTuple):
    """What lies on a shelf."""

    location: str
    fetched_at: float
    content: bytes


class Shelf:
    """Keeps key sets in memory."""

    def __init__(self, kept: dict[str, Kept] | None = None) -> None:
        self.kept = kept or {}

    def load(self, url: str) -> Kept | None:
        return self.kept.get(url)

    def save(self, url: str, location: str, fetched_at: float, content: bytes) -> None:
        self.kept[url] = Kept(location, fetched_at, content)


def fetched(source: Source, clock: Clock | None = None, url: str = URL) -> KeySet:
    """Return a key set that has been fetched once."""
    key_set = KeySet(url, source.fetch, clock=clock or Clock())
    asyncio.run(key_set.refresh())
    return key_set


def kids(key_set: KeySet) -> list[Any]:
    """Return the key ids that are held, in order."""
    return [key.kid for key in key_set.keys]


def times(asked: Iterable[str], url: str) -> int:
    """Return how often *url* was asked for."""
    return sum(1 for one in asked if one == url)
