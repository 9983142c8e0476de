"""Say why an application lets a token through or refuses it, check by check."""

from __future__ import annotations

import argparse
import asyncio

from antmediad.applications.home import Home
from antmediad.cli.applications import find_application, read_home
from antmediad.cli.input import read_input
from antmediad.cli.main import add_home, add_json, home_of
from antmediad.cli.output import coloured, counted, plain, print_json
from antmediad.errors import UsageError
from antmediad.guard.explanation import Explanation
from antmediad.guard.fetch import fetch
from antmediad.guard.key_set import KeySet, KeySets, without_secrets
from antmediad.guard.verdict import Guard
from antmediad.settings.schema import Settings
from antmediad.store.key_sets import KeySetFiles

EXAMPLES = """examples:
  antmediad explain --app LiveApp TOKEN
  antmediad explain --app LiveApp --ip 203.0.113.9 - < token.txt

'-' as TOKEN reads it from standard input, where other users of the machine cannot see it.
exit status: 0 let through, 1 refused, 2 cannot be said."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("token", metavar="TOKEN", help="as in the Authorization header, or -")
    parser.add_argument("--app", required=True, metavar="APP", help="the application")
    parser.add_argument(
        "--ip", default="127.0.0.1", help="the client's address (default: 127.0.0.1)"
    )
    add_home(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print the verdict."""
    home = home_of(options)
    application = find_application(read_home(home), options.app)
    if application.snapshot is None:
        raise UsageError(
            f"{options.app} has no usable settings, every request is answered 503:"
            " see 'antmediad check'"
        )
    text = token_text(options.token)
    settings = application.snapshot.settings
    key_sets, explained = asyncio.run(_explain(home, settings, options.ip, text))
    passed = explained.is_allowed
    if options.json:
        print_json(
            {
                "application": options.app,
                "state": application.state,
                "passed": passed,
                "reason": explained.reason or None,
                "steps": [
                    {
                        "name": step.name,
                        "passed": not step.reason,
                        "reason": step.reason or None,
                        "remark": step.remark,
                    }
                    for step in explained.steps
                ],
                "keySets": [
                    {
                        "url": without_secrets(one.url),
                        "location": without_secrets(one.location),
                        "keys": len(one.keys),
                    }
                    for one in key_sets
                ],
            }
        )
        return 0 if passed else 1
    if application.state != "active":
        print(f"{options.app} is {application.state}: by its last good settings,")
    for one in key_sets:
        found = f"{counted(len(one.keys), 'key')} at {without_secrets(one.location)}"
        print(plain(f"key set {without_secrets(one.url)}: {found if one.location else one.error}"))
    for step in explained.steps:
        mark = coloured("refused", "red") if step.reason else coloured("passed ", "green")
        remark = f" ({step.remark})" if step.remark else ""
        print(f"  {mark}  {plain(step.name + remark)}")
    if passed:
        print(coloured("let through", "green"))
        return 0
    print(f"{coloured('refused', 'red')}: {explained.reason}: {explained.meaning}")
    return 1


def token_text(argument: str) -> str:
    """Return the token that an argument gives or, as ``-``, standard input."""
    text = read_input() if argument == "-" else argument
    return text.strip()


async def _explain(
    home: Home, settings: Settings, ip: str, text: str
) -> tuple[tuple[KeySet, ...], Explanation]:
    # As the daemon would: with the key set kept on disk, when its source is down.
    sets = KeySets(fetch, KeySetFiles(home.data / "key-sets", writable=False))
    key_sets = sets.of(settings.jwks_url) if settings.jwt_control_enabled else ()
    await asyncio.gather(*(one.refresh() for one in key_sets))
    steps = Guard(settings, key_sets).explain(ip, (text,) if text else ())
    await sets.retain(())
    return key_sets, Explanation(steps)
