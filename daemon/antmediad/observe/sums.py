"""Samples of several processes, added up into those of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypedDict

import orjson
from prometheus_client.core import Metric

# What is no number of things in one process: the same in all, or of one alone.
_NOT_ADDED = frozenset(
    {
        "antmediad_build",
        "antmediad_key_set_age_seconds",
        "antmediad_key_set_keys",
        "antmediad_key_set_up",
        "antmediad_settings_generation",
        "antmediad_settings_state",
        "process_max_fds",
        "process_start_time_seconds",
    }
)
# Each process has some, and often the same.
_LARGEST = frozenset({"antmediad_stores_open"})
_APPLICATION = "application"

Values = dict[str, dict[str, float]]
"""By family, and by sample: name and labels as JSON text."""


class Sums(TypedDict):
    """Samples of one process or of several, as JSON.

    Counters (and histograms) only grow, and are kept of a process that ended; gauges are not.
    """

    counters: Values
    gauges: Values


def nothing() -> Sums:
    """Return the samples of no process."""
    return {"counters": {}, "gauges": {}}


def sums_of(families: Iterable[Metric]) -> Sums:
    """Return what is to be added up of the *families* of one process."""
    sums = nothing()
    for family in families:
        if family.name in _NOT_ADDED:
            continue
        kind = sums["counters"] if family.type in ("counter", "histogram") else sums["gauges"]
        kind[family.name] = {
            _key(sample.name, sample.labels): sample.value for sample in family.samples
        }
    return sums


def add(total: Sums, more: Sums, *, ended: bool = False) -> None:
    """Add *more* to *total*; of a process that has *ended*, only what it counted."""
    _add(total["counters"], more["counters"])
    if not ended:
        _add(total["gauges"], more["gauges"])


def forget(sums: Sums, application: str) -> None:
    """Drop the samples of an application that is removed."""
    for values in (*sums["counters"].values(), *sums["gauges"].values()):
        for key in [key for key in values if _application_of(key) == application]:
            del values[key]


def count(sums: Sums, family: str) -> float:
    """Return the sum of all samples of one counter."""
    return sum(sums["counters"].get(family, {}).values())


def samples(sums: Sums, family: str) -> Iterator[tuple[dict[str, str], float]]:
    """Iterate over the labels and values of one counter."""
    for key, value in sums["counters"].get(family, {}).items():
        yield orjson.loads(key)[1], value


def merge(families: Iterable[Metric], others: Sums) -> None:
    """Add to the samples of *families* those of other processes.

    Applications that are not in *families* are left out: they have been removed.
    """
    families = tuple(families)
    known = {
        sample.labels[_APPLICATION]
        for family in families
        for sample in family.samples
        if _APPLICATION in sample.labels
    }
    more: Values = {**others["counters"], **others["gauges"]}
    for family in families:
        values = dict(more.get(family.name, {}))
        for position, sample in enumerate(family.samples):
            value = values.pop(_key(sample.name, sample.labels), None)
            if value is not None:
                larger = max if family.name in _LARGEST else _sum
                family.samples[position] = sample._replace(value=larger(sample.value, value))
        for key, value in values.items():
            name, labels = orjson.loads(key)
            if labels.get(_APPLICATION, "") in known or _APPLICATION not in labels:
                family.add_sample(name, labels, value)


def _add(total: Values, more: Values) -> None:
    for family, values in more.items():
        own = total.setdefault(family, {})
        larger = max if family in _LARGEST else _sum
        for key, value in values.items():
            own[key] = larger(own[key], value) if key in own else value


def _sum(one: float, other: float) -> float:
    return one + other


def _key(name: str, labels: dict[str, str]) -> str:
    return orjson.dumps([name, labels], option=orjson.OPT_SORT_KEYS).decode()


def _application_of(key: str) -> str | None:
    application: str | None = orjson.loads(key)[1].get(_APPLICATION)
    return application
