"""Check properties files: of all applications, of some, or files anywhere.

Each problem is printed with its file, line, key and what was expected; values are not."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from antmediad.applications.home import is_application_name
from antmediad.applications.read import References, read_file
from antmediad.applications.registry import Registry
from antmediad.cli.applications import find_application, read_home
from antmediad.cli.main import add_home, add_json, home_of
from antmediad.cli.output import print_json, print_problem
from antmediad.errors import Problem, SettingsError, UsageError
from antmediad.properties.reader import parse_properties
from antmediad.settings.parse import parse_server_settings, parse_settings

EXAMPLES = """examples:
  antmediad check                          every file of the home
  antmediad check LiveApp                  one application
  antmediad check ./red5-web.properties    a file, before it is put in place
  antmediad check --strict --json

exit status: 0 no errors, 1 warnings with --strict, 2 errors."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument(
        "what", nargs="*", metavar="APP|FILE", help="of what (default: of everything)"
    )
    parser.add_argument("--strict", action="store_true", help="warnings count: exit status 1")
    add_home(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print the problems."""
    found = list(_found(options))
    severities = {problem.severity for _, problem in found}
    if options.json:
        print_json(
            [
                {
                    "file": str(path),
                    "line": problem.line,
                    "key": problem.key,
                    "severity": problem.severity,
                    "message": problem.message,
                }
                for path, problem in found
            ]
        )
    else:
        for path, problem in found:
            print_problem(path, problem.line, problem.severity, problem.key, problem.message)
        if not found:
            print("no problems")
    if "error" in severities:
        return 2
    return 1 if options.strict and "warning" in severities else 0


def check_file(path: Path, environment: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return what is wrong with a file on its own; its name tells whether it is a server's."""
    try:
        content, _ = read_file(path)
    except OSError as error:
        return (Problem("error", f"cannot be read: {error.strerror or error}"),)
    document = parse_properties(content)
    if not document.properties and not any(p.severity == "error" for p in document.problems):
        empty = Problem("error", "no settings in it; expected key=value lines")
        return (*document.problems, empty)
    references = References(path.parent, environment)
    try:
        if path.name != "red5.properties":
            problems = parse_settings(
                document.properties,
                environment=environment,
                resolve=references.resolve,
                problems=document.problems,
            ).problems
        else:
            problems = parse_server_settings(
                document.properties,
                environment=environment,
                resolve=references.resolve,
                problems=document.problems,
            ).problems
    except SettingsError as error:
        problems = error.problems
    return problems


def _found(options: argparse.Namespace) -> Iterator[tuple[Path, Problem]]:
    """Yield problems: of the home as its daemon finds them, of other files on their own."""
    registry: Registry | None = None
    if not options.what:
        registry = read_home(home_of(options))
        for file in sorted(registry.files(), key=lambda one: one.name):
            yield from ((file.path, problem) for problem in file.problems)
    for what in options.what:
        if os.sep not in what and not os.path.isfile(what) and is_application_name(what):
            registry = registry or read_home(home_of(options))
            application = find_application(registry, what)
            yield from ((application.path, problem) for problem in application.problems)
        elif os.path.lexists(what):
            for problem in check_file(Path(what), os.environ):
                yield Path(what), problem
        else:
            raise UsageError(f"{what}: no such application, and no such file")
