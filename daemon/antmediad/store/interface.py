"""What a store offers, whatever database is behind it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

Record = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastQuery:
    """Which broadcasts to list, and in which order.

    Attributes:
        offset, size: of the page, both at least 0.
        type: only records of exactly this type; empty for all.
        search: only records whose name or stream id contains this text, in any letter case.
        sort: a property to sort by; None for the store's own stable order.
        descending: the direction of *sort*.
    """

    offset: int = 0
    size: int = 0
    type: str = ""
    search: str = ""
    sort: Literal["name", "date", "status"] | None = None
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtracks:
    """Which subtracks are meant.

    Attributes:
        main_track: they have exactly this ``mainTrackStreamId``; not empty.
        role: only those of exactly this role; empty for all.
        active: only those whose status is one of `ACTIVE`.
    """

    main_track: str
    role: str = ""
    active: bool = False


ACTIVE = ("broadcasting", "preparing")


class BroadcastTransaction(Protocol):
    """All broadcasts at one moment.  What is replaced is replaced together, or not at all."""

    def find(self, stream_id: str) -> Record | None:
        """Return the record, None when there is none."""
        ...

    def replace(self, record: Record) -> None:
        """Replace the record that has the same ``streamId``; there must be one."""
        ...

    def main_tracks_of(self, stream_id: str) -> Collection[str]:
        """Return the ids of its main track, of the main track of that, and so on, each once."""
        ...

    def count_subtracks(self, which: Subtracks) -> int:
        """Return how many subtracks there are."""
        ...


class BroadcastStore(Protocol):
    """Broadcasts of one application, by stream id.  Records are JSON objects, kept as served.

    Reads answer at once, on the caller's thread; a list and a count that have to look through
    many records let other tasks run in between, and answer of one state of the store.  A write
    has been made durable when its awaitable is done.  Every method may raise `StoreError`.
    """

    def find_json(self, stream_id: str) -> bytes | None:
        """Return the record as stored JSON text, None when there is none."""
        ...

    async def list_json(self, query: BroadcastQuery) -> Sequence[bytes]:
        """Return one page of records as stored JSON texts."""
        ...

    async def count(self, search: str = "") -> int:
        """Return how many records match; all, when there is nothing to search for."""
        ...

    def count_status(self, status: str) -> int:
        """Return how many records have exactly this status."""
        ...

    def list_subtracks_json(self, which: Subtracks, offset: int, size: int) -> Sequence[bytes]:
        """Return one page of subtracks, by stream id, as stored JSON texts."""
        ...

    def count_subtracks(self, which: Subtracks) -> int:
        """Return how many subtracks there are."""
        ...

    async def insert(self, record: Record) -> None:
        """Keep a new record under its ``streamId``.

        Raises:
            RecordExistsError: the id is taken; nothing was changed.
        """
        ...

    async def update(self, stream_id: str, change: Callable[[Record], Record | None]) -> bool:
        """Replace a record by what *change* makes of it; None leaves it as it is.

        Returns:
            Whether there is such a record.
        """
        ...

    async def update_all(self, change: Callable[[Record], Record | None]) -> int:
        """Replace each record by what *change* makes of it, all together; None leaves it as it is.

        Returns:
            How many were replaced.
        """
        ...

    async def transact(self, change: Callable[[BroadcastTransaction], T]) -> T:
        """Return what *change* returns, once its replacements are kept.

        It may run a second time, on records that have changed since; when it raises, nothing
        is changed.
        """
        ...

    async def delete(self, stream_id: str, *, with_subtracks: bool) -> bool:
        """Remove a record, and those whose ``mainTrackStreamId`` it is.

        Returns:
            Whether there was such a record.
        """
        ...


class TokenStore(Protocol):
    """One-time tokens of one application, by token id; of any stream, there or not.

    Deleting a broadcast deletes the tokens of its stream.  Otherwise as `BroadcastStore`.
    """

    def find_json(self, token_id: str) -> bytes | None:
        """Return the token as stored JSON text, None when there is none."""
        ...

    def list_json(self, stream_id: str, offset: int, size: int) -> Sequence[bytes]:
        """Return one page of a stream's tokens, the oldest first, as stored JSON texts."""
        ...

    async def insert(self, record: Record) -> None:
        """Keep a new token under its ``tokenId``.

        Raises:
            RecordExistsError: the id is taken; nothing was changed.
        """
        ...

    async def validate(self, given: Record, now: float) -> bool:
        """Tell whether a token opens what its bearer wants; if so, it is used up.

        It must be stored, of the given ``type``, and not expired; an expired one stays stored.
        Given no ``roomId``, it must be of the given ``streamId``.  Given one, it must be of that
        room, whatever the stream, and is not used up: a room has several streams.

        Args:
            given: ``tokenId``, ``streamId``, ``type`` and ``roomId``, each of them text or None.
            now: seconds since 1970.
        """
        ...

    async def begin_playing(self, session: bytes, given: Record, now: float) -> float:
        """Return when a client began to play with a one-time token; 0 if it may not.

        The first time is as `validate` decides, and uses the token up; the session is kept with
        it, for 12 hours, the latest 10,000 of the application.

        Args:
            session: a digest that tells client, stream and token from all others.
            given: as of `validate`, without a ``roomId``.
            now: seconds since 1970.
        """
        ...

    async def delete_all(self, stream_id: str) -> int:
        """Remove the tokens of a stream, and return how many there were."""
        ...


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A subscriber as stored: the JSON object as served, and apart from it the secret, base32."""

    record: Record
    b32_secret: str | None = field(repr=False)


class SubscriberStore(Protocol):
    """Subscribers and their connection events, by stream id and subscriber id together.

    Deleting a broadcast deletes those of its stream.  Otherwise as `BroadcastStore`.
    """

    def find(self, stream_id: str, subscriber_id: str) -> Subscriber | None:
        """Return one subscriber, None when there is none."""
        ...

    def list_json(self, stream_id: str, offset: int, size: int) -> Sequence[bytes]:
        """Return one page by subscriber id, as stored JSON texts, which hold no secret."""
        ...

    async def put(self, record: Record) -> None:
        """Keep a subscriber; one that is there is replaced, but stays blocked as it was."""
        ...

    async def block(self, record: Record) -> None:
        """Give the subscriber that is there the block of *record*; if none is, keep *record*."""
        ...

    async def delete(self, stream_id: str, subscriber_id: str) -> bool:
        """Remove one subscriber, and the events of that id, registered or not.

        Returns:
            Whether there was such a subscriber.
        """
        ...

    async def delete_all(self, stream_id: str) -> int:
        """Remove the subscribers and all events of a stream; return how many subscribers."""
        ...

    def list_events_json(
        self, stream_id: str, subscriber_id: str, offset: int, size: int
    ) -> Sequence[bytes]:
        """Return one page of events, the oldest first; of all subscribers for an empty id."""
        ...

    async def append_event(self, event: Record) -> None:
        """Keep a ``ConnectionEvent``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VodQuery:
    """Which VoDs to list, and in which order.

    Attributes:
        offset, size: of the page, both at least 0.
        stream_id: only VoDs of exactly this stream; empty for all.
        search: only VoDs with this text, in any letter case, in an id, a name, the description
            or the metadata.
        sort: a property to sort by; None for the store's own stable order.
        descending: the direction of *sort*.
    """

    offset: int = 0
    size: int = 0
    stream_id: str = ""
    search: str = ""
    sort: Literal["name", "date"] | None = None
    descending: bool = False


class VodStore(Protocol):
    """VoDs of one application, by VoD id.  Otherwise as `BroadcastStore`.

    Records left in ``inqueue`` or ``processing`` by an earlier process become ``failed`` when
    the store is opened.
    """

    def find_json(self, vod_id: str) -> bytes | None:
        """Return the record as stored JSON text, None when there is none."""
        ...

    def list_json(self, query: VodQuery) -> Sequence[bytes]:
        """Return one page of records as stored JSON texts."""
        ...

    def count(self, search: str = "") -> int:
        """Return how many records match; all, when there is nothing to search for."""
        ...

    async def insert(self, *records: Record) -> None:
        """Keep new records, each under its ``vodId``: all of them or none.

        Raises:
            RecordExistsError: an id is taken; nothing was changed.
        """
        ...

    async def update(self, vod_id: str, change: Callable[[Record], Record]) -> bool:
        """Replace a record by what *change* makes of it.

        Returns:
            Whether there is such a record.
        """
        ...

    async def delete(self, vod_id: str) -> bool:
        """Remove a record.

        Returns:
            Whether there was such a record.
        """
        ...

    async def delete_imported(self, stream_id: str) -> int:
        """Remove the records of type ``userVod`` of a stream; return how many there were."""
        ...


class Store(Protocol):
    """All data of one application."""

    @property
    def broadcasts(self) -> BroadcastStore: ...
    @property
    def tokens(self) -> TokenStore: ...
    @property
    def subscribers(self) -> SubscriberStore: ...
    @property
    def vods(self) -> VodStore: ...

    async def close(self) -> None:
        """Finish what was begun, and let go of the database."""
        ...
