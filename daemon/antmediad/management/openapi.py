"""The description of the management API."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from antmediad.api.answer import Answer
from antmediad.api.describe import Description, describe
from antmediad.api.json_schema import OBJECT
from antmediad.api.routes import Schema
from antmediad.management.access import Access
from antmediad.management.authentication import COOKIE
from antmediad.management.call import Call
from antmediad.management.routes import Route

DESCRIPTION = Description(
    summary="The management API: users, applications, settings, the server",
    tags={
        "applications": "Applications, as Ant Media Server's panels see them",
        "apps": "Applications: state, settings, history, tokens",
        "server": "The server's own settings",
        "users": "Users and login",
    },
    security=({"session": []}, {"token": []}),
    security_schemes={
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
        "token": {"type": "apiKey", "in": "header", "name": "ProxyAuthorization"},
    },
)


def description_routes(routes: Sequence[Route]) -> tuple[Route, ...]:
    """Return the route of the description of *routes*."""
    document = describe(routes, DESCRIPTION)
    body = orjson.dumps({**document, "servers": [{"url": "/rest/v2"}]})

    def get_document(_: Call) -> Answer:
        """Return this document."""
        return Answer(body)

    return (
        Route(
            "GET",
            "/openapi.json",
            get_document,
            access=Access.SIGNED_IN,
            answers={200: Schema(OBJECT)},
        ),
    )
