"""The version of the server."""

from __future__ import annotations

from antmediad import __build__, __version__
from antmediad.api.answer import Answer, answer
from antmediad.api.models import VERSION
from antmediad.api.routes import Route
from antmediad.rest.call import Call

_VERSION = answer(
    {
        "versionName": __version__,
        "versionType": "Community Edition",
        "buildNumber": __build__,
    }
)


def version(_: Call) -> Answer:
    """Return the version, in the shape of Ant Media Server's."""
    return _VERSION


ROUTES = (Route("GET", "/version", version, answers={200: VERSION}),)
