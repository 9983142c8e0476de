"""The steps that lead from a path to a file: each may be a link, and each may change."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

MAX_LINKS = 40
"""After so many the kernel gives up, too."""

LAST = 3
"""How many steps count as the last, as many as from ``webapps`` to the file of an application."""

Step = tuple[str, str, bool]
"""A directory, the name of the entry in it that matters, and whether it is the last step."""


def steps(path: str, base: str = "") -> Iterator[Step]:
    """Yield the steps to the absolute *path* that are worth watching, before looking at each.

    Whoever watches each step as it comes misses no change: where a step leads is found out
    afterwards.  The steps below the directory *base* are all worth it.  Elsewhere, which is also
    where an absolute link leads on, those are that are a link, missing, or one of the last: the
    directories far above hardly ever change, and may be busy, as ``/tmp`` is.
    """
    near = base != ""
    directory, names = base or "/", _reversed(path[len(base) :])
    links = 0
    while names and links <= MAX_LINKS:
        name = names.pop()
        watched = name != ".." and (near or len(names) < LAST)
        if watched:
            yield directory, name, not names
        target = _target(directory, name)
        if target != "" and not watched:
            yield directory, name, False
            target = _target(directory, name)
        if target is None:
            return
        if target == "":
            directory = os.path.join(directory, name)
            continue
        links += 1
        if target.startswith("/"):
            directory, near = "/", False
        names += _reversed(target)


def _reversed(path: str) -> list[str]:
    return [name for name in path.split("/") if name not in ("", ".")][::-1]


def _target(directory: str, name: str) -> str | None:
    """Return where a link leads, "" for what is no link, None for what is not there."""
    try:
        return os.readlink(os.path.join(directory, name))
    except OSError as error:
        return "" if error.errno == errno.EINVAL else None
