"""Create, verify and inspect tokens, without a running daemon."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from antmediad.cli import explain
from antmediad.cli.applications import find_application, read_home
from antmediad.cli.main import add_action, add_home, add_json, home_of
from antmediad.cli.output import plain, print_json
from antmediad.errors import TokenError, UsageError
from antmediad.guard.issue import issue_with_key, issue_with_secret
from antmediad.guard.reasons import REASONS
from antmediad.guard.token import claims_of, parse_token
from antmediad.settings.schema import Settings

EXAMPLES = """examples:
  antmediad token create --app LiveApp --exp 1h
  curl -H "Authorization: $(antmediad token create --app LiveApp --exp 1h)" URL
  antmediad token create --app LiveApp --key private.pem --kid key-1 --claim sub=backup
  antmediad token verify --app LiveApp TOKEN
  antmediad token inspect - < token.txt

'-' as TOKEN reads it from standard input, where other users of the machine cannot see it.
A token without --exp is permanent.
exit status: 0 done or valid, 1 not valid, 2 cannot be done."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_TIMES = ("exp", "nbf", "iat")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    create = add_action(actions, "create", "print a token that the application accepts")
    create.add_argument("--app", metavar="APP", help="the application whose secret signs it")
    create.add_argument(
        "--exp", type=_moment, metavar="WHEN", help="its end: 30m, 1h, 7d, or seconds since 1970"
    )
    create.add_argument("--nbf", type=_moment, metavar="WHEN", help="its beginning, likewise")
    create.add_argument("--sub", help="the claim 'sub'")
    create.add_argument(
        "--claim", action="append", default=[], metavar="NAME=VALUE", help="any claim; JSON or text"
    )
    create.add_argument("--secret-file", type=Path, metavar="FILE", help="sign with its content")
    create.add_argument("--key", type=Path, metavar="FILE", help="sign with this private key (PEM)")
    create.add_argument("--kid", help="name of the key in its key set")
    create.add_argument("--alg", help="algorithm (default: that of the key's type)")
    add_home(create)
    create.set_defaults(action=_create)

    verify = add_action(actions, "verify", "say whether the application lets a token through")
    explain.add_arguments(verify)
    verify.set_defaults(action=explain.run)

    inspect = add_action(actions, "inspect", "print what a token says, verifying nothing")
    inspect.add_argument("token", metavar="TOKEN", help="as in the Authorization header, or -")
    add_json(inspect)
    inspect.set_defaults(action=_inspect)


def run(options: argparse.Namespace) -> int:
    """Do what the action says."""
    return int(options.action(options))


def _create(options: argparse.Namespace) -> int:
    claims = _claims(options)
    if options.key is not None:
        pem = _read(options.key)
        print(issue_with_key(claims, pem, options.kid, options.alg))
        return 0
    if options.alg not in (None, "HS256"):
        raise UsageError(f"{options.alg} needs a private key: name it with --key")
    if options.secret_file is not None:
        secret = _secret_in(options.secret_file)
    elif options.app is not None:
        application = find_application(read_home(home_of(options)), options.app)
        if application.snapshot is None:
            raise UsageError(f"{options.app} has no usable settings: see 'antmediad check'")
        secret = _secret_of(options.app, application.snapshot.settings)
    else:
        raise UsageError("what signs the token? name it with --app, --secret-file or --key")
    print(issue_with_secret(claims, secret))
    return 0


def _secret_in(path: Path) -> str:
    try:
        secret = _read(path).decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise UsageError(f"{path}: expected a secret in UTF-8") from None
    if not secret:
        raise UsageError(f"{path}: is empty; expected a secret")
    return secret


def _secret_of(name: str, settings: Settings) -> str:
    if settings.jwks_url:
        raise UsageError(
            f"{name} takes tokens of a key set only (jwksURL): sign with its private key, --key"
        )
    if not settings.jwt_secret_key:
        raise UsageError(f"{name} has no jwtSecretKey: set one in its properties file")
    if not settings.jwt_control_enabled:
        print(
            f"antmediad: note: the JWT filter of {name} is off (jwtControlEnabled)",
            file=sys.stderr,
        )
    return settings.jwt_secret_key


def _claims(options: argparse.Namespace) -> dict[str, Any]:
    claims: dict[str, Any] = {}
    if options.sub is not None:
        claims["sub"] = options.sub
    for text in options.claim:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--claim {text}: expected NAME=VALUE")
        try:
            claims[name] = json.loads(value)
        except ValueError:
            claims[name] = value
    claims["iat"] = int(time.time())
    for name in ("exp", "nbf"):
        if getattr(options, name) is not None:
            claims[name] = getattr(options, name)
    return claims


def _inspect(options: argparse.Namespace) -> int:
    try:
        token = parse_token(explain.token_text(options.token).removeprefix("Bearer "))
        claims = claims_of(token)
    except TokenError as error:
        raise UsageError(REASONS[error.reason]) from None
    if options.json:
        print_json({"header": token.header, "claims": claims})
        return 0
    for title, part in (("header", token.header), ("claims", claims)):
        print(f"{title}:")
        for name, value in part.items():
            print(plain(f"  {name}: {json.dumps(value, ensure_ascii=False)}{_when(name, value)}"))
    print("the signature was not looked at; 'antmediad token verify' does")
    return 0


def _when(name: str, value: object) -> str:
    if name not in _TIMES or not isinstance(value, int | float):
        return ""
    try:
        return f"  ({datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC)"
    except (ValueError, OverflowError, OSError):
        return ""


def _moment(text: str) -> int:
    """Return seconds since 1970: *text* is that already, or a time from now."""
    found = re.fullmatch(r"(\d{1,12})([smhdw]?)", text, re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError("expected a time such as 90s, 30m, 1h, 7d, or seconds")
    number = int(found[1])
    if found[2]:
        return int(time.time()) + number * _UNITS[found[2]]
    return number


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error
