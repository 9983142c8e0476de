"""The JWT filter with a shared secret: which tokens pass, and why the others do not."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antmediad.errors import TokenError
from antmediad.guard.token import MAX_TOKEN_CHARS, bearer_token, parse_token
from antmediad.guard.verdict import Guard
from antmediad.settings.schema import Settings
from tests.daemon import SECRET, signed
from tests.keys import compact, encoded, public_pem, signed_by

# The permanent token that Ant Media Server's wiki prints, for the secret that it prints.
WIKI_TOKEN = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ0b2tlbiIsImlhdCI6MTUxNjIzOTAyMn0"
    ".OESIxgNsnD_JwByKTXcrw9Ov4GaOUZw66QxMfmudhKQ"
)
NOW = 1_700_000_000
HEADER = {"alg": "HS256", "typ": "JWT"}


def reason_of(authorization: Sequence[str], now: float = NOW, **settings: Any) -> str:
    """Return why the guard refuses, empty when it lets pass; explain() has to agree with it."""
    guarded = {"ip_filter_enabled": False, "jwt_control_enabled": True, "jwt_secret_key": SECRET}
    guard = Guard(Settings(**{**guarded, **settings}), clock=lambda: now)
    try:
        guard.check(("127.0.0.1",), authorization)
        reason = ""
    except TokenError as error:
        reason = error.reason
    steps = guard.explain("127.0.0.1", authorization)
    assert [step.reason for step in steps if step.reason] == ([reason] if reason else [])
    return reason


def with_payload(payload: str) -> str:
    return compact(HEADER, payload.encode(errors="surrogatepass"), SECRET)


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        pytest.param(["{}"], "", id="raw"),
        pytest.param(["Bearer {}"], "", id="Bearer"),
        pytest.param(["bearer {}"], "", id="bearer in small letters"),
        pytest.param(["BEARER   {}"], "", id="several blanks"),
        pytest.param(["Bearer\t{}"], "", id="a tab"),
        pytest.param([" {} "], "", id="blanks around"),
        pytest.param([], "no_token", id="no header"),
        pytest.param([""], "no_token", id="empty header"),
        pytest.param([" \t"], "no_token", id="blank header"),
        pytest.param(["Bearer"], "no_token", id="Bearer alone"),
        pytest.param(["Bearer  "], "no_token", id="Bearer and blanks"),
        pytest.param(["Bearer{}"], "malformed", id="no blank after Bearer"),
        pytest.param(["Bearer\xa0{}"], "malformed", id="no-break space after Bearer"),
        pytest.param(["Bearer Bearer {}"], "malformed", id="Bearer twice"),
        pytest.param(["Basic dXNlcjpwYXNz"], "malformed", id="Basic"),
        pytest.param(["Basic {}"], "malformed", id="Basic with a good token"),
        pytest.param(["Token {}"], "malformed", id="another scheme"),
        pytest.param(["{}", "{}"], "several_tokens", id="the header twice"),
        pytest.param(["{}", ""], "several_tokens", id="the header twice, once empty"),
        pytest.param(["{}, {}"], "malformed", id="two tokens in one header"),
        pytest.param(["{}\n"], "malformed", id="line break"),
        pytest.param(["{}\x00"], "malformed", id="NUL"),
        pytest.param(["Bearer é"], "malformed", id="not ASCII"),
        pytest.param(["\udcff{}"], "malformed", id="not UTF-8"),
        pytest.param(["null"], "malformed", id="null"),
    ],
)
def test_one_header_carries_one_token(authorization: list[str], reason: str) -> None:
    assert reason_of([line.replace("{}", WIKI_TOKEN) for line in authorization]) == reason


HEAD, PAYLOAD, SIGNATURE = WIKI_TOKEN.split(".")


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        pytest.param(WIKI_TOKEN, "", id="as issued"),
        pytest.param(f"{WIKI_TOKEN}=", "", id="padded signature"),
        pytest.param(f"{WIKI_TOKEN}===", "malformed", id="too much padding"),
        pytest.param(f"{HEAD}.{PAYLOAD}.", "bad_signature", id="empty signature"),
        pytest.param(f"{HEAD}.{PAYLOAD}", "malformed", id="two parts"),
        pytest.param(f"{WIKI_TOKEN}.{SIGNATURE}", "malformed", id="four parts"),
        pytest.param(f"{HEAD}.{PAYLOAD}.{SIGNATURE}.x.y", "malformed", id="five parts (JWE)"),
        pytest.param("..", "malformed", id="three empty parts"),
        pytest.param(f".{PAYLOAD}.{SIGNATURE}", "malformed", id="no header"),
        pytest.param(f"{HEAD}..{SIGNATURE}", "malformed", id="no payload (detached)"),
        pytest.param(f"{HEAD}.{PAYLOAD}.{SIGNATURE[:-2]}", "malformed", id="impossible length"),
        pytest.param(f"{HEAD}.{PAYLOAD}.{SIGNATURE[:-3]}", "bad_signature", id="short signature"),
        pytest.param(f"{HEAD}.{PAYLOAD}.A{SIGNATURE[1:]}", "bad_signature", id="other signature"),
        pytest.param(f"{HEAD}.{PAYLOAD[:-1]}.{SIGNATURE}", "bad_signature", id="other payload"),
        pytest.param(f"{HEAD}.{PAYLOAD}=.{SIGNATURE}", "bad_signature", id="padding not signed"),
        pytest.param(f"{HEAD}.{PAYLOAD}.{SIGNATURE[:9]} {SIGNATURE[9:]}", "malformed", id="blank"),
        pytest.param(f"{HEAD}.{PAYLOAD}.{SIGNATURE[:9]}+{SIGNATURE[9:]}", "malformed", id="plus"),
        pytest.param(f"{HEAD}.{PAYLOAD}.{SIGNATURE[:9]}é", "malformed", id="letter beyond ASCII"),
        pytest.param(f"{HEAD}.{PAYLOAD}.{'A' * MAX_TOKEN_CHARS}", "malformed", id="too long"),
    ],
)
def test_a_token_is_three_parts_of_base64url(token: str, reason: str) -> None:
    assert reason_of([token]) == reason


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        pytest.param({"alg": "HS256"}, "", id="alg alone"),
        pytest.param({**HEADER, "typ": 7, "cty": [], "x": {}}, "", id="members without meaning"),
        pytest.param({**HEADER, "kid": "any"}, "", id="a kid"),
        pytest.param({**HEADER, "jwk": {"kty": "oct", "k": "AA"}}, "", id="a key of its own"),
        pytest.param({}, "malformed", id="no alg"),
        pytest.param({"alg": None}, "malformed", id="alg null"),
        pytest.param({"alg": ["HS256"]}, "malformed", id="alg a list"),
        pytest.param({"alg": "none"}, "algorithm_not_allowed", id="none"),
        pytest.param({"alg": "NONE"}, "algorithm_not_allowed", id="NONE"),
        pytest.param({"alg": ""}, "algorithm_not_allowed", id="empty"),
        pytest.param({"alg": "hs256"}, "algorithm_not_allowed", id="hs256"),
        pytest.param({"alg": "HS256 "}, "algorithm_not_allowed", id="HS256 and a blank"),
        pytest.param({"alg": "HS384"}, "algorithm_not_allowed", id="HS384"),
        pytest.param({"alg": "HS512"}, "algorithm_not_allowed", id="HS512"),
        pytest.param({"alg": "RS256"}, "algorithm_not_allowed", id="RS256"),
        pytest.param({**HEADER, "crit": ["exp"]}, "critical_header", id="crit"),
        pytest.param({**HEADER, "crit": []}, "critical_header", id="empty crit"),
        pytest.param({**HEADER, "crit": None}, "critical_header", id="crit null"),
        pytest.param({**HEADER, "crit": ["b64"], "b64": False}, "critical_header", id="b64"),
        pytest.param({**HEADER, "kid": 7}, "malformed", id="kid a number"),
        pytest.param(b"[]", "malformed", id="a list"),
        pytest.param(b'"HS256"', "malformed", id="a text"),
        pytest.param(b"null", "malformed", id="null header"),
        pytest.param(b"{", "malformed", id="no JSON"),
        pytest.param(b"\xff", "malformed", id="no UTF-8"),
        pytest.param(b'\xef\xbb\xbf{"alg":"HS256"}', "malformed", id="byte order mark"),
        pytest.param(b'{"alg":"HS256","alg":"none"}', "algorithm_not_allowed", id="alg twice"),
        pytest.param(
            b'{"alg":"HS256","x":' + b"[" * 4000 + b"]" * 4000 + b"}", "malformed", id="nested deep"
        ),
    ],
)
def test_the_header_names_the_algorithm(header: bytes | dict[str, Any], reason: str) -> None:
    assert reason_of([compact(header, b"{}", SECRET)]) == reason


@pytest.mark.parametrize("algorithm", ["none", "HS384", "HS512"])
def test_a_token_of_another_algorithm_is_refused_though_its_signature_is_good(
    algorithm: str,
) -> None:
    with warnings.catch_warnings(action="ignore"):
        token = jwt.encode({}, "" if algorithm == "none" else SECRET, algorithm)

    assert reason_of([token]) == "algorithm_not_allowed"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        pytest.param("{}", "", id="no claims: a permanent token"),
        pytest.param(f'{{"exp":{NOW + 1}}}', "", id="exp a second ahead"),
        pytest.param(f'{{"exp":{NOW}}}', "expired", id="exp now"),
        pytest.param(f'{{"exp":{NOW}.5}}', "", id="exp half a second ahead"),
        pytest.param(f'{{"exp":{NOW - 1}}}', "expired", id="exp a second ago"),
        pytest.param('{"exp":0}', "expired", id="exp zero"),
        pytest.param('{"exp":-1}', "expired", id="exp before 1970"),
        pytest.param('{"exp":1e300}', "", id="exp huge"),
        pytest.param('{"exp":123456789012345678901234567890}', "", id="exp a long number"),
        pytest.param('{"exp":-1e300}', "expired", id="exp hugely negative"),
        pytest.param('{"exp":1e400}', "malformed", id="exp beyond a float"),
        pytest.param('{"exp":NaN}', "malformed", id="exp NaN"),
        pytest.param('{"exp":Infinity}', "malformed", id="exp Infinity"),
        pytest.param('{"exp":true}', "bad_claim", id="exp true"),
        pytest.param('{"exp":null}', "bad_claim", id="exp null"),
        pytest.param('{"exp":"9999999999"}', "bad_claim", id="exp a text"),
        pytest.param('{"exp":[9999999999]}', "bad_claim", id="exp a list"),
        pytest.param('{"exp":{}}', "bad_claim", id="exp an object"),
        pytest.param('{"exp":1,"exp":9999999999}', "", id="exp twice: the last"),
        pytest.param(f'{{"nbf":{NOW}}}', "", id="nbf now"),
        pytest.param(f'{{"nbf":{NOW + 1}}}', "not_yet_valid", id="nbf a second ahead"),
        pytest.param('{"nbf":"0"}', "bad_claim", id="nbf a text"),
        pytest.param('{"nbf":false}', "bad_claim", id="nbf false"),
        pytest.param(f'{{"nbf":{NOW + 1},"exp":{NOW}}}', "expired", id="never valid"),
        pytest.param(f'{{"iat":{NOW + 1}}}', "", id="iat a second ahead"),
        pytest.param('{"iat":9e99}', "", id="iat far ahead"),
        pytest.param('{"iat":"now"}', "bad_claim", id="iat a text"),
        pytest.param('{"iss":[],"aud":7,"sub":null,"jti":{}}', "", id="claims nobody looks at"),
        pytest.param("[]", "malformed", id="a list"),
        pytest.param("null", "malformed", id="null"),
        pytest.param('"x"', "malformed", id="a text"),
        pytest.param("{", "malformed", id="no JSON"),
        pytest.param('{"a":"\ud800"}', "malformed", id="no UTF-8"),
        pytest.param("[" * 4000 + "]" * 4000, "malformed", id="nested deep"),
        pytest.param('{"a":' * 4000 + "1" + "}" * 4000, "malformed", id="objects nested deep"),
    ],
)
def test_claims_decide_after_the_signature(payload: str, reason: str) -> None:
    assert reason_of([with_payload(payload)]) == reason


def test_claims_are_not_read_before_the_signature_is_good() -> None:
    assert reason_of([compact(HEADER, b"[", "another secret")]) == "bad_signature"


@pytest.mark.parametrize(
    ("claims", "now", "reason"),
    [
        ({"exp": NOW}, NOW + 29.9, ""),
        ({"exp": NOW}, NOW + 30, "expired"),
        ({"nbf": NOW}, NOW - 30, ""),
        ({"nbf": NOW}, NOW - 30.1, "not_yet_valid"),
    ],
)
def test_the_clock_skew_is_given_on_both_ends(
    claims: dict[str, int], now: float, reason: str
) -> None:
    assert reason_of([signed(claims)], now, jwt_clock_skew_seconds=30) == reason


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("x", id="one character"),
        pytest.param("käse ☃", id="not ASCII"),
        pytest.param(" " * 40, id="blanks"),
        pytest.param("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", id="PEM"),
        pytest.param("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ", id="SSH key"),
        pytest.param("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB a@b", id="another SSH key"),
        pytest.param("s" * 5000, id="very long"),
    ],
)
def test_any_text_is_a_secret_by_its_utf8_bytes_and_without_a_warning(secret: str) -> None:
    token = compact(HEADER, b"{}", secret)

    with warnings.catch_warnings(record=True, action="always") as warned:
        reason = reason_of([token], jwt_secret_key=secret)

    assert (reason, warned) == ("", [])


def test_a_secret_that_utf8_cannot_express_is_what_java_makes_of_it() -> None:
    assert reason_of([compact(HEADER, b"{}", "a?b")], jwt_secret_key="a\udc00b") == ""


def test_a_public_key_as_secret_does_not_accept_the_tokens_of_that_key() -> None:
    token = signed_by("P-256", "ES256")

    assert reason_of([token], jwt_secret_key=public_pem("P-256")) == "algorithm_not_allowed"


@pytest.mark.parametrize("key", ["", SECRET, "another secret of 32 characters!"])
def test_without_a_secret_no_token_passes(key: str) -> None:
    token = compact(HEADER, b"{}", key)

    assert reason_of([token], jwt_secret_key="") == "no_secret"


def test_during_a_rotation_both_secrets_are_good() -> None:
    new, old, other = (signed(secret=name * 32) for name in ("n", "o", "x"))
    secrets: dict[str, Any] = {"jwt_secret_key": "n" * 32, "jwt_previous_secret_key": "o" * 32}

    assert reason_of([new], **secrets) == ""
    assert reason_of([old], **secrets) == ""
    assert reason_of([other], **secrets) == "bad_signature"
    assert reason_of([compact(HEADER, b"{}", "")], **secrets) == "bad_signature"


@pytest.mark.parametrize(
    ("settings", "claims", "reason"),
    [
        pytest.param({"jwt_issuer": ("a", "b")}, {"iss": "b"}, "", id="an issuer of two"),
        pytest.param({"jwt_issuer": ("a",)}, {"iss": "A"}, "issuer_not_allowed", id="other case"),
        pytest.param({"jwt_issuer": ("a",)}, {"iss": ["a"]}, "issuer_not_allowed", id="iss a list"),
        pytest.param({"jwt_issuer": ("a",)}, {}, "issuer_not_allowed", id="no iss"),
        pytest.param({"jwt_audience": ("a", "b")}, {"aud": "b"}, "", id="an audience"),
        pytest.param({"jwt_audience": ("a",)}, {"aud": ["x", "a"]}, "", id="one of several"),
        pytest.param({"jwt_audience": ("a",)}, {"aud": "x"}, "audience_not_allowed", id="other"),
        pytest.param({"jwt_audience": ("a",)}, {"aud": []}, "audience_not_allowed", id="nobody"),
        pytest.param({"jwt_audience": ("a",)}, {"aud": [["a"]]}, "audience_not_allowed", id="deep"),
        pytest.param({"jwt_audience": ("a",)}, {"aud": {"a": 1}}, "audience_not_allowed", id="map"),
        pytest.param({"jwt_audience": ("a",)}, {}, "audience_not_allowed", id="no aud"),
        pytest.param({"jwt_require_expiry": True}, {"exp": NOW + 1}, "", id="an expiry"),
        pytest.param({"jwt_require_expiry": True}, {"nbf": NOW}, "no_expiry", id="no expiry"),
        pytest.param({"jwt_algorithms": ("HS256",)}, {}, "", id="HS256 named"),
        pytest.param({"jwt_algorithms": ("RS256",)}, {}, "algorithm_not_allowed", id="not named"),
    ],
)
def test_optional_settings_ask_for_more(
    settings: dict[str, Any], claims: dict[str, Any], reason: str
) -> None:
    assert reason_of([compact(HEADER, json.dumps(claims).encode(), SECRET)], **settings) == reason


PARTS = st.text(alphabet="eyJhbGciOi-_=.AQ", max_size=30) | st.binary(max_size=40).map(encoded)


@given(st.lists(st.text(), max_size=2) | st.lists(PARTS, max_size=4).map(lambda p: [".".join(p)]))
def test_no_header_gives_anything_but_a_token_or_a_refusal(authorization: list[str]) -> None:
    try:
        parse_token(bearer_token(authorization))
    except TokenError:
        return
    assert authorization


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
CLAIMS = st.dictionaries(st.sampled_from(["exp", "nbf", "iat", "iss", "aud", "x"]), JSON)


@given(CLAIMS | JSON, st.dictionaries(st.sampled_from(["alg", "kid", "crit", "typ"]), JSON))
def test_a_signed_token_of_any_content_gets_a_verdict(
    claims: object, header: dict[str, object]
) -> None:
    token = compact({**HEADER, **header}, json.dumps(claims).encode(), SECRET)
    strict: dict[str, Any] = {"jwt_issuer": ("a",), "jwt_audience": ("a",)}

    assert reason_of([token], **strict)
