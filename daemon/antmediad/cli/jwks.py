"""Make a key pair and its key set, to try JWKS out."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import orjson

from antmediad.cli.main import add_action, add_json
from antmediad.cli.output import counted, print_json
from antmediad.errors import UsageError
from antmediad.guard.issue import generate_key
from antmediad.guard.token import ASYMMETRIC_ALGORITHMS

EXAMPLES = """examples:
  antmediad jwks generate --out ./keys
  python3 -m http.server 9000 --bind 127.0.0.1 --directory ./keys/public
  # in the application's red5-web.properties: settings.jwksURL=http://127.0.0.1:9000/
  antmediad token create --app LiveApp --key ./keys/private/KID.pem --kid KID

A key set that is there already gets the new key beside its old ones: that is a rotation.
exit status: 0 done, 2 cannot be done."""

WELL_KNOWN = Path("public", ".well-known", "jwks.json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    generate = add_action(actions, "generate", "write a new private key and its key set")
    generate.add_argument(
        "--alg",
        default="RS256",
        choices=sorted(ASYMMETRIC_ALGORITHMS),
        metavar="ALG",
        help=f"{', '.join(sorted(ASYMMETRIC_ALGORITHMS))} (default: RS256)",
    )
    generate.add_argument("--kid", help="name of the key (default: a random one)")
    generate.add_argument(
        "--out",
        type=Path,
        default=Path("jwks"),
        metavar="DIR",
        help="where both are put (default: ./jwks)",
    )
    add_json(generate)


def run(options: argparse.Namespace) -> int:
    """Write the key and the key set."""
    if options.kid is not None and (not options.kid.isprintable() or "/" in options.kid):
        raise UsageError("--kid: expected printable text without a slash, it names a file")
    pem, key_set = generate_key(options.alg, options.kid)
    kid = key_set["keys"][0]["kid"]
    private, public = options.out / "private" / f"{kid}.pem", options.out / WELL_KNOWN
    try:
        if public.exists():
            key_set["keys"] += orjson.loads(public.read_bytes())["keys"]
        private.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        public.parent.mkdir(parents=True, exist_ok=True)
        # Never over another key, and never readable by others, not even for a moment.
        descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        temporary = public.with_suffix(".tmp")
        temporary.write_bytes(orjson.dumps(key_set, option=orjson.OPT_INDENT_2))
        temporary.replace(public)
    except FileExistsError:
        raise UsageError(f"{private}: there is a key of this name; choose another --kid") from None
    except OSError as error:
        raise UsageError(f"{options.out}: cannot be written ({error.strerror})") from error
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise UsageError(f"{public}: is there, and is no key set; expected a list 'keys'") from None
    if options.json:
        print_json({"kid": kid, "privateKey": str(private), "keySet": str(public)})
        return 0
    print(f"private key  {private}")
    print(f"key set      {public}  ({counted(len(key_set['keys']), 'key')})")
    served = options.out / "public"
    print(f"serve it     python3 -m http.server 9000 --bind 127.0.0.1 --directory {served}")
    print("use it       settings.jwksURL=http://127.0.0.1:9000/")
    print(f"a token      antmediad token create --key {private} --kid {kid} --exp 1h")
    return 0
