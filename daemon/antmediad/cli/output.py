"""What commands print: tables and JSON on standard output, colour on a terminal only."""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Container, Sequence
from typing import Any

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "bold": "1"}
COLOUR = re.compile(r"\x1b\[\d*m")
"""What `coloured` adds, and takes no room."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def coloured(text: str, colour: str) -> str:
    """Return *text* in a colour, if standard output is a terminal and NO_COLOR is not set."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def plain(text: object) -> str:
    """Return *text* without anything that could steer a terminal; it comes from files."""
    return _CONTROL.sub("?", str(text))


def counted(number: int, thing: str) -> str:
    """Return *number* and the *thing*, in the plural where it is not one."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def print_problem(file: object, line: int, severity: str, key: str, message: str) -> None:
    """Print what is wrong with a file, in the form of compilers, which editors can follow.

    Args:
        line: from 1; 0 for the file as a whole.
        key: the setting, in the file's spelling; empty for none.
    """
    place = f"{file}:{line}" if line else f"{file}"
    shown = coloured(severity, "red" if severity == "error" else "yellow")
    print(f"{plain(place)}: {shown}: {plain(f'{key}: ' if key else '')}{plain(message)}")


def print_json(value: Any) -> None:
    """Print *value* for machines; what no JSON text can hold is replaced."""
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    print(json.dumps(_representable(value), indent=2, ensure_ascii=encoding != "utf8"))


def _representable(value: Any) -> Any:
    if isinstance(value, str):
        # A path that is not UTF-8 has surrogates in it, which other readers of JSON refuse.
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {_representable(name): _representable(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_representable(item) for item in value]
    return value


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns as wide as they need to be."""
    print("\n".join(table(head, rows)))


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Container[int] = ()
) -> list[str]:
    """Return the lines of a table; columns in *numbers*, from 0, stand to the right."""
    widths = [max(len(COLOUR.sub("", row[i])) for row in (head, *rows)) for i in range(len(head))]
    lines = []
    for row in (head, *rows):
        cells = []
        for i, (cell, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - len(COLOUR.sub("", cell)))
            cells.append(space + cell if i in numbers else cell + space)
        lines.append("  ".join(cells).rstrip())
    return lines
