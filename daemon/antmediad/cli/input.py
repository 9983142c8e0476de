"""What commands read from standard input."""

from __future__ import annotations

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
