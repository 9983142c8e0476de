"""The whole REST API of an application."""

from __future__ import annotations

from antmediad.api.routes import Router
from antmediad.rest import (
    broadcasts,
    endpoints,
    media,
    push,
    recording,
    sources,
    statistics,
    subscribers,
    subtracks,
    tokens,
    version,
    vods,
)
from antmediad.rest.openapi import description_routes

ENDPOINTS = (
    *broadcasts.ROUTES,
    *endpoints.ROUTES,
    *statistics.ROUTES,
    *subtracks.ROUTES,
    *recording.ROUTES,
    *sources.ROUTES,
    *media.ROUTES,
    *push.ROUTES,
    *subscribers.ROUTES,
    *tokens.ROUTES,
    *vods.ROUTES,
    *version.ROUTES,
)

ROUTER = Router((*ENDPOINTS, *description_routes(ENDPOINTS)))
