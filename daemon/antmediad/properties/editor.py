"""Change values in a ``.properties`` file and leave every other byte of it as it is."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from antmediad.errors import Problem, SettingsError
from antmediad.properties.reader import (
    SPELLED_KEY,
    decode,
    is_continued,
    logical_lines,
    parse_line,
    parse_properties,
    physical_lines,
)

Spellings = Callable[[str], Sequence[str]]

_KEY_AND_SEPARATOR: Final = re.compile(rf"{SPELLED_KEY.pattern}([ \t\f]*([=:]?)[ \t\f]*)")
_ESCAPES: Final = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f"}
_NOT_TEXT: Final = "half of a surrogate pair; expected text that can be written as UTF-8"
_NO_KEY: Final = "expected a key"
_WOULD_TURN: Final = (
    "the rest of the file would be read as UTF-8 from now on, and not as ISO-8859-1 any more; "
    r"expected \uXXXX escapes in place of its non-ASCII bytes"
)
_NOT_AS_MEANT: Final = "the change would not be read as it is meant; nothing was changed"


def only_itself(key: str) -> Sequence[str]:
    """Return the spellings of a key that is written in one way only."""
    return (key,)


@dataclass(frozen=True, slots=True)
class Line:
    """A part of a file that is changed as one: a property with its continuations, or other text.

    Attributes:
        number: physical line, from 1, that it begins on.
        raw: its text as it stands, line ends between continuations included.
        end: the line end after it, empty at the end of a file without one.
        is_property: whether there is a key and a value, be they readable or not.
        key: escapes resolved; None for a comment, and for a key that cannot be read.
        value: escapes resolved; None for a comment, and for a value that cannot be read.
        value_at: where in ``raw`` the value begins.
        separator: what parts the two: ``=``, ``:``, a blank, or nothing.
    """

    number: int
    raw: str
    end: str
    is_property: bool = False
    key: str | None = None
    value: str | None = None
    value_at: int = 0
    separator: str = ""


def split_lines(content: bytes) -> list[Line]:
    """Return the parts of a file; joined they are its text, but for a byte-order mark."""
    text, _, _ = decode(content)
    return list(_lines(text))


def edit(
    content: bytes, changes: Mapping[str, str | None], spellings: Spellings = only_itself
) -> bytes:
    """Return *content* with some keys changed, on the lines on which they stand.

    A value replaces the one that counts, in the spelling and after the separator that stand
    there, continuations included; a value that stands there already changes nothing.  A new key
    is appended as ``key=value``, in its first spelling.  What is written is ASCII and read alike
    as ISO-8859-1 and UTF-8; of lines with a changed key that cannot be read, none is left.

    Args:
        changes: values by key; None removes every line of the key, in every spelling.
        spellings: all spellings of a key, which no other key of *changes* shares.  The first
            that has a value counts, or if none has, the first that is there; of several lines
            with one spelling, the last.

    Raises:
        SettingsError: the result would not be read as it is meant.
    """
    text, encoding, has_mark = decode(content)
    edited = _Edited(text)
    for key, value in changes.items():
        _check_writable(key, value)
        edited.set(spellings(key), value)
    mark = codecs.BOM_UTF8 if has_mark else b""
    after = mark + edited.text().encode(encoding)
    if encoding == "iso-8859-1" and decode(after)[1] == "utf-8":
        raise SettingsError((Problem("error", _WOULD_TURN),))
    _verify(content, after, changes, spellings)
    return after


def counting(values: Mapping[str, str | None]) -> str:
    """Return the spelling that counts; *values* are by spelling, in order, None if unreadable."""
    for spelling, value in values.items():
        if value is None or value.strip():
            return spelling
    return next(iter(values))


def escape_value(value: str) -> str:
    """Write a value, with no escapes but those that a properties file needs.

    Not ``=``, ``:``, ``#`` and ``!``, for other readers of the file cannot unescape.
    """
    escaped = "".join(map(_escape, value))
    return "\\" + escaped if escaped.startswith(" ") else escaped


def escape_key(key: str) -> str:
    """Write a key that is not empty."""
    escaped = "".join("\\" + char if char in " =:" else _escape(char) for char in key)
    return "\\" + escaped if escaped.startswith(("#", "!")) else escaped


def _escape(char: str) -> str:
    if " " <= char <= "~" and char != "\\":
        return char
    if char in _ESCAPES:
        return _ESCAPES[char]
    units = char.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


class _Edited:
    """The lines of a file, some of them changed, removed or added."""

    def __init__(self, text: str) -> None:
        lines = list(_lines(text))
        self._lines: list[Line | None] = [*lines]
        self._new: list[str] = []
        self._by_key: dict[str, list[int]] = {}
        ends: Counter[str] = Counter()
        for position, line in enumerate(lines):
            ends[line.end] += 1
            if line.key is not None:
                self._by_key.setdefault(line.key, []).append(position)
        del ends[""]
        self._end = ends.most_common(1)[0][0] if ends else "\n"

    def set(self, spellings: Sequence[str], value: str | None) -> None:
        found = {one: self._by_key[one] for one in spellings if one in self._by_key}
        if value is None:
            self._remove(position for positions in found.values() for position in positions)
        elif not found:
            self._new.append(f"{escape_key(spellings[0])}={escape_value(value)}")
        else:
            values = {one: self._value_at(positions[-1]) for one, positions in found.items()}
            # An empty value counts only if no other spelling has one that is not.
            while values[chosen := counting(values)] != value:
                self._replace(found[chosen][-1], value)
                values[chosen] = value
            self._remove(
                position
                for positions in found.values()
                for position in positions
                if self._value_at(position) is None
            )

    def text(self) -> str:
        lines = [line for line in self._lines if line is not None]
        parts = [part for line in lines for part in (line.raw, line.end)]
        if self._new and lines:
            if not lines[-1].end:
                parts.append(self._end)
            if lines[-1].is_property and is_continued(lines[-1].raw):
                # The new line would continue this one; an empty line ends it.  Its
                # end is the same, for a CR with an LF after it would be one end.
                parts.append(lines[-1].end or self._end)
        parts += [part for new in self._new for part in (new, self._end)]
        return "".join(parts)

    def _value_at(self, position: int) -> str | None:
        line = self._lines[position]
        return line.value if line is not None else None

    def _replace(self, position: int, value: str) -> None:
        line = self._lines[position]
        if line is not None:
            raw = with_value(line, escape_value(value))
            self._lines[position] = replace(line, raw=raw, value=value)

    def _remove(self, positions: Iterable[int]) -> None:
        for position in positions:
            self._lines[position] = None


def with_value(line: Line, written: str) -> str:
    """Return the raw text of a property with another value, which is written as in a file."""
    before = line.raw[: line.value_at]
    if not line.separator and written:
        return f"{before}={written}"
    if line.separator not in ("=", ":") and written.startswith(("=", ":")):
        # After a blank, these would be taken for the separator.
        return f"{before}\\{written}"
    return before + written


def _lines(text: str) -> Iterator[Line]:
    physical = physical_lines(text)
    if not physical[-1].text:
        physical_end = len(physical) - 1
    else:
        physical_end = len(physical)
    after = 0
    for logical in logical_lines(physical):
        for number in range(after, logical.first - 1):
            yield Line(number + 1, physical[number].text, physical[number].end)
        # A continuation at the end of the file has nothing to continue on.
        after = min(logical.last, physical_end)
        start = physical[logical.first - 1].start
        last = physical[after - 1]
        raw = text[start : last.start + len(last.text)]
        yield _property(logical.first, raw, last.end, logical.pieces, start)
    for number in range(after, physical_end):
        yield Line(number + 1, physical[number].text, physical[number].end)


def _property(
    number: int, raw: str, end: str, pieces: Sequence[tuple[int, str]], start: int
) -> Line:
    text = "".join([piece for _, piece in pieces])
    key, value = parse_line(text)
    match = _KEY_AND_SEPARATOR.match(text)
    before_value, separator, mark = match.group(0, 1, 2) if match else (text, "", "")
    value_at = len(raw)
    begin = 0
    for offset, piece in pieces:
        # Where a piece ends at the value, the value begins there and not on the next line.
        if begin + len(piece) >= len(before_value):
            value_at = offset - start + len(before_value) - begin
            break
        begin += len(piece)
    return Line(
        number=number,
        raw=raw,
        end=end,
        is_property=True,
        key=key,
        value=value,
        value_at=value_at,
        separator=mark or separator[:1],
    )


def _check_writable(key: str, value: str | None) -> None:
    if not key:
        raise SettingsError((Problem("error", _NO_KEY),))
    try:
        key.encode()
    except UnicodeEncodeError:
        raise SettingsError((Problem("error", _NOT_TEXT),)) from None
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        raise SettingsError((Problem("error", _NOT_TEXT, 0, key),)) from None


def _verify(
    before: bytes, after: bytes, changes: Mapping[str, str | None], spellings: Spellings
) -> None:
    """Check that *after* says what *before* said, but for the changes.

    Not for the empty key, which a backslash alone is at the end of a file but not before a new
    line, and which no setting has.

    Raises:
        SettingsError: it says something else.
    """
    old, new = parse_properties(before), parse_properties(after)
    old_values, new_values = ({p.key: p.value for p in one.properties} for one in (old, new))
    touched = {"", *(one for key in changes for one in spellings(key))}
    for key, value in changes.items():
        standing = {one: new_values[one] for one in spellings(key) if one in new_values}
        meant = (
            not standing if value is None else standing and standing[counting(standing)] == value
        )
        if not meant:
            raise SettingsError((Problem("error", _NOT_AS_MEANT, 0, key),))
    for key in (old_values.keys() | new_values.keys()) - touched:
        if old_values.get(key) != new_values.get(key):
            raise SettingsError((Problem("error", _NOT_AS_MEANT, 0, key),))
    old_errors, new_errors = (
        Counter((p.key, p.message) for p in one.problems if p.severity == "error")
        for one in (old, new)
    )
    if new_errors - old_errors:
        raise SettingsError((Problem("error", _NOT_AS_MEANT),))
