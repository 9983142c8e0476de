"""Figures, and their text for Prometheus."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from antmediad.observe.exposition import Figures, FileFigures, KeySetFigures, expose
from antmediad.observe.metrics import GROUP_BOUNDS, Counts, Histogram, Metrics

DOCS = Path(__file__).parents[2] / "docs"


def figures(
    metrics: Metrics,
    files: tuple[FileFigures, ...] = (),
    key_sets: tuple[KeySetFigures, ...] = (),
) -> Figures:
    commits_s, groups = metrics.commits()
    return Figures(
        version="1.2.3",
        files=files,
        requests={"": metrics.elsewhere.copy(), **metrics.requests},
        key_sets=key_sets,
        commits_s=commits_s,
        groups=groups,
        open_stores=2,
    )


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return all samples; fail when there is one twice."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found
            found[key] = sample.value
    return found


def value(text: bytes, name: str, **labels: str) -> float:
    return samples(text)[name, tuple(sorted(labels.items()))]


def key_set(url: str, **changed: float | None) -> KeySetFigures:
    given: Mapping[str, float | None] = {"keys": 1, "age_s": 1.0, "fetches": 1, "failures": 0}
    return KeySetFigures(url=url, is_up=True, **{**given, **changed})  # type: ignore[arg-type]


def test_every_family_has_a_type_and_a_sentence_of_help() -> None:
    metrics = Metrics()
    metrics.requests["LiveApp"].statuses[200] += 1
    text = expose(figures(metrics))

    for family in text_string_to_metric_families(text.decode()):
        assert family.type in ("counter", "gauge", "histogram"), family.name
        assert family.documentation.endswith("."), family.name
        assert family.name.startswith(("antmediad_", "process_")), family.name
    assert text.endswith(b"\n")


def test_statuses_are_counted_by_class_and_verdicts_by_reason() -> None:
    metrics = Metrics()
    counts = metrics.requests["LiveApp"]
    counts.statuses.update({200: 3, 204: 1, 404: 2, 416: 1})
    counts.passed = 4
    counts.refused["expired"] = 2
    counts.play_refused["bad_hash"] = 1
    text = expose(figures(metrics))

    def requests(status: str) -> float:
        return value(text, "antmediad_requests_total", application="LiveApp", status=status)

    def verdicts(verdict: str, reason: str) -> float:
        labels = {"application": "LiveApp", "verdict": verdict, "reason": reason}
        return value(text, "antmediad_guard_verdicts_total", **labels)

    assert (requests("2xx"), requests("4xx"), requests("5xx")) == (4, 3, 0)
    assert (verdicts("passed", ""), verdicts("refused", "expired")) == (4, 2)
    plays = value(text, "antmediad_play_refusals_total", application="LiveApp", reason="bad_hash")
    assert plays == 1


@pytest.mark.parametrize(
    "name",
    ['a"b', "a\\b", "a\nb", "a\\nb", 'a\\"b', "a{b}", "a,b=c", "é", "\u2028", "#", " "],
)
def test_odd_label_values_come_back_as_they_are(name: str) -> None:
    text = expose(figures(Metrics(), key_sets=(key_set(name),)))

    assert value(text, "antmediad_key_set_keys", url=name) == 1


def test_a_label_value_that_is_no_utf8_does_not_break_the_text() -> None:
    text = expose(figures(Metrics(), key_sets=(key_set("https://a\ud800b"),)))

    assert value(text, "antmediad_key_set_keys", url="https://a?b") == 1


def test_key_sets_that_look_the_same_without_secrets_are_one_series() -> None:
    same = "https://***@idp.example/keys"
    first = key_set(same, keys=2, age_s=None, fetches=3, failures=1)
    text = expose(figures(Metrics(), key_sets=(first, key_set(same, age_s=9.0))))

    assert value(text, "antmediad_key_set_keys", url=same) == 3
    assert value(text, "antmediad_key_set_age_seconds", url=same) == 9
    assert value(text, "antmediad_key_set_fetches_total", url=same) == 4


def test_a_key_set_never_fetched_has_no_age() -> None:
    text = expose(figures(Metrics(), key_sets=(key_set("https://a", age_s=None),)))

    assert not [key for key in samples(text) if key[0] == "antmediad_key_set_age_seconds"]


def test_one_state_of_a_file_is_1_and_the_others_0() -> None:
    file = FileFigures("LiveApp", "stale", 7, {"kept": 2})
    text = expose(figures(Metrics(), files=(file,)))

    def state(name: str) -> float:
        return value(text, "antmediad_settings_state", application="LiveApp", state=name)

    assert [state(name) for name in ("active", "stale", "failed")] == [0, 1, 0]
    assert value(text, "antmediad_settings_generation", application="LiveApp") == 7
    assert value(text, "antmediad_reloads_total", application="LiveApp", result="kept") == 2
    assert value(text, "antmediad_reloads_total", application="LiveApp", result="in_force") == 0


def test_a_histogram_is_cumulative_and_ends_with_everything() -> None:
    metrics = Metrics()
    for changes in (1, 1, 2, 300):
        metrics.add_commit(changes, 0.002)
    text = expose(figures(metrics))

    def bucket(end: str) -> float:
        return value(text, "antmediad_store_commit_changes_bucket", le=end)

    ends = [*map(str, GROUP_BOUNDS), "+Inf"]
    assert [bucket(end) for end in ends] == [2, 3, 3, 3, 3, 3, 3, 3, 3, 4]
    assert value(text, "antmediad_store_commit_changes_count") == 4
    assert value(text, "antmediad_store_commit_changes_sum") == 304
    total = value(text, "antmediad_store_commit_duration_seconds_sum")
    assert math.isclose(total, 0.008)


@pytest.mark.parametrize(
    ("number", "bucket"), [(0.0, 0), (1.0, 0), (1.5, 1), (2.0, 1), (2.1, 2), (math.inf, 2)]
)
def test_a_bound_belongs_to_its_bucket(number: float, bucket: int) -> None:
    histogram = Histogram((1.0, 2.0))
    histogram.add(number)

    assert histogram.counts.index(1) == bucket


def test_commits_of_several_threads_are_all_counted() -> None:
    metrics = Metrics()

    def commit() -> None:
        for _ in range(2000):
            metrics.add_commit(1, 0.001)

    threads = [threading.Thread(target=commit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(metrics.commits()[1].counts) == 8000


def test_counters_only_grow() -> None:
    metrics = Metrics()
    before: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for turn in range(5):
        counts = metrics.requests["LiveApp"]
        counts.passed += 1
        counts.refused["expired"] += turn
        counts.statuses[200 + 100 * turn % 400] += 1
        counts.took_s.add(turn / 100)
        metrics.add_commit(turn + 1, turn / 100)
        after = {
            key: number
            for key, number in samples(expose(figures(metrics))).items()
            if re.search(r"_(?:total|count|sum|bucket)$", key[0])
        }
        assert before.keys() <= after.keys()
        assert all(after[key] >= number for key, number in before.items())
        before = after


def test_copies_do_not_change_with_what_goes_on() -> None:
    counts = Counts()
    copy = counts.copy()
    counts.passed += 1
    counts.refused["expired"] += 1
    counts.statuses[200] += 1
    counts.took_s.add(1)

    assert (copy.passed, copy.refused, copy.statuses) == (0, {}, {})
    assert sum(copy.took_s.counts) == copy.took_s.total == 0


def test_an_application_that_is_removed_is_forgotten() -> None:
    metrics = Metrics()
    metrics.requests["Gone"].passed += 1
    metrics.reloads["Gone", "in_force"] += 1
    metrics.reloads["Stays", "in_force"] += 1
    metrics.forget("Gone")

    assert not metrics.requests
    assert list(metrics.reloads) == [("Stays", "in_force")]


def test_what_alerts_and_the_guide_name_is_exposed() -> None:
    metrics = Metrics()
    metrics.requests["LiveApp"].took_s.add(0.1)
    text = expose(figures(metrics)).decode()
    exposed = set(re.findall(r"^# TYPE (antmediad_\w+)", text, re.MULTILINE))
    alerts = (DOCS / "prometheus" / "alerts.yml").read_text()
    used = {name.removesuffix("_bucket") for name in re.findall(r"antmediad_\w+", alerts)}
    guide = (DOCS / "guide.md").read_text()

    assert used <= exposed
    assert exposed == set(re.findall(r"`(antmediad_\w+)`", guide))


def dashboard() -> Any:
    return json.loads((DOCS / "prometheus" / "grafana-dashboard.json").read_text())


def test_the_dashboard_asks_for_what_is_exposed_by_labels_that_it_has() -> None:
    metrics = Metrics()
    counts = metrics.requests["LiveApp"]
    counts.took_s.add(0.1)
    counts.refused["expired"] = counts.play_refused["bad_hash"] = 1
    file = FileFigures("LiveApp", "active", 1, {"in_force": 1})
    labels: dict[str, set[str]] = {}
    for name, given in samples(expose(figures(metrics, (file,), (key_set("https://a"),)))):
        labels.setdefault(name, {"instance", "job"}).update(label for label, _ in given)
    asked = [
        *(target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", ())),
        *(one["definition"] for one in dashboard()["templating"]["list"][1:]),
    ]

    assert len(asked) > 20
    for expression in asked:
        names = re.findall(r"\b(?:antmediad|process)_\w+", expression)
        assert names, expression
        assert set(names) <= labels.keys(), expression
        known = set.intersection(*(labels[name] for name in names))
        selected = re.findall(r"(\w+)(?:=~|!=|=)\"", expression)
        grouped = re.findall(r"\w+", " ".join(re.findall(r"\bby \(([^)]*)\)", expression)))
        assert {*selected, *grouped} <= known, expression


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    panels = dashboard()["panels"]
    variables = {one["name"] for one in dashboard()["templating"]["list"]}

    assert dashboard()["schemaVersion"] >= 39
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) < 24
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(dashboard())))
    assert used - {"__all", "__rate_interval"} <= variables
