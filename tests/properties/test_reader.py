"""Properties files mean to `parse_properties` what they mean to java.util.Properties."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from antmediad.errors import Problem
from antmediad.properties.reader import Property, parse_properties
from tests.properties.oracle import DOCUMENTS, Oracle

MEBIBYTE = 2**20


def pairs_of(content: bytes) -> list[tuple[str, str]]:
    return [(p.key, p.value) for p in parse_properties(content).properties]


def errors_of(content: bytes) -> list[Problem]:
    return [p for p in parse_properties(content).problems if p.severity == "error"]


@pytest.mark.parametrize(
    ("content", "pairs"),
    [
        pytest.param(b"", [], id="an empty file holds nothing"),
        pytest.param(b"a=1\nb=2\n", [("a", "1"), ("b", "2")], id="file order is kept"),
        pytest.param(b"a=1\nb=2", [("a", "1"), ("b", "2")], id="the last line needs no end"),
        pytest.param(b"a=1\rb=2\r\nc=3", [("a", "1"), ("b", "2"), ("c", "3")], id="any line end"),
        pytest.param(b"a=\x0b\x1c\x1e\n", [("a", "\x0b\x1c\x1e")], id="no other line end"),
        pytest.param(b"#a=1\n!b=2\n \t\f#c=3\n", [], id="hash and bang start a comment"),
        pytest.param(b"#a=1\\\nb=2", [("b", "2")], id="a comment is not continued"),
        pytest.param(b"#:\n#: =b\na=1", [("a", "1")], id="hash and colon is only a comment"),
        pytest.param(b"a=b#c", [("a", "b#c")], id="a later hash belongs to the value"),
        pytest.param(b"\n \n\t\na=1", [("a", "1")], id="blank lines are nothing"),
        pytest.param(b" \t\fa=1", [("a", "1")], id="leading blanks are dropped"),
        pytest.param(b"a:1", [("a", "1")], id="a colon separates"),
        pytest.param(b"a\t1", [("a", "1")], id="a blank separates"),
        pytest.param(b"a \t= \t1", [("a", "1")], id="blanks around the separator are dropped"),
        pytest.param(b"a==1", [("a", "=1")], id="a second separator belongs to the value"),
        pytest.param(b"a=:1", [("a", ":1")], id="so does another separator"),
        pytest.param(b"a", [("a", "")], id="a key alone has the empty value"),
        pytest.param(b"=1", [("", "1")], id="the key may be empty"),
        pytest.param(b"a\\=b\\:c\\ d=1", [("a=b:c d", "1")], id="an escaped separator does not"),
        pytest.param(b"a=127.0.0.1 ", [("a", "127.0.0.1 ")], id="blanks at the end are kept"),
        pytest.param(b"a=1\\\n \t 2", [("a", "12")], id="a backslash continues the line"),
        pytest.param(b"a=1\\\r\n2\\\r3", [("a", "123")], id="at any line end"),
        pytest.param(b"a=1\\\\\n2=b", [("a", "1\\"), ("2", "b")], id="two do not"),
        pytest.param(b"a=1\\\\\\\n2", [("a", "1\\2")], id="three do"),
        pytest.param(b"a=1\\\n#2", [("a", "1#2")], id="no comment continues a line"),
        pytest.param(b"\\\n#a=1\nb=2", [("b", "2")], id="but one follows an empty start"),
        pytest.param(b"a=1\\\n  \nb=2", [("a", "1"), ("b", "2")], id="a blank line ends a line"),
        pytest.param(b"a=1\\", [("a", "1")], id="a backslash at the end of the file is dropped"),
        pytest.param(b"\\", [("", "")], id="and leaves the empty key when alone"),
        pytest.param(b"\\\n", [("", "")], id="and so before a line end"),
        pytest.param(b"\\\r\n", [], id="but nothing before a Windows line end"),
        pytest.param(rb"a=\t\n\r\f\\", [("a", "\t\n\r\f\\")], id="control escapes"),
        pytest.param(rb"a=\z\"\#\!\b", [("a", 'z"#!b')], id="an escaped other is itself"),
        pytest.param(rb"a=\ 1", [("a", " 1")], id="an escaped leading blank is kept"),
        pytest.param(rb"\#a=1", [("#a", "1")], id="an escaped hash starts a key"),
        pytest.param(rb"\u0061=\u00e9\u20AC", [("a", "é€")], id="unicode escapes"),
        pytest.param(rb"a=\u0000", [("a", "\0")], id="an escaped NUL is kept"),
        pytest.param(rb"a=\\u12", [("a", "\\u12")], id="an escaped backslash makes no unicode one"),
        pytest.param(rb"a=\uD83D\uDE00", [("a", "\U0001f600")], id="a surrogate pair is one"),
        pytest.param(b"a=\\uD83D\\\n\\uDE00", [("a", "\U0001f600")], id="over two lines too"),
        pytest.param(b"a=1\na=2", [("a", "1"), ("a", "2")], id="duplicates are kept"),
        pytest.param(b"Ab=1\naB=2", [("Ab", "1"), ("aB", "2")], id="the case of keys is exact"),
        pytest.param(b"a=\xe9", [("a", "é")], id="bytes are ISO-8859-1"),
        pytest.param(b"a=\xc3\xa9\xff", [("a", "Ã©ÿ")], id="all, when some are not UTF-8"),
    ],
)
def test_a_file_means_what_java_says(content: bytes, pairs: list[tuple[str, str]]) -> None:
    document = parse_properties(content)

    assert [(p.key, p.value) for p in document.properties] == pairs
    assert document.problems == ()


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        pytest.param(b"#\n\na=1\r\n\r\nb=2\rc=3", [3, 5, 6], id="every line end counts once"),
        pytest.param(b"a=1\\\n2\\\n3\nb=4", [1, 4], id="a continued line counts as its lines"),
        pytest.param(b"a=1\\\n\nb=2", [1, 3], id="even when it ends in a blank one"),
        pytest.param(b"\\\n\\\n  a=1", [3], id="an empty start is not where a key is"),
        pytest.param(b"#\n\\", [2], id="the empty key has a line"),
    ],
)
def test_a_property_knows_its_physical_line(content: bytes, lines: list[int]) -> None:
    assert [p.line for p in parse_properties(content).properties] == lines


@pytest.mark.parametrize(
    ("line", "key"),
    [
        pytest.param(rb"a=\u12", "a", id="too few digits"),
        pytest.param(rb"a=\u", "a", id="no digits"),
        pytest.param(rb"a=\u+123", "a", id="a sign is no digit"),
        pytest.param(rb"a=\u 123", "a", id="a blank is no digit"),
        pytest.param(rb"a=\u1_23", "a", id="an underscore is no digit"),
        pytest.param(rb"a=\u0x12", "a", id="a prefix is no digit"),
        pytest.param(b"a=\\u00\xb2\xb3", "a", id="a superscript is no digit"),
        pytest.param(rb"a=C:\users", "a", id="a Windows path"),
        pytest.param(rb"a=\\\u12", "a", id="after an escaped backslash"),
        pytest.param(rb"a\:b=\u12", r"a\:b", id="the key is named as spelled"),
        pytest.param(rb"a\u=1", "", id="in the key"),
        pytest.param(rb"a\=secret\u12", "", id="in a key that swallowed the value"),
    ],
)
def test_a_malformed_escape_is_an_error_of_its_line_alone(line: bytes, key: str) -> None:
    document = parse_properties(b"b=1\n\n" + line + b"\nc=2\n")

    assert document.properties == (Property("b", "1", 1), Property("c", "2", 4))
    [problem] = document.problems
    assert (problem.severity, problem.line, problem.key) == ("error", 3, key)
    assert "four hexadecimal digits" in problem.message


@pytest.mark.parametrize(
    ("line", "key"),
    [
        pytest.param(rb"a=\uD83D", "a", id="a high one at the end"),
        pytest.param(rb"a=\uD83Dx", "a", id="a high one before text"),
        pytest.param(rb"a=\uDE00", "a", id="a low one"),
        pytest.param(rb"a=\uDE00\uD83D", "a", id="a pair in the wrong order"),
        pytest.param(rb"a=\uD83D\uD83D\uDE00", "a", id="one before a pair"),
        pytest.param(rb"a=\uD83D\u0041", "a", id="a high one before another escape"),
        pytest.param(rb"a=\uD83D\\uDE00", "a", id="a backslash between the two"),
        pytest.param(rb"\uD83D=\uDE00", "", id="a separator between the two"),
    ],
)
def test_half_a_surrogate_pair_is_an_error_of_its_line_alone(line: bytes, key: str) -> None:
    document = parse_properties(b"b=1\n\n" + line + b"\nc=2\n")

    assert document.properties == (Property("b", "1", 1), Property("c", "2", 4))
    [problem] = document.problems
    assert (problem.severity, problem.line, problem.key) == ("error", 3, key)
    assert "surrogate pair" in problem.message


def test_digits_of_other_scripts_are_none_in_an_escape() -> None:
    [problem] = errors_of("a=\\u\u0661\u0662\u0663\u0664".encode())

    assert (problem.line, problem.key) == (1, "a")


def test_all_problems_of_a_file_are_reported_at_once() -> None:
    problems = parse_properties("\ufeffa=é\nb=\\u1\nc=\\ud800\n".encode()).problems

    assert [(p.severity, p.line, p.key) for p in problems] == [
        ("warning", 1, ""),
        ("warning", 1, ""),
        ("error", 2, "b"),
        ("error", 3, "c"),
    ]


def test_utf_8_is_read_with_one_warning_at_its_first_line() -> None:
    document = parse_properties("a=1\r\n# ça\rb=é\nc=\U0001f600\n".encode())

    assert [p.value for p in document.properties] == ["1", "é", "\U0001f600"]
    [problem] = document.problems
    assert (problem.severity, problem.line) == ("warning", 2)
    assert "ISO-8859-1" in problem.message
    assert r"\uXXXX" in problem.message


def test_line_separators_of_unicode_do_not_end_a_line() -> None:
    assert pairs_of("a=1\x85\u20282".encode()) == [("a", "1\x85\u20282")]


def test_a_byte_order_mark_is_dropped_with_a_warning() -> None:
    document = parse_properties(b"\xef\xbb\xbfa=1\n")

    assert document.properties == (Property("a", "1", 1),)
    [problem] = document.problems
    assert (problem.severity, problem.line) == ("warning", 1)
    assert "byte-order mark" in problem.message


@pytest.mark.parametrize(
    ("content", "line"),
    [
        pytest.param(b"a=1\nb=\0\nc=\0", 2, id="in a value"),
        pytest.param(b"a=1\r\n\r\n# \0", 3, id="in a comment"),
        pytest.param(b"\0" * 4096, 1, id="a file of zeros"),
        pytest.param(b"a=1\n" + b"\0" * 4096, 2, id="zeros at its end"),
        pytest.param("a=é\nb=\0".encode(), 2, id="in UTF-8"),
        pytest.param("jwtControlEnabled=true\n".encode("utf-16-le"), 1, id="UTF-16 without a mark"),
    ],
)
def test_a_nul_byte_is_one_error_of_its_first_line(content: bytes, line: int) -> None:
    [problem] = errors_of(content)

    assert (problem.line, problem.key) == (line, "")
    assert problem.message.startswith(
        "NUL byte: the file is damaged, or not in ISO-8859-1 or UTF-8"
    )


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["a=1\n", "\u6161"], ids=["ASCII", "no NUL"])
def test_a_utf_16_byte_order_mark_is_one_error(text: str, encoding: str) -> None:
    [problem] = errors_of(("\ufeff" + text).encode(encoding))

    assert problem.line == 1
    assert problem.message.startswith("UTF-16 byte-order mark: the file is damaged")


def test_no_problem_tells_a_value() -> None:
    content = "\ufeffjwtSecretKey=s3cret\\u12é\njwtSecretKey=s3cret\\ud800\ns3cret\\u".encode()

    problems = parse_properties(content).problems

    assert len(problems) == 5
    assert not [p for p in problems if "s3cret" in str(p)]


@given(st.binary())
def test_no_bytes_make_it_raise(content: bytes) -> None:
    document = parse_properties(content)

    lines = range(1, 2 + content.count(b"\n") + content.count(b"\r"))
    assert all(p.line in lines for p in document.properties)
    assert all(p.line in lines for p in document.problems)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"#" * 5 * MEBIBYTE, id="one comment"),
        pytest.param(b"# a comment\n" * (5 * MEBIBYTE // 12), id="comments"),
        pytest.param(b"a=" + b"x" * 5 * MEBIBYTE, id="one value"),
        pytest.param(b"x" * 5 * MEBIBYTE, id="one key"),
        pytest.param(b" " * 5 * MEBIBYTE, id="blanks"),
        pytest.param(b"\n" * 1_000_000, id="blank lines"),
        pytest.param(b"\\" * 5 * MEBIBYTE, id="backslashes"),
        pytest.param(b"\\\n" * (5 * MEBIBYTE // 2), id="empty continuations"),
        pytest.param(b"a\\\n" * (5 * MEBIBYTE // 3), id="continuations"),
        pytest.param(b"\0" * 5 * MEBIBYTE, id="zeros"),
        pytest.param(b"\\" * 5 * MEBIBYTE + b"\\u", id="backslashes before a bad escape"),
        pytest.param(b"a=" + b"\\u0041" * (5 * MEBIBYTE // 6) + b"\\u", id="escapes before it"),
    ],
)
def test_time_grows_only_with_the_length(content: bytes) -> None:
    start = time.process_time()
    parse_properties(content)

    # A second or so, most of it in jproperties; anything quadratic takes hours.
    assert time.process_time() - start < 20


def is_text(pair: tuple[str, str]) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in "".join(pair))


def check_against(oracle: Oracle, content: bytes) -> None:
    pairs, throws = oracle.load(content)
    damaged = b"\0" in content  # an error here, and text like any other in Java
    texts = [pair for pair in pairs if is_text(pair)]
    if throws:  # which ends the reading in Java, but not here
        assert pairs_of(content)[: len(texts)] == texts
        assert len(errors_of(content)) > len(pairs) - len(texts) + damaged
    else:
        assert pairs_of(content) == texts
        assert len(errors_of(content)) == len(pairs) - len(texts) + damaged


def is_read_as_by_java(content: bytes) -> bool:
    """Whether none of the deliberate deviations, all of them about UTF-8, is met."""
    return all(problem.severity == "error" for problem in parse_properties(content).problems)


@settings(max_examples=4_000)
@given(content=DOCUMENTS.filter(is_read_as_by_java))
@example(content=b"\\\n\\\n")
@example(content=b"\\\r\n\\\r\n")
@example(content=b"\\\n \\\n#\na=1")
def test_any_file_means_what_java_reads(oracle: Oracle, content: bytes) -> None:
    check_against(oracle, content)


@pytest.mark.parametrize(
    "fragment",
    [
        pytest.param(b"a=1\\\r\n 2\r\nb=3", id="a Windows continuation"),
        pytest.param(b"a=1\r\n#\r\n\r\nb=3", id="Windows line ends"),
        pytest.param(b"a=\\\\\\u0041\\\n#\nb=3", id="escapes"),
        pytest.param(b"\\\r\n", id="an empty continuation at the end"),
        pytest.param(b"a=1\\\r", id="a continuation at the end"),
    ],
)
def test_a_buffer_of_java_may_end_anywhere_in_a_file(oracle: Oracle, fragment: bytes) -> None:
    for missing in range(len(fragment) + 1):
        padding = b"#" * (8192 - missing - 1) + b"\n"

        check_against(oracle, padding + fragment)
