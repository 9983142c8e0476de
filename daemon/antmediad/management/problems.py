"""Problems of properties files, as answers tell them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from antmediad.api.answer import Answer, answer
from antmediad.api.json_schema import TEXT, list_of, object_of
from antmediad.api.routes import Schema
from antmediad.errors import Problem, SettingsConflictError, SettingsError, SettingsWriteError

PROBLEMS: dict[str, Any] = list_of(
    object_of(
        {
            "severity": {"enum": ["error", "warning"]},
            "message": TEXT,
            "line": {"type": "integer", "description": "from 1; 0 for the file as a whole"},
            "key": {"type": "string", "description": "as spelled in the file"},
        }
    )
)
REJECTION = Schema(
    object_of(
        {
            "success": {"const": False},
            "message": TEXT,
            "problems": PROBLEMS,
        }
    )
)


def shown_problems(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Return *problems* JSON-ready; they hold no values."""
    return [
        {
            "severity": problem.severity,
            "message": problem.message,
            "line": problem.line,
            "key": problem.key,
        }
        for problem in problems
    ]


def rejection(error: SettingsError) -> Answer:
    """Return the answer to a change that was not made because of *error*."""
    value = {"success": False, "message": str(error), "problems": shown_problems(error.problems)}
    return answer(value, status_of(error))


def status_of(error: SettingsError) -> int:
    """Return the HTTP status that stands for *error*."""
    if isinstance(error, SettingsConflictError):
        return 412
    return 503 if isinstance(error, SettingsWriteError) else 400
