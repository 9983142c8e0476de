"""Pieces of JSON Schema (draft 2020-12), for bodies and answers that no `Model` reads or writes."""

from __future__ import annotations

from typing import Any, Final

from antmediad.api.fields import Record

OBJECT: Final[Record] = {"type": "object"}
TEXT: Final[Record] = {"type": "string"}
NUMBER: Final[Record] = {"type": "number"}
INTEGER: Final[Record] = {"type": "integer"}
BOOLEAN: Final[Record] = {"type": "boolean"}
TEXT_OR_NULL: Final[Record] = {"type": ["string", "null"]}
NUMBER_OR_NULL: Final[Record] = {"type": ["number", "null"]}
BOOLEAN_OR_NULL: Final[Record] = {"type": ["boolean", "null"]}


def object_of(properties: Record, **more: Any) -> Record:
    """Return the schema of an object; *more* are other keywords, such as ``required``."""
    return {**OBJECT, "properties": properties, **more}


def list_of(items: Record) -> Record:
    """Return the schema of an array."""
    return {"type": "array", "items": items}
