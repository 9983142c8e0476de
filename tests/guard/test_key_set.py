"""Key sets: where they are looked for, what is usable in them, and how they are kept fresh."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antmediad.errors import KeySetError, TokenError
from antmediad.guard import key_set as module
from antmediad.guard.key_set import (
    DEFAULT_LIFE_S,
    MAX_KEYS,
    MAX_LIFE_S,
    MIN_LIFE_S,
    UNKNOWN_KEY_FETCHES,
    UNKNOWN_KEY_PERIOD_S,
    Fetched,
    KeySet,
    KeySets,
    find_keys,
    locations_of,
    parse_key_set,
    without_secrets,
)
from tests.guard.source import LOCATION, NOW, URL, Clock, Kept, Shelf, Source, fetched, kids
from tests.keys import encoded, jwk, key_set

FIRST = key_set(jwk("P-256 first", kid="first"))
SECOND = key_set(jwk("P-256 second", kid="second"))
HOUR_S = 3600.0


@pytest.mark.parametrize(
    ("url", "locations"),
    [
        (
            "https://tenant.auth0.com",
            ["https://tenant.auth0.com/.well-known/jwks.json"],
        ),
        (
            "https://tenant.auth0.com/",
            ["https://tenant.auth0.com/.well-known/jwks.json"],
        ),
        (
            "http://127.0.0.1:8080",
            ["http://127.0.0.1:8080/.well-known/jwks.json"],
        ),
        (
            "https://tenant.auth0.com/.well-known/jwks.json",
            ["https://tenant.auth0.com/.well-known/jwks.json"],
        ),
        (
            "https://idp.example/a/.well-known/jwks.json",
            ["https://idp.example/a/.well-known/jwks.json"],
        ),
        ("https://idp.example/keys.json?x=", ["https://idp.example/keys.json?x="]),
        ("https://idp.example/?", ["https://idp.example/?"]),
        ("https://idp.example/keys.json#", ["https://idp.example/keys.json"]),
        ("https://idp.example/keys?v=1#top", ["https://idp.example/keys?v=1"]),
        (
            "https://idp.example/realm-a",
            [
                "https://idp.example/realm-a",
                "https://idp.example/realm-a/.well-known/jwks.json",
                "https://idp.example/realm-a/.well-known/openid-configuration",
            ],
        ),
        (
            "https://idp.example/realm-a/",
            [
                "https://idp.example/realm-a/",
                "https://idp.example/realm-a/.well-known/jwks.json",
                "https://idp.example/realm-a/.well-known/openid-configuration",
            ],
        ),
        (
            "https://u:p@idp.example/r",
            [
                "https://u:p@idp.example/r",
                "https://u:p@idp.example/r/.well-known/jwks.json",
                "https://u:p@idp.example/r/.well-known/openid-configuration",
            ],
        ),
    ],
)
def test_the_document_the_base_and_the_issuer_are_all_understood(
    url: str, locations: list[str]
) -> None:
    assert list(locations_of(url)) == locations


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://idp.example/keys", "https://idp.example/keys"),
        ("https://user:pass@idp.example/keys", "https://***@idp.example/keys"),
        ("https://us@er:pa@ss@idp.example/keys", "https://***@idp.example/keys"),
        ("https://user@idp.example", "https://***@idp.example"),
        ("https://idp.example/keys?api_key=pass", "https://idp.example/keys?***"),
        ("https://idp.example/a@b", "https://idp.example/a@b"),
    ],
)
def test_a_url_is_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


@pytest.mark.parametrize(
    ("entry", "algorithms"),
    [
        (jwk("RSA"), {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
        (jwk("RSA", alg="PS384"), {"PS384"}),
        (jwk("P-256"), {"ES256"}),
        (jwk("P-384"), {"ES384"}),
        (jwk("P-521", alg="ES512"), {"ES512"}),
        (jwk("Ed25519"), {"EdDSA"}),
        (jwk("Ed25519", alg="Ed25519"), {"EdDSA"}),
        (jwk("Ed448", alg="EdDSA"), {"EdDSA"}),
        (jwk("P-256", use="sig", key_ops=["sign", "verify"]), {"ES256"}),
        (jwk("P-256", x5c="no list", x5t=7, unknown={}), {"ES256"}),
        (jwk("P-256", d="not a private key"), {"ES256"}),
    ],
)
def test_a_key_is_good_for_the_algorithms_of_its_kind(
    entry: dict[str, Any], algorithms: set[str]
) -> None:
    (key,) = parse_key_set(key_set(entry))

    assert key.algorithms == algorithms


def test_private_members_are_not_loaded() -> None:
    (key,) = parse_key_set(key_set(jwk("Ed25519", d=encoded(bytes(32)))))

    assert not hasattr(key.key, "sign")


UNUSABLE = [
    pytest.param(None, id="null"),
    pytest.param("key", id="a text"),
    pytest.param([], id="a list"),
    pytest.param({}, id="nothing in it"),
    pytest.param(jwk("P-256", kty=None), id="no kty"),
    pytest.param(jwk("P-256", kty=["EC"]), id="kty a list"),
    pytest.param(jwk("P-256", kty="ec"), id="kty in small letters"),
    pytest.param({"kty": "oct", "k": "AAAA"}, id="a secret"),
    pytest.param(jwk("P-256", crv=None), id="no curve"),
    pytest.param(jwk("P-256", crv={}), id="curve an object"),
    pytest.param(jwk("P-256", crv="P-384"), id="another curve's name"),
    pytest.param(jwk("secp256k1"), id="secp256k1"),
    pytest.param(jwk("Ed25519", crv="X25519"), id="X25519"),
    pytest.param(jwk("Ed25519", crv="Ed448"), id="Ed448 of the wrong length"),
    pytest.param(jwk("P-256", x=None), id="no x"),
    pytest.param(jwk("P-256", x=7), id="x a number"),
    pytest.param(jwk("P-256", x="!"), id="x not base64url"),
    pytest.param(jwk("P-256", y=jwk("P-256")["x"]), id="not on the curve"),
    pytest.param(jwk("Ed25519", x=encoded(bytes(31))), id="Edwards key too short"),
    pytest.param(jwk("RSA", n=None), id="no modulus"),
    pytest.param(jwk("RSA", n=["AQAB"]), id="modulus a list"),
    pytest.param(jwk("RSA", n=""), id="empty modulus"),
    pytest.param(jwk("RSA", e="AA"), id="exponent zero"),
    pytest.param(jwk("RSA", e="AQ"), id="exponent one"),
    pytest.param(jwk("RSA-1024"), id="RSA of 1024 bits"),
    pytest.param(jwk("RSA", n=encoded(b"\xff" * 2049)), id="RSA of more than 16384 bits"),
    pytest.param(jwk("P-256", kid=7), id="kid a number"),
    pytest.param(jwk("P-256", use="enc"), id="for encryption"),
    pytest.param(jwk("P-256", use=["sig"]), id="use a list"),
    pytest.param(jwk("P-256", key_ops=["sign"]), id="not for verifying"),
    pytest.param(jwk("P-256", key_ops="verify"), id="key_ops a text"),
    pytest.param(jwk("P-256", key_ops=[{}, []]), id="key_ops odd"),
    pytest.param(jwk("P-256", alg="RS256"), id="alg of another kind"),
    pytest.param(jwk("P-256", alg="ES384"), id="alg of another curve"),
    pytest.param(jwk("RSA", alg="RSA-OAEP"), id="alg for encryption"),
    pytest.param(jwk("RSA", alg="none"), id="alg none"),
    pytest.param(jwk("RSA", alg=["RS256"]), id="alg a list"),
    pytest.param(jwk("RSA", alg={}), id="alg an object"),
]


@pytest.mark.parametrize("entry", UNUSABLE)
def test_an_entry_that_cannot_be_used_is_skipped_and_never_quoted(
    entry: Any, caplog: pytest.LogCaptureFixture
) -> None:
    keys = parse_key_set(key_set(jwk("Ed25519", kid="a"), entry, jwk("P-256", kid="b")))

    assert [key.kid for key in keys] == ["a", "b"]
    assert [record.getMessage().split(" problem=")[0] for record in caplog.records] == [
        "key skipped: position=2"
    ]
    members = entry.values() if isinstance(entry, dict) else ()
    texts = [value for value in members if isinstance(value, str) and len(value) > 12]
    assert not [text for text in texts if text in caplog.text]


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"keys"',
        b"{}",
        b'{"keys":null}',
        b'{"keys":{}}',
        b'{"keys":"x"}',
        b"\xff\xfe",
        b"<html>",
        b"[" * 5000,
        key_set(*[{}] * (MAX_KEYS + 1)),
    ],
)
def test_what_is_no_key_set_is_refused(document: bytes) -> None:
    with pytest.raises(KeySetError, match=r"not JSON|JWK Set|more than"):
        parse_key_set(document)


MEMBERS = st.sampled_from(["kty", "crv", "kid", "use", "alg", "key_ops", "n", "e", "x", "y", "d"])
WORDS = st.sampled_from(["RSA", "EC", "OKP", "P-256", "P-521", "Ed25519", "Ed448", "sig", "AQAB"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=9),
    max_leaves=12,
)
NEARLY = st.builds(
    lambda name, changes: {**jwk(name), **changes},
    st.sampled_from(["RSA", "P-256", "Ed25519"]),
    st.dictionaries(MEMBERS, JSON | st.binary(max_size=70).map(encoded), max_size=3),
)


@given(st.lists(NEARLY | JSON, max_size=3) | JSON)
def test_no_document_raises_anything_but_the_error_of_key_sets(keys: Any) -> None:
    document = json.dumps({"keys": keys}).encode()
    try:
        found = parse_key_set(document)
    except KeySetError:
        found = ()
    assert len(found) <= (len(keys) if isinstance(keys, list) else 0)


@given(st.binary())
def test_no_bytes_raise_anything_but_the_error_of_key_sets(content: bytes) -> None:
    with pytest.raises(KeySetError):
        parse_key_set(content)


def test_the_first_location_that_has_keys_is_remembered() -> None:
    base = "https://idp.example/realm"
    source = Source()
    source.documents[base] = b"<html>the login page</html>"
    source.documents[f"{base}/.well-known/jwks.json"] = FIRST
    held = fetched(source, url=base)

    asyncio.run(held.refresh())

    assert source.asked == [base, *[f"{base}/.well-known/jwks.json"] * 2]
    assert held.location == f"{base}/.well-known/jwks.json"
    assert (kids(held), held.version) == (["first"], 1)


@pytest.mark.parametrize("document", [key_set(), key_set({"kty": "oct"}), b"{}"])
def test_a_location_without_a_usable_key_is_not_the_one(document: bytes) -> None:
    base = "https://idp.example/realm"
    source = Source()
    source.documents[base] = document
    source.documents[f"{base}/.well-known/jwks.json"] = FIRST

    assert kids(fetched(source, url=base)) == ["first"]


def configuration(uri: object) -> bytes:
    return json.dumps({"issuer": "https://idp.example", "jwks_uri": uri}).encode()


OPENID = "https://idp.example/realm/.well-known/openid-configuration"


@pytest.mark.parametrize("url", ["https://idp.example/realm", OPENID])
def test_an_issuer_leads_to_its_keys(url: str) -> None:
    source = Source()
    source.documents[OPENID] = configuration("https://keys.example/certs")
    source.documents["https://keys.example/certs"] = FIRST

    held = fetched(source, url=url)

    assert (held.location, kids(held)) == ("https://keys.example/certs", ["first"])


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param("http://keys.example/certs", id="not encrypted"),
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("/certs", id="relative"),
        pytest.param("https://[", id="no URL"),
        pytest.param(OPENID, id="itself"),
        pytest.param(7, id="a number"),
        pytest.param(None, id="null"),
    ],
)
def test_an_issuer_cannot_lead_anywhere(uri: object) -> None:
    source = Source()
    source.documents[OPENID] = configuration(uri)

    held = fetched(source, url="https://idp.example/realm")

    assert "jwks_uri" in held.error
    assert source.asked == [*locations_of("https://idp.example/realm")]


def test_a_key_set_that_moves_is_found_again() -> None:
    source = Source()
    source.documents[OPENID] = configuration("https://keys.example/old")
    source.documents["https://keys.example/old"] = FIRST
    held = fetched(source, url="https://idp.example/realm")
    source.documents = {
        OPENID: configuration("https://keys.example/new"),
        "https://keys.example/new": SECOND,
    }

    asyncio.run(held.refresh())

    assert (held.location, kids(held)) == ("https://keys.example/new", ["second"])


def test_no_location_is_asked_twice_in_one_go() -> None:
    base = "https://idp.example/realm"
    source = Source()
    source.documents[OPENID] = configuration(base)

    held = fetched(source, url=base)

    assert source.asked == [*locations_of(base)]
    assert held.fetches == 3


def test_a_source_that_had_keys_can_revoke_all_of_them() -> None:
    source = Source(keys=FIRST)
    held = fetched(source)
    source.documents[LOCATION] = key_set()

    asyncio.run(held.refresh())

    assert (kids(held), held.version, held.error) == ([], 2, "")


def test_the_same_document_again_is_no_change(caplog: pytest.LogCaptureFixture) -> None:
    source, clock = Source(keys=key_set(jwk("P-256", kid="a"), {"kty": "oct"})), Clock()
    held = fetched(source, clock)
    keys = held.keys
    clock.now += HOUR_S

    asyncio.run(held.refresh())

    assert held.keys is keys
    assert (held.version, held.fetched_at) == (1, clock.now)
    assert caplog.text.count("key skipped") == 1


@pytest.mark.parametrize(
    ("life_s", "kept_s"),
    [
        (None, DEFAULT_LIFE_S),
        (0.0, MIN_LIFE_S),
        (600.0, 600.0),
        (1e9, MAX_LIFE_S),
    ],
)
def test_a_set_is_usable_for_its_life_and_as_long_after_it_as_allowed(
    life_s: float | None, kept_s: float
) -> None:
    source, clock = Source(keys=FIRST), Clock()
    source.life_s = life_s
    held = fetched(source, clock)

    clock.now = NOW + kept_s
    assert held.is_usable(0)
    clock.now += 50
    assert not held.is_usable(49)
    assert held.is_usable(50)


def test_while_the_source_is_down_known_keys_serve_until_they_are_too_stale() -> None:
    source, clock = Source(keys=FIRST), Clock()
    held = fetched(source, clock)
    source.documents[LOCATION] = KeySetError("unreachable")

    clock.now += DEFAULT_LIFE_S + HOUR_S
    asyncio.run(held.refresh())

    assert [key.kid for key in find_keys([held], "first", HOUR_S)] == ["first"]
    assert "unreachable" in held.error
    clock.now += 1
    with pytest.raises(TokenError) as refused:
        find_keys([held], "first", HOUR_S)
    assert refused.value.reason == "key_set_unavailable"
    source.documents[LOCATION] = FIRST
    asyncio.run(held.refresh())
    assert [key.kid for key in find_keys([held], "first", HOUR_S)] == ["first"]
    assert held.error == ""


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run *scenario*, and fail when a task of it raised something that nobody looked at."""
    complaints: list[dict[str, Any]] = []

    async def watched() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        await scenario()

    asyncio.run(watched())
    assert complaints == []


async def until(condition: Callable[[], bool]) -> None:
    """Let other tasks run until *condition*; it must not depend on time."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("never came true")


def test_a_hundred_unknown_keys_at_once_are_one_fetch() -> None:
    async def scenario() -> None:
        source = Source(keys=FIRST)
        source.gate.clear()
        held = KeySet(URL, source.fetch, clock=Clock())
        waiting = [asyncio.create_task(held.fetch_for_unknown_key()) for _ in range(100)]
        await source.was_asked.wait()
        source.gate.set()

        assert await asyncio.gather(*waiting) == [True] * 100
        assert source.asked == [LOCATION]

    run(scenario)


@pytest.mark.parametrize("is_up", [True, False], ids=["source up", "source down"])
def test_made_up_keys_cause_a_handful_of_fetches(is_up: bool) -> None:
    async def scenario() -> None:
        clock = Clock()
        source = Source(keys=FIRST if is_up else KeySetError("unreachable"))
        held = KeySet(URL, source.fetch, clock=clock)
        asked = [await held.fetch_for_unknown_key() for _ in range(500)]

        assert len(source.asked) == UNKNOWN_KEY_FETCHES
        assert asked.count(True) == UNKNOWN_KEY_FETCHES
        clock.now += UNKNOWN_KEY_PERIOD_S
        assert [await held.fetch_for_unknown_key() for _ in range(3)] == [True, False, False]
        clock.now += HOUR_S
        assert [await held.fetch_for_unknown_key() for _ in range(3)] == [True, True, False]
        clock.now -= 2 * HOUR_S
        assert not await held.fetch_for_unknown_key()
        clock.now += UNKNOWN_KEY_PERIOD_S
        assert await held.fetch_for_unknown_key()

    run(scenario)


def test_a_client_that_hangs_up_does_not_cancel_the_fetch_of_others() -> None:
    async def scenario() -> None:
        source = Source(keys=FIRST)
        source.gate.clear()
        held = KeySet(URL, source.fetch, clock=Clock())
        gone, stays = (asyncio.create_task(held.fetch_for_unknown_key()) for _ in range(2))
        await source.was_asked.wait()
        gone.cancel()
        await asyncio.wait((gone,))
        source.gate.set()

        assert await stays
        assert (gone.cancelled(), kids(held), source.asked) == (True, ["first"], [LOCATION])

    run(scenario)


def test_closing_frees_those_who_wait() -> None:
    async def scenario() -> None:
        source = Source(keys=FIRST)
        source.gate.clear()
        held = KeySet(URL, source.fetch, clock=Clock())
        held.start()
        waiting = asyncio.create_task(held.fetch_for_unknown_key())
        await source.was_asked.wait()
        await held.close()

        assert await waiting
        assert kids(held) == []
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(scenario)


def test_a_set_that_is_started_is_fetched_and_kept_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MIN_LIFE_S", 0.0)

    async def scenario() -> None:
        source = Source(keys=FIRST)
        source.life_s = 0.0
        held = KeySet(URL, source.fetch, clock=Clock())
        held.start()
        held.start()
        await until(lambda: kids(held) == ["first"])
        source.documents[LOCATION] = SECOND
        await until(lambda: kids(held) == ["second"])
        await held.close()

    run(scenario)


@pytest.mark.parametrize("error", [KeySetError("down"), RuntimeError("a defect: k3y"), OSError()])
def test_no_error_ends_the_refresh_in_the_background(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "FIRST_RETRY_S", 0.0)

    async def scenario() -> None:
        source = Source(keys=error)
        held = KeySet(URL, source.fetch, clock=Clock())
        held.start()
        await until(lambda: held.failures >= 3)
        assert held.error
        source.documents[LOCATION] = FIRST
        await until(lambda: kids(held) == ["first"])
        assert held.error == ""
        await held.close()

    run(scenario)
    assert "key set not fetched: url=https://idp.example error=" in caplog.text
    assert "k3y" not in caplog.text


def test_a_defect_while_fetching_reaches_no_request_and_keeps_the_keys() -> None:
    source = Source(keys=FIRST)
    held = fetched(source)
    source.documents[LOCATION] = RuntimeError("a defect")

    assert asyncio.run(held.fetch_for_unknown_key())
    assert kids(held) == ["first"]
    assert held.error.startswith("RuntimeError at ")


def test_a_restart_during_an_outage_serves_the_set_that_was_kept() -> None:
    shelf, clock = Shelf(), Clock()
    source = Source(keys=FIRST)
    before = KeySet(URL, source.fetch, shelf, clock)
    asyncio.run(before.refresh())
    source.documents[LOCATION] = KeySetError("unreachable")
    clock.now += HOUR_S

    after = KeySet(URL, source.fetch, shelf, clock)
    asyncio.run(after.refresh())

    assert kids(after) == ["first"]
    assert (after.fetched_at, after.location) == (NOW, LOCATION)
    assert after.is_usable(HOUR_S)
    assert not after.is_usable(HOUR_S - DEFAULT_LIFE_S - 1)


def test_a_set_kept_in_the_future_counts_from_now() -> None:
    held = KeySet(URL, Source().fetch, Shelf({URL: Kept(LOCATION, 9e12, FIRST)}), clock := Clock())

    clock.now += DEFAULT_LIFE_S + 11
    assert not held.is_usable(10)


@pytest.mark.parametrize("content", [b"", b"{", b"[]"])
def test_a_kept_set_that_is_broken_is_not_used(content: bytes) -> None:
    held = KeySet(URL, Source().fetch, Shelf({URL: Kept(LOCATION, NOW, content)}), Clock())

    assert (kids(held), held.version) == ([], 0)
    assert not held.is_usable(HOUR_S)


class BrokenShelf(Shelf):
    """A shelf on a disk that fails."""

    def load(self, url: str) -> Kept | None:
        raise OSError("no such device")

    def save(self, url: str, location: str, fetched_at: float, content: bytes) -> None:
        raise OSError("no space left")


def test_a_disk_that_fails_costs_only_the_memory(caplog: pytest.LogCaptureFixture) -> None:
    held = KeySet(URL, Source(keys=FIRST).fetch, BrokenShelf(), Clock())
    asyncio.run(held.refresh())

    assert (kids(held), held.error) == (["first"], "")
    assert "kept key set not used" in caplog.text
    assert "key set not kept on disk" in caplog.text


def test_neither_log_nor_error_holds_a_password_or_a_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    url = "https://user:pa55word@idp.example/realm"
    documents = {
        url: key_set(jwk("P-256", kid="a", x="m4terial"), {"k": "m4terial", "kty": "oct"}),
        f"{url}/.well-known/openid-configuration": configuration("https://u:pa55word@h.example/k"),
        "https://u:pa55word@h.example/k": FIRST,
    }
    source = Source()
    shelf = BrokenShelf()

    failing = KeySet(url, source.fetch, shelf, Clock())
    asyncio.run(failing.refresh())
    source.documents.update(documents)
    held = KeySet(url, source.fetch, shelf, Clock())
    asyncio.run(held.refresh())
    source.documents.clear()
    asyncio.run(held.refresh())

    assert kids(held) == ["first"]
    assert held.error.count("://***@") == 4
    for text in (caplog.text, failing.error, held.error):
        assert "***@idp.example/realm" in text
        assert "pa55word" not in text
        assert "m4terial" not in text


def test_applications_with_one_url_share_one_set() -> None:
    async def scenario() -> None:
        source = Source(keys=FIRST)
        sets = KeySets(source.fetch)
        one, other = sets.of([URL]), sets.of([URL, f"{URL}/b"])
        await source.was_asked.wait()

        assert one[0] is other[0]
        assert other[1] is not one[0]
        await sets.retain([URL])
        assert sets.of([URL]) == one
        assert sets.of([f"{URL}/b"]) != other[1:]
        await sets.retain([])
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(scenario)


def test_a_url_that_comes_back_before_its_set_is_closed_gets_a_new_one() -> None:
    async def scenario() -> None:
        source = Source(keys=FIRST)
        sets = KeySets(source.fetch)
        (old,) = sets.of([URL])
        closing = sets.retain([])
        (new,) = sets.of([URL])
        await closing
        await until(lambda: kids(new) == ["first"])

        assert new is not old
        await sets.retain([])

    run(scenario)


async def _never(_: str) -> Fetched:
    raise AssertionError("fetched")


@given(st.sampled_from(["first", "second", "x", None]), st.booleans(), st.booleans())
def test_a_key_is_only_found_in_sets_that_are_usable(
    kid: str | None, first_is_fresh: bool, second_is_fresh: bool
) -> None:
    sets = [
        KeySet(URL, _never, Shelf({URL: Kept(LOCATION, NOW if fresh else 1.0, content)}), Clock())
        for fresh, content in ((first_is_fresh, FIRST), (second_is_fresh, SECOND))
    ]
    held = ["first"] * first_is_fresh + ["second"] * second_is_fresh

    try:
        found = [key.kid for key in find_keys(sets, kid, 0)]
    except TokenError:
        found = []

    assert found == (held if kid is None and len(held) == 1 else [k for k in held if k == kid])
