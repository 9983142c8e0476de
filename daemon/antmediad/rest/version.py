"""The version of the server."""

from __future__ import annotations

from antmediad.api.models import VERSION
from antmediad.api.routes import Route
from antmediad.api.version import version
from antmediad.rest.call import Call

ROUTES: tuple[Route[Call], ...] = (Route("GET", "/version", version, answers={200: VERSION}),)
