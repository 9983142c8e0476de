"""The command ``antmediad``: reads the arguments, and calls the module of the command."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from antmediad import __version__
from antmediad.applications.home import Home
from antmediad.errors import AntmediadError, TokenError, UsageError
from antmediad.guard.reasons import REASONS

DEFAULT_HOME = "/usr/local/antmedia"
HOME_FILE = "antmediad.home"
"""In the directory of the virtual environment: the home that this installation serves.

A second line, if there is one, says below which directory antmediad writes, instead of the home.
"""

# Each has a module of its name, with `add_arguments` and `run`.
COMMANDS = {
    "serve": "serve a home directory until told to stop",
    "check": "check the properties files, and say what is wrong with them",
    "apps": "list the applications: state, generation, filters, problems",
    "top": "show what a running daemon does, application by application",
    "token": "create, verify or inspect a token",
    "explain": "say why a token is let through or refused, check by check",
    "jwks": "make a key pair and its key set, to try JWKS out",
    "settings": "show, change and restore the settings of an application",
    "backup": "put settings, users and data into one archive, while the daemon runs",
    "restore": "put a backup in the place of what a home holds, or check one",
    "user": "add, list and remove users of the panel and the management API",
}


class Parser(argparse.ArgumentParser):
    """Prints examples as they are, and errors in the form of all other errors."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        # An option that comes later must not change what a script's abbreviation means.
        options.setdefault("allow_abbrev", False)
        super().__init__(**options)

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        self.exit(2, f"antmediad: {message}\nTry '{self.prog} --help'.\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        # argparse's own keeps silent when the help cannot be written.
        if message:
            (file or sys.stderr).write(message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0, 1 for a negative answer, 2 for an error."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    _prepare_streams()
    try:
        try:
            options = _parser(arguments).parse_args(arguments)
            return int(options.run(options))
        finally:
            # Here, where it can be told that there is no room for the output.
            sys.stdout.flush()
    except TokenError as error:
        _tell(REASONS.get(error.reason, error.reason))
    except AntmediadError as error:
        _tell(str(error))
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing more can be said to them.
        _discard_output()
        return 141
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        try:
            sys.stdout.flush()
        except OSError:
            place = "standard output: "
            _discard_output()
        _tell(f"{place}{error.strerror or error}")
    except KeyboardInterrupt:
        return 130
    return 2


def _prepare_streams() -> None:
    """Make printing possible whatever the standard streams are."""
    # In the order of their descriptors: a file opened later must not become one of them.
    if sys.stdin is None:
        os.open(os.devnull, os.O_RDONLY)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell(message: str) -> None:
    with suppress(OSError):
        print(f"antmediad: {message}", file=sys.stderr, flush=True)


def home_of(options: argparse.Namespace, *, may_be_new: bool = False) -> Home:
    """Return the home directory that a command is about.

    The first of: ``--home``, the variable ``ANTMEDIA_HOME``, the home that this installation
    was made for, `DEFAULT_HOME`.  What antmediad writes is below ``--data``; or, as long as
    ``--home`` is not given, below what the variable ``ANTMEDIA_DATA`` names, or what goes with
    the home that this installation was made for; or else in the home.

    Args:
        may_be_new: whether it need not be there.

    Raises:
        UsageError: it is no directory with applications, or out of reach.
    """
    try:
        return _find_home(options, may_be_new)
    except OSError as error:
        place = error.filename or "the working directory"
        raise UsageError(f"{place}: cannot be looked at ({error.strerror or error})") from error


def _find_home(options: argparse.Namespace, may_be_new: bool) -> Home:
    own = options.data or ("" if options.home else os.environ.get("ANTMEDIA_DATA", ""))
    if options.home:
        home, source = options.home, "--home"
    elif os.environ.get("ANTMEDIA_HOME"):
        home, source = os.environ["ANTMEDIA_HOME"], "ANTMEDIA_HOME"
    else:
        home, noted_own, source = _noted_home()
        own = own or noted_own
    path = Path(home).absolute()
    if not may_be_new and not (path / "webapps").is_dir():
        raise UsageError(
            f"{path}: no such home (from {source}); expected a directory with 'webapps' in it,"
            " name one with --home"
        )
    return Home(path, Path(own).absolute() if own else None)


def _noted_home() -> tuple[str, str, str]:
    """Return the home that this installation is made for, what goes with it, and who says so."""
    noted = Path(sys.prefix, HOME_FILE)
    if not noted.is_file():
        return DEFAULT_HOME, "", "the default"
    home, _, own = os.fsdecode(noted.read_bytes()).strip().partition("\n")
    return home, own, str(noted)


def _parser(arguments: Sequence[str]) -> Parser:
    parser = Parser(
        prog="antmediad",
        description="Watches Ant Media Server's properties files and serves each application's"
        " REST API behind its own guard.",
        epilog="'antmediad COMMAND --help' tells more about a command.",
    )
    parser.add_argument("--version", action="version", version=f"antmediad {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    # Only the module of the command at hand is imported: the others' would double its start.
    named = next((one for one in arguments if one in COMMANDS), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        if name == named:
            module = importlib.import_module(f"antmediad.cli.{name}")
            command.description = (module.__doc__ or "").strip()
            command.epilog = module.EXAMPLES
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


def add_action(
    actions: argparse._SubParsersAction[Any], name: str, summary: str
) -> argparse.ArgumentParser:
    """Add an action of a command; its own help begins with *summary*, too."""
    action: argparse.ArgumentParser = actions.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
    )
    return action


def add_home(parser: argparse.ArgumentParser) -> None:
    """Add ``--home`` and ``--data``."""
    home = DEFAULT_HOME
    with suppress(OSError):
        home = _noted_home()[0].replace("%", "%%")
    parser.add_argument(
        "--home", metavar="DIR", help=f"home directory (default: $ANTMEDIA_HOME, else {home})"
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="what antmediad writes is below DIR, in data and log (default: $ANTMEDIA_DATA unless"
        " --home is given, else the home directory)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print JSON, for machines")
