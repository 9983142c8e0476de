"""A properties file and what differs between two versions of it, fit to be shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple, TypedDict

from antmediad.properties.editor import Line, escape_value, split_lines, with_value
from antmediad.properties.reader import LINE_END, parse_line
from antmediad.settings.schema import APPLICATION_SPELLINGS
from antmediad.settings.setting import MASK, Spellings, is_credential, masked, masked_unknown

CONTEXT_LINES = 3

_COMMENT = re.compile(r"[#!\s]*")


class Difference(NamedTuple):
    """A line of a unified diff, secrets masked: a line of a file, or where a part begins."""

    kind: Literal["same", "removed", "added", "place"]
    text: str


class ShownLine(TypedDict):
    """A physical line of a file, secrets masked; ``key`` as spelled, null for other text."""

    number: int
    text: str
    key: str | None


def shown_value(key: str, value: str, spellings: Spellings = APPLICATION_SPELLINGS) -> str:
    """Return a value as it stands in a file, masked if its key is a secret's in any spelling.

    Args:
        spellings: the settings that such a file has; by default an application's.
    """
    settings = spellings.get(key)
    return masked(settings[0], value) if settings else masked_unknown(key, value)


def shown_line(line: Line, spellings: Spellings = APPLICATION_SPELLINGS) -> str:
    """Return a line as it stands in the file, but for what is secret.

    A comment may be a setting that somebody switched off, or a note about one.  Other arguments
    as `shown_value`.
    """
    if not line.is_property:
        start = _COMMENT.match(line.raw)
        key, value = parse_line(line.raw[start.end() if start else 0 :])
        is_secret = value is None or (
            key is not None and key in spellings and shown_value(key, value, spellings) != value
        )
        if is_secret or is_credential(line.raw):
            return f"# {MASK}"
        return masked_unknown("", line.raw)
    if line.key is None or line.value is None:
        return line.raw[: line.value_at] + MASK if line.key is not None else MASK
    shown = shown_value(line.key, line.value, spellings)
    return line.raw if shown == line.value else with_value(line, escape_value(shown))


def shown_lines(content: bytes, spellings: Spellings = APPLICATION_SPELLINGS) -> list[ShownLine]:
    """Return the lines of a file, each with its number, but for what is secret.

    A value that is masked has one line, whatever it was continued on; the numbers of those lines
    are left out.  Arguments as `shown_value`.
    """
    return [
        {"number": number, "text": text, "key": line.key}
        for line in split_lines(content)
        for number, text in enumerate(LINE_END.split(shown_line(line, spellings)), line.number)
    ]


def differences(
    before: bytes, after: bytes, spellings: Spellings = APPLICATION_SPELLINGS
) -> Iterator[Difference]:
    """Yield what a unified diff of two versions has; a secret that changed differs, masked.

    Arguments as `shown_value`.
    """
    old, new = split_lines(before), split_lines(after)
    matcher = SequenceMatcher(
        None,
        [line.raw for line in old],
        [line.raw for line in new],
        autojunk=False,
    )
    for group in matcher.get_grouped_opcodes(CONTEXT_LINES):
        place_in_old = _place(old, group[0][1], group[-1][2])
        place_in_new = _place(new, group[0][3], group[-1][4])
        yield Difference("place", f"@@ -{place_in_old} +{place_in_new} @@")
        for tag, from_old, to_old, from_new, to_new in group:
            if tag == "equal":
                yield from _shown("same", old[from_old:to_old], spellings)
                continue
            yield from _shown("removed", old[from_old:to_old], spellings)
            yield from _shown("added", new[from_new:to_new], spellings)


def _shown(
    kind: Literal["same", "removed", "added"], lines: Sequence[Line], spellings: Spellings
) -> Iterator[Difference]:
    for line in lines:
        for text in LINE_END.split(shown_line(line, spellings)):
            yield Difference(kind, text)


def _place(lines: Sequence[Line], begin: int, end: int) -> str:
    part = lines[begin:end]
    count = sum(1 + len(LINE_END.findall(line.raw)) for line in part)
    first = part[0].number if part else (lines[begin - 1].number if begin else 0)
    return f"{first},{count}"
