"""From the request line to segments and query."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antmediad.errors import RequestError
from antmediad.server.paths import parse_query, split_target


@pytest.mark.parametrize(
    ("target", "segments"),
    [
        ("/", []),
        ("/a", ["a"]),
        ("/a/", ["a"]),
        ("/a/b/", ["a", "b"]),
        ("/a//b", ["a", "", "b"]),
        ("/a//", ["a", ""]),
        ("//", [""]),
        ("//evil/a", ["", "evil", "a"]),
        ("/a+b", ["a+b"]),
        ("/a%20b", ["a b"]),
        ("/%4C%69ve", ["Live"]),
        ("/%C3%A9", ["é"]),
        ("/é", ["é"]),
        ("/%2541", ["%41"]),
        ("/100%", ["100%"]),
        ("/%zz", ["%zz"]),
        ("/a%3Bb", ["a;b"]),
        ("/a;x=y/b;jsessionid=1", ["a", "b"]),
        ("/a/b;rest/v2/acm", ["a", "b", "v2", "acm"]),
        ("/a/;x=y", ["a"]),
        ("/.a/a..b/...", [".a", "a..b", "..."]),
        ("/a#b", ["a"]),
        ("/a%23b", ["a#b"]),
        ("/a%3Fb", ["a?b"]),
        ("http://example.org/a/b", ["a", "b"]),
        ("HTTP://user@example.org:80/a", ["a"]),
        ("https://example.org", []),
        ("http://example.org?a=/b", []),
        ("*", []),
        ("", []),
        ("a/b", ["b"]),
    ],
)
def test_a_target_has_decoded_segments(target: str, segments: list[str]) -> None:
    assert split_target(target)[0] == segments


@pytest.mark.parametrize(
    "target",
    [
        "/a/.",
        "/a/..",
        "/a/../b",
        "/./a",
        "/a/%2e%2e/b",
        "/a/.%2E",
        "/a/..;x=y/b",
        "/a/%2e;/b",
        "/a%2Fb",
        "/a%2fb/c",
        "/a\\b",
        "/a%5Cb",
        "/a%00b",
        "/a/\udcff",
        "/%ff",
        "/%ed%a0%80",
        "/%c0%ae%c0%ae/",
        "http://example.org/../a",
    ],
)
def test_a_target_that_could_be_read_in_two_ways_is_refused(target: str) -> None:
    with pytest.raises(RequestError) as refusal:
        split_target(target)

    assert refusal.value.status == 400


@given(st.text("/.%;\\25eEfF?#a\udcff", max_size=12))
def test_no_segment_leads_elsewhere(target: str) -> None:
    status = 200
    try:
        segments, _ = split_target("/" + target)
    except RequestError as error:
        status = error.status
    else:
        for segment in segments:
            assert segment not in (".", "..")
            assert not set(segment) & set("/\\\0\udcff")

    assert status in (200, 400)


def test_the_query_is_left_as_it_is() -> None:
    assert split_target("/a?b=/../%2F;?c") == (["a"], "b=/../%2F;?c")


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=1&a=2", {"a": "1"}),
        ("a=&a=2", {"a": ""}),
        ("a", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("a=b+c%2Bd", {"a": "b c+d"}),
        ("%61=%C3%A9", {"a": "é"}),
        ("a=é", {"a": "é"}),
        ("a=%ff", {"a": "\ufffd"}),
        ("a=\udcff", {"a": "\ufffd"}),
        ("a=1;b=2", {"a": "1;b=2"}),
        ("&&a=1&", {"a": "1"}),
        ("=1", {"": "1"}),
    ],
)
def test_the_first_value_of_a_parameter_counts(query: str, values: dict[str, str]) -> None:
    assert parse_query(query) == values


def test_more_parameters_than_any_call_has_are_refused() -> None:
    assert len(parse_query("&".join(f"p{n}=1" for n in range(100)))) == 100
    with pytest.raises(RequestError, match="Too many") as refusal:
        parse_query("a=1&" * 101)
    assert refusal.value.status == 400


@given(st.text(max_size=30))
def test_any_query_can_be_looked_for(query: str) -> None:
    for name, value in parse_query(query).items():
        assert (name + value).encode().decode() == name + value
