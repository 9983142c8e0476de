"""List the applications of a home, as a daemon that serves it sees them."""

from __future__ import annotations

import argparse
from typing import Any

from antmediad.applications.settings_file import Application, jwt_filter
from antmediad.cli.applications import read_home
from antmediad.cli.main import add_home, add_json, home_of
from antmediad.cli.output import coloured, counted, print_json, print_problem, print_table

EXAMPLES = """examples:
  antmediad apps
  antmediad apps --home ./home --json

states: active (the file on disk is in force), stale (it is wrong, the last good settings are in
force), failed (there never were good settings: every request is refused).
exit status: 0 all active, 1 some are not, 2 the home cannot be read."""

_COLOURS = {"active": "green", "stale": "yellow", "failed": "red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_home(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print the list."""
    registry = read_home(home_of(options))
    described = [_describe(one) for _, one in sorted(registry.applications.items())]
    if options.json:
        print_json(described)
    else:
        _print(described)
    return 0 if all(one["state"] == "active" for one in described) else 1


def _describe(application: Application) -> dict[str, Any]:
    settings = application.snapshot.settings if application.snapshot is not None else None
    return {
        "name": application.name,
        "state": application.state,
        "generation": application.generation,
        "ipFilter": None if settings is None else settings.ip_filter_enabled,
        "jwtFilter": None if settings is None else jwt_filter(settings),
        "file": str(application.path),
        "problems": [
            {
                "severity": problem.severity,
                "line": problem.line,
                "key": problem.key,
                "message": problem.message,
            }
            for problem in application.problems
        ],
    }


def _print(described: list[dict[str, Any]]) -> None:
    if not described:
        print("no applications")
        return
    rows = []
    for one in described:
        ip = "-" if one["ipFilter"] is None else "on" if one["ipFilter"] else "off"
        severities = [problem["severity"] for problem in one["problems"]]
        errors, warnings = severities.count("error"), severities.count("warning")
        counts = [counted(n, word) for n, word in ((errors, "error"), (warnings, "warning")) if n]
        rows.append(
            (
                one["name"],
                coloured(one["state"], _COLOURS[one["state"]]),
                str(one["generation"] or "-"),
                ip,
                one["jwtFilter"] or "-",
                ", ".join(counts) or "none",
            )
        )
    print_table(("NAME", "STATE", "GENERATION", "IP FILTER", "JWT FILTER", "PROBLEMS"), rows)
    for one in described:
        for problem in one["problems"]:
            if problem["severity"] == "error":
                print_problem(one["file"], **problem)
