"""Reading a call's body and parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antmediad.api.answer import refusal, result
from antmediad.errors import RequestError
from antmediad.rest.call import Call, Files, Host
from antmediad.rest.scripts import Scripts
from antmediad.settings.schema import Settings
from antmediad.store.application import ApplicationStore

STORE = ApplicationStore(None)


def call(body: bytes = b"", **query: str) -> Call:
    host, files = Host("192.0.2.1", "example.org"), Files(Path("app"), Scripts())
    return Call("app", Settings(), host, lambda: STORE, {}, query, body, files=files)


@pytest.mark.parametrize("body", [b"", b" ", b"\r\n\t ", b"null", b" null "])
def test_a_body_without_a_value_is_no_object(body: bytes) -> None:
    assert call(body).json() is None


@pytest.mark.parametrize(
    ("body", "value"),
    [
        pytest.param(b'{"a":1}', {"a": 1}, id="object"),
        pytest.param(b'{"a":1,"a":2}', {"a": 2}, id="duplicate-key"),
        pytest.param(b'{"a":1} and more', {"a": 1}, id="text-after-the-value"),
        pytest.param(b'{"a":1}{"a":2}', {"a": 1}, id="second-value"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', {"a": 1}, id="byte-order-mark"),
        pytest.param(b"[1] NaN", [1], id="nan-after-the-value"),
        pytest.param('{"ä":"𝄞"}'.encode(), {"ä": "𝄞"}, id="utf-8"),
        pytest.param(b'"\\ud834\\udd1e"', "𝄞", id="surrogate-pair"),
        pytest.param(b"-0.0", 0.0, id="minus-zero"),
    ],
)
def test_the_first_value_of_the_body_counts(body: bytes, value: Any) -> None:
    assert call(body).json() == value


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{'a':1}", id="single-quotes"),
        pytest.param(b'{"a":1,}', id="trailing-comma"),
        pytest.param(b'{"a":1', id="truncated"),
        pytest.param(b"{a:1}", id="bare-name"),
        pytest.param(b'{"a":NaN}', id="nan"),
        pytest.param(b'{"a":Infinity}', id="infinity"),
        pytest.param(b'{"a":-Infinity}', id="minus-infinity"),
        pytest.param(b'{"a":1e999}', id="too-large-a-number"),
        pytest.param(b"1e999 more", id="too-large-a-number-and-text"),
        pytest.param(b"9" * 5000, id="too-long-a-number"),
        pytest.param(b'{"a":"\\ud800"}', id="lone-surrogate"),
        pytest.param(b'{"a":"\\ud800"} more', id="lone-surrogate-and-text"),
        pytest.param(b'{"\\udfff":1} more', id="lone-surrogate-in-a-name"),
        pytest.param(b'{"a":"\xff"}', id="not-utf-8"),
        pytest.param(b'{"a":"\xed\xa0\x80"}', id="surrogate-as-utf-8"),
        pytest.param(b'{"a":"\n"}', id="control-character"),
        pytest.param(b"[" * 100_000, id="deep-and-truncated"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="deep"),
        pytest.param(b"[" * 500 + b"]" * 500 + b" more", id="rather-deep-and-text"),
        pytest.param(b'{"a":' * 100_000, id="deep-objects"),
        pytest.param(b"\xff\xfe{\0}\0", id="utf-16"),
        pytest.param(b"\xef\xbb\xbf", id="byte-order-mark-only"),
        pytest.param(b"name=value", id="form"),
    ],
)
def test_a_body_that_is_no_json_is_a_bad_request_that_says_where(body: bytes) -> None:
    with pytest.raises(RequestError, match=r"^malformed JSON at line \d+, column \d+$") as caught:
        call(body).json()

    assert caught.value.status == 400


@given(st.binary() | st.text().map(str.encode) | st.text('{}[]",:0e-. \nnul').map(str.encode))
def test_any_body_is_a_value_that_can_be_stored_or_a_bad_request(body: bytes) -> None:
    status = 200
    try:
        value = call(body).json()
    except RequestError as error:
        status = error.status
    else:
        assert orjson.loads(orjson.dumps(value)) == value

    assert status in (200, 400)


@pytest.mark.parametrize(
    ("query", "default", "flag"),
    [
        ({}, False, False),
        ({}, True, True),
        ({"f": ""}, True, False),
        ({"f": "true"}, False, True),
        ({"f": "TrUe"}, False, True),
        ({"f": "yes"}, True, False),
        ({"f": "1"}, True, False),
        ({"f": "false"}, True, False),
    ],
)
def test_a_flag_is_true_or_anything_else(query: dict[str, str], default: bool, flag: bool) -> None:
    assert call(b"", **query).flag("f", default) is flag


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("0", 0),
        ("007", 7),
        ("+5", 5),
        ("-2147483648", -(2**31)),
        ("2147483647", 2**31 - 1),
    ],
)
def test_an_integer_parameter_is_read(value: str, number: int) -> None:
    assert call(b"", n=value).integer("n") == number
    assert call(b"", n=value).integer("n", 9) == number


@pytest.mark.parametrize(
    "value", ["2147483648", "-2147483649", "9" * 30, "1.5", "1e3", "0x1", "1_0", "٣", " 1", "-"]
)
def test_a_parameter_that_is_no_integer_is_not_found(value: str) -> None:
    with pytest.raises(RequestError, match="n is not an integer") as caught:
        call(b"", n=value).integer("n")

    assert caught.value.status == 404


def test_a_long_parameter_has_64_bits() -> None:
    assert call(b"", n="9223372036854775807").integer("n", bits=64) == 2**63 - 1
    with pytest.raises(RequestError, match="n is not an integer"):
        call(b"", n="9223372036854775808").integer("n", bits=64)


@pytest.mark.parametrize("query", [{}, {"n": ""}, {"n": " "}])
def test_a_missing_or_blank_integer_is_zero_unless_it_has_a_default(query: dict[str, str]) -> None:
    assert call(b"", **query).integer("n") == 0
    if query:
        with pytest.raises(RequestError, match="n is not an integer"):
            call(b"", **query).integer("n", -1)
    else:
        assert call(b"", **query).integer("n", -1) == -1


def test_a_result_has_its_properties_in_the_order_of_the_original() -> None:
    assert result(True, None, "id", -1).body == (
        b'{"success":true,"message":null,"dataId":"id","errorId":-1}'
    )
    assert refusal(404, "Not found") == result(False, "Not found", status=404)
