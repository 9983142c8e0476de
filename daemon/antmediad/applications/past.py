"""What was in force before, and what that says about a JWT filter that is gone."""

from __future__ import annotations

from typing import Protocol

from antmediad.properties.reader import parse_properties
from antmediad.settings.parse import GUARD
from antmediad.store.history import Version


class Past(Protocol):
    """The versions that were in force before this process; `store.history.History` is one."""

    def latest(self) -> dict[str, Version]: ...
    def content(self, application: str, generation: int) -> bytes | None: ...
    def since_guarded(self, application: str, before: int) -> list[Version]: ...


def latest_of(past: Past) -> dict[str, Version]:
    """Return the version of each application that counts for what comes after it.

    That is the newest, unless its JWT filter is off for no other reason than that a process which
    serves together with others had not seen that it was on, and ended before it learned so.

    Raises:
        StoreError: the past cannot be read.
    """
    return {
        name: find_lost_guard(past, version) or version for name, version in past.latest().items()
    }


def find_lost_guard(past: Past, version: Version) -> Version | None:
    """Return the last version with a JWT filter when *version* lost it without saying so.

    A process that did not see that one has let it through, and perhaps others before it.

    Raises:
        StoreError: the past cannot be read.
    """
    if version.guarded or not version.digest:
        return None
    guarded = past.since_guarded(version.application, version.generation)
    if not guarded or not has_switch(_content_of(past, guarded[0])):
        return None
    is_told = any(
        not one.digest or has_switch(_content_of(past, one)) for one in (*guarded[1:], version)
    )
    return None if is_told else guarded[0]


def has_switch(text: bytes | None) -> bool:
    """Tell whether a file has the line that switches the JWT filter, in its current spelling."""
    return text is not None and any(
        entry.key == GUARD for entry in parse_properties(text).properties
    )


def _content_of(past: Past, version: Version) -> bytes | None:
    return past.content(version.application, version.generation)
