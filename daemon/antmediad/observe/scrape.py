"""What ``/metrics`` told, read back: two moments of it make rates."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families


@dataclass(slots=True)
class Tally:
    """The counters of one application.

    Attributes:
        refused: by reason; of the guard, and to play.
        took: by upper bound in seconds, how many answers took at most that long.
        state: empty when there are no settings of this name.
    """

    requests: float = 0
    passed: float = 0
    refused: Counter[str] = field(default_factory=Counter)
    took: dict[float, float] = field(default_factory=dict)
    state: str = ""
    generation: int = 0


@dataclass(frozen=True, slots=True)
class KeySetRow:
    """One key set as it is now; ``age_s`` is None before the first fetch."""

    url: str
    is_up: bool
    keys: int
    age_s: float | None
    failures: int


@dataclass(frozen=True, slots=True)
class Scrape:
    """One answer of ``/metrics``.

    Attributes:
        at: when it was read, seconds of a clock that only goes forward.
        applications: by name, empty for what is for none and for the server's file.
        process: the figures ``process_*`` without that prefix.
    """

    at: float
    version: str
    applications: Mapping[str, Tally]
    key_sets: Sequence[KeySetRow]
    process: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Row:
    """What went on in one application between two moments; rates are per second.

    Attributes:
        reason: the most frequent one of the refusals, empty when there were none.
        p50_s, p99_s: how long answers took; None without any.
    """

    application: str
    state: str
    generation: int
    requests: float
    passed: float
    refused: float
    reason: str
    p50_s: float | None
    p99_s: float | None


def read_scrape(text: str, at: float) -> Scrape:
    """Return what *text*, an answer of ``/metrics``, tells.

    Raises:
        ValueError: it is not in the text format of Prometheus, or not from antmediad.
    """
    version = ""
    tallies: defaultdict[str, Tally] = defaultdict(Tally)
    key_sets: defaultdict[str, dict[str, float]] = defaultdict(dict)
    process = {}
    for family in text_string_to_metric_families(text):
        for name, labels, value, *_ in family.samples:
            if name.startswith("antmediad_key_set_"):
                key_sets[labels["url"]][name.removeprefix("antmediad_key_set_")] = value
            elif name.startswith("process_"):
                process[name.removeprefix("process_")] = value
            elif name == "antmediad_build_info":
                version = labels["version"]
            elif "application" in labels:
                _add(tallies[labels["application"]], name, labels, value)
    if not version:
        raise ValueError("not from antmediad")
    rows = [
        KeySetRow(
            url,
            bool(told.get("up")),
            int(told.get("keys", 0)),
            told.get("age_seconds"),
            int(told.get("failures_total", 0)),
        )
        for url, told in key_sets.items()
    ]
    return Scrape(at, version, dict(tallies), rows, process)


def compare(before: Scrape, after: Scrape) -> list[Row]:
    """Return what went on in each application, the one with most requests first.

    Counters that have become less began anew, with a daemon that did.
    """
    seconds = max(after.at - before.at, 1e-9)
    rows = []
    for name, now in after.applications.items():
        was = before.applications.get(name, Tally())
        if was.requests > now.requests:
            was = Tally()
        refused = {
            reason: count - was.refused[reason]
            for reason, count in now.refused.items()
            if count > was.refused[reason]
        }
        took = {bound: count - was.took.get(bound, 0) for bound, count in now.took.items()}
        rows.append(
            Row(
                application=name,
                state=now.state,
                generation=now.generation,
                requests=(now.requests - was.requests) / seconds,
                passed=max(now.passed - was.passed, 0) / seconds,
                refused=sum(refused.values()) / seconds,
                reason=max(refused, key=refused.__getitem__, default=""),
                p50_s=quantile(took, 0.5),
                p99_s=quantile(took, 0.99),
            )
        )
    return sorted(rows, key=lambda row: (-row.requests, row.application))


def quantile(cumulative: Mapping[float, float], share: float) -> float | None:
    """Return the value below which *share* of all are, None without any.

    Within a bucket values are taken to be spread evenly, and those beyond the last bound to be
    there, as ``histogram_quantile`` of Prometheus does.

    Args:
        cumulative: by upper bound, of which infinity is the last, how many are not above it.
    """
    total = max(cumulative.values(), default=0)
    if total <= 0:
        return None
    low, below = 0.0, 0.0
    for bound, count in sorted(cumulative.items()):
        if count >= share * total:
            if bound == float("inf"):
                return low
            return low + (bound - low) * (share * total - below) / max(count - below, 1e-9)
        low, below = bound, count
    return low


def _add(tally: Tally, name: str, labels: Mapping[str, str], value: float) -> None:
    match name:
        case "antmediad_requests_total":
            tally.requests += value
        case "antmediad_guard_verdicts_total" if labels["verdict"] == "passed":
            tally.passed += value
        case "antmediad_guard_verdicts_total" | "antmediad_play_refusals_total":
            tally.refused[labels["reason"]] += int(value)
        case "antmediad_request_duration_seconds_bucket":
            tally.took[float(labels["le"])] = value
        case "antmediad_settings_state" if value:
            tally.state = labels["state"]
        case "antmediad_settings_generation":
            tally.generation = int(value)
