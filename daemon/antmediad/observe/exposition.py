"""Metrics as text for Prometheus: from figures, taken at one moment, to samples."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry

from antmediad.observe.metrics import Counts, Histogram
from antmediad.observe.sums import Sums, merge, nothing

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STATES = ("active", "stale", "failed")
RESULTS = ("in_force", "unchanged", "kept")


@dataclass(frozen=True, slots=True)
class FileFigures:
    """One properties file: what is in force, and how its reloads went.

    Attributes:
        application: empty for the server's own file.
        reloads: by result.
    """

    application: str
    state: str
    generation: int
    reloads: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class KeySetFigures:
    """One key set; ``url`` is free of secrets, and ``age_s`` None before the first fetch."""

    url: str
    keys: int
    age_s: float | None
    is_up: bool
    fetches: int
    failures: int


class Load(NamedTuple):
    """How much is going on: connections that are open, and requests that are worked on."""

    connections: int
    requests: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is exposed, copied: counting goes on meanwhile.

    Attributes:
        limits: how often each was reached, by its name.
        requests: by application; under the empty name, those for no application.
    """

    version: str
    files: Sequence[FileFigures]
    requests: Mapping[str, Counts]
    key_sets: Sequence[KeySetFigures]
    commits_s: Histogram
    groups: Histogram
    open_stores: int
    load: Load = field(default_factory=lambda: Load(0, 0))
    limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkerFigures:
    """The workers, when there are several, and what the others have to add.

    Attributes:
        count: how many serve.
        silent: how many of these did not tell their figures; the last ones are in the sums.
        restarts: how many ended and were replaced.
        requests: how many each has answered, by its number.
        others: the sums of all but the one that answers.
    """

    count: int = 1
    silent: int = 0
    restarts: int = 0
    requests: Mapping[str, float] = field(default_factory=dict)
    others: Sums = field(default_factory=nothing)


def expose(figures: Figures) -> bytes:
    """Return *figures*, and those of the process, in the text format of Prometheus 0.0.4."""
    return write(families_of(figures), WorkerFigures())


def families_of(figures: Figures) -> list[Metric]:
    """Return the metrics that *figures* make, and those of the process."""
    return [*_of(figures), *ProcessCollector(registry=None).collect()]


def write(families: list[Metric], workers: WorkerFigures) -> bytes:
    """Return the text for *families* of one worker with what the others add to them."""
    merge(families, workers.others)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector([*families, *_of_workers(workers)]))
    return generate_latest(registry)


class _Collector(Collector):
    """Has its metrics already."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def describe(self) -> Iterable[Metric]:
        """Return nothing: registering is no reason to collect."""
        return ()

    def collect(self) -> Iterable[Metric]:
        return self._families


def _of(figures: Figures) -> Iterator[Metric]:
    yield InfoMetricFamily(
        "antmediad_build",
        "The version of antmediad, and of the Python that runs it.",
        {"version": figures.version, "python": platform.python_version()},
    )
    yield from _of_requests(figures.requests)
    yield from _of_files(figures.files)
    yield from _of_key_sets(figures.key_sets)
    commits = HistogramMetricFamily(
        "antmediad_store_commit_duration_seconds",
        "Time to make a group of changes durable, as the writers measure it.",
    )
    _add(commits, (), figures.commits_s)
    yield commits
    groups = HistogramMetricFamily(
        "antmediad_store_commit_changes", "Changes that were committed together."
    )
    _add(groups, (), figures.groups)
    yield groups
    yield GaugeMetricFamily(
        "antmediad_stores_open", "Applications whose data is open.", figures.open_stores
    )
    yield GaugeMetricFamily(
        "antmediad_connections_open", "Connections of clients.", figures.load.connections
    )
    yield GaugeMetricFamily(
        "antmediad_requests_under_way",
        "Requests worked on, without probes and those that wait for their client.",
        figures.load.requests,
    )
    reached = CounterMetricFamily(
        "antmediad_limits_reached",
        "How often a limit of the server was reached.",
        labels=("limit",),
    )
    for limit, count in figures.limits.items():
        reached.add_metric((limit,), count)
    yield reached


def _of_workers(workers: WorkerFigures) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "antmediad_workers", "Worker processes that serve; 1 without --workers.", workers.count
    )
    yield GaugeMetricFamily(
        "antmediad_workers_silent",
        "Workers whose figures are not those of this moment: they did not answer in time.",
        workers.silent,
    )
    yield CounterMetricFamily(
        "antmediad_worker_restarts", "Workers that ended and were replaced.", workers.restarts
    )
    requests = CounterMetricFamily(
        "antmediad_worker_requests",
        "Requests answered by each worker and those that it replaced.",
        labels=("worker",),
    )
    for number, count in workers.requests.items():
        requests.add_metric((number,), count)
    yield requests


def _of_requests(requests: Mapping[str, Counts]) -> Iterator[Metric]:
    answered = CounterMetricFamily(
        "antmediad_requests",
        "Requests answered, by class of status; application is empty for those to none.",
        labels=("application", "status"),
    )
    took = HistogramMetricFamily(
        "antmediad_request_duration_seconds",
        "Time from a request's header to its answer; files below /streams/ are not in it.",
        labels=("application",),
    )
    verdicts = CounterMetricFamily(
        "antmediad_guard_verdicts",
        "Verdicts of the guard: passed, or refused for a reason.",
        labels=("application", "verdict", "reason"),
    )
    plays = CounterMetricFamily(
        "antmediad_play_refusals",
        "Requests to play that were refused, by reason.",
        labels=("application", "reason"),
    )
    tokens = CounterMetricFamily(
        "antmediad_token_lookups",
        "Tokens that were verified before (hit), and those whose signature was checked (miss).",
        labels=("application", "result"),
    )
    for name, counts in requests.items():
        classes = Counter({f"{digit}xx": 0 for digit in (2, 4, 5)})
        for status, count in counts.statuses.items():
            classes[f"{status // 100}xx"] += count
        for status_class, count in classes.items():
            answered.add_metric((name, status_class), count)
        if any(counts.took_s.counts):
            _add(took, (name,), counts.took_s)
        if name:
            verdicts.add_metric((name, "passed", ""), counts.passed)
            tokens.add_metric((name, "hit"), counts.token_hits)
            tokens.add_metric((name, "miss"), counts.token_misses)
        for reason, count in counts.refused.items():
            verdicts.add_metric((name, "refused", reason), count)
        for reason, count in counts.play_refused.items():
            plays.add_metric((name, reason), count)
    yield from (answered, took, verdicts, tokens, plays)


def _of_files(files: Iterable[FileFigures]) -> Iterator[Metric]:
    reloads = CounterMetricFamily(
        "antmediad_reloads",
        "Readings of properties files, by result; application is empty for the server's file.",
        labels=("application", "result"),
    )
    states = GaugeMetricFamily(
        "antmediad_settings_state",
        "1 for the state that the settings are in, 0 for the others.",
        labels=("application", "state"),
    )
    generations = GaugeMetricFamily(
        "antmediad_settings_generation",
        "Generation of the settings in force, 0 when there are none.",
        labels=("application",),
    )
    for file in files:
        for result in RESULTS:
            reloads.add_metric((file.application, result), file.reloads.get(result, 0))
        for state in STATES:
            states.add_metric((file.application, state), file.state == state)
        generations.add_metric((file.application,), file.generation)
    yield from (reloads, states, generations)


def _of_key_sets(key_sets: Iterable[KeySetFigures]) -> Iterator[Metric]:
    age = GaugeMetricFamily(
        "antmediad_key_set_age_seconds",
        "Time since the key set was fetched; absent until it was.",
        labels=("url",),
    )
    up = GaugeMetricFamily(
        "antmediad_key_set_up", "1 when the last fetch succeeded, else 0.", labels=("url",)
    )
    keys = GaugeMetricFamily(
        "antmediad_key_set_keys", "Usable keys of the key set.", labels=("url",)
    )
    fetches = CounterMetricFamily(
        "antmediad_key_set_fetches",
        "Requests to the source of the key set; one look for it can take several.",
        labels=("url",),
    )
    failures = CounterMetricFamily(
        "antmediad_key_set_failures", "Looks for the key set that failed.", labels=("url",)
    )
    for one in _told_apart(key_sets):
        if one.age_s is not None:
            age.add_metric((one.url,), one.age_s)
        up.add_metric((one.url,), one.is_up)
        keys.add_metric((one.url,), one.keys)
        fetches.add_metric((one.url,), one.fetches)
        failures.add_metric((one.url,), one.failures)
    yield from (age, up, keys, fetches, failures)


def _told_apart(key_sets: Iterable[KeySetFigures]) -> Iterable[KeySetFigures]:
    """Return one of each URL: two that differ in their secrets only would be one series twice."""
    merged: dict[str, KeySetFigures] = {}
    for one in key_sets:
        # Half a surrogate pair, which a properties file may hold, has no UTF-8.
        url = one.url.encode(errors="replace").decode()
        other = merged.get(url)
        ages = [each.age_s for each in (one, other) if each is not None and each.age_s is not None]
        merged[url] = KeySetFigures(
            url,
            one.keys + (other.keys if other else 0),
            max(ages, default=None),
            one.is_up and (other is None or other.is_up),
            one.fetches + (other.fetches if other else 0),
            one.failures + (other.failures if other else 0),
        )
    return merged.values()


def _add(family: HistogramMetricFamily, labels: Sequence[str], histogram: Histogram) -> None:
    seen, buckets = 0, []
    ends = [*(str(bound) for bound in histogram.bounds), "+Inf"]
    for end, count in zip(ends, histogram.counts, strict=True):
        seen += count
        buckets.append((end, float(seen)))
    family.add_metric(labels, buckets, histogram.total)
