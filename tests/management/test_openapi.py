"""The management API's description says what its routes say."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from openapi_spec_validator import validate

from antmediad.management.api import ENDPOINTS, ROUTER
from antmediad.management.routes import Route


def described() -> Any:
    routes, _ = ROUTER.find(["openapi.json"])
    route: Any = routes["GET"]
    return orjson.loads(route.handler(None).body)


def test_the_description_is_one_of_openapi() -> None:
    document = described()

    validate(document)
    assert document["openapi"].startswith("3.1.")


@pytest.mark.parametrize("route", ENDPOINTS, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_described(route: Route) -> None:
    path = re.sub(r":\w+\}", "}", route.path)

    operation = described()["paths"][path][route.method.lower()]

    assert operation["summary"]
    assert operation["responses"]
