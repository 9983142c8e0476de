"""One call of the management API, and what its handler may use."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from antmediad.api.body import Upload, parse_json
from antmediad.applications.registry import Registry
from antmediad.applications.size import Sizes
from antmediad.errors import RequestError, StoreError
from antmediad.guard.key_set import KeySets
from antmediad.guard.verdict import Guard
from antmediad.management.first_user import SetupCode
from antmediad.management.load import Processors
from antmediad.management.lockout import Lockout
from antmediad.management.passwords import Passwords
from antmediad.management.rights import Role
from antmediad.management.served import ServedSettings
from antmediad.observe.metrics import Counts, Metrics
from antmediad.observe.refusals import Refusal, Refusals
from antmediad.settings.schema import ServerSettings
from antmediad.store.history import History
from antmediad.store.interface import Store
from antmediad.store.management import ManagementStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls.

    Attributes:
        actor: as the audit log names it: an e-mail, or ``token:SUB``.
        rights: roles by application or ``system``.
        email: of a user with a session; empty for a token.
        session: the digest of the session; empty for a token.
    """

    actor: str
    rights: Mapping[str, Role]
    email: str = ""
    session: bytes = b""


MAX_READERS = 2
"""How many calls read files and compare them at a time."""


class Peers(Protocol):
    """The other processes that serve the same home.  One that does not answer is left out."""

    async def verdicts(self) -> Mapping[str, Counts]:
        """Return what the guards of the others have passed and refused, by application."""
        ...

    async def refusals(self, application: str | None, limit: int) -> Sequence[Refusal]:
        """Return the latest refusals of the others, of each *limit* at most."""
        ...


@dataclass(slots=True, kw_only=True)
class Resources:
    """What handlers work with, made by the server.

    Attributes:
        history: the settings that were in force; None when they cannot be put on record.
        open_management: returns the users and the audit log; StoreError when out of reach.
        open_store: returns an application's data; None for an application without settings.
        drop_data: removes the data of an application that is gone; StoreError when it stays.
        guard_of: returns an application's guard in force; None for one without settings.
        is_https_served: whether HTTPS is.
        address: under which other machines reach this one.
        served: the settings that clients have read, to tell what they change of them.
        peers: the other processes that serve the same; None when there are none.
        started_at: when the daemon began to serve, seconds since 1970.
        creating: held by the one who creates or removes an application.
        reading: held by those who read much; see `read_aside`.
        instance_id: tells this run of the daemon from others.
        key: of this run; what is made with it tells nothing to who does not know it.
    """

    registry: Registry
    history: History | None
    open_management: Callable[[], ManagementStore]
    passwords: Passwords
    setup_code: SetupCode
    metrics: Metrics
    refusals: Refusals
    key_sets: KeySets
    open_store: Callable[[str], Store | None]
    drop_data: Callable[[str], Awaitable[None]]
    guard_of: Callable[[str], Guard | None]
    is_https_served: Callable[[], bool]
    address: str
    served: ServedSettings = field(default_factory=ServedSettings)
    peers: Peers | None = None
    clock: Callable[[], float] = time.time
    started_at: float = field(default_factory=time.time)
    instance_id: str = field(default_factory=lambda: str(uuid4()))
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    sizes: Sizes = field(default_factory=Sizes)
    creating: asyncio.Lock = field(default_factory=asyncio.Lock)
    reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_READERS))
    processors: Processors = field(default_factory=Processors)

    async def read_aside(self, read: Callable[[], T]) -> T:
        """Return what *read* does on a thread.

        It may take long, and threads are few: whoever asks again and again must not take those
        by which settings come into force and files are sent.
        """
        async with self.reading:
            return await asyncio.to_thread(read)

    @property
    def management(self) -> ManagementStore:
        """Users, sessions and the audit log.

        Raises:
            RequestError: 503, they are out of reach.
        """
        try:
            return self.open_management()
        except StoreError as error:
            raise RequestError(
                503, "Database is not available. Please try again", (("Retry-After", "5"),)
            ) from error

    @property
    def lockout(self) -> Lockout:
        """Who may not try to log in for the moment."""
        return Lockout(self.management.attempts)

    @property
    def server_settings(self) -> ServerSettings:
        """The server's settings in force."""
        snapshot = self.registry.server.snapshot
        return snapshot.settings if snapshot is not None else ServerSettings()


@dataclass(slots=True)
class Note:
    """What the audit log is to say about a call; empty for what follows from its route.

    Attributes:
        left_out: whether it says nothing: of what anybody may repeat without end.
    """

    action: str = ""
    target: str = ""
    detail: str = ""
    left_out: bool = False


@dataclass(slots=True, kw_only=True)
class Call:
    """What a handler needs to know.

    Attributes:
        resources: what it may use.
        method: of HTTP; GET for HEAD.
        parameters: the variable segments of the path, decoded.
        query: the first value of each query parameter.
        clients: the addresses that the call answers for.
        headers: of the request; the first value of each, by lower-case name.
        is_secure: whether it came over TLS, as far as is known.
        is_local: whether it can only have come from this machine itself.
        cookie: the value of the session's cookie, empty without one.
        identity: who calls; None before or without an authentication.
        body: all of it, empty when there is none.
        upload: the body, for a route that takes a form.
        note: for the audit log.
        now: the time of the call, seconds since 1970.
    """

    resources: Resources
    method: str
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    clients: Sequence[str]
    headers: Mapping[str, str]
    is_secure: bool
    is_local: bool
    cookie: str = ""
    identity: Identity | None = None
    body: bytes = b""
    upload: Upload | None = None
    note: Note = field(default_factory=Note)
    now: float = field(default_factory=time.time)

    @property
    def caller(self) -> Identity:
        """Who calls, on a route that is not open to everyone."""
        if self.identity is None:
            raise RequestError(403, "Not authenticated user")
        return self.identity

    @property
    def source(self) -> str:
        """By what the change comes, as history and audit log say it."""
        return "panel" if self.headers.get("x-requested-with") == "antmediad-panel" else "api"

    def json(self) -> Any:
        """Return the value that the body holds; see `parse_json`."""
        return parse_json(self.body)

    def object(self) -> dict[str, Any]:
        """Return the JSON object that the body holds.

        Raises:
            RequestError: 400, it holds something else.
        """
        value = self.json()
        if not isinstance(value, dict):
            raise RequestError(400, "Body: expected a JSON object")
        return value

    def text(self, name: str, value: Mapping[str, Any], *, required: bool = False) -> str:
        """Return a text member of a body; empty when it is missing or null.

        Raises:
            RequestError: 400, it is no text, or it is required and empty.
        """
        found = value.get(name)
        if found is None:
            found = ""
        if not isinstance(found, str):
            raise RequestError(400, f"{name}: expected text")
        if required and not found:
            raise RequestError(400, f"{name}: expected text; found nothing")
        return found
