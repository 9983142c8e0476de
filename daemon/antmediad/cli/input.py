"""What commands read from standard input."""

from __future__ import annotations

import getpass
import sys

from antmediad.errors import UsageError


def read_input() -> str:
    """Return all of standard input.

    Raises:
        UsageError: it is closed, or not UTF-8.
    """
    if sys.stdin is None:
        raise UsageError("standard input is closed; expected something to read there")
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise UsageError("standard input: expected text in UTF-8") from None


def is_at_terminal() -> bool:
    """Tell whether somebody can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


def read_secret(name: str) -> str:
    """Return what is typed at a terminal, where it is not shown, or is in standard input.

    Args:
        name: what is asked for.

    Raises:
        UsageError: nothing is typed; or as `read_input`.
    """
    if is_at_terminal():
        try:
            return getpass.getpass(f"{name}: ")
        except EOFError:
            raise UsageError(f"{name}: expected a value") from None
    return read_input().removesuffix("\n").removesuffix("\r")
