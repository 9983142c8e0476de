"""Figures of several processes, added up."""

from __future__ import annotations

import json

import pytest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from antmediad.observe.exposition import (
    Figures,
    FileFigures,
    KeySetFigures,
    WorkerFigures,
    families_of,
    write,
)
from antmediad.observe.metrics import Counts, Metrics
from antmediad.observe.sums import add, count, forget, merge, nothing, sums_of


def process(requests: int, refused: dict[str, int], *applications: str) -> list[Metric]:
    """Return what a process tells that has answered some requests to each application."""
    metrics = Metrics()
    metrics.add_commit(requests, 0.001)
    counts = Counts()
    counts.statuses[200] = requests
    counts.refused.update(refused)
    for _ in range(requests):
        counts.took_s.add(0.002)
    commits_s, groups = metrics.commits()
    return families_of(
        Figures(
            version="1",
            files=[FileFigures(name, "active", 7, {"in_force": 1}) for name in applications],
            requests={name: counts.copy() for name in applications},
            key_sets=[KeySetFigures("https://a", 2, 5.0, True, 3, 1)],
            commits_s=commits_s,
            groups=groups,
            open_stores=requests,
        )
    )


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('antmediad_requests_total{application="A",status="2xx"}', 8),
        ('antmediad_request_duration_seconds_bucket{application="A",le="0.0025"}', 8),
        ('antmediad_request_duration_seconds_count{application="A"}', 8),
        ('antmediad_guard_verdicts_total{application="A",reason="expired",verdict="refused"}', 2),
        ('antmediad_guard_verdicts_total{application="A",reason="no_token",verdict="refused"}', 1),
        ('antmediad_reloads_total{application="A",result="in_force"}', 2),
        ('antmediad_settings_generation{application="A"}', 7),
        ('antmediad_settings_state{application="A",state="active"}', 1),
        ('antmediad_key_set_keys{url="https://a"}', 2),
        ('antmediad_key_set_fetches_total{url="https://a"}', 6),
        ("antmediad_store_commit_changes_sum", 8),
        ("antmediad_stores_open", 5),
        ('antmediad_worker_requests_total{worker="2"}', 5),
        ("antmediad_worker_restarts_total", 1),
    ],
)
def test_what_is_counted_is_added_up_and_what_is_the_same_in_all_is_not(
    line: str, value: float
) -> None:
    others = sums_of(process(5, {"expired": 1, "no_token": 1}, "A", "Removed"))
    workers = WorkerFigures(2, 0, 1, {"1": 3, "2": 5}, json.loads(json.dumps(others)))

    text = write(process(3, {"expired": 1}, "A"), workers).decode()

    assert f"\n{line} {float(value)}\n" in text
    assert "Removed" not in text


def test_a_process_that_ended_leaves_its_counters_and_nothing_else() -> None:
    families = [
        CounterMetricFamily("done", "Done.", 3),
        GaugeMetricFamily("open", "Open.", 2),
    ]
    total = nothing()
    add(total, sums_of(families), ended=True)
    add(total, sums_of(families))

    merge(families, total)

    assert [family.samples[0].value for family in families] == [9, 4]
    assert count(total, "done") == 6


def test_an_application_that_is_removed_leaves_nothing() -> None:
    sums = sums_of(process(5, {}, "A", "B"))

    forget(sums, "A")

    assert '"A"' not in json.dumps(sums).replace("\\", "")
    assert count(sums, "antmediad_requests") == 5
