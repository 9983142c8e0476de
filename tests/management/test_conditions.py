"""The digest that a change is made to, as clients send it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from antmediad.errors import RequestError
from antmediad.management.call import Call, Resources
from antmediad.management.conditions import expected_digest


def call_with(headers: dict[str, str]) -> Call:
    # Nothing but the headers is read.
    resources = cast("Resources", None)
    rest: dict[str, Any] = {"method": "POST", "parameters": {}, "query": {}, "clients": ()}
    return Call(resources=resources, headers=headers, is_secure=False, is_local=False, **rest)


@pytest.mark.parametrize(
    ("sent", "digest"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param({"if-match": "*"}, None, id="any"),
        pytest.param({"if-match": '"0a"'}, "0a", id="as-it-came"),
        pytest.param({"if-match": 'W/"0a"'}, "0a", id="weakened"),
        pytest.param({"if-match": "0a"}, "0a", id="bare"),
        pytest.param({"if-match": '""'}, "", id="no-file"),
    ],
)
def test_the_digest_is_read_from_if_match(sent: dict[str, str], digest: str | None) -> None:
    assert expected_digest(call_with(sent)) == digest


@pytest.mark.parametrize("sent", ["", '"0a", "0b"', '"xyz"', '"0a'])
def test_what_is_no_digest_is_refused(sent: str) -> None:
    with pytest.raises(RequestError, match="If-Match"):
        expected_digest(call_with({"if-match": sent}))
