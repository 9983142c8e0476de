"""JSON documents that were shown with secrets masked, and come back with some of them changed."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final

from antmediad.settings.setting import MASK

MAX_DEPTH: Final = 64
"""Levels of nesting that a document may have."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def is_portable(document: object, levels: int = MAX_DEPTH) -> bool:
    """Tell whether every reader of JSON takes a document.

    It is nested at most *levels* deep, its numbers are finite and of 64 bits, and its texts can be
    written as UTF-8.
    """
    if isinstance(document, dict):
        members: Iterable[object] = (*document, *document.values())
    elif isinstance(document, list):
        members = document
    elif isinstance(document, str):
        return not _SURROGATE.search(document)
    elif isinstance(document, float):
        return math.isfinite(document)
    else:
        return not isinstance(document, int) or -(1 << 63) <= document < 1 << 63
    return levels > 0 and all(is_portable(member, levels - 1) for member in members)


def is_same(one: object, other: object) -> bool:
    """Tell whether two documents say the same: order of members aside, and 1 is 1.0, not true."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def unmasked(posted: Any, base: Any, shown: Any) -> Any:
    """Return *posted* with what it leaves as it was shown put back to what it was.

    Args:
        posted: one that `is_portable`.
        base: the document that was shown.
        shown: it with its secrets masked.

    Raises:
        ValueError: a mask stands where nothing was masked, so nobody knows what it stands for.
    """
    if is_same(posted, shown):
        return base
    if isinstance(posted, dict):
        was, was_shown = (base, shown) if isinstance(shown, dict) else ({}, {})
        return {
            name: unmasked(member, was.get(name), was_shown.get(name))
            for name, member in posted.items()
        }
    if isinstance(posted, list):
        return _unmasked_items(posted, *((base, shown) if isinstance(shown, list) else ([], [])))
    if posted == MASK:
        raise ValueError("expected values in place of masks that stand for nothing")
    return posted


def _unmasked_items(posted: Sequence[Any], base: Sequence[Any], shown: Sequence[Any]) -> list[Any]:
    """Put items back: those that came back as they were, and others that stand where they stood.

    A secret must not get to an item that merely took the place of its own.
    """
    # By what they say, not each with each: there may be a hundred thousand.
    contents = [_content(item) for item in shown]
    places: dict[object, deque[int]] = {}
    for was, content in enumerate(contents):
        places.setdefault(content, deque()).append(was)
    taken: set[int] = set()
    found: dict[int, Any] = {}
    for position, item in enumerate(posted):
        content = _content(item)
        waiting = places.get(content, deque())
        while waiting and waiting[0] in taken:
            waiting.popleft()
        if not waiting:
            continue
        is_here = position < len(shown) and position not in taken and contents[position] == content
        was = position if is_here else waiting[0]
        found[position] = base[was]
        taken.add(was)
    stayed = len(posted) == len(shown)
    return [
        found[position]
        if position in found
        else unmasked(item, base[position], shown[position])
        if stayed and position not in taken
        else unmasked(item, None, None)
        for position, item in enumerate(posted)
    ]


def _content(document: Any) -> object:
    """Return what is equal, and has the same hash, for documents of which `is_same` is true."""
    if isinstance(document, dict):
        return "object", frozenset((name, _content(member)) for name, member in document.items())
    if isinstance(document, list):
        return "array", tuple(map(_content, document))
    return isinstance(document, bool), document
