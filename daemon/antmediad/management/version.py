"""The version, and whether the server lives (management.md of the contract, section 6)."""

from __future__ import annotations

import socket

from antmediad.api.answer import Answer, answer, result
from antmediad.api.json_schema import OBJECT
from antmediad.api.models import VERSION
from antmediad.api.routes import Schema
from antmediad.api.version import version
from antmediad.management.access import Access
from antmediad.management.call import Call
from antmediad.management.routes import Route


def enterprise_edition(_: Call) -> Answer:
    """Tell whether this is the Enterprise Edition, which it is not."""
    return result(False, "This is no Enterprise Edition")


def liveness(_: Call) -> Answer:
    """Tell that the server lives."""
    return answer({"host": socket.gethostname(), "status": "ok"})


ROUTES = (
    Route("GET", "/version", version, access=Access.SIGNED_IN, answers={200: VERSION}),
    Route("GET", "/enterprise-edition", enterprise_edition, access=Access.SIGNED_IN),
    Route(
        "GET",
        "/liveness",
        liveness,
        access=Access.OPEN,
        answers={200: Schema(OBJECT)},
    ),
)
