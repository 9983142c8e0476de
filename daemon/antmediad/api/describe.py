"""An API's description as an OpenAPI 3.1 document, made of its routes.

What a client reads there is what the server does: paths, parameters, bodies and answers are
those that routes and models declare, and nothing is written a second time.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from antmediad import __version__
from antmediad.api.fields import (
    Coerce,
    Field,
    ListOf,
    Model,
    Nested,
    Record,
    Texts,
    boolean,
    double,
    int32,
    int64,
    text,
)
from antmediad.api.models import RESULT
from antmediad.api.routes import JSON, Answered, C, Query, Route, Schema

_INT32 = {"type": "integer", "format": "int32", "minimum": -(1 << 31), "maximum": (1 << 31) - 1}
_INT64 = {"type": "integer", "format": "int64", "minimum": -(1 << 63), "maximum": (1 << 63) - 1}
_TYPES: Mapping[Coerce, Record] = {
    text: {"type": "string"},
    int32: _INT32,
    int64: _INT64,
    double: {"type": "number", "format": "double"},
    boolean: {"type": "boolean"},
}
_PARAMETER_TYPES: Mapping[str, Record] = {
    "": {"type": "string", "minLength": 1},
    "int": _INT32,
    "long": _INT64,
    "string": {"type": "string"},
    "integer": _INT32,
    "number": {"type": "number", "format": "float"},
    "boolean": {"type": "boolean"},
}
_PATH_PARAMETERS = {
    "offset": "how many to skip; less than 0 means 0",
    "size": "how many at most; no page has more than 250",
    "search": "text to look for, in any letter case",
}
# Of any endpoint, with the methods that they may come of; empty for all.
_COMMON = {
    400: ("BadRequest", "The body or the path is not well-formed, or a value is refused"),
    403: ("Forbidden", "Refused: the message says by what"),
    404: ("NotFound", "No such application, path or object; text where a number belongs"),
    405: ("MethodNotAllowed", "The path is there, but not for this method; see Allow"),
    406: ("NotAcceptable", "Accept excludes application/json"),
    408: ("RequestTimeout", "The body did not arrive in time"),
    413: ("ContentTooLarge", "The body is too large"),
    417: ("ExpectationFailed", "Expect asks for something else than 100-continue"),
    415: ("UnsupportedMediaType", "The body is not declared as what this endpoint reads"),
    503: ("Unavailable", "The application's settings or data cannot be used; see Retry-After"),
}


@dataclass(frozen=True, slots=True)
class Description:
    """What is to be said of an API beside its routes.

    Attributes:
        summary: what the API is of.
        tags: what the first segments of its paths stand for.
        security: the ways to be let in, each as OpenAPI's security requirement.
        security_schemes: what these refer to.
    """

    summary: str
    tags: Mapping[str, str]
    security: Sequence[Record]
    security_schemes: Record


def describe(routes: Iterable[Route[C]], description: Description) -> Record:
    """Return the document, but for the server's URL."""
    schemas = _Schemas()
    paths: dict[str, Record] = {}
    tags: list[str] = []
    for route in routes:
        path = re.sub(r":\w+\}", "}", route.path)
        tag = route.path.split("/")[1]
        if tag not in tags:
            tags.append(tag)
        paths.setdefault(path, {})[route.method.lower()] = {
            "tags": [tag],
            "summary": _summary(route.handler),
            "operationId": _operation_id(route.method, path),
            **_parameters(route),
            **_request_body(route, schemas),
            "responses": _responses(route, schemas),
        }
    error = schemas.of_answer(RESULT)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "antmediad",
            "version": __version__,
            "summary": description.summary,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [],
        "security": list(description.security),
        "tags": [{"name": tag, "description": description.tags.get(tag, tag)} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.made.items())),
            "responses": {
                name: {"description": description, "content": {JSON: {"schema": error}}}
                for name, description in _COMMON.values()
            },
            "securitySchemes": description.security_schemes,
        },
    }


class _Schemas:
    """The schemas of models, each made when it is first referred to."""

    def __init__(self) -> None:
        self.made: dict[str, Record] = {}

    def of_answer(self, kind: Answered) -> Record:
        """Return the schema of what an endpoint answers with: exact."""
        if isinstance(kind, Schema):
            return dict(kind.schema)
        if isinstance(kind, Model):
            return self._refer(kind.name, self._answered_object, kind)
        if isinstance(kind, ListOf):
            return {"type": "array", "items": self.of_answer(kind.model)}
        if isinstance(kind, tuple):
            return {"oneOf": [self.of_answer(one) for one in kind]}
        return {"type": "array", "items": {"type": "string"}}

    def of_body(self, kind: Model | ListOf | Schema, method: str) -> Record:
        """Return the schema of what a client may send."""
        if isinstance(kind, Schema):
            return dict(kind.schema)
        if isinstance(kind, ListOf):
            return {"type": ["array", "null"], "items": self.of_body(kind.model, method)}
        sent = self._name_of_sent(kind, method)
        return self._refer(sent, self._sent_object, kind, method)

    def _name_of_sent(self, model: Model, method: str) -> str:
        created = [field.on_create for field in model.fields]
        updated = [field.on_update for field in model.fields]
        if method == "PUT" and created != updated:
            return f"{model.name}Update"
        return f"{model.name}Input"

    def _refer(self, name: str, make: Any, *arguments: Any) -> Record:
        if name not in self.made:
            self.made[name] = {}
            self.made[name] = make(*arguments)
        return {"$ref": f"#/components/schemas/{name}"}

    def _answered_object(self, model: Model) -> Record:
        fields = [field for field in model.fields if not field.write_only]
        return {
            "type": "object",
            "properties": {field.name: self._answered(field) for field in fields},
            "required": [field.name for field in fields],
            "additionalProperties": False,
        }

    def _answered(self, field: Field) -> Record:
        schema = self._of_coercion(field.coerce, "")
        # Primitives of Java are never null, unlike its text and its objects.
        always = field.default is not None and field.coerce is not text
        return schema if always else _or_null(schema)

    def _sent_object(self, model: Model, method: str) -> Record:
        properties = {
            field.name: self._of_sent(field, method)
            for field in model.fields
            if (field.on_update if method == "PUT" else field.on_create)
        }
        for alias, name in model.aliases.items():
            properties[alias] = {**properties[name], "deprecated": True}
        return {"type": "object", "properties": properties, "additionalProperties": False}

    def _of_sent(self, field: Field, method: str) -> Record:
        if method == "PUT":
            return _or_null(self._of_coercion(field.coerce_on_update or field.coerce, method))
        schema = self._of_coercion(field.coerce, method)
        return _or_null(schema) if field.nullable else schema

    def _of_coercion(self, coerce: Coerce, method: str) -> Record:
        if isinstance(coerce, Nested):
            model = coerce.model
            # An object inside another is always made anew.
            return self.of_body(model, "POST") if method else self.of_answer(model)
        if isinstance(coerce, ListOf):
            items = self.of_body(coerce.model, "POST") if method else self.of_answer(coerce.model)
            return {"type": "array", "items": items}
        if isinstance(coerce, Texts):
            return {"type": "array", "items": {"type": "string"}}
        return dict(_TYPES[coerce])


def _or_null(schema: Record) -> Record:
    if "$ref" in schema:
        return {"oneOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def _operation_id(method: str, path: str) -> str:
    """Return a name for clients' code; ``server-settings`` is not ``server/settings``."""
    segments = (_in_one_word(one) for one in re.findall(r"[A-Za-z0-9-]+", path))
    return "_".join([method.lower(), *segments])


def _in_one_word(segment: str) -> str:
    first, *others = segment.split("-")
    return "".join([first, *map(str.capitalize, others)])


def _summary(handler: Callable[..., object]) -> str:
    first, *_ = (inspect.getdoc(handler) or "").splitlines() or [""]
    return first.removesuffix(".").replace("``", "")


def _parameters(route: Route[C]) -> Record:
    parameters = [*_path_parameters(route.path), *map(_query_parameter, route.query)]
    return {"parameters": parameters} if parameters else {}


def _path_parameters(path: str) -> Iterator[Record]:
    for name, kind in re.findall(r"\{([^}:]+):?(\w*)\}", path):
        parameter = {
            "name": name,
            "in": "path",
            "required": True,
            "schema": _PARAMETER_TYPES[kind],
        }
        if name in _PATH_PARAMETERS:
            parameter["description"] = _PATH_PARAMETERS[name]
        yield parameter


def _query_parameter(query: Query) -> Record:
    parameter: Record = {"name": query.name, "in": "query", "schema": _PARAMETER_TYPES[query.type]}
    if query.required:
        parameter["required"] = True
    if query.description:
        parameter["description"] = query.description
    return parameter


def _request_body(route: Route[C], schemas: _Schemas) -> Record:
    if route.form is not None:
        return {
            "requestBody": {
                "required": True,
                "content": {"multipart/form-data": {"schema": route.form}},
            }
        }
    if route.body is None:
        return {}
    schema = {} if route.body == "text" else schemas.of_body(route.body, route.method)
    return {"requestBody": {"content": {JSON: {"schema": schema}}}}


def _responses(route: Route[C], schemas: _Schemas) -> Record:
    responses: dict[str, Record] = {}
    for status, kind in route.answers.items():
        common = _COMMON.get(status)
        if common is not None and kind is RESULT:
            continue
        response: Record = {"description": "Done" if status < 300 else "Refused"}
        if kind is RESULT:
            response["description"] = "Done, or not: see success and message"
        if kind is None:
            response["description"] = "Done; there is nothing to tell"
        else:
            response["content"] = {JSON: {"schema": schemas.of_answer(kind)}}
        responses[str(status)] = response
    for status, (name, _) in _COMMON.items():
        if str(status) not in responses and _may_answer(route, status):
            responses[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return dict(sorted(responses.items()))


def _may_answer(route: Route[C], status: int) -> bool:
    if status in (408, 413, 417):
        return route.method != "GET"
    if status == 415:
        return route.consumes_json or route.form is not None
    return True
