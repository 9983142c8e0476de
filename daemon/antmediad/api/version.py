"""The version, as both REST APIs tell it."""

from __future__ import annotations

from typing import Final

from antmediad import __build__, __version__
from antmediad.api.answer import Answer, answer

VERSION: Final = {
    "versionName": __version__,
    "versionType": "Community Edition",
    "buildNumber": __build__,
}
_ANSWER = answer(VERSION)


def version(_: object) -> Answer:
    """Return the version, in the shape of Ant Media Server's."""
    return _ANSWER
