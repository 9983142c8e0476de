"""What ``/metrics`` told, read back."""

from __future__ import annotations

import math

import pytest

from antmediad.observe.exposition import Figures, FileFigures, KeySetFigures, expose
from antmediad.observe.metrics import Metrics
from antmediad.observe.scrape import KeySetRow, Scrape, compare, quantile, read_scrape


def scrape(metrics: Metrics, at: float, state: str = "active") -> Scrape:
    commits_s, groups = metrics.commits()
    figures = Figures(
        version="1.2.3",
        files=[FileFigures("", "active", 2, {}), FileFigures("LiveApp", state, 7, {})],
        requests={"": metrics.elsewhere, **metrics.requests},
        key_sets=[
            KeySetFigures("https://a", 2, 9.0, True, 3, 1),
            KeySetFigures("https://b", 0, None, False, 3, 3),
        ],
        commits_s=commits_s,
        groups=groups,
        open_stores=0,
    )
    return read_scrape(expose(figures).decode(), at)


def test_two_moments_make_rates() -> None:
    metrics = Metrics()
    counts = metrics.requests["LiveApp"]
    counts.statuses[200] = counts.passed = 100
    counts.refused["expired"] = 50
    before = scrape(metrics, at=10.0)
    counts.statuses.update({200: 20, 403: 8})
    counts.passed += 20
    counts.refused.update({"expired": 2, "no_token": 5})
    counts.play_refused["bad_hash"] = 1
    for _ in range(4):
        counts.took_s.add(0.0004)
    after = scrape(metrics, at=14.0, state="stale")

    row, none = compare(before, after)
    assert (row.application, row.state, row.generation) == ("LiveApp", "stale", 7)
    assert (row.requests, row.passed, row.refused, row.reason) == (7.0, 5.0, 2.0, "no_token")
    assert row.p50_s == pytest.approx(0.000375)
    assert (none.application, none.requests, none.reason, none.p50_s) == ("", 0, "", None)


def test_the_busiest_application_comes_first() -> None:
    metrics = Metrics()
    before = scrape(metrics, at=0.0)
    for name, count in (("A", 1), ("B", 9), ("C", 9)):
        metrics.requests[name].statuses[200] = count

    names = [row.application for row in compare(before, scrape(metrics, at=1.0))]
    assert names == ["B", "C", "A", "", "LiveApp"]


def test_counters_that_began_anew_count_from_nothing() -> None:
    metrics, again = Metrics(), Metrics()
    metrics.requests["LiveApp"].statuses[200] = 1000
    metrics.requests["LiveApp"].refused["expired"] = 1000
    again.requests["LiveApp"].statuses[403] = 4
    again.requests["LiveApp"].refused["expired"] = 4

    row = compare(scrape(metrics, at=0.0), scrape(again, at=2.0))[0]
    assert (row.requests, row.refused) == (2.0, 2.0)


def test_key_sets_and_the_process_are_told() -> None:
    told = scrape(Metrics(), at=0.0)

    assert told.version == "1.2.3"
    assert told.key_sets == [
        KeySetRow("https://a", True, 2, 9.0, 1),
        KeySetRow("https://b", False, 0, None, 3),
    ]
    assert told.process["resident_memory_bytes"] > 0


@pytest.mark.parametrize("text", ["", "<html>", "up 1\n", "a{", "antmediad_build_info{} x"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whoever parses says what
        read_scrape(text, 0.0)


@pytest.mark.parametrize(
    ("counts", "share", "value"),
    [
        pytest.param({}, 0.5, None, id="no buckets"),
        pytest.param({1.0: 0, math.inf: 0}, 0.5, None, id="nothing in them"),
        pytest.param({1.0: 4, 2.0: 4, math.inf: 4}, 0.5, 0.5, id="in the first"),
        pytest.param({1.0: 2, 2.0: 4, math.inf: 4}, 0.75, 1.5, id="in the second"),
        pytest.param({1.0: 0, 2.0: 0, 3.0: 4, math.inf: 4}, 0.5, 2.5, id="after empty ones"),
        pytest.param({1.0: 0, math.inf: 4}, 0.5, 1.0, id="beyond the last bound"),
    ],
)
def test_quantiles_are_those_of_prometheus(
    counts: dict[float, float], share: float, value: float | None
) -> None:
    assert quantile(counts, share) == value
