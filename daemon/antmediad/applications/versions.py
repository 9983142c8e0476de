"""The versions of a properties file that were in force, fit to be shown."""

from __future__ import annotations

from typing import TypedDict

from antmediad.applications.write import changed_keys
from antmediad.store.history import History


class ShownVersion(TypedDict):
    """A version; ``takenAt`` in seconds since 1970, ``changed`` as spelled in the file."""

    generation: int
    takenAt: float
    source: str
    actor: str | None
    digest: str | None
    jwtFilter: bool
    changed: list[str]


def shown_versions(history: History, name: str, limit: int | None = None) -> list[ShownVersion]:
    """Return the versions of the file of *name*, the newest first, *limit* at most.

    Of the files themselves no more than two are in memory at a time.

    Raises:
        StoreError: they cannot be read.
    """
    versions = history.versions(name, None if limit is None else limit + 1)
    shown: list[ShownVersion] = []
    before = b""
    for position, version in enumerate(reversed(versions)):
        content = history.content(name, version.generation) or b""
        if position or limit is None or len(versions) <= limit:
            shown.append(
                {
                    "generation": version.generation,
                    "takenAt": version.taken_at,
                    "source": version.source,
                    "actor": version.actor or None,
                    "digest": version.digest or None,
                    "jwtFilter": version.guarded,
                    "changed": sorted(changed_keys(before, content)),
                }
            )
        before = content
    return shown[::-1]
