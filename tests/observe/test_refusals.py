"""The latest refusals."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

import orjson

from antmediad.observe.refusals import MAX_REFUSALS, Refusals


def refuse(refusals: Refusals, application: str, times: int = 1, client: str = "::1") -> None:
    for _ in range(times):
        refusals.add(application, client, "GET", f"/{application}/rest/v2/version", "expired")


def kept(refusals: Refusals) -> Counter[str]:
    return Counter(one.application for one in refusals.recent(limit=10 * MAX_REFUSALS))


def test_a_refusal_is_kept_as_it_was() -> None:
    refusals = Refusals(clock=lambda: 1234.5)
    refusals.add("LiveApp", "203.0.113.9", "GET", "/LiveApp/rest/v2/version", "expired")

    assert asdict(refusals.recent()[0]) == {
        "at": 1234.5,
        "application": "LiveApp",
        "client": "203.0.113.9",
        "method": "GET",
        "path": "/LiveApp/rest/v2/version",
        "reason": "expired",
    }


def test_the_newest_come_first_of_one_application_or_of_all() -> None:
    refusals = Refusals()
    for application, client in (("A", "1"), ("B", "2"), ("A", "3"), ("B", "4")):
        refuse(refusals, application, client=client)

    assert [one.client for one in refusals.recent()] == ["4", "3", "2", "1"]
    assert [one.client for one in refusals.recent("A")] == ["3", "1"]
    assert [one.client for one in refusals.recent(limit=1)] == ["4"]
    assert refusals.recent("C") == []


def test_no_token_in_a_query_and_nothing_unprintable_is_kept() -> None:
    refusals = Refusals()
    refusals.add("A", "::1", "GET\x1b", "/A/\udcff?token=secret", "expired")

    refusal = refusals.recent()[0]
    assert (refusal.method, refusal.path) == ("GET\\x1b", "/A/\\udcff")
    orjson.dumps(asdict(refusal))


def test_long_texts_are_cut() -> None:
    refusals = Refusals()
    refusals.add("A", "1" * 999, "G" * 999, "/" * 999, "expired")

    refusal = refusals.recent()[0]
    assert [len(text) for text in (refusal.client, refusal.method, refusal.path)] == [100, 20, 200]


def test_a_single_application_may_have_all_the_room() -> None:
    refusals = Refusals()
    refuse(refusals, "A", MAX_REFUSALS + 10)

    assert kept(refusals) == {"A": MAX_REFUSALS}


def test_a_flooded_application_pushes_out_nobody_but_itself() -> None:
    refusals = Refusals(limit=100)
    refuse(refusals, "Quiet", 3)
    refuse(refusals, "Flooded", 1000)
    refuse(refusals, "Late", 2)
    refuse(refusals, "Flooded", 1000)

    assert kept(refusals) == {"Quiet": 3, "Flooded": 95, "Late": 2}


def test_several_flooded_applications_come_to_share_the_room() -> None:
    refusals = Refusals(limit=90)
    for application in "ABC":
        refuse(refusals, application, 1000)
    for _ in range(100):
        for application in "ABC":
            refuse(refusals, application)

    assert kept(refusals) == {"A": 30, "B": 30, "C": 30}


def test_of_more_applications_than_there_is_room_the_latest_are_kept() -> None:
    refusals = Refusals(limit=3)
    for application in "ABACDE":
        refuse(refusals, application)

    assert [one.application for one in refusals.recent()] == ["E", "D", "C"]
