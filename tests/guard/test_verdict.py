"""The guard as a whole: key sets, the order of the filters, and what is remembered."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any, cast

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antmediad.errors import AddressError, GuardError, KeySetError, TokenError
from antmediad.guard import token as token_module
from antmediad.guard.key_set import DEFAULT_LIFE_S, KeySet
from antmediad.guard.verdict import MAX_REMEMBERED_TOKENS, Guard
from antmediad.settings.schema import Settings
from tests.daemon import SECRET, signed
from tests.guard.source import LOCATION, URL, Clock, Source, fetched
from tests.keys import compact, jwk, key_set, public_pem, signed_by

CLIENTS = ("127.0.0.1",)


def settings_of(**changes: Any) -> Settings:
    guarded = {"ip_filter_enabled": False, "jwt_control_enabled": True, "jwks_url": (URL,)}
    return Settings(**{**guarded, **changes})


def reason_of(guard: Guard, token: str, clients: Sequence[str] = CLIENTS) -> str:
    try:
        guard.check(clients, (token,))
    except GuardError as error:
        return error.reason
    return ""


def verdict(token: str, *entries: Any, **changes: Any) -> str:
    """Return why a guard with these keys refuses, empty when it lets pass."""
    clock = Clock()
    held = fetched(Source(keys=key_set(*entries)), clock)
    guard = Guard(settings_of(**changes), [held], clock)
    reason = reason_of(guard, token)
    steps = guard.explain(CLIENTS[0], (token,))
    assert [step.reason for step in steps if step.reason] == ([reason] if reason else [])
    return reason


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        *[("RSA", algorithm) for algorithm in ("RS256", "RS384", "RS512")],
        *[("RSA", algorithm) for algorithm in ("PS256", "PS384", "PS512")],
        ("P-256", "ES256"),
        ("P-384", "ES384"),
        ("P-521", "ES512"),
        ("Ed25519", "EdDSA"),
        ("Ed448", "EdDSA"),
    ],
)
def test_each_algorithm_is_verified_by_the_key_of_its_kind(key: str, algorithm: str) -> None:
    token = signed_by(key, algorithm, kid="k")
    head, payload, _ = token.split(".")
    _, _, foreign = signed_by(key, algorithm, {"other": 1}, kid="k").split(".")

    assert verdict(token, jwk(key, kid="k")) == ""
    assert verdict(token, jwk(key, kid="k", alg=algorithm, use="sig", key_ops=["verify"])) == ""
    assert verdict(token, jwk(f"{key} of somebody else", kid="k")) == "bad_signature"
    assert verdict(f"{head}.{payload}.{foreign}", jwk(key, kid="k")) == "bad_signature"
    assert verdict(f"{head}.{payload}.", jwk(key, kid="k")) == "bad_signature"


@pytest.mark.parametrize(
    ("algorithm", "entry"),
    [
        pytest.param("PS256", jwk("RSA", kid="k", alg="RS256"), id="PS256, key for RS256"),
        pytest.param("RS512", jwk("RSA", kid="k", alg="RS256"), id="RS512, key for RS256"),
        pytest.param("RS256", jwk("P-256", kid="k"), id="RS256, EC key"),
        pytest.param("ES256", jwk("P-384", kid="k"), id="ES256, key on P-384"),
        pytest.param("ES384", jwk("P-256", kid="k"), id="ES384, key on P-256"),
        pytest.param("EdDSA", jwk("P-256", kid="k"), id="EdDSA, EC key"),
        pytest.param("ES256", jwk("Ed25519", kid="k"), id="ES256, Edwards key"),
    ],
)
def test_the_algorithm_is_bound_to_the_key(algorithm: str, entry: dict[str, Any]) -> None:
    signer = {"R": "RSA", "P": "RSA", "E": "P-256"}[algorithm[0]]
    signer = {"ES384": "P-384", "EdDSA": "Ed25519"}.get(algorithm, signer)

    assert verdict(signed_by(signer, algorithm, kid="k"), entry) == "algorithm_not_allowed"


@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS384", "HS512", "ES256K", "RS1", "rs256"])
@pytest.mark.parametrize("secret", ["pem", "jwtSecretKey"])
def test_only_asymmetric_algorithms_count_beside_a_key_set(algorithm: str, secret: str) -> None:
    key = public_pem("RSA") if secret == "pem" else SECRET
    token = compact({"alg": algorithm, "kid": "k"}, b"{}", key)

    assert verdict(token, jwk("RSA", kid="k"), jwt_secret_key=SECRET) == "algorithm_not_allowed"


def test_a_key_set_that_holds_a_secret_accepts_no_token_of_it() -> None:
    entry = {"kty": "oct", "kid": "k", "k": "c2VjcmV0", "alg": "HS256"}

    reason = verdict(compact({"alg": "HS256", "kid": "k"}, b"{}", "secret"), entry)

    assert reason == "algorithm_not_allowed"


@pytest.mark.parametrize(
    ("kid", "entries", "reason"),
    [
        pytest.param("k", [jwk("P-256", kid="k"), jwk("Ed25519", kid="x")], "", id="named"),
        pytest.param("x", [jwk("P-256", kid="k")], "unknown_kid", id="not held"),
        pytest.param("K", [jwk("P-256", kid="k")], "unknown_kid", id="other case"),
        pytest.param("k", [jwk("P-256")], "unknown_kid", id="the key has none"),
        pytest.param("", [jwk("P-256")], "unknown_kid", id="empty is not none"),
        pytest.param(None, [jwk("P-256", kid="k")], "", id="none, one key"),
        pytest.param(None, [jwk("P-256")], "", id="none, one key without kid"),
        pytest.param(None, [jwk("P-256"), jwk("Ed25519")], "unknown_kid", id="none, two keys"),
        pytest.param(
            None, [jwk("P-256"), jwk("Ed25519", use="enc")], "", id="none, one key for signatures"
        ),
        pytest.param(
            "k", [jwk("P-256 other", kid="k"), jwk("P-256", kid="k")], "", id="two keys of a name"
        ),
        pytest.param(
            "k", [jwk("RSA", kid="k"), jwk("P-256", kid="k")], "", id="two kinds of a name"
        ),
    ],
)
def test_the_key_is_chosen_by_its_name(kid: str | None, entries: list[Any], reason: str) -> None:
    token = signed_by("P-256", "ES256") if kid is None else signed_by("P-256", "ES256", kid=kid)

    assert verdict(token, *entries) == reason


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(jwk("P-256", kid="k", use="enc"), id="use enc"),
        pytest.param(jwk("P-256", kid="k", key_ops=["encrypt"]), id="key_ops without verify"),
        pytest.param(jwk("P-256", kid="k", alg="ECDH-ES"), id="alg for encryption"),
        pytest.param(jwk("RSA-1024", kid="k"), id="RSA key of 1024 bits"),
        pytest.param(jwk("secp256k1", kid="k"), id="another curve"),
    ],
)
def test_a_key_that_is_not_for_verifying_does_not_verify(entry: dict[str, Any]) -> None:
    key, algorithm = ("RSA-1024", "RS256") if entry["kty"] == "RSA" else ("P-256", "ES256")

    with warnings.catch_warnings(action="ignore"):
        token = signed_by(key, algorithm, kid="k")

    assert verdict(token, entry, jwk("Ed25519", kid="other")) == "unknown_kid"


@pytest.mark.parametrize("header", ["jku", "x5u", "jwk", "x5c"])
def test_a_key_that_the_token_brings_along_is_neither_fetched_nor_trusted(header: str) -> None:
    brought: dict[str, Any] = {
        "jku": "https://attacker.example/jwks.json",
        "x5u": "https://attacker.example/chain.pem",
        "jwk": jwk("P-256 attacker", kid="k"),
        "x5c": ["MIIB"],
    }
    source = Source(keys=key_set(jwk("P-256", kid="k")))
    source.documents["https://attacker.example/jwks.json"] = key_set(jwk("P-256 attacker", kid="k"))
    held = fetched(source)
    guard = Guard(settings_of(), [held], held._clock)
    known = signed_by("P-256 attacker", "ES256", kid="k", **{header: brought[header]})
    unknown = signed_by("P-256 attacker", "ES256", kid="a", **{header: brought[header]})

    async def check() -> list[str]:
        return [await reason_after_fetch(guard, token) for token in (known, unknown)]

    assert asyncio.run(check()) == ["bad_signature", "unknown_kid"]
    assert set(source.asked) == {LOCATION}


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": 1_700_000_000}, "expired"),
        ({"exp": 1_700_000_001}, ""),
        ({"nbf": 1_700_000_001}, "not_yet_valid"),
        ({"exp": True}, "bad_claim"),
        ({"iat": 9_999_999_999}, ""),
    ],
)
def test_claims_are_checked_beside_a_key_set_too(claims: dict[str, Any], reason: str) -> None:
    assert verdict(signed_by("P-256", "ES256", claims, kid="k"), jwk("P-256", kid="k")) == reason


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("ES256",), ""),
        (("RS256", "ES256"), ""),
        (("RS256",), "algorithm_not_allowed"),
        (("HS256",), "algorithm_not_allowed"),
    ],
)
def test_named_algorithms_narrow_those_of_the_keys(names: tuple[str, ...], reason: str) -> None:
    token = signed_by("P-256", "ES256", kid="k")

    assert verdict(token, jwk("P-256", kid="k"), jwt_algorithms=names) == reason


def test_keys_of_several_sets_count_together() -> None:
    first = fetched(Source(keys=key_set(jwk("P-256", kid="a"))))
    second = fetched(Source(keys=key_set(jwk("Ed25519", kid="b"))))
    guard = Guard(settings_of(jwks_url=(URL, f"{URL}/b")), [first, second], Clock())

    assert reason_of(guard, signed_by("P-256", "ES256", kid="a")) == ""
    assert reason_of(guard, signed_by("Ed25519", "EdDSA", kid="b")) == ""
    assert reason_of(guard, signed_by("P-256", "ES256")) == "unknown_kid"


def test_without_a_key_set_nothing_passes() -> None:
    token = signed_by("P-256", "ES256")

    assert reason_of(Guard(settings_of()), token) == "key_set_unavailable"
    assert reason_of(Guard(settings_of(jwt_secret_key=SECRET)), signed()) == "algorithm_not_allowed"


def test_the_address_is_checked_first_and_every_client_has_to_be_allowed() -> None:
    guard = Guard(
        settings_of(
            jwks_url=(),
            jwt_secret_key=SECRET,
            ip_filter_enabled=True,
            remote_allowed_cidr=(ip_network("10.0.0.0/8"),),
        )
    )

    assert reason_of(guard, "", ("11.0.0.1",)) == "ip_not_allowed"
    assert reason_of(guard, signed(), ("10.0.0.1", "11.0.0.1")) == "ip_not_allowed"
    assert reason_of(guard, signed(), ("11.0.0.1", "10.0.0.1")) == "ip_not_allowed"
    assert reason_of(guard, signed(), ("10.0.0.1", "unknown")) == "ip_unreadable"
    assert reason_of(guard, signed(), ()) == "ip_unreadable"
    assert reason_of(guard, "", ("10.0.0.1",)) == "no_token"
    assert reason_of(guard, signed(), ("10.0.0.1", "10.0.0.2")) == ""


def test_an_address_that_is_refused_stays_refused_whatever_the_token() -> None:
    guard = Guard(settings_of(jwks_url=(), jwt_secret_key=SECRET, ip_filter_enabled=True))

    assert reason_of(guard, signed(), ("127.0.0.1",)) == ""
    assert reason_of(guard, signed(), ("8.8.8.8",)) == "ip_not_allowed"


def test_a_filter_that_is_off_looks_at_nothing() -> None:
    guard = Guard(settings_of(jwt_control_enabled=False))

    guard.check((), ("Basic x", "Basic y"))

    assert [step.remark for step in guard.explain("nonsense", ())] == ["switched off"] * 2


@pytest.mark.parametrize("algorithm", ["HS256", "HS256\x1b[2J"])
def test_an_explanation_cannot_steer_a_terminal(algorithm: str) -> None:
    token = compact({"alg": algorithm, "kid": "\x1b]0;x\x07"}, b"{}", SECRET)
    guard = Guard(settings_of(jwks_url=(), jwt_secret_key=SECRET))

    steps = guard.explain("127.0.0.1", (token,))

    assert len(steps) > 3
    assert all("\x1b" not in step.remark for step in steps)


async def reason_after_fetch(guard: Guard, token: str) -> str:
    """Return why a request is refused in the end, as the server asks."""
    try:
        guard.check(CLIENTS, (token,))
    except GuardError as refused:
        try:
            await guard.check_again(refused, (token,))
        except GuardError as error:
            return error.reason
    return ""


@pytest.mark.parametrize(
    ("before", "after", "token"),
    [
        pytest.param(
            jwk("P-256", kid="a"),
            jwk("P-256 new", kid="b"),
            signed_by("P-256 new", "ES256", kid="b"),
            id="a new name",
        ),
        pytest.param(
            jwk("P-256"), jwk("P-256 new"), signed_by("P-256 new", "ES256"), id="without name"
        ),
        pytest.param(
            jwk("P-256"), jwk("Ed25519"), signed_by("Ed25519", "EdDSA"), id="of another kind"
        ),
    ],
)
def test_the_first_token_of_a_new_key_passes(before: Any, after: Any, token: str) -> None:
    source = Source(keys=key_set(before))
    held = fetched(source)
    guard = Guard(settings_of(), [held], Clock())
    source.documents[LOCATION] = key_set(after)

    assert asyncio.run(reason_after_fetch(guard, token)) == ""
    assert len(source.asked) == 2


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        pytest.param("", "no_token", id="no token"),
        pytest.param("x", "malformed", id="malformed"),
        pytest.param(signed(kid="x"), "algorithm_not_allowed", id="HS256"),
        pytest.param(signed(), "algorithm_not_allowed", id="HS256 without name"),
        pytest.param(
            signed_by("P-256 other", "ES256", kid="k"), "bad_signature", id="known name, bad"
        ),
        pytest.param(
            signed_by("Ed25519", "EdDSA", kid="k"), "algorithm_not_allowed", id="known name, kind"
        ),
        pytest.param(signed_by("P-256", "ES256", {"exp": 1}, kid="k"), "expired", id="expired"),
    ],
)
def test_a_token_that_no_new_key_could_save_causes_no_fetch(token: str, reason: str) -> None:
    source = Source(keys=key_set(jwk("P-256", kid="k")))
    held = fetched(source)
    guard = Guard(settings_of(), [held], Clock())

    assert asyncio.run(reason_after_fetch(guard, token)) == reason
    assert len(source.asked) == 1


def test_a_refused_address_causes_no_fetch() -> None:
    source = Source(keys=key_set(jwk("P-256", kid="k")))
    held = fetched(source)
    guard = Guard(settings_of(ip_filter_enabled=True), [held], Clock())
    refused = AddressError("ip_not_allowed")

    with pytest.raises(AddressError) as error:
        asyncio.run(guard.check_again(refused, (signed_by("P-256", "ES256"),)))

    assert error.value is refused
    assert len(source.asked) == 1


class CountingAlgorithm:
    """Counts signature checks."""

    def __init__(self, algorithm: jwt.algorithms.Algorithm) -> None:
        self.algorithm = algorithm
        self.checks = 0

    def verify(self, message: bytes, key: Any, signature: bytes) -> bool:
        self.checks += 1
        return self.algorithm.verify(message, key, signature)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> CountingAlgorithm:
    """The signature checks of ES256."""
    counting = CountingAlgorithm(jwt.get_algorithm_by_name("ES256"))
    monkeypatch.setitem(token_module._ALGORITHMS, "ES256", cast(Any, counting))
    return counting


def test_the_second_use_of_a_token_costs_no_signature_check(counted: CountingAlgorithm) -> None:
    clock = Clock()
    guard = Guard(settings_of(), [fetched(Source(keys=key_set(jwk("P-256"))), clock)], clock)
    good = signed_by("P-256", "ES256", {"exp": clock.now + 10})
    bad = signed_by("P-256 other", "ES256")

    assert [reason_of(guard, good) for _ in range(3)] == [""] * 3
    assert counted.checks == 1
    assert [reason_of(guard, bad) for _ in range(3)] == ["bad_signature"] * 3
    assert counted.checks == 4
    clock.now += 10
    assert reason_of(guard, good) == "expired"
    assert counted.checks == 4


def test_no_more_tokens_are_remembered_than_the_limit_and_only_good_ones() -> None:
    guard = Guard(settings_of(jwks_url=(), jwt_secret_key=SECRET))
    tokens = [signed({"n": number}) for number in range(MAX_REMEMBERED_TOKENS + 10)]

    for token in tokens:
        assert reason_of(guard, token) == ""
        assert reason_of(guard, f"{token[:-4]}AAAA") == "bad_signature"

    assert len(guard._remembered) == MAX_REMEMBERED_TOKENS
    assert reason_of(guard, tokens[0]) == ""


def test_a_token_is_forgotten_with_its_key() -> None:
    clock = Clock()
    source = Source(keys=key_set(jwk("P-256", kid="k")))
    held = fetched(source, clock)
    guard = Guard(settings_of(), [held], clock)
    token = signed_by("P-256", "ES256", kid="k")
    before = reason_of(guard, token)
    source.documents[LOCATION] = key_set(jwk("P-256 new", kid="new"))

    asyncio.run(held.refresh())

    assert (before, reason_of(guard, token)) == ("", "unknown_kid")


def test_a_token_is_remembered_no_longer_than_its_keys_may_serve() -> None:
    clock = Clock()
    source = Source(keys=key_set(jwk("P-256", kid="k")))
    held = fetched(source, clock)
    guard = Guard(settings_of(jwks_max_stale_seconds=100), [held], clock)
    token = signed_by("P-256", "ES256", kid="k")

    clock.now += DEFAULT_LIFE_S + 100
    assert reason_of(guard, token) == ""
    clock.now += 1
    assert reason_of(guard, token) == "key_set_unavailable"


KEYS = {"a": "P-256 a", "b": "P-256 b", "c": "P-256 c"}
BEGIN = Clock().now
TOKENS = [
    *(signed_by(key, "ES256", {"exp": BEGIN + 400}, kid=kid) for kid, key in KEYS.items()),
    *(signed_by(key, "ES256", kid=kid) for kid, key in KEYS.items()),
    signed_by("P-256 a", "ES256", {"nbf": BEGIN + 300}),
    signed_by("P-256 a", "ES256", kid="b"),
    signed_by("P-256 x", "ES256", kid="x"),
    signed(kid="a"),
]
STEPS = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([1, 50, 299, 301, 1000, -60])),
    st.tuples(st.just("publish"), st.lists(st.sampled_from([*KEYS, None]), max_size=3)),
    st.tuples(st.just("outage"), st.none()),
    st.tuples(st.just("refresh"), st.none()),
    st.tuples(st.just("token"), st.integers(0, len(TOKENS) - 1)),
    st.tuples(st.just("token"), st.integers(0, len(TOKENS) - 1)),
)


@given(st.lists(STEPS, max_size=30))
def test_a_verdict_is_always_the_one_that_a_guard_without_memory_gives(
    steps: list[tuple[str, Any]],
) -> None:
    clock, source = Clock(), Source(keys=key_set(jwk("P-256 a", kid="a")))
    held = fetched(source, clock)
    chosen = settings_of(jwks_max_stale_seconds=500)
    guard = Guard(chosen, [held], clock)

    for action, value in steps:
        if action == "wait":
            clock.now += value
        elif action == "publish":
            entries = [jwk(KEYS[kid or "a"], kid=kid) for kid in value]
            source.documents[LOCATION] = key_set(*entries)
        elif action == "outage":
            source.documents[LOCATION] = KeySetError("unreachable")
        elif action == "refresh":
            asyncio.run(held.refresh())
        else:
            fresh = Guard(chosen, [held], clock)
            assert reason_of(guard, TOKENS[value]) == reason_of(fresh, TOKENS[value])


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(0, 3)), max_size=30))
def test_with_a_secret_too_memory_changes_no_verdict(steps: list[tuple[int, int]]) -> None:
    clock = Clock()
    chosen = settings_of(jwks_url=(), jwt_secret_key=SECRET, jwt_clock_skew_seconds=5)
    guard = Guard(chosen, clock=clock)
    claims = [{}, {"exp": BEGIN + 20}, {"nbf": BEGIN + 10}, {"nbf": BEGIN, "exp": BEGIN + 5}]
    tokens = [compact({"alg": "HS256"}, json.dumps(one).encode(), SECRET) for one in claims]

    for wait, number in steps:
        clock.now += wait
        fresh = Guard(chosen, clock=clock)
        assert reason_of(guard, tokens[number]) == reason_of(fresh, tokens[number])


def test_a_key_set_that_is_closed_meanwhile_refuses_and_does_not_break_the_request() -> None:
    async def scenario() -> str:
        source = Source(keys=key_set(jwk("P-256", kid="k")))
        source.gate.clear()
        held = KeySet(URL, source.fetch, clock=Clock())
        guard = Guard(settings_of(), [held], Clock())
        waiting = asyncio.create_task(
            reason_after_fetch(guard, signed_by("P-256", "ES256", kid="k"))
        )
        await source.was_asked.wait()
        await held.close()
        return await waiting

    assert asyncio.run(scenario()) == "key_set_unavailable"


def test_a_refusal_tells_the_client_no_reason() -> None:
    with pytest.raises(TokenError) as refused:
        Guard(settings_of()).check(CLIENTS, ("x.y.z",))

    assert (refused.value.status, refused.value.message) == (403, "Invalid App JWT Token")


def test_the_rate_counts_after_the_address_and_before_the_token() -> None:
    clock = Clock()
    guard = Guard(settings_of(ip_filter_enabled=True, rest_requests_per_second=2), monotonic=clock)

    found = [reason_of(guard, "no token", clients) for clients in (("8.8.8.8",), *[CLIENTS] * 3)]

    assert found == ["ip_not_allowed", "malformed", "malformed", "rate_limited"]
    clock.now += 1
    assert reason_of(guard, "no token") == "malformed"


def test_looking_at_the_key_set_again_takes_no_second_token_from_the_rate() -> None:
    source = Source(keys=key_set(jwk("P-256", kid="old")))
    held = fetched(source)
    guard = Guard(settings_of(rest_requests_per_second=1), [held], monotonic=Clock())
    source.documents[LOCATION] = key_set(jwk("P-256", kid="new"))

    assert asyncio.run(reason_after_fetch(guard, signed_by("P-256", "ES256", kid="new"))) == ""
    assert reason_of(guard, signed_by("P-256", "ES256", kid="new")) == "rate_limited"
