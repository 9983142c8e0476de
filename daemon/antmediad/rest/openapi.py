"""The description of an application's API, and the page that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import orjson

from antmediad.api.answer import Answer
from antmediad.api.describe import Description, describe
from antmediad.api.routes import Route
from antmediad.rest.call import Call

DESCRIPTION = Description(
    summary="The REST API of one application",
    tags={
        "broadcasts": "Streams: live ones, IP cameras, stream sources and playlists",
        "vods": "Video files",
        "push-notification": "Messages to the apps of subscribers",
        "version": "Of the server",
    },
    # The last one is for an application whose JWT filter is off.
    security=({"bearer": []}, {"token": []}, {}),
    security_schemes={
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "token": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "the token alone, as Ant Media Server's clients send it",
        },
    },
)


def description_routes(routes: Sequence[Route[Call]]) -> tuple[Route[Call], ...]:
    """Return the routes of the description of *routes*: the document, and the page."""
    document = describe(routes, DESCRIPTION)

    def get_document(call: Call) -> Answer:
        """Return this document."""
        servers = [{"url": f"/{call.application}/rest/v2"}]
        return Answer(orjson.dumps({**document, "servers": servers}))

    return (
        Route("GET", "/openapi.json", get_document),
        _asset("/docs", "index.html", "text/html"),
        _asset("/docs/app.js", "app.js", "text/javascript"),
        _asset("/docs/style.css", "style.css", "text/css"),
    )


_PAGE_HEADERS = (
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-cache"),
)


def _asset(path: str, name: str, kind: str) -> Route[Call]:
    template = (Path(__file__).parent / "docs" / name).read_text(encoding="utf-8")
    kind += "; charset=utf-8"

    def get_asset(call: Call) -> Answer:
        """Return a part of the page that shows the API."""
        content = template.replace("@APPLICATION@", escape(call.application))
        return Answer(content.encode(), 200, _PAGE_HEADERS, kind)

    return Route("GET", path, get_asset, produces=kind)
