"""What several settings say together: combinations that are wrong, or closed, or wide open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from antmediad.settings.schema import (
    SYMMETRIC_ALGORITHMS,
    ServerSettings,
    Settings,
)
from antmediad.settings.setting import Network
from antmediad.settings.values import Severity

SAFE_SECRET_LENGTH: Final = 32  # characters; RFC 7518, section 3.2 asks HS256 for 256 bits

EXCLUSIVE: Final = (
    ("publishTokenControlEnabled", "publishJwtControlEnabled", "enableTimeTokenForPublish"),
    ("playTokenControlEnabled", "playJwtControlEnabled", "enableTimeTokenForPlay"),
)
"""Switches of which Ant Media Server lets only one be on."""

_NOT_ENFORCED: Final = (
    "publishTokenControlEnabled",
    "publishJwtControlEnabled",
    "enableTimeTokenForPublish",
    "hashControlPublishEnabled",
    "secureAnalyticEndpoint",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that settings say together.

    Attributes:
        severity: as that of a Problem.
        message: what is wrong, without a value.
        keys: the settings it rests on; it belongs to the line of the first.
    """

    severity: Severity
    message: str
    keys: tuple[str, ...]


def check_application(settings: Settings, application: str) -> Iterator[Finding]:
    """Yield what an application's settings say together."""
    yield from _guards(settings)
    yield from _algorithms(settings)
    yield from _stream_tokens(settings)
    yield from _identity(settings, application)
    if settings.db_type in ("mongodb", "redisdb"):
        yield _warning(
            "this version cannot serve data from such a database; expected mapdb or memorydb",
            "db.type",
        )
    if settings.webrtc_port_range_min >= settings.webrtc_port_range_max:
        yield _warning(
            "expected less than webRTCPortRangeMax", "webRTCPortRangeMin", "webRTCPortRangeMax"
        )


def check_server(settings: ServerSettings) -> Iterator[Finding]:
    """Yield what the server's settings say together."""
    if not settings.server_allowed_dashboard_cidr:
        yield _warning(
            "lists no address, so nobody reaches the panel and the management API",
            "server.allowed_dashboard_CIDR",
        )
    if _covers_everything(settings.http_trusted_proxies):
        yield _warning(
            "trusts every peer, so every client can name its own address; "
            "expected the addresses of proxies",
            "http.trusted_proxies",
        )
    if settings.http_port and settings.http_port == settings.https_port:
        yield _warning("expected another port than http.port", "https.port", "http.port")
    files = (settings.http_ssl_certificate_file, settings.http_ssl_certificate_key_file)
    if any(files) and not all(files):
        yield _warning(
            "expected a certificate and its key, or neither; there is no HTTPS now",
            "http.ssl_certificate_file",
            "http.ssl_certificate_key_file",
        )
    if settings.server_jwt_server_control_enabled and not settings.server_jwks_url:
        secret = settings.server_jwt_server_secret_key
        if not secret:
            yield _warning(
                "is on with neither server.jwtServerSecretKey nor server.jwksURL; "
                "no token passes until one is set",
                "server.jwtServerControlEnabled",
                "server.jwtServerSecretKey",
                "server.jwksURL",
            )
        yield from _short("server.jwtServerSecretKey", secret)


def _guards(settings: Settings) -> Iterator[Finding]:
    jwt, ip = settings.jwt_control_enabled, settings.ip_filter_enabled
    if jwt:
        yield from _jwt_keys(settings)
    if not jwt and not ip:
        yield _warning(
            "the REST API is unguarded; expected jwtControlEnabled or ipFilterEnabled to be on",
            "ipFilterEnabled",
            "jwtControlEnabled",
        )
    if ip and not settings.remote_allowed_cidr:
        yield _warning(
            "lists no address while the IP filter is on, so nobody passes",
            "remoteAllowedCIDR",
            "ipFilterEnabled",
        )
    if ip and _covers_everything(settings.remote_allowed_cidr):
        rest = "only the JWT filter guards" if jwt else "nothing guards"
        yield _warning(
            f"lets every address through, so {rest} the REST API",
            "remoteAllowedCIDR",
            "ipFilterEnabled",
            "jwtControlEnabled",
        )


def _jwt_keys(settings: Settings) -> Iterator[Finding]:
    secret, previous = settings.jwt_secret_key, settings.jwt_previous_secret_key
    if settings.jwks_url:
        if secret or previous:
            ignored = "jwtSecretKey" if secret else "jwtPreviousSecretKey"
            yield _warning("is ignored while jwksURL is set", ignored, "jwksURL")
        return
    if not secret and not previous:
        yield _warning(
            "is on with neither jwtSecretKey nor jwksURL; "
            "every request is refused until one is set",
            "jwtControlEnabled",
            "jwtSecretKey",
            "jwtPreviousSecretKey",
            "jwksURL",
        )
    yield from _short("jwtSecretKey", secret)
    yield from _short("jwtPreviousSecretKey", previous)


def _short(key: str, secret: str) -> Iterator[Finding]:
    if 0 < len(secret) < SAFE_SECRET_LENGTH:
        yield _warning(
            f"the secret can be guessed; expected {SAFE_SECRET_LENGTH} characters or more", key
        )


def _algorithms(settings: Settings) -> Iterator[Finding]:
    symmetric = {name in SYMMETRIC_ALGORITHMS for name in settings.jwt_algorithms}
    if settings.jwks_url and True in symmetric:
        yield Finding(
            "error",
            "expected asymmetric algorithms only while jwksURL is set",
            ("jwtAlgorithms", "jwksURL"),
        )
    keyed_by_secret = settings.jwt_secret_key or settings.jwt_previous_secret_key
    if not settings.jwks_url and keyed_by_secret and False in symmetric:
        yield Finding(
            "error",
            "expected HS256 only while jwtSecretKey is used",
            ("jwtAlgorithms", "jwksURL", "jwtSecretKey"),
        )


def _stream_tokens(settings: Settings) -> Iterator[Finding]:
    switches = {
        "publishTokenControlEnabled": settings.publish_token_control_enabled,
        "publishJwtControlEnabled": settings.publish_jwt_control_enabled,
        "enableTimeTokenForPublish": settings.enable_time_token_for_publish,
        "hashControlPublishEnabled": settings.hash_control_publish_enabled,
        "playTokenControlEnabled": settings.play_token_control_enabled,
        "playJwtControlEnabled": settings.play_jwt_control_enabled,
        "enableTimeTokenForPlay": settings.enable_time_token_for_play,
        "hashControlPlayEnabled": settings.hash_control_play_enabled,
        "secureAnalyticEndpoint": settings.secure_analytic_endpoint,
    }
    for key in _NOT_ENFORCED:
        if switches[key]:
            yield _warning("carried, not enforced: nothing is published to this daemon", key)
    for exclusive in EXCLUSIVE:
        on = tuple(key for key in exclusive if switches[key])
        if len(on) > 1:
            yield _warning(f"excludes {', '.join(on[1:])}; expected only one to be on", *on)
    if settings.publish_jwt_control_enabled or settings.play_jwt_control_enabled:
        yield from _short("jwtStreamSecretKey", settings.jwt_stream_secret_key)
    if settings.play_jwt_control_enabled and not settings.jwt_stream_secret_key:
        yield _warning(
            "is on without jwtStreamSecretKey, so nobody can play",
            "playJwtControlEnabled",
            "jwtStreamSecretKey",
        )
    if settings.hash_control_play_enabled and not settings.token_hash_secret:
        yield _warning(
            "is on without tokenHashSecret, so nobody can play",
            "hashControlPlayEnabled",
            "tokenHashSecret",
        )


def _identity(settings: Settings, application: str) -> Iterator[Finding]:
    if not settings.webapp_context_path:
        yield _warning(
            "is missing; Ant Media Server starts no application without it", "webapp.contextPath"
        )
    elif application and settings.webapp_context_path != f"/{application}":
        yield _warning(
            "expected / and the name of the directory, which is the application's name here",
            "webapp.contextPath",
        )
    if not settings.webapp_virtual_hosts:
        yield _warning(
            "is missing; Ant Media Server starts no application without it", "webapp.virtualHosts"
        )
    if application and settings.app_name not in ("", application):
        yield _warning(
            "expected the name of the directory, which is the application's name here", "appName"
        )


def _covers_everything(networks: Iterable[Network]) -> bool:
    return any(network.prefixlen == 0 for network in networks)


def _warning(message: str, *keys: str) -> Finding:
    return Finding("warning", message, keys)
