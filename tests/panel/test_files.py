"""Rules about the panel's files: what can be served, and what the policy lets a browser run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from antmediad import panel

DIRECTORY = Path(panel.__file__).parent
FILES = sorted(path for path in DIRECTORY.iterdir() if path.suffix not in (".py", ".pyc"))
MODULES = [path for path in FILES if path.suffix == ".js"]
MAX_LINES = 350

# Text from elsewhere would be read as markup or as code; style attributes are against the policy.
FORBIDDEN = re.compile(
    r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|srcdoc|eval|DOMParser)\b"
    r"|document\.write|new Function|\bstyle\s*:|[\"']style[\"']"
)
IMPORT = re.compile(r"^import .* from \"(.*)\";$", re.MULTILINE)
HERE = re.compile(r"\./[a-z0-9_-]+\.js")
ELSEWHERE = re.compile(r"(?:https?:)?//[a-z]")


def name_of(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("path", [path for path in FILES if path.is_file()], ids=name_of)
def test_a_file_has_a_name_that_is_served(path: Path) -> None:
    assert re.fullmatch(r"[a-z0-9_-]+\.(?:js|css|svg|html)", path.name)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_parses_no_markup_and_no_code(path: Path) -> None:
    assert FORBIDDEN.search(path.read_text()) is None


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_files_that_are_there(path: Path) -> None:
    imported = IMPORT.findall(path.read_text())

    for name in imported:
        assert HERE.fullmatch(name)
        assert (DIRECTORY / name).is_file()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_stays_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_LINES


def test_the_page_has_no_script_and_no_style_of_its_own() -> None:
    page = (DIRECTORY / "index.html").read_text()

    assert re.findall(r"<script\b[^>]*>(.*?)</script>", page, re.DOTALL) == [""]
    assert "<style" not in page
    assert re.search(r"\s(?:style|on[a-z]+)=", page) is None


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.suffix in (".css", ".html")], ids=name_of
)
def test_nothing_is_fetched_from_elsewhere(path: Path) -> None:
    assert ELSEWHERE.search(path.read_text()) is None
    assert "@import" not in path.read_text()


def test_the_page_names_only_files_that_are_there() -> None:
    page = (DIRECTORY / "index.html").read_text()

    for name in re.findall(r"(?:href|src)=\"/panel/([^\"]+)\"", page):
        assert (DIRECTORY / name).is_file()
