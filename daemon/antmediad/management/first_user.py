"""Who may make the first user: the machine itself, or whoever knows the set-up code."""

from __future__ import annotations

import secrets
from hmac import compare_digest

# No letters or digits that are taken for another when they are read from a screen.
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_GROUPS, _GROUP_CHARS = 4, 4


class SetupCode:
    """A code that the daemon's log shows while there is no user; made anew at each start.

    Its 80 bits cannot be guessed, however often somebody tries.
    """

    def __init__(self, code: str = "") -> None:
        """Make a new code, or take one that another process has made."""
        groups = (
            "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_CHARS)) for _ in range(_GROUPS)
        )
        self._code = code or "-".join(groups)

    def show(self) -> str:
        """Return the code, for the administrator who reads the log."""
        return self._code

    def fits(self, code: str) -> bool:
        """Tell whether *code* is the one; case, blanks and hyphens make no difference."""
        given = "".join(code.split()).replace("-", "").upper()
        expected = self._code.replace("-", "")
        return compare_digest(given.encode(), expected.encode())
