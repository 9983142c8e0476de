"""The whole management API."""

from __future__ import annotations

from antmediad.api.routes import Router
from antmediad.management import (
    applications,
    audit,
    certificates,
    login,
    logs,
    properties,
    server,
    settings,
    status,
    system,
    tokens,
    users,
    version,
    versions,
)
from antmediad.management.openapi import description_routes
from antmediad.management.routes import Route

ENDPOINTS: tuple[Route, ...] = (
    *login.ROUTES,
    *users.ROUTES,
    *version.ROUTES,
    *applications.ROUTES,
    *server.ROUTES,
    *logs.ROUTES,
    *system.ROUTES,
    *settings.ROUTES,
    *status.ROUTES,
    *properties.ROUTES,
    *versions.ROUTES,
    *tokens.ROUTES,
    *audit.ROUTES,
    *certificates.ROUTES,
)

ROUTER: Router[Route] = Router((*ENDPOINTS, *description_routes(ENDPOINTS)))
