"""Answers what belongs to no application: the panel, the management API, the probes."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager

from aiohttp import HttpVersion11, hdrs, web

from antmediad.api.answer import Answer, refusal
from antmediad.api.routes import JSON
from antmediad.errors import AddressError, RequestError
from antmediad.guard.address import Network, is_within, parse_address
from antmediad.management.access import NOT_AUTHENTICATED, Access, check_access, check_proxied
from antmediad.management.api import ROUTER
from antmediad.management.authentication import COOKIE, Authentication, check_same_site
from antmediad.management.call import Call, Identity, Resources
from antmediad.management.dispatch import dispatch, outcome_of, record
from antmediad.management.routes import Route
from antmediad.server.body import (
    MAX_BODY_BYTES,
    MAX_STRANGERS_BODY_BYTES,
    answer_without_route,
    check_accept,
    check_content_type,
    read_body,
)
from antmediad.server.entrance import Entrance
from antmediad.server.monitor import Monitor, probe_of
from antmediad.server.panel import PAGE, answer_file, read_panel
from antmediad.server.paths import parse_query
from antmediad.server.proxy import Proxied, is_proxied, read_proxied
from antmediad.server.upload import open_form
from antmediad.settings.schema import ServerSettings

logger = logging.getLogger(__name__)

_HEADERS = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORWARDING = (hdrs.X_FORWARDED_FOR, hdrs.FORWARDED, "X-Real-IP", "X-Forwarded-Host", hdrs.VIA)
_LOCAL_HOST = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?", re.IGNORECASE)

# Where Ant Media Server has the description of its management API.
_DESCRIPTIONS = (("openapi", "openapi.json"), ("openapi-management", "openapi.json"))

CallApplication = Callable[[web.BaseRequest, Proxied], Awaitable[Answer]]


class Root:
    """What is served beside the applications.

    Attributes:
        monitor: answers the probes.
    """

    def __init__(
        self,
        resources: Resources,
        monitor: Monitor,
        call_application: CallApplication,
        set_aside: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Serve the management API of *resources*.

        Args:
            call_application: answers a call of an application's API past its guard.
            set_aside: marks a request as one that is not worked on meanwhile.
        """
        self.monitor = monitor
        self._resources = resources
        self._call_application = call_application
        self._set_aside = set_aside
        self._authentication = Authentication(resources.key_sets)
        self._panel = read_panel()
        self.refresh(ServerSettings())

    def refresh(self, settings: ServerSettings) -> None:
        """Serve by the server's *settings* from now on."""
        self._trusted_proxies: Sequence[Network] = settings.http_trusted_proxies
        self._entrance = Entrance(
            "management request", settings.server_allowed_dashboard_cidr, self._trusted_proxies
        )
        self._authentication.refresh(settings)
        self.monitor.refresh(settings)

    def owns(self, segments: Sequence[str]) -> bool:
        """Tell whether a path is answered here, whatever applications there are."""
        return (
            not segments
            or bool(probe_of(segments))
            or (segments[0] == "rest" and segments[1:2] in (["v2"], ["request"]))
            or (len(segments) == 2 and segments[0] == "panel" and segments[1] in self._panel)
            or tuple(segments) in _DESCRIPTIONS
        )

    async def answer(self, request: web.BaseRequest, segments: Sequence[str]) -> Answer:
        """Answer a request for a path that `owns` knows.

        Raises:
            AddressError: the client's address is not allowed.
            RequestError: a probe is refused.
            StoreError: data is out of reach.
        """
        probe = probe_of(segments)
        if probe:
            with self._set_aside():
                return await self.monitor.answer(request, probe)
        clients = self._entrance.admit(request)
        if not segments or segments[0] == "panel":
            return self._answer_file(request, segments[1] if segments else PAGE)
        try:
            found = await self._answer_call(request, list(segments), clients)
        except RequestError as error:
            found = refusal(error.status, error.message, error.headers)
        return Answer(found.body, found.status, (*_HEADERS, *found.headers), found.content_type)

    def _answer_file(self, request: web.BaseRequest, name: str) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return refusal(405, "Method not allowed", (("Allow", "GET, HEAD"),))
        return answer_file(self._panel[name], request.headers.get(hdrs.IF_NONE_MATCH))

    async def _answer_call(
        self, request: web.BaseRequest, segments: list[str], clients: tuple[str, ...]
    ) -> Answer:
        identity = await self._authentication.identify(
            request.headers.getall("ProxyAuthorization", ()),
            request.cookies.get(COOKIE, ""),
            clients,
            self._resources.clock(),
            self._resources.open_management,
        )
        _, _, query = request.raw_path.partition("?")
        call = self._make_call(request, clients, identity, query)
        if is_proxied(segments):
            _check_site(call)
            return await self._answer_proxied(request, call, read_proxied(segments, query))
        # Routed first: what is open is so by its route, not by the text of a path.
        try:
            routes, call.parameters = ROUTER.find(segments[2 if segments[0] == "rest" else 1 :])
        except RequestError:
            if identity is None:
                raise RequestError(403, NOT_AUTHENTICATED) from None
            raise
        route = routes.get(call.method)
        if route is None:
            check_access(Access.SIGNED_IN, identity, {})
            return answer_without_route(routes, request.method)
        if route.is_recorded:
            _check_site(call)
        return await dispatch(call, route, lambda: self._read(request, call, route))

    async def _answer_proxied(
        self, request: web.BaseRequest, call: Call, proxied: Proxied
    ) -> Answer:
        call.note.target = proxied.segments[0]
        call.note.action = f"{request.method} {'/'.join(proxied.segments[3:])}"
        try:
            check_proxied(call.identity, request.method, proxied.segments)
            answer = await self._call_application(request, proxied)
        except RequestError as error:
            if call.identity is not None and request.method not in _SAFE:
                await record(call, None, False, error.message)
            raise
        if request.method not in _SAFE:
            await record(call, None, *outcome_of(answer))
        return answer

    def _make_call(
        self,
        request: web.BaseRequest,
        clients: tuple[str, ...],
        identity: Identity | None,
        query: str,
    ) -> Call:
        return Call(
            resources=self._resources,
            method="GET" if request.method == "HEAD" else request.method,
            parameters={},
            query=parse_query(query),
            clients=clients,
            headers=_first_values(request),
            is_secure=self._is_secure(request),
            is_local=_is_local(request),
            cookie=request.cookies.get(COOKIE, ""),
            identity=identity,
            now=self._resources.clock(),
        )

    async def _read(self, request: web.BaseRequest, call: Call, route: Route) -> None:
        """Check what the request is declared to have, and read its body unless it is a form."""
        accept = request.headers.getall(hdrs.ACCEPT, None)
        if accept is not None and route.produces == JSON:
            check_accept(accept)
        if route.consumes_json:
            check_content_type(request, optional=False)
        if route.form is not None:
            call.upload = open_form(request)
        elif request.body_exists:
            is_known = call.identity is not None
            with self._set_aside():
                call.body = await read_body(
                    request, MAX_BODY_BYTES if is_known else MAX_STRANGERS_BODY_BYTES
                )

    def _is_secure(self, request: web.BaseRequest) -> bool:
        """Tell whether the client's connection is TLS, by what a trusted proxy says of it, too."""
        if request.secure:
            return True
        try:
            peer = parse_address(request.remote or "")
        except AddressError:
            return False
        said = request.headers.get(hdrs.X_FORWARDED_PROTO, "").strip().lower()
        return said == "https" and is_within(peer, self._trusted_proxies)


def _check_site(call: Call) -> None:
    """Check that no other site makes a browser call us; no browser sends a token by itself."""
    if call.identity is None or call.identity.session:
        check_same_site(call.headers)


def _first_values(request: web.BaseRequest) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in request.headers.items():
        values.setdefault(name.lower(), value)
    return values


def _is_local(request: web.BaseRequest) -> bool:
    """Tell whether a request can only have been made on this machine, and for it.

    Not one that a proxy on this machine passes on, as far as it shows: nginx, unless told else,
    adds nothing and calls with HTTP/1.0 and the name of this machine.  Nor that of a page whose
    name was made to mean this machine (DNS rebinding): its ``Host`` is that name.
    """
    try:
        peer = parse_address(request.remote or "")
    except AddressError:
        return False
    return (
        peer.is_loopback
        and request.version >= HttpVersion11
        and not any(name in request.headers for name in _FORWARDING)
        and _LOCAL_HOST.fullmatch(request.headers.get(hdrs.HOST, "")) is not None
    )
