"""Read a ``.properties`` file as ``java.util.Properties.load(InputStream)`` of Java 17 does.

Two layers, as in Java: the scanner here makes logical lines (``Properties.LineReader``), and
jproperties turns each into a key and a value (``Properties.load0`` and ``loadConvert``).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import jproperties

from antmediad.errors import Problem

BLANKS = " \t\f"
UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# Linear on a run of backslashes: only its first position gets past the look-behind.
MALFORMED_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\u(?![0-9A-Fa-f]{4})")
LINE_END = re.compile(r"\r\n?|\n")
SPELLED_KEY = re.compile(r"(?:[^\\=: \t\f]|\\.)*+")
NON_ASCII = re.compile(r"[^\x00-\x7f]")

NOT_FOUR_DIGITS = (
    r"malformed \u escape; expected \u and four hexadecimal digits "
    r"(a backslash that is meant as such is written \\)"
)
LONE_SURROGATE = (
    r"half of a surrogate pair; expected a \uD800-\uDBFF escape with a \uDC00-\uDFFF escape "
    "right after it"
)
UNREADABLE = "line cannot be read; expected a key, a separator and a value"
BYTE_ORDER_MARK = (
    "UTF-8 byte-order mark ignored here, but Java reads it as part of the first key; "
    "expected a file without one"
)
DAMAGED = "{}: the file is damaged, or not in ISO-8859-1 or UTF-8; expected readable text"
UTF_8 = (
    "file is read as UTF-8 here, but Java reads its non-ASCII bytes as ISO-8859-1; "
    r"expected \uXXXX escapes in their place"
)


@dataclass(frozen=True, slots=True)
class Property:
    """A key and its value, escapes resolved.

    Attributes:
        key: may be empty, as in Java.
        value: blanks at its end are part of it.
        line: physical line, from 1, that holds the first character of the logical line.
    """

    key: str
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class Document:
    """What one file says, in file order.

    Attributes:
        properties: every key with its value; of several with one key the last counts.
        problems: all that is wrong.  A line that cannot be read is missing from ``properties``.
    """

    properties: tuple[Property, ...]
    problems: tuple[Problem, ...]


def parse_properties(content: bytes) -> Document:
    r"""Return the properties of a file, with all of its problems; no content makes it raise.

    An error stands for each line at which Java would throw (a malformed ``\u`` escape), and for
    each whose text cannot exist outside Java (half of a surrogate pair).

    The encoding is ISO-8859-1.  Two deviations from Java, each with a warning: non-ASCII
    content that is valid UTF-8 is read as such, and a UTF-8 byte-order mark is dropped.  A third
    is one error for the whole file: a raw NUL byte, of which a crash can leave many, or a UTF-16
    byte-order mark.
    """
    text, encoding, has_mark = decode(content)
    problems: list[Problem] = []
    if content.startswith(UTF_16_MARKS):
        problems.append(Problem("error", DAMAGED.format("UTF-16 byte-order mark"), 1))
    elif b"\0" in content:
        problems.append(
            Problem("error", DAMAGED.format("NUL byte"), _line_at(text, text.find("\0")))
        )
    if has_mark:
        problems.append(Problem("warning", BYTE_ORDER_MARK, 1))
    if encoding == "utf-8":
        match = NON_ASCII.search(text)
        problems.append(Problem("warning", UTF_8, _line_at(text, match.start() if match else 0)))
    properties: list[Property] = []
    reader = jproperties.Properties()
    for line in logical_lines(physical_lines(text)):
        pair = _parse_line(reader, line.text)
        if isinstance(pair, str):
            key = _key_beside_error(reader, line.text)
            problems.append(Problem("error", pair, line.first, key))
        else:
            properties.append(Property(*pair, line.first))
    return Document(tuple(properties), tuple(problems))


def parse_line(line: str) -> tuple[str | None, str | None]:
    """Return key and value of a logical line; None for what of them cannot be read."""
    reader = jproperties.Properties()
    pair = _parse_line(reader, line)
    if not isinstance(pair, str):
        return pair
    match = SPELLED_KEY.match(line)
    key = _parse_line(reader, match.group() if match else "")
    return (None if isinstance(key, str) else key[0]), None


def decode(content: bytes) -> tuple[str, str, bool]:
    """Return the text of a file, its encoding, and whether a byte-order mark was dropped.

    The encoding is ``ascii``, ``utf-8`` or ``iso-8859-1``, and gives the same bytes back.
    """
    has_mark = content.startswith(codecs.BOM_UTF8)
    if has_mark:
        content = content.removeprefix(codecs.BOM_UTF8)
    for encoding in ("ascii", "utf-8"):
        try:
            return content.decode(encoding), encoding, has_mark
        except UnicodeDecodeError:
            continue
    return content.decode("iso-8859-1"), "iso-8859-1", has_mark


def _line_at(text: str, offset: int) -> int:
    return 1 + len(LINE_END.findall(text, 0, offset))


class PhysicalLine(NamedTuple):
    """What stands between two line ends: its offset in the text, itself, and its line end."""

    start: int
    text: str
    end: str


class LogicalLine(NamedTuple):
    """A key and its value, which may stand on several physical lines.

    Attributes:
        first, last: the physical lines, from 1, that it stands on.
        pieces: what of each belongs to it, and the offset of that in the text.
    """

    first: int
    last: int
    pieces: tuple[tuple[int, str], ...]

    @property
    def text(self) -> str:
        return "".join([text for _, text in self.pieces])


def physical_lines(text: str) -> list[PhysicalLine]:
    """Return the lines of a text; the last one has no line end, and may be empty."""
    # Not splitlines(): it also ends lines at \v, \f, \x1c, \x85 and U+2028.
    lines = []
    start = 0
    for end in LINE_END.finditer(text):
        lines.append(PhysicalLine(start, text[start : end.start()], end.group()))
        start = end.end()
    lines.append(PhysicalLine(start, text[start:], ""))
    return lines


def logical_lines(lines: list[PhysicalLine]) -> Iterator[LogicalLine]:
    r"""Yield each logical line, as ``Properties.LineReader`` of Java finds them.

    Leading blanks and the backslashes of continuations are removed, other backslashes kept.
    ``#`` and ``!`` start a comment as long as the logical line is empty, even after a
    continuation, and a comment is never continued.
    """
    # Java notices the end of the file while it reads an \r or \n, but not before the \n of \r\n.
    ends_early = len(lines) > 1 and not lines[-1].text and lines[-2].end != "\r\n"
    last = len(lines) - ends_early
    pieces: list[tuple[int, str]] = []
    first = 0
    for number, (start, line, _) in enumerate(lines, 1):
        piece = line.lstrip(BLANKS)
        if not pieces:
            if not piece or piece[0] in "#!":
                continue
            first = number
        offset = start + len(line) - len(piece)
        continued = is_continued(piece)
        if continued:
            piece = piece[:-1]
        if piece:
            pieces.append((offset, piece))
        if continued and number < last:
            continue
        yield LogicalLine(first, number, tuple(pieces))
        pieces.clear()
    if pieces:
        yield LogicalLine(first, len(lines), tuple(pieces))


def is_continued(line: str) -> bool:
    """Tell whether a line ends in a backslash that joins the next one to it."""
    return line.endswith("\\") and (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _parse_line(reader: jproperties.Properties, line: str) -> tuple[str, str] | str:
    """Return key and value of a logical line, or the message of what is wrong with it."""
    if not line:  # jproperties finds no property here; Java the one with the empty key
        return "", ""
    if "\\u" in line and MALFORMED_ESCAPE.search(line):  # int() of Python takes "+123", "1_23"
        return NOT_FOUR_DIGITS
    reader.clear()
    try:
        reader.load(line)
    except jproperties.ParseError:
        return LONE_SURROGATE
    # Whatever else a release of jproperties stumbles over must not end the daemon.
    except Exception:
        return UNREADABLE
    pairs: list[tuple[str, str]] = list(reader.properties.items())
    return pairs[0] if len(pairs) == 1 else UNREADABLE


def _key_beside_error(reader: jproperties.Properties, line: str) -> str:
    """Return the key as spelled; nothing when the error is in it, for it may hold the value."""
    match = SPELLED_KEY.match(line)
    key = match.group() if match else ""
    return key if isinstance(_parse_line(reader, key), tuple) else ""
