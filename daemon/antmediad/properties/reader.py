"""Read a ``.properties`` file as ``java.util.Properties.load(InputStream)`` of Java 17 does.

Two layers, as in Java: the scanner here makes logical lines (``Properties.LineReader``), and
jproperties turns each into a key and a value (``Properties.load0`` and ``loadConvert``).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

import jproperties

from antmediad.errors import Problem

BLANKS = " \t\f"

# Linear on a run of backslashes: only its first position gets past the look-behind.
MALFORMED_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\u(?![0-9A-Fa-f]{4})")
SPELLED_KEY = re.compile(r"(?:[^\\=: \t\f]|\\.)*+")
NON_ASCII = re.compile(rb"[\x80-\xff]")

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
        problems: all that is wrong.  A line with an error is missing from ``properties``.
    """

    properties: tuple[Property, ...]
    problems: tuple[Problem, ...]


def parse_properties(content: bytes) -> Document:
    r"""Return the properties of a file, with all of its problems; no content makes it raise.

    An error stands for each line at which Java would throw (a malformed ``\u`` escape), and for
    each whose text cannot exist outside Java (half of a surrogate pair).

    The encoding is ISO-8859-1.  Two deviations from Java, each with a warning: non-ASCII
    content that is valid UTF-8 is read as such, and a UTF-8 byte-order mark is dropped.
    """
    text, problems = _decode(content)
    properties: list[Property] = []
    reader = jproperties.Properties()
    for number, line in _logical_lines(text):
        pair = _parse_line(reader, line)
        if isinstance(pair, str):
            problems.append(Problem("error", pair, number, _key_beside_error(reader, line)))
        else:
            properties.append(Property(*pair, number))
    return Document(tuple(properties), tuple(problems))


def _decode(content: bytes) -> tuple[str, list[Problem]]:
    problems: list[Problem] = []
    if content.startswith(codecs.BOM_UTF8):
        content = content.removeprefix(codecs.BOM_UTF8)
        problems.append(Problem("warning", BYTE_ORDER_MARK, 1))
    non_ascii = NON_ASCII.search(content)
    if non_ascii is None:
        return content.decode("ascii"), problems
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("iso-8859-1"), problems
    line = len(_physical_lines(content[: non_ascii.start()].decode("ascii")))
    problems.append(Problem("warning", UTF_8, line))
    return text, problems


def _physical_lines(text: str) -> list[str]:
    # Not splitlines(): it also ends lines at \v, \f, \x1c, \x85 and U+2028.
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    r"""Yield number and text of each logical line, as ``Properties.LineReader`` of Java does.

    Leading blanks and the backslashes of continuations are removed, other backslashes kept.
    ``#`` and ``!`` start a comment as long as the logical line is empty, even after a
    continuation, and a comment is never continued.
    """
    lines = _physical_lines(text)
    # Java notices the end of the file while it reads an \r or \n, but not before the \n of \r\n.
    last = len(lines) - (not lines[-1] and not text.endswith("\r\n"))
    parts: list[str] = []
    start = 0
    for number, line in enumerate(lines, 1):
        part = line.lstrip(BLANKS)
        if not parts:
            if not part or part[0] in "#!":
                continue
            start = number
        continued = part.endswith("\\") and (len(part) - len(part.rstrip("\\"))) % 2 == 1
        if continued:
            part = part[:-1]
        if part:
            parts.append(part)
        if continued and number < last:
            continue
        yield start, "".join(parts)
        parts.clear()
    if parts:
        yield start, "".join(parts)


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
