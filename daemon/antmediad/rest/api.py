"""The whole REST API of an application."""

from __future__ import annotations

from antmediad.rest import broadcasts, version
from antmediad.rest.routes import Router

ROUTER = Router(
    (
        *broadcasts.ROUTES,
        *version.ROUTES,
    )
)
