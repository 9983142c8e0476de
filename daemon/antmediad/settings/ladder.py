"""The adaptive bitrate ladder: the text of ``encoderSettingsString`` as a list, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final, TypedDict

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,10}")
_SWITCHES: Final = {"true": True, "false": False}


class Step(TypedDict):
    """One rendition; heights in pixels, bitrates in bits per second."""

    height: int
    videoBitrate: int
    audioBitrate: int
    forceEncode: bool
    forceSameResolutionEncode: bool


def steps_of(text: str) -> list[Step]:
    """Return the ladder that a text stands for, in either of its forms; none if in neither."""
    try:
        return parse_steps(text)
    except ValueError:
        return []


def parse_steps(text: str) -> list[Step]:
    """Return the ladder that a text stands for: a JSON array, or comma separated triples.

    Raises:
        ValueError: it is neither; the text says what was expected.
    """
    if text.lstrip().startswith("["):
        try:
            document: object = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("expected a JSON array of objects") from None
        return steps_from(document) if isinstance(document, list) else []
    items = [item.strip() for item in text.split(",") if item.strip()]
    if not all(map(_WHOLE_NUMBER.fullmatch, items)):
        raise ValueError("expected height,videoBitrate,audioBitrate triples")
    numbers = list(map(int, items))
    triples = zip(numbers[::3], numbers[1::3], numbers[2::3], strict=False)
    return [_step(height, video, audio) for height, video, audio in triples]


def steps_from(entries: Sequence[object]) -> list[Step]:
    """Return the ladder that a JSON array stands for; what an entry lacks is 0, or not forced.

    Raises:
        ValueError: an entry is no step; the text says which and what was expected.
    """
    return [_step_from(position, entry) for position, entry in enumerate(entries, 1)]


def text_of_steps(steps: Sequence[Step]) -> str:
    """Write a ladder as one line of JSON."""
    return json.dumps(list(steps), separators=(",", ":"))


def _step_from(position: int, entry: object) -> Step:
    if not isinstance(entry, dict):
        raise ValueError(f"expected entry {position} to be an object")

    def number(name: str) -> int:
        value = entry.get(name, 0)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        text = "" if isinstance(value, bool) or value is None else str(value).strip()
        if not _WHOLE_NUMBER.fullmatch(text):
            raise ValueError(f"expected {name} of entry {position} to be a whole number")
        return int(text)

    def switch(name: str, default: bool) -> bool:
        value = entry.get(name, default)
        if isinstance(value, str):
            value = _SWITCHES.get(value.strip().lower())
        if not isinstance(value, bool):
            raise ValueError(f"expected {name} of entry {position} to be true or false")
        return value

    return _step(
        number("height"),
        number("videoBitrate"),
        number("audioBitrate"),
        switch("forceEncode", True),
        switch("forceSameResolutionEncode", False),
    )


def _step(
    height: int,
    video_bitrate: int,
    audio_bitrate: int,
    force_encode: bool = True,
    force_same_resolution_encode: bool = False,
) -> Step:
    return {
        "height": height,
        "videoBitrate": video_bitrate,
        "audioBitrate": audio_bitrate,
        "forceEncode": force_encode,
        "forceSameResolutionEncode": force_same_resolution_encode,
    }
