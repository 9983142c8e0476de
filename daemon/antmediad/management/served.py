"""Remembers which settings a client has read, so that what it posts back undoes nothing else."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from antmediad.errors import Problem
from antmediad.settings.schema import ServerSettings, Settings

MAX_SERVED: Final = 1000


@dataclass(frozen=True, slots=True)
class Served:
    """Settings as a client has them: those that were in force when it read them.

    Attributes:
        warnings: of the file that they came from.
    """

    settings: Settings | ServerSettings
    warnings: tuple[Problem, ...]


class ServedSettings:
    """The last `MAX_SERVED` settings that were served, one for each session and file.

    Ant Media Server's panels read all settings, change one, and post all of them: what others
    changed in between is not meant to be changed back.
    """

    def __init__(self, limit: int = MAX_SERVED) -> None:
        """Remember *limit* of them."""
        self._limit = limit
        self._served: OrderedDict[Hashable, Served] = OrderedDict()

    def remember(self, session: bytes, name: str, served: Served) -> None:
        """Remember what *session* has of the file of *name*; nothing for no session."""
        if not session:
            return
        self._served[session, name] = served
        self._served.move_to_end((session, name))
        if len(self._served) > self._limit:
            self._served.popitem(last=False)

    def find(self, session: bytes, name: str) -> Served | None:
        """Return what *session* has of the file of *name*, None if that is not known."""
        return self._served.get((session, name))
