"""An edit changes the lines of its keys, as Java reads them, and not one byte of the others."""

from __future__ import annotations

import re

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from antmediad.errors import SettingsError
from antmediad.properties.editor import edit, split_lines
from antmediad.properties.reader import decode, parse_properties
from tests.properties.oracle import DOCUMENTS, ENDS, NASTY, Oracle


def values_of(content: bytes) -> dict[str, str]:
    return {p.key: p.value for p in parse_properties(content).properties}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b"a=1\nk=1\nb=2\n", b"a=1\nk=new\nb=2\n", id="one line of several"),
        pytest.param(b"k = 1\n", b"k = new\n", id="blanks around the separator stay"),
        pytest.param(b"k:1\n", b"k:new\n", id="a colon stays"),
        pytest.param(b"k 1\n", b"k new\n", id="a blank as separator stays"),
        pytest.param(b" \tk=1\n", b" \tk=new\n", id="an indent stays"),
        pytest.param(b"\\u006b=1\n", b"\\u006b=new\n", id="an escaped key stays"),
        pytest.param(b"k\n", b"k=new\n", id="a key alone gets a separator"),
        pytest.param(b"k=\n", b"k=new\n", id="an empty value is replaced"),
        pytest.param(b"k=1", b"k=new", id="no line end is added"),
        pytest.param(b"k=1\r\nb=2\n", b"k=new\r\nb=2\n", id="the line's own end stays"),
        pytest.param(b"k=1\rb=2\r", b"k=new\rb=2\r", id="an old Mac's line end stays"),
        pytest.param(b"k=1\\\n  2\\\n  3\nb=2\n", b"k=new\nb=2\n", id="continuations, too"),
        pytest.param(b"k=\\\n  1\nb=2\n", b"k=new\nb=2\n", id="a value on the next line"),
        pytest.param(b"k\\\n  y=1\nk=1\n", b"k\\\n  y=1\nk=new\n", id="another, longer key stays"),
        pytest.param(b"k\\\n = 1\n", b"k\\\n = new\n", id="a separator on the next line stays"),
        pytest.param(b"k=1\\", b"k=new", id="a backslash at the end of the file goes"),
        pytest.param(b"k=1\\\r\n", b"k=new\r\n", id="and the line end after it stays"),
        pytest.param(b"k=1\n#k=2\nk=3\nb=2\n", b"k=1\n#k=2\nk=new\nb=2\n", id="the last counts"),
        pytest.param(b"k=c:\\users\nb=2\n", b"k=new\nb=2\n", id="a line that cannot be read"),
        pytest.param(b"k=\\u1\nk=2\n", b"k=new\n", id="such a line beside the one that counts"),
        pytest.param(b"b=\\u1\nk=2\n", b"b=\\u1\nk=new\n", id="such a line of another key stays"),
        pytest.param(b"b=\xe9\nk=1\n", b"b=\xe9\nk=new\n", id="ISO-8859-1 stays"),
        pytest.param(b"b=\xc3\xa9\nk=1\n", b"b=\xc3\xa9\nk=new\n", id="UTF-8 stays"),
        pytest.param(b"\xef\xbb\xbfk=1\n", b"\xef\xbb\xbfk=new\n", id="a byte-order mark stays"),
        pytest.param(b"k=new\\\n\n", b"k=new\\\n\n", id="an equal value changes nothing"),
        pytest.param(b"", b"k=new\n", id="an empty file"),
        pytest.param(b"#\n", b"#\nk=new\n", id="a new key is appended"),
        pytest.param(b"a=1", b"a=1\nk=new\n", id="after a line without an end"),
        pytest.param(b"a=1\r\nb=2", b"a=1\r\nb=2\r\nk=new\r\n", id="in the file's style"),
        pytest.param(b"a=1\r\r\nb=2\r\n", b"a=1\r\r\nb=2\r\nk=new\r\n", id="the commonest one"),
        pytest.param(b"a=1\\", b"a=1\\\n\nk=new\n", id="not as a continuation"),
        pytest.param(b"a=1\\\r\n", b"a=1\\\r\n\r\nk=new\r\n", id="nor of one that has an end"),
        pytest.param(b"a=1\\\\", b"a=1\\\\\nk=new\n", id="two backslashes are none"),
        pytest.param(b"#a\\", b"#a\\\nk=new\n", id="nor is that of a comment"),
    ],
)
def test_a_value_replaces_the_one_that_counts(before: bytes, after: bytes) -> None:
    assert edit(before, {"k": "new"}) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b"a=1\nk=1\nb=2\n", b"a=1\nb=2\n", id="its line goes"),
        pytest.param(b"k=1\n#\nk 2\n", b"#\n", id="all of them"),
        pytest.param(b"k=1\\\n  2\\\n\nb=2\n", b"b=2\n", id="with continuations"),
        pytest.param(b"a=1\nk=1", b"a=1\n", id="without a line end"),
        pytest.param(b"k=\\u1\n", b"", id="unreadable as well"),
        pytest.param(b"a=1\n#k=1\n", b"a=1\n#k=1\n", id="a comment stays"),
    ],
)
def test_no_value_removes_every_line_of_the_key(before: bytes, after: bytes) -> None:
    assert edit(before, {"k": None}) == after


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param("a=b:c#d!e", b"a=b:c#d!e", id="what others cannot unescape is not escaped"),
        pytest.param("  a b ", b"\\  a b ", id="a blank at the beginning"),
        pytest.param("\ta\tb", b"\\ta\\tb", id="tabs"),
        pytest.param("a\nb\rc\fd", b"a\\nb\\rc\\fd", id="line ends"),
        pytest.param("c:\\users\\", b"c:\\\\users\\\\", id="backslashes"),
        pytest.param("é\u20ac", b"\\u00e9\\u20ac", id="not ASCII"),
        pytest.param("\U0001f600", b"\\ud83d\\ude00", id="beyond the first plane"),
        pytest.param("\x00\x7f", b"\\u0000\\u007f", id="control characters"),
        pytest.param("", b"", id="nothing"),
    ],
)
def test_a_value_is_escaped_no_more_than_needed(value: str, written: bytes) -> None:
    after = edit(b"k=1\n", {"k": value})

    assert after == b"k=" + written + b"\n"
    assert values_of(after) == {"k": value}


@pytest.mark.parametrize("value", ["=a", ":a", "= a"])
def test_after_a_blank_a_separator_is_part_of_the_value(value: str) -> None:
    assert values_of(edit(b"k 1\n", {"k": value})) == {"k": value}


@pytest.mark.parametrize("key", ["a b", "a=b", "a:b", "#a", "!a", "é", "\ta", "a\\"])
def test_any_key_can_be_added(key: str) -> None:
    assert values_of(edit(b"a=1\n", {key: "v"})) == {"a": "1", key: "v"}


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        pytest.param(b"old=1\n", "v", b"old=v\n", id="the spelling that is there"),
        pytest.param(b"", "v", b"k=v\n", id="the first one, when new"),
        pytest.param(b"old=1\nk=2\n", "v", b"old=1\nk=v\n", id="the first one that has a value"),
        pytest.param(b"k=\nold=1\n", "v", b"k=\nold=v\n", id="which may be the second"),
        pytest.param(b"k=\nold=1\n", "", b"k=\nold=\n", id="emptied, it counts no more"),
        pytest.param(b"k=1\nold=2\n", "", b"k=\nold=\n", id="nor do others that have a value"),
        pytest.param(b"k= \nold=1\n", None, b"", id="all of them go"),
        pytest.param(b"k=\\u1\nold=1\n", "v", b"k=v\nold=1\n", id="an unreadable value is one"),
    ],
)
def test_of_several_spellings_the_one_that_counts_is_changed(
    before: bytes, value: str | None, after: bytes
) -> None:
    assert edit(before, {"k": value}, lambda _: ("k", "old")) == after


def test_what_would_turn_the_rest_of_the_file_into_utf_8_is_refused() -> None:
    with pytest.raises(SettingsError, match="ISO-8859-1"):
        edit(b"a=\xc3\xa9\nk=\xe9\n", {"k": "e"})


@pytest.mark.parametrize("changes", [{"k": "\ud800"}, {"\ud800": "v"}, {"": "v"}])
def test_what_no_file_can_hold_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as raised:
        edit(b"k=1\n", changes)

    assert raised.value.problems[0].severity == "error"


SAMPLE_LINES = [
    *(b"# Database", b"!", b"", b"  ", b"#jwtSecretKey=none", b"webapp.contextPath=/LiveApp"),
    *(b"settings.jwtControlEnabled = true", b"jwksURL:", b"jwtSecretKey=s\\u00e9\\:cret", b"a 1"),
    *(b"remoteAllowedCIDR=127.0.0.1,\\\n    10.0.0.0/8", b"\tdb.name\\\n  =x", b"k=\\u12", b"k=1"),
    *(b"name=\xe9", b"name=\xc3\xa9", b"path=c:\\users", b"webapp.virtualHosts=*", b"a", b"a=2"),
]
SAMPLES = st.builds(
    lambda lines, end: b"".join([line + line_end for line, line_end in lines]) + end,
    st.lists(
        st.tuples(
            st.one_of(st.sampled_from(SAMPLE_LINES), st.sampled_from(NASTY)),
            st.sampled_from([b"\n", b"\n", b"\r\n", b"\r"]),
        ),
        max_size=16,
    ),
    st.sampled_from([*ENDS, *SAMPLE_LINES]),
)
VALUES = st.one_of(
    st.none(),
    st.sampled_from(["", " ", "=", ": x", "\\", "a\\", "#!", "é€", "\n\r\f\t", "\0", "true"]),
    st.text(st.characters(codec="utf-8"), max_size=12),
)


def keys_by_line(content: bytes) -> dict[int, str]:
    """Return the key of each line with one, unreadable values included, by what is public."""
    document = parse_properties(content)
    keys = {p.line: p.key for p in document.properties}
    encoding = decode(content)[1]
    for problem in document.problems:
        if problem.severity == "error" and problem.key:
            (one,) = parse_properties(problem.key.encode(encoding)).properties
            keys[problem.line] = one.key
    return keys


def kept_segments(content: bytes, keys: set[str]) -> list[bytes]:
    """Return the bytes around the lines of *keys*, found by a scanner of its own."""
    lines = re.findall(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z", content)
    by_line = keys_by_line(content)
    segments = [b""]
    number = 0
    while number < len(lines):
        first = number
        if by_line.get(first + 1) not in keys:
            segments[-1] += lines[number]
            number += 1
            continue
        while True:
            text = lines[number].rstrip(b"\r\n")
            number += 1
            backslashes = len(text) - len(text.rstrip(b"\\"))
            if backslashes % 2 == 0 or number >= len(lines):
                break
        segments.append(b"")
    return segments


@settings(max_examples=500)
@given(content=st.one_of(SAMPLES, DOCUMENTS), data=st.data())
@example(content=b"b=1\n\\", data=None)
def test_any_change_of_any_file_changes_that_and_nothing_else(
    oracle: Oracle, content: bytes, data: st.DataObject | None
) -> None:
    known = sorted({key for key in keys_by_line(content).values() if key})
    keys = st.sampled_from([*known, "new", "new key"])
    changes: dict[str, str | None]
    changes = data.draw(st.dictionaries(keys, VALUES, max_size=4)) if data else {"new": "1"}

    try:
        after = edit(content, changes)
    except SettingsError:
        # The one change that is refused, since without these lines the rest is UTF-8.
        event("refused")
        rest = b"".join(kept_segments(content, set(changes)))
        assert decode(content)[1] == "iso-8859-1"
        assert decode(rest)[1] != "iso-8859-1"
        return

    segments = kept_segments(content, set(changes))
    pattern = b".*?".join(map(re.escape, segments)) + b".*"
    assert re.fullmatch(pattern, after, re.DOTALL)
    intended = {**values_of(content), **changes}
    # What a lone backslash at the end of a file makes.
    intended.pop("", None)
    read = {key: value for key, value in values_of(after).items() if key}
    assert read == {key: value for key, value in intended.items() if value is not None}
    check_that_java_agrees(oracle, content, after, changes)


def check_that_java_agrees(
    oracle: Oracle, before: bytes, after: bytes, changes: dict[str, str | None]
) -> None:
    old, old_throws = oracle.load(before)
    new, new_throws = oracle.load(after)
    if old_throws or any(not key.isascii() for key in changes):
        # Java knows a key of a UTF-8 file by another name.
        return
    assert not new_throws
    intended = {key: value for key, value in {**dict(old), **changes}.items() if value is not None}
    assert {**dict(new), "": ""} == {**intended, "": ""}


@settings(max_examples=500)
@given(content=st.one_of(SAMPLES, DOCUMENTS))
def test_the_parts_of_a_file_are_the_file(content: bytes) -> None:
    text, encoding, has_mark = decode(content)

    parts = split_lines(content)

    joined = "".join(part.raw + part.end for part in parts)
    assert joined.encode(encoding) == content.removeprefix(b"\xef\xbb\xbf" if has_mark else b"")
    assert [part.key for part in parts if part.value is not None] == [
        p.key for p in parse_properties(content).properties
    ]
    assert joined == text
