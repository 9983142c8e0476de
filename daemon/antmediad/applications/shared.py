"""The registry of one of several processes that serve the same home: all of them agree."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any, Protocol

from antmediad.applications.home import Home
from antmediad.applications.past import Past, find_lost_guard, has_switch
from antmediad.applications.registry import Registry
from antmediad.applications.settings_file import SERVER, AnyFile
from antmediad.errors import SettingsError, StoreError
from antmediad.observe.metrics import Metrics
from antmediad.settings.parse import GUARD
from antmediad.store.history import Version

logger = logging.getLogger(__name__)


class SharedPast(Past, Protocol):
    """A record that several processes write; `store.history.History` is one."""

    def newest(self, application: str) -> Version | None: ...


class SharedRegistry(Registry):
    """Follows the files by itself, and the record where only that can tell.

    Of quick changes each process may see others.  All see the last one, but count different
    generations; and what the last one means can depend on those before: a JWT filter that was on
    is not switched off by its line going missing.  What is on record decides both.
    """

    def __init__(
        self,
        home: Home,
        past: SharedPast,
        environment: Mapping[str, str],
        metrics: Metrics,
    ) -> None:
        super().__init__(home, past, environment, metrics)
        self._shared = past

    def agree(self, name: str) -> None:
        """Take notice of what is on record by now; to be called after each addition to it."""
        try:
            self._agree(name)
        except (SettingsError, StoreError) as error:
            logger.error("record not followed: application=%s error=%s", name or "-", error)

    def _agree(self, name: str) -> None:
        newest = self._shared.newest(name)
        if newest is None:
            return
        file: AnyFile | None = self.server if name == SERVER else self.applications.get(name)
        previous = find_lost_guard(self._shared, newest)
        if file is None or file.snapshot is None:
            self._latest[name] = previous or newest
            return
        snapshot: Any = file.snapshot
        # An application that was removed says nothing.
        if newest.digest and self._is_of(file, snapshot, snapshot.digest, newest):
            if previous is not None:
                self._go_back(file, previous)
            elif newest.generation > file.generation:
                # Not a change: the settings are the same object, and guards stay as they are.
                self._count_as(file, newest.generation)
                self._latest[name] = newest
        elif file.errors and previous is None:
            # Refused here for what was before, and not by others, who saw more in between.
            self._latest[name] = dataclasses.replace(newest, generation=file.generation)
            self.reload(name)
        elif self._overlooks_guard(file, newest):
            self._go_back(file, newest)

    def _count_as(self, file: Any, generation: int) -> None:
        file.snapshot = dataclasses.replace(file.snapshot, generation=generation)

    def _overlooks_guard(self, file: Any, newest: Version) -> bool:
        """Tell whether others saw a JWT filter switched on, and nothing here says it is off."""
        switch = file.snapshot.origins.get(GUARD)
        return (
            newest.guarded
            and not file.is_guarded(file.snapshot.settings)
            and (switch is None or switch.spelling != GUARD)
            and has_switch(self._shared.content(file.name, newest.generation))
        )

    def _go_back(self, file: Any, previous: Version) -> None:
        content = self._content_of(previous)
        if content is None:
            return
        self._latest[file.name] = previous
        self._put(file, content, *self._parse(file, content))
        # Which finds what is wrong with the file as it is.
        self.reload(file.name)
