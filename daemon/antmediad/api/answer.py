"""What goes back to a client, in the shapes of Ant Media Server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson


# Not frozen: freezing would cost each request more than its routing does.
@dataclass(slots=True)
class Answer:
    """What goes back: a status and, unless it is empty, a JSON body.  Never changed once made."""

    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"


def answer(value: Any, status: int = 200) -> Answer:
    """Return an answer with *value* as JSON."""
    return Answer(orjson.dumps(value), status)


def answer_list(records: Iterable[bytes]) -> Answer:
    """Return an answer with a list of values that are JSON text already."""
    return Answer(b"[" + b",".join(records) + b"]")


def result(
    success: bool,
    message: str | None = "",
    data_id: str | None = "",
    error_id: int = 0,
    status: int = 200,
) -> Answer:
    """Return Ant Media Server's ``Result`` object."""
    value = {"success": success, "message": message, "dataId": data_id, "errorId": error_id}
    return answer(value, status)


OK = result(True)
FAIL = result(False)


def refusal(status: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Return the answer to a call that is not carried out."""
    return Answer(result(False, message).body, status, headers)
