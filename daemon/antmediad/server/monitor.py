"""Answers those who watch the daemon: ``/metrics``, ``/healthz`` and ``/readyz``."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

import orjson
from aiohttp import web

from antmediad import __version__
from antmediad.api.answer import Answer, refusal
from antmediad.applications.registry import Registry
from antmediad.applications.settings_file import SERVER
from antmediad.errors import GuardError, RequestError
from antmediad.guard.key_set import KeySet, KeySets, without_secrets
from antmediad.observe.exposition import (
    CONTENT_TYPE,
    RESULTS,
    STATES,
    Figures,
    FileFigures,
    KeySetFigures,
    Load,
    WorkerFigures,
    expose,
    families_of,
    write,
)
from antmediad.observe.metrics import Metrics
from antmediad.observe.sums import Sums, sums_of
from antmediad.server.entrance import Entrance
from antmediad.server.stores import Stores
from antmediad.settings.schema import ServerSettings

logger = logging.getLogger(__name__)

PROBES = frozenset({"metrics", "healthz", "readyz"})

_ALLOW = (("Allow", "GET, HEAD"),)
_NOT_KEPT = (("Cache-Control", "no-store"),)


def probe_of(segments: Sequence[str]) -> str:
    """Return which of `PROBES` a path is, empty when none.

    They have one segment, and all that an application has is below its name: an application
    of such a name misses nothing.
    """
    return segments[0] if len(segments) == 1 and segments[0] in PROBES else ""


class Monitor:
    """Tells how the daemon is doing; figures only to the addresses in ``metrics.allowed_cidr``.

    Attributes:
        is_ready: whether it serves: everything was read, and it is not about to stop.
        gather: adds the figures of the other workers to those of this one; None without workers.
    """

    gather: Callable[[Sums], Awaitable[WorkerFigures]] | None = None

    def __init__(
        self,
        registry: Registry,
        metrics: Metrics,
        stores: Stores,
        key_sets: KeySets,
        count_load: Callable[[], Load],
    ) -> None:
        """Tell of these; *count_load* tells how much is going on."""
        self.is_ready = False
        self._registry = registry
        self._metrics = metrics
        self._stores = stores
        self._key_sets = key_sets
        self._count_load = count_load
        self.refresh(ServerSettings())

    def refresh(self, settings: ServerSettings) -> None:
        """Answer by *settings* from now on."""
        self._entrance = Entrance(
            "metrics", settings.metrics_allowed_cidr, settings.http_trusted_proxies
        )

    async def answer(self, request: web.BaseRequest, probe: str) -> Answer:
        """Return the answer to a request for one of `PROBES`.

        Raises:
            RequestError: 404, to whom the metrics are none of their business.
        """
        is_allowed = self._is_allowed(request, probe)
        if probe == "metrics" and not is_allowed:
            raise RequestError(404, "Not found")
        if request.method not in ("GET", "HEAD"):
            return refusal(405, "Method not allowed", _ALLOW)
        if probe == "metrics":
            # Copied here and written elsewhere: thousands of lines would hold up requests.
            if self.gather is None:
                text = await asyncio.to_thread(expose, self._figures())
            else:
                families = await asyncio.to_thread(families_of, self._figures())
                workers = await self.gather(await asyncio.to_thread(sums_of, families))
                text = await asyncio.to_thread(write, families, workers)
            return Answer(text, 200, _NOT_KEPT, CONTENT_TYPE)
        if probe == "healthz":
            return Answer(b'{"status":"ok"}', 200, _NOT_KEPT)
        body: dict[str, object] = {"ready": self.is_ready}
        if is_allowed:
            states: list[str] = [one.state for one in self._registry.applications.values()]
            body["applications"] = {state: states.count(state) for state in STATES}
        return Answer(orjson.dumps(body), 200 if self.is_ready else 503, _NOT_KEPT)

    async def sums(self) -> Sums:
        """Return the figures of this process, to be added to those of others."""
        figures = self._figures()
        return await asyncio.to_thread(lambda: sums_of(families_of(figures)))

    def _is_allowed(self, request: web.BaseRequest, probe: str) -> bool:
        try:
            self._entrance.admit(request, log=probe == "metrics")
        except GuardError:
            return False
        return True

    def _figures(self) -> Figures:
        metrics, applications = self._metrics, self._registry.applications
        commits_s, groups = metrics.commits()
        now = time.time()
        return Figures(
            version=__version__,
            files=[
                FileFigures(
                    file.name,
                    file.state,
                    file.generation,
                    {result: metrics.reloads[file.name, result] for result in RESULTS},
                )
                for file in self._registry.files()
            ],
            requests={
                SERVER: metrics.elsewhere.copy(),
                **{
                    name: counts.copy()
                    for name, counts in metrics.requests.items()
                    if name in applications
                },
            },
            key_sets=[_figures_of(one, now) for one in self._key_sets],
            commits_s=commits_s,
            groups=groups,
            open_stores=len(self._stores),
            load=self._count_load(),
            limits=metrics.limits.copy(),
        )


def _figures_of(one: KeySet, now: float) -> KeySetFigures:
    return KeySetFigures(
        url=without_secrets(one.url),
        keys=len(one.keys),
        age_s=max(now - one.fetched_at, 0.0) if one.fetched_at else None,
        is_up=bool(one.fetched_at) and not one.error,
        fetches=one.fetches,
        failures=one.failures,
    )
