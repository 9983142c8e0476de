"""Answers HTTP requests: which application, past its guard, to which handler."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType

from aiohttp import HttpVersion11, hdrs, web

from antmediad.applications.registry import Registry
from antmediad.errors import GuardError, RequestError, StoreError
from antmediad.guard.address import Network, clients_of
from antmediad.guard.verdict import Guard
from antmediad.observe.metrics import Counts, Metrics
from antmediad.rest.api import ROUTER
from antmediad.rest.call import Answer, Call, Host, refusal
from antmediad.rest.routes import Route
from antmediad.server.cors import HEADERS as CORS_HEADERS
from antmediad.server.cors import METHODS, answer_preflight, check_origin
from antmediad.server.paths import parse_query, split_target
from antmediad.server.reply import Headers, reply
from antmediad.server.stores import Stores
from antmediad.settings.schema import ServerSettings, Settings
from antmediad.store.interface import Store

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 2 * 1024 * 1024
BODY_TIMEOUT_S = 30.0
MAX_LOGGED_PATH = 200

_BASE = ["rest", "v2"]
_NO_QUERY: Mapping[str, str] = MappingProxyType({})
_JSON = re.compile(r"application/(?:json|\*)\s*(?:;.*)?|\*/\*\s*(?:;.*)?", re.IGNORECASE)


class Served:
    """One application as it is served under one snapshot."""

    __slots__ = ("_store", "_stores", "application", "counts", "guard", "headers", "settings")

    def __init__(
        self, application: str, settings: Settings, guard: Guard, counts: Counts, stores: Stores
    ) -> None:
        self._stores = stores
        self.application = application
        self.settings = settings
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


class App:
    """All that is served, by the first segment of the path."""

    def __init__(
        self,
        registry: Registry,
        stores: Stores,
        make_guard: Callable[[Settings], Guard],
        metrics: Metrics,
        address: str,
    ) -> None:
        """Serve the applications of *registry*.

        Args:
            make_guard: makes the guard for a snapshot's settings.
            address: under which other machines reach this one.
        """
        self._registry = registry
        self._stores = stores
        self._make_guard = make_guard
        self._metrics = metrics
        self._served: dict[str, Served] = {}
        self._host = Host(address, address)
        self._trusted_proxies: tuple[Network, ...] = ()
        self._is_stopping = False
        self._under_way = 0
        self._finished = asyncio.Event()

    @property
    def server_settings(self) -> ServerSettings:
        """The server's settings in force."""
        snapshot = self._registry.server.snapshot
        return snapshot.settings if snapshot is not None else ServerSettings()

    def refresh_server(self) -> None:
        """Serve by the server's settings in force from now on."""
        settings = self.server_settings
        self._trusted_proxies = settings.http_trusted_proxies
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
            self._served[name] = Served(
                name,
                settings,
                self._make_guard(settings),
                self._metrics.requests[name],
                self._stores,
            )

    async def finish(self, grace_s: float) -> None:
        """Wait until the requests under way are answered, but not longer than *grace_s*."""
        self._is_stopping = True
        if self._under_way:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._finished.wait(), grace_s)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer *request*."""
        self._under_way += 1
        try:
            return await self._handle(request)
        finally:
            self._under_way -= 1
            if self._is_stopping and not self._under_way:
                self._finished.set()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer *request*.  The only place where errors become responses."""
        headers: Headers = ()
        counts: Counts | None = None
        try:
            segments, query = split_target(request.raw_path)
            served = self._served.get(segments[0]) if segments else None
            if served is None:
                raise self._unknown(segments)
            counts = served.counts
            origin = request.headers.get(hdrs.ORIGIN)
            if origin is not None:
                check_origin(origin, request.method)
                wanted = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_METHOD)
                if request.method == "OPTIONS" and wanted:
                    return self._answer_preflight(served, request, wanted)
                headers = CORS_HEADERS
            clients = self._clients_of(request, served)
            authorization = request.headers.getall(hdrs.AUTHORIZATION, ())
            try:
                served.guard.check(clients, authorization)
            except GuardError as error:
                await self._check_again(served, request, error, clients, authorization)
            counts.passed += 1
            headers += served.headers
            answer = self._answer(served, request, segments, query)
            if not isinstance(answer, Answer):
                answer = await answer
        except GuardError as error:
            answer = refusal(error.status, error.message)
        except RequestError as error:
            answer = refusal(error.status, error.message, error.headers)
        except StoreError as error:
            logger.error("store failed: path=%s error=%s", _path_of(request), error)
            answer = refusal(503, "Data is not available", (("Retry-After", "1"),))
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:
            logger.exception("request failed: path=%s", _path_of(request))
            answer = refusal(500, "Internal error")
        if counts is not None:
            counts.statuses[answer.status] += 1
        return reply(request, answer, headers, close=self._is_stopping)

    def _unknown(self, segments: list[str]) -> RequestError:
        if not segments or segments[0] not in self._registry.applications:
            return RequestError(404, "Not found")
        # It never had usable settings.  What is wrong with them is not for everybody to know.
        message = "Application is not available: its settings cannot be used"
        return RequestError(503, message, (("Retry-After", "5"),))

    def _answer_preflight(
        self, served: Served, request: web.BaseRequest, method: str
    ) -> web.StreamResponse:
        names = request.headers.getall(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, ())
        headers = answer_preflight(method, ",".join(names))
        served.counts.statuses[200] += 1
        return reply(request, Answer(b"", 200, headers, "text/plain"))

    def _clients_of(self, request: web.BaseRequest, served: Served) -> tuple[str, ...]:
        peer = request.remote or ""
        if not self._trusted_proxies:
            return (peer,)
        try:
            return clients_of(
                peer,
                request.headers.getall(hdrs.X_FORWARDED_FOR, ()),
                request.headers.getall(hdrs.FORWARDED, ()),
                self._trusted_proxies,
            )
        except GuardError as error:
            _note_refusal(served, request, (peer,), error)
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
            await served.guard.check_again(error, clients, authorization)
        except GuardError as final:
            _note_refusal(served, request, clients, final)
            raise

    def _answer(
        self, served: Served, request: web.BaseRequest, segments: list[str], query: str
    ) -> Answer | Awaitable[Answer]:
        if segments[1:3] != _BASE:
            raise RequestError(404, "Not found")
        routes, parameters = ROUTER.find(segments[3:])
        method = request.method
        route = routes.get("GET" if method == "HEAD" else method)
        if route is None:
            return _without_route(routes, method)
        _check_accept(request.headers.getall(hdrs.ACCEPT, ()))
        call = Call(
            application=served.application,
            settings=served.settings,
            host=self._host,
            open_store=served.open_store,
            parameters=parameters,
            query=parse_query(query) if query else _NO_QUERY,
        )
        if route.consumes_json:
            _check_content_type(request)
        if request.body_exists:
            return _answer_with_body(call, request, route)
        return route.handler(call)


def _without_route(routes: Mapping[str, Route], method: str) -> Answer:
    allowed = set(routes) | {"OPTIONS"}
    if "GET" in routes:
        allowed.add("HEAD")
    allow = (("Allow", ", ".join(name for name in METHODS if name in allowed)),)
    if method == "OPTIONS":
        return Answer(b"", 200, allow)
    return refusal(405, "Method not allowed", allow)


def _check_accept(accept: Sequence[str]) -> None:
    if not accept or accept[0] == "*/*":
        return
    ranges = [part.strip() for line in accept for part in line.split(",") if part.strip()]
    for media_range in ranges:
        quality = re.search(r";\s*q=0(?:\.0*)?\s*(?:;|$)", media_range)
        if _JSON.fullmatch(media_range) and not quality:
            return
    if ranges:
        raise RequestError(406, "Not acceptable: this API answers with application/json")


def _check_content_type(request: web.BaseRequest) -> None:
    kind = request.headers.get(hdrs.CONTENT_TYPE)
    if kind is None:
        if request.body_exists and request.content_length != 0:
            raise RequestError(415, "Content-Type is missing: expected application/json")
    elif not _JSON.fullmatch(kind.strip()):
        raise RequestError(415, "Content-Type is not supported: expected application/json")


async def _answer_with_body(call: Call, request: web.BaseRequest, route: Route) -> Answer:
    call.body = await _read_body(request)
    answer = route.handler(call)
    return answer if isinstance(answer, Answer) else await answer


async def _read_body(request: web.BaseRequest) -> bytes:
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise RequestError(413, f"Body is larger than {MAX_BODY_BYTES} bytes")
    expected = request.headers.get(hdrs.EXPECT)
    if expected is not None:
        if expected.lower() != "100-continue":
            raise RequestError(417, "Expectation cannot be met")
        if request.transport is not None and request.version >= HttpVersion11:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    chunks, size = [], 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > MAX_BODY_BYTES:
                    raise RequestError(413, f"Body is larger than {MAX_BODY_BYTES} bytes")
                chunks.append(chunk)
    except TimeoutError:
        raise RequestError(408, "Body did not arrive in time") from None
    except (web.RequestPayloadError, ValueError):
        raise RequestError(400, "Body cannot be read") from None
    return b"".join(chunks)


def _note_refusal(
    served: Served, request: web.BaseRequest, clients: tuple[str, ...], error: GuardError
) -> None:
    served.counts.refused[error.reason] += 1
    logger.info(
        "request refused: application=%s client=%s reason=%s method=%s path=%s",
        served.application,
        ",".join(clients),
        error.reason,
        request.method,
        _path_of(request),
    )


def _path_of(request: web.BaseRequest) -> str:
    """Return the path for the log, without the query, in which some clients send tokens."""
    return request.raw_path.partition("?")[0][:MAX_LOGGED_PATH]
