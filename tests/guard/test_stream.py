"""Stream tokens, hashes and time-based codes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antmediad.errors import TokenError
from antmediad.guard.stream import (
    check_stream_token,
    decode_base32,
    is_same,
    issue_stream_token,
    stream_hash,
    subscriber_secret,
    totp,
)
from tests.keys import compact

KEY = "testtesttesttesttesttesttesttest"
NOW = 1_700_000_000.0
TOKEN = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
    ".eyJzdHJlYW1JZCI6InN0cmVhbTEiLCJ0eXBlIjoicHVibGlzaCIsImV4cCI6MTkwMDAwMDAwMH0"
    ".PxxEvjJHDIDTJJs68_0rRdaX1z9f2IoMb7AOrfIwTOQ"
)
CLAIMS = {"streamId": "stream1", "type": "publish", "exp": 1_900_000_000}


def reason_of(text: str, **changed: Any) -> str:
    """Return why the bearer of *text* may not publish stream1, empty when they may."""
    given = {"secret": KEY, "stream_id": "stream1", "type_": "publish", "now": NOW, **changed}
    try:
        check_stream_token(text, **given)
    except TokenError as error:
        return error.reason
    return ""


def signed(*, alg: str = "HS256", key: str = KEY, **changed: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changed}.items() if value is not None}
    return compact({"alg": alg, "typ": "JWT"}, json.dumps(claims).encode(), key)


def test_a_stream_token_is_the_one_of_the_original_byte_by_byte() -> None:
    assert issue_stream_token(KEY, "stream1", "publish", 1_900_000_000, None) == TOKEN


@pytest.mark.parametrize(("room_id", "room"), [(None, {}), ("", {}), ("r", {"roomId": "r"})])
def test_a_room_is_a_claim_only_when_it_is_given(room_id: str | None, room: dict[str, str]) -> None:
    token = issue_stream_token(KEY, "é", "play", 2**63 - 1, room_id)

    payload = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert list(payload.items()) == [
        ("streamId", "é"),
        ("type", "play"),
        ("exp", 2**63 - 1),
        *room.items(),
    ]


@pytest.mark.parametrize("secret", ["", "x", KEY[1:]])
def test_a_short_secret_signs_nothing_and_lets_nobody_in(secret: str) -> None:
    with pytest.raises(TokenError) as caught:
        issue_stream_token(secret, "stream1", "publish", 1_900_000_000, None)

    assert caught.value.reason == "short_secret"
    assert reason_of(signed(key=secret), secret=secret) == "short_secret"


def test_a_secret_that_is_no_unicode_signs_what_it_lets_in() -> None:
    secret = KEY + "\ud800"

    assert (
        reason_of(issue_stream_token(secret, "stream1", "publish", 2**40, None), secret=secret)
        == ""
    )


@pytest.mark.parametrize(
    ("token", "changed", "reason"),
    [
        pytest.param(TOKEN, {}, "", id="good"),
        pytest.param(signed(exp=None), {}, "", id="without-exp"),
        pytest.param(signed(roomId="r"), {}, "", id="of-a-room"),
        pytest.param(TOKEN, {"now": 1_899_999_999.9}, "", id="until-the-last-moment"),
        pytest.param(TOKEN, {"now": 1_900_000_000.0}, "expired", id="expired"),
        pytest.param(signed(nbf=NOW + 1), {}, "not_yet_valid", id="not-yet-valid"),
        pytest.param(signed(nbf=NOW), {}, "", id="just-valid"),
        pytest.param(signed(exp="1900000000"), {}, "bad_claim", id="exp-as-text"),
        pytest.param(TOKEN, {"stream_id": "stream2"}, "wrong_stream", id="another-stream"),
        pytest.param(TOKEN, {"stream_id": "STREAM1"}, "wrong_stream", id="other-letter-case"),
        pytest.param(signed(streamId=None), {}, "wrong_stream", id="no-stream"),
        pytest.param(signed(streamId=["stream1"]), {}, "wrong_stream", id="list-of-streams"),
        pytest.param(TOKEN, {"type_": "play"}, "wrong_type", id="another-type"),
        pytest.param(signed(type=None), {}, "wrong_type", id="no-type"),
        pytest.param(TOKEN, {"secret": KEY + "x"}, "bad_signature", id="another-secret"),
        pytest.param(TOKEN[:-1] + "A", {}, "bad_signature", id="forged"),
        pytest.param(TOKEN.rpartition(".")[0] + ".", {}, "bad_signature", id="unsigned"),
        pytest.param(signed(alg="none"), {}, "algorithm_not_allowed", id="none"),
        pytest.param(signed(alg="HS512"), {}, "algorithm_not_allowed", id="HS512"),
        pytest.param("", {}, "malformed", id="empty"),
        pytest.param("803744123715293436876927", {}, "malformed", id="one-time-token"),
    ],
)
def test_a_stream_token_lets_in_for_its_stream_and_type(
    token: str, changed: dict[str, Any], reason: str
) -> None:
    assert reason_of(token, **changed) == reason


def test_a_forged_token_does_not_tell_what_else_is_wrong_with_it() -> None:
    token = signed(key=KEY.upper(), streamId="stream2", exp=1)

    assert reason_of(token) == "bad_signature"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("", b""),
        ("abcdabcf", bytes.fromhex("0044300445")),
        ("ABCDabcf", bytes.fromhex("0044300445")),
        ("MY======", b"f"),
        ("mzxq====", b"fo"),
        ("MZXW6===", b"foo"),
        ("MZXW6YQ=", b"foob"),
        ("MZXW6YTBOI======", b"foobar"),
    ],
)
def test_base32_is_read_in_either_letter_case(text: str, secret: bytes) -> None:
    assert decode_base32(text) == secret


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("abc", id="too-short"),
        pytest.param("abcdabcfa", id="not-a-multiple-of-8"),
        pytest.param("abcdabc1", id="digit-1"),
        pytest.param("abcdabc0", id="digit-0"),
        pytest.param("abcdabc8", id="digit-8"),
        pytest.param("abcd abc", id="blank"),
        pytest.param("abcdabc\n", id="line-break"),
        pytest.param("abcdabc-", id="hyphen"),
        pytest.param("abcdabc\u0131", id="dotless-i"),
        pytest.param("abcdabcé", id="not-ascii"),
        pytest.param("a=======", id="one-character"),
        pytest.param("abc=====", id="three-characters"),
        pytest.param("abcdab==", id="six-characters"),
        pytest.param("========", id="padding-only"),
        pytest.param("ab=cdefg", id="padding-inside"),
        pytest.param("MY======MY======", id="two-texts"),
        pytest.param("MZ======", id="left-over-bits"),
        pytest.param("MZXW6YR=", id="left-over-bits-at-the-end"),
    ],
)
def test_what_is_no_canonical_base32_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected canonical base32$"):
        decode_base32(text)


@given(st.binary(min_size=1), st.booleans())
def test_every_secret_survives_base32(secret: bytes, small: bool) -> None:
    text = base64.b32encode(secret).decode()

    assert decode_base32(text.lower() if small else text) == secret


@pytest.mark.parametrize(
    ("secret", "period_s", "code"),
    [
        pytest.param(decode_base32("6qsp6qhndryqs56zjmvs37i6gqtjsdvc"), 60, "216877", id="long"),
        pytest.param(decode_base32("abcdabcf"), 60, "215703", id="short"),
        pytest.param(decode_base32("abcdabcf"), 30, "550726", id="half-the-period"),
        pytest.param(
            subscriber_secret("secret1", "sub1", "stream1", "play"), 60, "176709", id="play"
        ),
        pytest.param(
            subscriber_secret("secret1", "sub1", "stream1", "publish"), 60, "286894", id="publish"
        ),
        pytest.param(
            subscriber_secret("secret1", "sub1", "stream1", None), 60, "852296", id="no-type"
        ),
    ],
)
def test_codes_are_those_of_the_original(secret: bytes, period_s: int, code: str) -> None:
    assert totp(secret, period_s, NOW) == code


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_rfc_6238(now: float, code: str) -> None:
    assert totp(b"12345678901234567890", 30, now) == code


def test_a_code_lasts_from_the_start_of_its_step_to_the_end() -> None:
    codes = [totp(b"key", 60, now) for now in (119.999, 120.0, 179.999, 180.0)]

    assert codes[1] == codes[2]
    assert len(set(codes)) == 3
    assert totp(b"key", 60, 120.0, -1) == codes[0]
    assert totp(b"key", 60, 120.0, 1) == codes[3]
    assert totp(b"key", 2**31 - 1, 0.0, -1).isdigit()


@pytest.mark.parametrize(
    ("type_", "key"),
    [
        ("play", b"secret1sub1stream1playXX"),
        ("publish", b"secret1sub1stream1publishXXXXXXX"),
        (None, b"secret1sub1stream1nullXX"),
        ("", b"secret1sub1stream1XXXXXX"),
        ("123456", b"secret1sub1stream1123456"),
        ("é", "secret1sub1stream1éXXXXX".encode()),
        ("𝄞", "secret1sub1stream1𝄞XXXX".encode()),
    ],
)
def test_the_application_s_secret_makes_a_key_for_each_subscriber(
    type_: str | None, key: bytes
) -> None:
    assert subscriber_secret("secret1", "sub1", "stream1", type_) == key


def test_a_hash_is_of_stream_type_and_secret() -> None:
    # printf stream1playsecret | sha256sum
    assert stream_hash("stream1", "play", "secret") == (
        "233e10ece077265fccae9207490faee00192690096b0a7d5a6211cfde327643e"
    )


@pytest.mark.parametrize(
    ("given", "same"),
    [("abc", True), ("abd", False), ("ab", False), ("", False), ("é\ud800", False)],
)
def test_a_hash_is_compared_with_any_text(given: str, same: bool) -> None:
    assert is_same(given, "abc") is same
