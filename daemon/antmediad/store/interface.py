"""What a store offers, whatever database is behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Record = dict[str, Any]


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


class BroadcastStore(Protocol):
    """Broadcasts of one application, by stream id.  Records are JSON objects, kept as served.

    Reads answer at once, on the caller's thread.  A write has been made durable when its
    awaitable is done.  Every method may raise `StoreError`.
    """

    def find_json(self, stream_id: str) -> bytes | None:
        """Return the record as stored JSON text, None when there is none."""
        ...

    def list_json(self, query: BroadcastQuery) -> Sequence[bytes]:
        """Return one page of records as stored JSON texts."""
        ...

    def count(self, search: str = "") -> int:
        """Return how many records match; all, when there is nothing to search for."""
        ...

    def count_status(self, status: str) -> int:
        """Return how many records have exactly this status."""
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

    async def delete(self, stream_id: str, *, with_subtracks: bool) -> bool:
        """Remove a record, and those whose ``mainTrackStreamId`` it is.

        Returns:
            Whether there was such a record.
        """
        ...


class Store(Protocol):
    """All data of one application."""

    @property
    def broadcasts(self) -> BroadcastStore: ...

    async def close(self) -> None:
        """Finish what was begun, and let go of the database."""
        ...
