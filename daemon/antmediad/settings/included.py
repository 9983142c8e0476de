"""Secrets that placeholders have brought into values that are not masked themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from antmediad.errors import Problem
from antmediad.settings.references import INCLUDES_SECRET
from antmediad.settings.schema import ServerSettings, Settings
from antmediad.settings.setting import MASK, Setting, text_of


def included_secrets(
    settings: Settings | ServerSettings,
    declared: Mapping[str, Setting],
    warnings: Iterable[Problem],
) -> tuple[str, ...]:
    """Return the secrets that may stand in other values, the longest first.

    Args:
        declared: the settings of the class of *settings*, by key.
        warnings: those of the file, which tell of such placeholders; without one there are none.
    """
    if not any(INCLUDES_SECRET in problem.message for problem in warnings):
        return ()
    secrets = {text_of(getattr(settings, one.name)) for one in declared.values() if one.secret}
    return tuple(sorted(secrets - {""}, key=len, reverse=True))


def without(secrets: Iterable[str], text: str) -> str:
    """Return a text with *secrets* masked in it."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text
