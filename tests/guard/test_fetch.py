"""Fetching a key set: from a real server, within limits."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator

import pytest

from antmediad.errors import KeySetError
from antmediad.guard.fetch import MAX_DOCUMENT_BYTES, MAX_REDIRECTS, _redirected, fetch
from antmediad.guard.key_set import Fetched
from tests.key_server import KeyServer, Page

DOCUMENT = b'{"keys":[]}'


@pytest.fixture
def server() -> Iterator[KeyServer]:
    """A server with the document at /keys."""
    with KeyServer(DOCUMENT, "/keys") as running:
        yield running


def fetched(url: str, timeout_s: float = 20.0) -> Fetched:
    return asyncio.run(fetch(url, timeout_s))


def test_a_document_is_fetched_as_it_is(server: KeyServer) -> None:
    assert fetched(f"{server.url}/keys") == Fetched(DOCUMENT, None)
    assert server.requests == ["/keys"]


@pytest.mark.parametrize(
    ("cache_control", "life_s"),
    [
        ("max-age=600", 600.0),
        ("public, Max-Age=0, must-revalidate", 0.0),
        ("s-maxage=5", None),
        ("x-max-age=5", None),
        ("max-age=-5", None),
        ("max-age=many", None),
        ("max-age=99999999999999999999", None),
        ("no-store", None),
    ],
)
def test_the_source_says_how_long_its_document_lives(
    server: KeyServer, cache_control: str, life_s: float | None
) -> None:
    server.pages["/keys"] = Page(DOCUMENT, headers={"Cache-Control": cache_control})

    assert fetched(f"{server.url}/keys").life_s == life_s


def test_the_password_of_a_url_is_sent_to_its_host_and_to_no_other(server: KeyServer) -> None:
    with KeyServer(DOCUMENT, "/elsewhere") as other:
        server.pages["/"] = Page(status=302, headers={"Location": "/next"})
        server.pages["/next"] = Page(status=302, headers={"Location": f"{other.url}/elsewhere"})

        fetched(f"{server.url.replace('://', '://user:pass@')}/")

        sent = [headers.get("authorization") for headers in server.headers + other.headers]
        assert sent == ["Basic dXNlcjpwYXNz", "Basic dXNlcjpwYXNz", None]


def test_cookies_are_not_kept(server: KeyServer) -> None:
    server.pages["/"] = Page(status=307, headers={"Location": "/keys", "Set-Cookie": "a=b"})

    assert fetched(f"{server.url}/").content == DOCUMENT
    assert [headers.get("cookie") for headers in server.headers] == [None, None]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_up_to_a_limit(server: KeyServer, status: int) -> None:
    for number in range(MAX_REDIRECTS + 1):
        target = f"/{number + 1}" if number < MAX_REDIRECTS else "/keys"
        server.pages[f"/{number}"] = Page(status=status, headers={"Location": target})

    assert fetched(f"{server.url}/1").content == DOCUMENT
    server.requests.clear()
    with pytest.raises(KeySetError, match="more than 3 redirects"):
        fetched(f"{server.url}/0")
    assert server.requests == ["/0", "/1", "/2", "/3"]


@pytest.mark.parametrize(
    "target",
    ["http://idp.example/keys", "file:///etc/passwd", "ftp://idp.example/", "data:,{}"],
)
def test_a_redirect_never_leaves_https(target: str) -> None:
    with pytest.raises(KeySetError, match="not https"):
        _redirected("https://idp.example/", target)


@pytest.mark.parametrize(
    ("url", "target", "after"),
    [
        ("https://idp.example/a", "https://keys.example/b", "https://keys.example/b"),
        ("https://idp.example/a", "//keys.example/b", "https://keys.example/b"),
        ("http://idp.example/a", "https://keys.example/b", "https://keys.example/b"),
        ("http://idp.example/a/b", "c", "http://idp.example/a/c"),
    ],
)
def test_a_redirect_is_relative_to_where_it_stands(url: str, target: str, after: str) -> None:
    assert _redirected(url, target) == after


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://[", "http://:0x/", "gopher:x"])
def test_a_redirect_to_nowhere_is_an_error(server: KeyServer, location: str) -> None:
    server.pages["/"] = Page(status=302, headers={"Location": location})

    with pytest.raises(KeySetError, match=r"not https|unreachable"):
        fetched(f"{server.url}/")


@pytest.mark.parametrize("status", [204, 304, 401, 404, 410, 429, 500, 503])
def test_only_a_document_is_an_answer(server: KeyServer, status: int) -> None:
    server.pages["/keys"] = Page(b"", status)

    with pytest.raises(KeySetError, match=f"answered {status}"):
        fetched(f"{server.url}/keys")


def test_a_redirect_without_target_is_no_answer(server: KeyServer) -> None:
    server.pages["/keys"] = Page(b"", 302)

    with pytest.raises(KeySetError, match="answered 302"):
        fetched(f"{server.url}/keys")


def test_the_size_is_limited(server: KeyServer) -> None:
    server.pages["/keys"] = Page(b" " * MAX_DOCUMENT_BYTES)
    assert len(fetched(f"{server.url}/keys").content) == MAX_DOCUMENT_BYTES

    server.pages["/keys"] = Page(b" " * (MAX_DOCUMENT_BYTES + 1))
    with pytest.raises(KeySetError, match="larger than"):
        fetched(f"{server.url}/keys")


def test_the_size_is_limited_after_decoding(server: KeyServer) -> None:
    content = gzip.compress(b" " * (MAX_DOCUMENT_BYTES + 1))
    server.pages["/keys"] = Page(content, headers={"Content-Encoding": "gzip"})

    with pytest.raises(KeySetError, match="larger than"):
        fetched(f"{server.url}/keys")


def test_an_encoding_that_is_none_is_an_error(server: KeyServer) -> None:
    server.pages["/keys"] = Page(DOCUMENT, headers={"Content-Encoding": "gzip"})

    with pytest.raises(KeySetError, match="unreachable"):
        fetched(f"{server.url}/keys")


def test_a_source_that_never_answers_is_given_up(server: KeyServer) -> None:
    server.hanging = True

    with pytest.raises(KeySetError, match=r"no answer within 0\.1 s"):
        fetched(f"{server.url}/keys", timeout_s=0.1)


def test_a_source_that_trickles_is_given_up(server: KeyServer) -> None:
    server.pages["/keys"] = Page(b" " * 1000)
    server.trickling = True

    with pytest.raises(KeySetError, match=r"no answer within 0\.2 s"):
        fetched(f"{server.url}/keys", timeout_s=0.2)


def test_a_source_that_is_down_is_unreachable(server: KeyServer) -> None:
    server.close()

    with pytest.raises(KeySetError, match="unreachable: ClientConnectorError"):
        fetched(f"{server.url}/keys")


@pytest.mark.parametrize("url", ["", "keys", "http://", "http://[", "https://a b/", "ftp://x/"])
def test_what_is_no_url_is_unreachable(url: str) -> None:
    with pytest.raises(KeySetError, match="unreachable"):
        fetched(url)
