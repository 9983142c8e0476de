"""How many requests a second pass, of all clients and of each."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antmediad.errors import RateError
from antmediad.guard.rate import Rate
from tests.guard.source import Clock


def passes(rate: Rate, *clients: str) -> bool:
    try:
        rate.take(clients or ("10.0.0.1",))
    except RateError:
        return False
    return True


@pytest.mark.parametrize(
    ("per_second", "of_address", "requests", "expected"),
    [
        pytest.param(3, 0, [(0.0, "a")] * 4, "yyyn", id="one second's worth at once"),
        pytest.param(1, 0, [(0.0, "a"), (0.5, "a"), (0.6, "a")], "yny", id="one a second"),
        pytest.param(2, 0, [(0.0, "a")] * 3 + [(0.5, "a"), (0.0, "a")], "yynyn", id="partly full"),
        pytest.param(
            2,
            0,
            [(0.0, "a"), (99.0, "a"), (0.0, "a"), (0.0, "a")],
            "yyyn",
            id="full",
        ),
        pytest.param(2, 0, [(0.0, "a"), (0.0, "b"), (0.0, "c")], "yyn", id="all clients together"),
        pytest.param(0, 1, [(0.0, "a"), (0.0, "b"), (0.0, "a")], "yyn", id="each client apart"),
        pytest.param(2, 1, [(0.0, x) for x in "aaaabc"], "ynnnyn", id="refused ones cost nobody"),
        pytest.param(
            0,
            1,
            [(0.0, "2001:db8::1"), (0.0, "2001:db8::2"), (0.0, "2001:db8:0:1::1")],
            "yny",
            id="an IPv6 /64 is one client",
        ),
        pytest.param(
            0,
            1,
            [(0.0, "10.0.0.1"), (0.0, "10.0.0.1:5080"), (0.0, "::ffff:10.0.0.1")],
            "ynn",
            id="spellings of one address",
        ),
    ],
)
def test_so_many_pass(
    per_second: int, of_address: int, requests: Sequence[tuple[float, str]], expected: str
) -> None:
    clock = Clock()
    rate = Rate(per_second, of_address, clock)

    found = ""
    for after_s, client in requests:
        clock.now += after_s
        found += "y" if passes(rate, client) else "n"

    assert found == expected


@pytest.mark.parametrize("per_second", [1, 3, 7, 1000])
@given(steps_ms=st.lists(st.integers(0, 3000), max_size=50))
def test_no_second_has_more_than_twice_what_is_allowed(
    per_second: int, steps_ms: list[int]
) -> None:
    clock = Clock(0.0)
    rate = Rate(per_second, 0, clock)
    passed: list[float] = []
    for step_ms in steps_ms:
        clock.now += step_ms / 1000
        if passes(rate):
            passed.append(clock.now)

    for begin in passed:
        # A full bucket at its beginning, and what is filled in meanwhile.
        assert sum(begin <= at < begin + 1 for at in passed) <= 2 * per_second


@pytest.mark.parametrize(("per_second", "wait_s"), [(1, 1), (5, 1)])
def test_a_refusal_says_when_the_next_may_pass(per_second: int, wait_s: int) -> None:
    clock = Clock()
    rate = Rate(per_second, 0, clock)
    for _ in range(per_second):
        rate.take(("a",))

    with pytest.raises(RateError) as refused:
        rate.take(("a",))

    assert (refused.value.reason, refused.value.status) == ("rate_limited", 429)
    assert refused.value.headers == (("Retry-After", str(wait_s)),)
    clock.now += wait_s
    assert passes(rate, "a")


def test_every_address_that_a_request_answers_for_counts() -> None:
    rate = Rate(0, 1, Clock())

    assert passes(rate, "a", "b")
    assert not passes(rate, "b")
    assert not passes(rate, "c", "a")
    assert passes(rate, "c")


def test_the_address_that_was_silent_for_longest_is_forgotten_first() -> None:
    rate = Rate(0, 2, Clock(), most_addresses=3)
    for client in ("a", "b", "c", "a", "d"):
        assert passes(rate, client)

    assert not passes(rate, "a")
    assert passes(rate, "c")
    assert not passes(rate, "c")
    # It was forgotten for "d", and begins anew.
    assert passes(rate, "b")
    assert passes(rate, "b")
