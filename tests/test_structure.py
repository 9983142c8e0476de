"""Rules about the code as a whole."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "daemon" / "antmediad"
SOURCES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))

# A part imports itself, and parts of smaller numbers.
LEVEL = {
    "errors": 0,
    "observe": 1,
    "properties": 1,
    "settings": 1,
    "store": 1,
    "api": 2,
    "applications": 2,
    "guard": 2,
    "management": 3,
    "panel": 3,
    "rest": 3,
    "server": 4,
    "cli": 5,
    "__main__": 6,
    "__init__": 0,
}
# Each of these is behind one part, so that there is one place that knows its quirks.
ONLY_IN = {
    "argon2": "management",
    "jproperties": "properties",
    "jwt": "guard",
    "prometheus_client": "observe",
    "psutil": "management",
    "sqlite3": "store",
    "watchdog": "applications",
}


def modules_imported(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((PACKAGE / source).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_imports_point_down(source: Path) -> None:
    part = source.parts[0].removesuffix(".py")

    for module in modules_imported(source):
        if module.startswith("antmediad."):
            imported = module.split(".")[1]
            assert imported == part or LEVEL[imported] < LEVEL[part], f"{part} imports {imported}"


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_a_library_is_known_to_one_part_only(source: Path) -> None:
    part = source.parts[0]

    for module in modules_imported(source):
        assert ONLY_IN.get(module.split(".")[0], part) == part, f"{part} imports {module}"


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_every_module_says_what_it_is_for(source: Path) -> None:
    assert ast.get_docstring(ast.parse((PACKAGE / source).read_text()))


def test_every_reason_of_a_refusal_is_explained() -> None:
    from antmediad.guard.reasons import REASONS

    raised = {
        reason
        for path in (PACKAGE / "guard").glob("*.py")
        for reason in re.findall(r'(?:Token|Address)Error\("(\w+)"\)', path.read_text())
    }
    guide = (PACKAGE.parent.parent / "docs" / "guide.md").read_text()

    assert raised <= REASONS.keys()
    assert all(f"`{reason}`" in guide for reason in REASONS)
