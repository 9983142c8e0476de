"""Answers HTTP requests: which application, past its guard, to which handler."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from time import perf_counter

from aiohttp import hdrs, web

from antmediad.api.answer import Answer, refusal
from antmediad.api.routes import JSON, Route
from antmediad.applications.registry import Registry
from antmediad.errors import GuardError, PlayError, RequestError, StoreBusyError, StoreError
from antmediad.guard.address import Network
from antmediad.guard.verdict import Guard
from antmediad.observe.access import AccessLog
from antmediad.observe.flood import Flood
from antmediad.observe.metrics import Counts, Metrics
from antmediad.observe.refusals import Refusals
from antmediad.rest.api import ROUTER
from antmediad.rest.call import Call, Files, Host
from antmediad.rest.scripts import Scripts
from antmediad.rest.vod_files import STREAMS
from antmediad.server.access import access_of
from antmediad.server.body import answer_without_route, check_accept, check_content_type, read_body
from antmediad.server.cors import HEADERS as CORS_HEADERS
from antmediad.server.cors import answer_preflight, check_origin
from antmediad.server.entrance import clients_of_request
from antmediad.server.limits import REQUESTS, STORE_QUEUE, Limits
from antmediad.server.monitor import probe_of
from antmediad.server.paths import path_of
from antmediad.server.play import Player, Sessions, check_play, is_controlled
from antmediad.server.proxy import Proxied
from antmediad.server.reply import Headers, reply
from antmediad.server.root import Root
from antmediad.server.served import Served
from antmediad.server.stores import Stores
from antmediad.server.streams import answer_elsewhere, check_method, open_file, send_file
from antmediad.server.targets import BASE, Target, Targets
from antmediad.server.unfinished import settle_uploads
from antmediad.server.upload import open_form
from antmediad.settings.schema import ServerSettings, Settings

logger = logging.getLogger(__name__)

MAX_LOGGED_PATH = 200

_RETRY = (("Retry-After", "1"),)


class App:
    """All that is served, by the first segment of the path.

    Attributes:
        root: what is served beside the applications; set before anything is.
    """

    root: Root

    def __init__(  # noqa: PLR0913 - it holds what is made elsewhere
        self,
        registry: Registry,
        stores: Stores,
        make_guard: Callable[[Settings, Counts], Guard],
        metrics: Metrics,
        refusals: Refusals,
        access_log: AccessLog,
        limits: Limits,
        address: str,
    ) -> None:
        """Serve the applications of *registry*.

        Args:
            make_guard: makes the guard for a snapshot's settings, which counts its tokens.
            address: under which other machines reach this one.
        """
        self._registry = registry
        self._stores = stores
        self._make_guard = make_guard
        self._metrics = metrics
        self._refusals = refusals
        self._flood = Flood(asyncio.get_running_loop().call_later, _log_flood)
        self._access_log = access_log
        self._limits = limits
        self._access: AccessLog | None = None
        self._served: dict[str, Served] = {}
        self._host = Host(address, address)
        self._trusted_proxies: tuple[Network, ...] = ()
        self._secure_headers: Headers = ()
        self._targets = Targets(lambda segments: self.root.owns(segments))
        self._is_stopping = False
        self._under_way = 0
        # Of these, those that are not worked on: what they cost is their connection.
        self._aside = 0
        self._most_under_way = ServerSettings().http_max_requests_under_way
        self._finished = asyncio.Event()
        self._scripts = Scripts()
        self._sessions = Sessions()
        self._settling: set[asyncio.Task[None]] = set()

    @property
    def at_work(self) -> int:
        """How many requests are worked on; those that wait for their client are not, nor probes."""
        return self._under_way - self._aside

    @property
    def server_settings(self) -> ServerSettings:
        """The server's settings in force."""
        snapshot = self._registry.server.snapshot
        return snapshot.settings if snapshot is not None else ServerSettings()

    def refresh_server(self) -> None:
        """Serve by the server's settings in force from now on."""
        settings = self.server_settings
        self._trusted_proxies = settings.http_trusted_proxies
        self._most_under_way = settings.http_max_requests_under_way
        self.root.refresh(settings)
        is_logged = self._access_log.switch(settings.log_access == "on")
        self._access = self._access_log if is_logged else None
        age_s = settings.https_hsts_seconds
        self._secure_headers = (("Strict-Transport-Security", f"max-age={age_s}"),) if age_s else ()
        self._host = Host(self._host.address, settings.server_name or self._host.address)

    def refresh(self, name: str) -> None:
        """Serve an application by its snapshot in force from now on, or no longer."""
        application = self._registry.applications.get(name)
        if application is None or application.snapshot is None:
            if self._served.pop(name, None) is not None:
                self._stores.release(name)
            return
        settings = application.snapshot.settings
        served = self._served.get(name)
        if served is None or served.settings is not settings:
            home = self._registry.home
            counts = self._metrics.requests[name]
            directory = home.webapps.absolute() / name
            new = self._served[name] = Served(
                name,
                settings,
                self._make_guard(settings, counts),
                counts,
                self._stores,
                Files(directory, self._scripts, home.read_only) if served is None else served.files,
            )
            if served is None and not home.read_only:
                task = asyncio.get_running_loop().create_task(settle_uploads(new))
                self._settling.add(task)
                task.add_done_callback(self._settling.discard)

    def begin_to_stop(self) -> None:
        """End each connection with its next answer."""
        self._is_stopping = True

    async def finish(self, grace_s: float) -> None:
        """Wait until the requests under way are answered, but not longer than *grace_s*."""
        self._is_stopping = True
        self._finished.clear()
        if self._under_way:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._finished.wait(), grace_s)
        self._flood.end()
        await asyncio.gather(*self._settling, return_exceptions=True)
        await self._scripts.close()

    def find(self, name: str) -> Served | None:
        """Return an application as it is served now; None if it is unknown or has no settings."""
        return self._served.get(name)

    async def call(self, request: web.BaseRequest, proxied: Proxied) -> Answer:
        """Answer a call of an application's API whose caller was let through elsewhere.

        Raises:
            RequestError, StoreError: as its handler does.
        """
        name, *_ = segments = list(proxied.segments)
        served = self._served.get(name)
        if served is None:
            raise self._unknown(segments)
        if segments[1:3] != BASE:
            raise RequestError(404, "Not found")
        routes, parameters = ROUTER.find(segments[3:])
        answer = self._answer(served, request, Target(segments, proxied.query, routes, parameters))
        if not isinstance(answer, Answer):
            answer = await answer
        return answer

    def handle_secure(self, request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        """Answer a request that came over TLS."""
        return self.handle(request, self._secure_headers)

    async def handle(  # noqa: C901 - where every error ends
        self, request: web.BaseRequest, headers: Headers = ()
    ) -> web.StreamResponse:
        """Answer *request*.  The only place where errors become responses.

        Args:
            headers: those of every response.
        """
        begun = perf_counter()
        self._under_way += 1
        counts = self._metrics.elsewhere
        clients: tuple[str, ...] = ()
        reason = ""
        try:
            target = self._targets.known.get(request.raw_path) or self._targets.read(
                request.raw_path
            )
            segments = target.segments
            served = self._served.get(segments[0]) if segments else None
            if self._under_way > self._most_under_way:
                counts = served.counts if served is not None else counts
                self._check_load(target)
            if served is None:
                if target.outside is not None:
                    told = await self.root.answer(request, target.outside)
                    return self._reply(request, told, headers, counts, begun)
                counts = self._counts_without_settings(segments)
                raise self._unknown(segments)
            counts = served.counts
            fields = request.headers
            origin = fields.get(hdrs.ORIGIN)
            if origin is not None:
                check_origin(origin, request.method)
                wanted = fields.get(hdrs.ACCESS_CONTROL_REQUEST_METHOD)
                if request.method == "OPTIONS" and wanted:
                    told = _answer_preflight(request, wanted)
                    return self._reply(request, told, headers, counts, begun)
                headers += CORS_HEADERS
            clients = (
                self._clients_of(request, served)
                if self._trusted_proxies
                else (request.remote or "",)
            )
            if target.routes is None and segments[1:2] == [STREAMS]:
                headers += served.headers
                player = Player(served.application, clients, segments[2:], target.query)
                sent = await self._serve_file(served, request, player, headers)
                if not isinstance(sent, Answer):
                    if self._access is not None:
                        size = sent.content_length or 0
                        self._note_access(request, sent.status, size, begun, clients)
                    return sent
                return self._reply(request, sent, headers, counts, begun, clients)
            authorization = fields.getall(hdrs.AUTHORIZATION, ())
            try:
                served.guard.check(clients, authorization)
            except GuardError as error:
                await self._check_again(served, request, error, clients, authorization)
            counts.passed += 1
            headers += served.headers
            answer = self._answer(served, request, target)
            if not isinstance(answer, Answer):
                answer = await answer
        except GuardError as error:
            reason = error.reason
            answer = refusal(error.status, error.message, error.headers)
        except RequestError as error:
            reason = error.reason
            answer = refusal(error.status, error.message, error.headers)
        except StoreBusyError:
            self._limits.reach(STORE_QUEUE)
            answer = refusal(503, "Too many changes at once", _RETRY)
        except StoreError as error:
            logger.error("store failed: path=%s error=%s", _path_of(request), error)
            answer = refusal(503, "Data is not available", _RETRY)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:
            logger.exception("request failed: path=%s", _path_of(request))
            answer = refusal(500, "Internal error")
        finally:
            self._under_way -= 1
            if self._is_stopping and not self._under_way:
                self._finished.set()
        return self._reply(request, answer, headers, counts, begun, clients, reason)

    def _check_load(self, target: Target) -> None:
        """Refuse a request, unless it is a probe, while as many as may be are worked on.

        Raises:
            RequestError: 503.
        """
        if self.at_work > self._most_under_way and not probe_of(target.outside or ()):
            self._limits.reach(REQUESTS)
            raise RequestError(503, "Too many requests at once", _RETRY)

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Not count the request as worked on meanwhile: it waits for others, or costs nothing."""
        self._aside += 1
        try:
            yield
        finally:
            self._aside -= 1

    def _reply(  # noqa: PLR0913 - everything that is counted and logged
        self,
        request: web.BaseRequest,
        answer: Answer,
        headers: Headers,
        counts: Counts,
        begun: float,
        clients: tuple[str, ...] = (),
        reason: str = "",
    ) -> web.StreamResponse:
        counts.statuses[answer.status] += 1
        counts.took_s.add(perf_counter() - begun)
        if self._access is not None:
            self._note_access(request, answer.status, len(answer.body), begun, clients, reason)
        return reply(request, answer, headers, close=self._is_stopping)

    def _note_access(  # noqa: PLR0913 - everything that is logged
        self,
        request: web.BaseRequest,
        status: int,
        size: int,
        begun: float,
        clients: tuple[str, ...],
        reason: str = "",
    ) -> None:
        took_s, known = perf_counter() - begun, self._registry.applications
        self._access_log.add(access_of(request, known, clients, status, size, took_s, reason))

    def _counts_without_settings(self, segments: list[str]) -> Counts:
        known = bool(segments) and segments[0] in self._registry.applications
        return self._metrics.requests[segments[0]] if known else self._metrics.elsewhere

    def _unknown(self, segments: list[str]) -> RequestError:
        if not segments or segments[0] not in self._registry.applications:
            return RequestError(404, "Not found")
        # It never had usable settings.  What is wrong with them is not for everybody to know.
        message = "Application is not available: its settings cannot be used"
        return RequestError(503, message, (("Retry-After", "5"),))

    def _clients_of(self, request: web.BaseRequest, served: Served) -> tuple[str, ...]:
        try:
            return clients_of_request(request, self._trusted_proxies)
        except GuardError as error:
            self._note_refusal(served, request, (request.remote or "",), error)
            raise

    async def _check_again(
        self,
        served: Served,
        request: web.BaseRequest,
        error: GuardError,
        clients: tuple[str, ...],
        authorization: Sequence[str],
    ) -> None:
        try:
            with self.set_aside():
                await served.guard.check_again(error, authorization)
        except GuardError as final:
            self._note_refusal(served, request, clients, final)
            raise

    def _note_refusal(
        self,
        served: Served,
        request: web.BaseRequest,
        clients: tuple[str, ...],
        error: GuardError,
    ) -> None:
        served.counts.refused[error.reason] += 1
        self._log_refusal(served, request, clients, error.reason)

    def _log_refusal(
        self, served: Served, request: web.BaseRequest, clients: tuple[str, ...], reason: str
    ) -> None:
        application, client, path = served.application, ",".join(clients), _path_of(request)
        self._refusals.add(application, client, request.method, path, reason)
        if self._flood.admits(application, reason):
            logger.info(
                "request refused: application=%s client=%s reason=%s method=%s path=%s",
                application,
                client,
                reason,
                request.method,
                path,
            )

    async def _serve_file(
        self,
        served: Served,
        request: web.BaseRequest,
        player: Player,
        headers: Headers,
    ) -> web.StreamResponse | Answer:
        """Serve a file to whoever may play it: players cannot pass the filters of the REST API."""
        answer = check_method(request.method)
        if answer is not None:
            return answer
        settings = served.settings
        try:
            await check_play(settings, served.open_store, self._sessions, player, time.time())
        except PlayError as error:
            served.counts.play_refused[error.reason] += 1
            self._log_refusal(served, request, player.clients, error.reason)
            raise
        if is_controlled(settings):
            headers += (("Cache-Control", "private"),)
        elsewhere = answer_elsewhere(
            player.segments,
            settings.http_forwarding_extension,
            settings.http_forwarding_base_url,
        )
        if elsewhere is not None:
            return elsewhere
        streams = served.files.directory / STREAMS
        file = await asyncio.to_thread(
            open_file, streams, player.segments, settings.vod_import_roots
        )
        try:
            with self.set_aside():
                sent = await send_file(request, file, headers, close=self._is_stopping)
        finally:
            os.close(file.handle)
        if not isinstance(sent, Answer):
            served.counts.statuses[sent.status] += 1
        return sent

    def _answer(
        self, served: Served, request: web.BaseRequest, target: Target
    ) -> Answer | Awaitable[Answer]:
        if target.routes is None:
            raise RequestError(404, "Not found")
        method = request.method
        route = target.routes.get("GET" if method == "HEAD" else method)
        if route is None:
            return answer_without_route(target.routes, method)
        accept = request.headers.getall(hdrs.ACCEPT, None)
        if accept is not None and route.produces == JSON:
            check_accept(accept)
        call = Call(
            application=served.application,
            settings=served.settings,
            host=self._host,
            open_store=served.open_store,
            parameters=target.parameters,
            query=target.query,
            files=served.files,
        )
        if route.consumes_json:
            check_content_type(request, optional=route.body == "text")
        if route.form is not None:
            call.upload = open_form(request)
            return self._answer_to_upload(call, route)
        if request.body_exists:
            return self._answer_with_body(call, request, route)
        return route.handler(call)

    async def _answer_to_upload(self, call: Call, route: Route[Call]) -> Answer:
        with self.set_aside():
            answer = route.handler(call)
            return answer if isinstance(answer, Answer) else await answer

    async def _answer_with_body(
        self, call: Call, request: web.BaseRequest, route: Route[Call]
    ) -> Answer:
        self._aside += 1
        try:
            call.body = await read_body(request)
        finally:
            self._aside -= 1
        answer = route.handler(call)
        return answer if isinstance(answer, Answer) else await answer


def _answer_preflight(request: web.BaseRequest, method: str) -> Answer:
    names = request.headers.getall(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, ())
    return Answer(b"", 200, answer_preflight(method, ",".join(names)), "text/plain")


def _log_flood(application: str, reason: str, count: int) -> None:
    logger.info("requests refused: application=%s reason=%s count=%d", application, reason, count)


def _path_of(request: web.BaseRequest) -> str:
    return path_of(request.raw_path)[:MAX_LOGGED_PATH]
