"""One application as requests find it: its settings, its guard, its data."""

from __future__ import annotations

from antmediad.guard.verdict import Guard
from antmediad.observe.metrics import Counts
from antmediad.rest.call import Files
from antmediad.server.reply import Headers
from antmediad.server.stores import Stores
from antmediad.settings.schema import Settings
from antmediad.store.interface import Store


class Served:
    """One application as it is served under one snapshot."""

    __slots__ = (
        "_store",
        "_stores",
        "application",
        "counts",
        "files",
        "guard",
        "headers",
        "settings",
    )

    def __init__(  # noqa: PLR0913 - it holds what is made elsewhere
        self,
        application: str,
        settings: Settings,
        guard: Guard,
        counts: Counts,
        stores: Stores,
        files: Files,
    ) -> None:
        self._stores = stores
        self.application = application
        self.settings = settings
        self.files = files
        self.guard = guard
        self.counts = counts
        self._store: Store | None = None
        policy = settings.content_security_policy_header_value
        self.headers: Headers = (("Content-Security-Policy", policy),) if policy else ()

    def open_store(self) -> Store:
        """Return the application's data; opened when the first request needs it."""
        if self._store is None:
            self._store = self._stores.of(self.application, self.settings)
        return self._store
