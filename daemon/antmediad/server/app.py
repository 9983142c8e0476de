"""Answers HTTP requests: which application, past its guard, to which handler."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
from collections.abc import Callable, Mapping

from aiohttp import web

from antmediad.applications.registry import Application, Registry
from antmediad.errors import GuardError, RequestError, StoreError
from antmediad.guard.address import clients_of
from antmediad.guard.verdict import Guard
from antmediad.observe.metrics import Counts, Metrics
from antmediad.rest import broadcasts, version
from antmediad.rest.call import Answer, Call, Host, refusal
from antmediad.rest.routes import Route, Router
from antmediad.server.cors import HEADERS as CORS_HEADERS
from antmediad.server.cors import METHODS, answer_preflight, check_origin
from antmediad.server.paths import parse_query, split_target
from antmediad.server.reply import Headers, reply
from antmediad.server.stores import Stores
from antmediad.settings.schema import ServerSettings, Settings
from antmediad.store.interface import BroadcastStore

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 2 * 1024 * 1024
BODY_TIMEOUT_S = 30.0
MAX_LOGGED_PATH = 200

ROUTER = Router((*broadcasts.ROUTES, *version.ROUTES))
_BASE = ["rest", "v2"]
_JSON = re.compile(r"application/(?:json|\*)\s*(?:;.*)?|\*/\*\s*(?:;.*)?", re.IGNORECASE)


class Served:
    """One application as it is served under one snapshot."""

    __slots__ = ("application", "counts", "guard", "headers", "settings", "store")

    def __init__(self, application: str, settings: Settings, guard: Guard, counts: Counts) -> None:
        self.application = application
        self.settings = settings
        self.guard = guard
        self.counts = counts
        self.store: BroadcastStore | None = None
        policy = settings.content_security_policy_header_value
        self.headers: Headers = (("Content-Security-Policy", policy),) if policy else ()


class App:
    """All that is served, by the first segment of the path."""

    def __init__(
        self,
        registry: Registry,
        stores: Stores,
        make_guard: Callable[[Settings], Guard],
        metrics: Metrics,
        host: Callable[[], Host],
    ) -> None:
        """Serve the applications of *registry*.

        Args:
            make_guard: makes the guard for a snapshot's settings.
            host: tells under which names this server is reached.
        """
        self._registry = registry
        self._stores = stores
        self._make_guard = make_guard
        self._metrics = metrics
        self._host = host
        self._served: dict[str, Served] = {}

    @property
    def server_settings(self) -> ServerSettings:
        """The server's settings in force."""
        snapshot = self._registry.server.snapshot
        return snapshot.settings if snapshot is not None else ServerSettings()

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
                name, settings, self._make_guard(settings), self._metrics.requests[name]
            )

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer *request*.  The only place where errors become responses."""
        headers: Headers = ()
        counts: Counts | None = None
        try:
            segments, query = split_target(request.raw_path)
            served = self._served.get(segments[0]) if segments else None
            if served is None:
                raise self._unknown(segments)
            counts = served.counts
            origin = request.headers.get("Origin")
            if origin is not None:
                check_origin(origin, request.method)
                wanted = request.headers.get("Access-Control-Request-Method")
                if request.method == "OPTIONS" and wanted:
                    names = ",".join(request.headers.getall("Access-Control-Request-Headers", ()))
                    counts.statuses[200] += 1
                    return reply(request, b"", 200, answer_preflight(wanted, names), "text/plain")
                headers = CORS_HEADERS
            await self._guard(served, request)
            headers += served.headers
            answer = await self._answer(served, request, segments[1:], query)
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
        return reply(request, answer.body, answer.status, (*headers, *answer.headers))

    def _unknown(self, segments: list[str]) -> RequestError:
        application = self._registry.applications.get(segments[0]) if segments else None
        if application is None:
            return RequestError(404, "Not found")
        return _unavailable(application)

    async def _guard(self, served: Served, request: web.BaseRequest) -> None:
        peer = request.remote or ""
        authorization = request.headers.getall("Authorization", ())
        clients: tuple[str, ...] = (peer,)
        try:
            trusted = self.server_settings.http_trusted_proxies
            if trusted:
                clients = clients_of(
                    peer,
                    request.headers.getall("X-Forwarded-For", ()),
                    request.headers.getall("Forwarded", ()),
                    trusted,
                )
            try:
                served.guard.check(clients, authorization)
            except GuardError as error:
                await served.guard.check_again(error, clients, authorization)
        except GuardError as error:
            served.counts.refused[error.reason] += 1
            logger.info(
                "request refused: application=%s client=%s reason=%s method=%s path=%s",
                served.application,
                ",".join(clients),
                error.reason,
                request.method,
                _path_of(request),
            )
            raise
        served.counts.passed += 1

    async def _answer(
        self, served: Served, request: web.BaseRequest, segments: list[str], query: str
    ) -> Answer:
        if segments[:2] != _BASE:
            raise RequestError(404, "Not found")
        routes, parameters = ROUTER.find(segments[2:])
        route = routes.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            return _without_route(routes, request.method)
        _check_accept(request)
        body = b""
        if request.body_exists or route.consumes_json:
            body = await _read_body(request, route)
        if served.store is None:
            served.store = self._stores.of(served.application, served.settings)
        call = Call(
            application=served.application,
            settings=served.settings,
            host=self._host(),
            store=served.store,
            parameters=parameters,
            query=parse_query(query),
            body=body,
        )
        answer = route.handler(call)
        if inspect.isawaitable(answer):
            return await answer
        return answer


def _unavailable(application: Application) -> RequestError:
    """Return what a client is told of an application that never had usable settings."""
    keys = sorted({problem.key for problem in application.errors if problem.key})
    about = f" ({', '.join(keys)})" if keys else ""
    return RequestError(
        503,
        f"Application is not available: its settings cannot be used{about}",
        (("Retry-After", "5"),),
    )


def _without_route(routes: Mapping[str, Route], method: str) -> Answer:
    allowed = set(routes) | {"OPTIONS"}
    if "GET" in routes:
        allowed.add("HEAD")
    allow = (("Allow", ", ".join(name for name in METHODS if name in allowed)),)
    if method == "OPTIONS":
        return Answer(b"", 200, allow)
    return refusal(405, "Method not allowed", allow)


def _check_accept(request: web.BaseRequest) -> None:
    accept = request.headers.get("Accept")
    if accept is None or accept == "*/*":
        return
    ranges = [part.strip() for part in accept.split(",") if part.strip()]
    for media_range in ranges:
        quality = re.search(r";\s*q=0(?:\.0*)?\s*(?:;|$)", media_range)
        if _JSON.fullmatch(media_range) and not quality:
            return
    if ranges:
        raise RequestError(406, "Not acceptable: this API answers with application/json")


async def _read_body(request: web.BaseRequest, route: Route) -> bytes:
    kind = request.headers.get("Content-Type")
    if route.consumes_json:
        if kind is None and request.body_exists and request.content_length != 0:
            raise RequestError(415, "Content-Type is missing: expected application/json")
        if kind is not None and not _JSON.fullmatch(kind.strip()):
            raise RequestError(415, "Content-Type is not supported: expected application/json")
    if not request.body_exists:
        return b""
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise RequestError(413, f"Body is larger than {MAX_BODY_BYTES} bytes")
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


def _path_of(request: web.BaseRequest) -> str:
    """Return the path for the log, without the query, in which some clients send tokens."""
    return request.raw_path.partition("?")[0][:MAX_LOGGED_PATH]
