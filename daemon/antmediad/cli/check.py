"""Check properties files: of all applications, of some, or files anywhere.

Each problem is printed with its file, line, key and what was expected; values are not."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from antmediad.applications.home import Home, find_applications, is_application_name
from antmediad.applications.read import References, read_file
from antmediad.cli.main import add_home, add_json, home_of
from antmediad.cli.output import coloured, plain, print_json
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
    parser.add_argument("what", nargs="*", metavar="APP|FILE", help="default: everything")
    parser.add_argument("--strict", action="store_true", help="warnings count: exit status 1")
    add_home(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print the problems."""
    found = [
        (path, problem)
        for path, name in _files(options)
        for problem in check_file(path, name, os.environ)
    ]
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
            line = f":{problem.line}" if problem.line else ""
            key = f"{problem.key}: " if problem.key else ""
            colour = "red" if problem.severity == "error" else "yellow"
            severity = coloured(problem.severity, colour)
            print(f"{path}{line}: {severity}: {plain(key + problem.message)}")
        if not found:
            print("no problems")
    if "error" in severities:
        return 2
    return 1 if options.strict and "warning" in severities else 0


def check_file(path: Path, name: str, environment: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return what is wrong with one file; *name* is its application's, empty for the server's."""
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
        if name or path.name != "red5.properties":
            problems = parse_settings(
                document.properties,
                application=name,
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


def _files(options: argparse.Namespace) -> Iterator[tuple[Path, str]]:
    if not options.what:
        home = Home(home_of(options))
        if home.server_properties.exists():
            yield home.server_properties, ""
        for name in sorted(find_applications(home)):
            yield home.properties_of(name), name
        return
    for what in options.what:
        if os.sep not in what and not os.path.isfile(what) and is_application_name(what):
            path = Home(home_of(options)).properties_of(what)
            if not os.path.lexists(path):
                raise UsageError(f"no application {what!r}: expected {path}")
            yield path, what
        elif os.path.lexists(what):
            yield Path(what), ""
        else:
            raise UsageError(f"{what}: no such application, and no such file")
