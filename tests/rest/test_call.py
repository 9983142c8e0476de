"""Reading a call's body and parameters."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antmediad.errors import RequestError
from antmediad.rest.call import Call, Host, refusal, result
from antmediad.settings.schema import Settings
from antmediad.store.application import ApplicationStore

STORE = ApplicationStore(None)


def call(body: bytes = b"", **query: str) -> Call:
    return Call("app", Settings(), Host("192.0.2.1", "example.org"), lambda: STORE, {}, query, body)


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


def test_a_result_has_its_properties_in_the_order_of_the_original() -> None:
    assert result(True, None, "id", -1).body == (
        b'{"success":true,"message":null,"dataId":"id","errorId":-1}'
    )
    assert refusal(404, "Not found") == result(False, "Not found", status=404)
