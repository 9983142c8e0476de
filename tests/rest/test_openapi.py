"""The API's description says what routes and models say."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import orjson
import pytest
from openapi_spec_validator import validate

from antmediad import __version__
from antmediad.api.answer import FAIL
from antmediad.api.describe import describe
from antmediad.api.fields import Model
from antmediad.api.routes import Route
from antmediad.rest import models
from antmediad.rest.api import ENDPOINTS
from antmediad.rest.broadcasts import create
from antmediad.rest.call import Call
from antmediad.rest.openapi import DESCRIPTION

DOCUMENT = describe(ENDPOINTS, DESCRIPTION)


def operation_of(route: Route[Call]) -> Any:
    return DOCUMENT["paths"][re.sub(r":\w+\}", "}", route.path)][route.method.lower()]


def schema(name: str) -> Any:
    return {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}


def check(value: Any, name: str) -> None:
    jsonschema.Draft202012Validator(schema(name)).validate(orjson.loads(orjson.dumps(value)))


def models_answered() -> list[Model]:
    made = DOCUMENT["components"]["schemas"]
    found = [value for value in vars(models).values() if isinstance(value, Model)]
    return [model for model in found if model.name in made]


def test_the_document_is_one_of_openapi() -> None:
    validate({**DOCUMENT, "servers": [{"url": "/LiveApp/rest/v2"}]})

    assert DOCUMENT["openapi"].startswith("3.1.")
    assert DOCUMENT["info"]["version"] == __version__


@pytest.mark.parametrize("route", ENDPOINTS, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_described(route: Route[Call]) -> None:
    operation = operation_of(route)

    assert operation["summary"]
    assert operation["tags"] == [route.path.split("/")[1]]
    assert {str(status) for status in route.answers} <= operation["responses"].keys()
    names = [(one["name"], one["in"]) for one in operation.get("parameters", [])]
    in_path = re.findall(r"\{([^}:]+)", route.path)
    assert names == [(name, "path") for name in in_path] + [
        (query.name, "query") for query in route.query
    ]
    assert ("requestBody" in operation) == (route.body is not None or route.form is not None)


def test_nothing_but_the_routes_is_described() -> None:
    described = sum(len(operations) for operations in DOCUMENT["paths"].values())
    ids = [one["operationId"] for path in DOCUMENT["paths"].values() for one in path.values()]

    assert described == len(ENDPOINTS) == len(set(ids))


def test_types_of_parameters_are_those_of_the_path() -> None:
    (route,) = [one for one in ENDPOINTS if one.handler.__name__ == "block"]
    kinds = {one["name"]: one["schema"]["type"] for one in operation_of(route)["parameters"]}

    assert kinds == {
        "id": "string",
        "subscriberId": "string",
        "seconds": "integer",
        "type": "string",
    }


@pytest.mark.parametrize("model", models_answered(), ids=lambda model: model.name)
def test_what_a_model_makes_is_what_its_schema_says(model: Model) -> None:
    unseen = {field.name for field in model.fields if field.write_only}
    record = {name: value for name, value in model.create({}).items() if name not in unseen}

    check(record, model.name)
    with pytest.raises(jsonschema.ValidationError, match="required"):
        check(dict(list(record.items())[1:]), model.name)
    with pytest.raises(jsonschema.ValidationError, match="dditional"):
        check({**record, "more": 1}, model.name)


def test_answers_are_results() -> None:
    check(orjson.loads(FAIL.body), "Result")


def test_a_body_lists_what_a_client_may_set_at_that_time() -> None:
    new = DOCUMENT["components"]["schemas"]["BroadcastInput"]["properties"]
    changed = DOCUMENT["components"]["schemas"]["BroadcastUpdate"]["properties"]

    assert "streamId" in new
    assert "streamId" not in changed
    assert "hlsViewerCount" not in new
    check({"name": "a", "endPointList": [{"rtmpUrl": "rtmp://a/b"}]}, "BroadcastInput")
    with pytest.raises(jsonschema.ValidationError, match="dditional"):
        check({"nmae": "a"}, "BroadcastInput")


def test_secrets_are_sent_but_not_answered() -> None:
    schemas = DOCUMENT["components"]["schemas"]

    assert "b32Secret" in schemas["SubscriberInput"]["properties"]
    assert "b32Secret" not in schemas["Subscriber"]["properties"]


def test_a_summary_is_the_first_line_of_the_handlers_docstring() -> None:
    (route,) = [one for one in ENDPOINTS if one.handler is create]

    assert operation_of(route)["summary"] == "Make a broadcast of the JSON body, or of nothing"
