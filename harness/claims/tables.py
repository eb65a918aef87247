"""Numbers of results.json by training, network and seed, for figures and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from harness.claims.preregistration import Effect, bounds, measured
from harness.claims.results import Measured, Profile, by_training
from harness.report.blocks import Column, Series, Table
from harness.report.markup import is_interval, number, telling

Value = float | None
TRAININGS = {
    "untrained": "as drawn at the start",
    "location": "trained to locate a block",
    "count": "trained to count",
    "agent": "trained as agents",
}


class Seeds:
    """The profiles of results.json."""

    def __init__(self, measured: Sequence[Measured]) -> None:
        self._profiles: dict[str, dict[str, dict[int, Profile]]] = {}
        for (training, network, seed), profile in by_training(measured).items():
            self._profiles.setdefault(training, {}).setdefault(network, {})[seed] = profile

    def networks(self, training: str) -> list[str]:
        """The networks of a training, in the order in which they were measured."""
        return list(self._profiles.get(training, {}))

    def networks_with(self, training: str, part: str) -> list[str]:
        """Those of which a part was measured."""
        return [name for name in self.networks(training) if self.raw(training, name, part)]

    def names(self, training: str, part: str) -> list[str]:
        """What a part of the profiles of a training holds: data sets, or banks of filters."""
        names: dict[str, None] = {}
        for network, seeds in self._profiles.get(training, {}).items():
            for profile in seeds.values():
                names |= dict.fromkeys(profile if network == part else profile.get(part, {}))
        return list(names)

    def _of(self, training: str, network: str) -> Iterable[Profile]:
        return self._profiles.get(training, {}).get(network, {}).values()

    def values(self, training: str, network: str, measure: str) -> list[float]:
        """A measure of all seeds; `*` in its path is the mean over all names there."""
        values = (measured(profile, measure) for profile in self._of(training, network))
        return [value for value in values if value is not None]

    def mean(self, training: str, network: str, measure: str) -> Value:
        """The mean over seeds."""
        values = self.values(training, network, measure)
        return float(np.mean(values)) if values else None

    def interval(self, training: str, network: str, measure: str) -> tuple[Value, Value, Value]:
        """The mean over seeds, and the ends of its 95% interval."""
        return mean_interval_of(self.values(training, network, measure), measure)

    def interval_text(self, training: str, network: str, measure: str) -> str | None:
        """The 95% interval over seeds, in words; None where there is none."""
        _, low, high = self.interval(training, network, measure)
        if low is None or high is None or not is_interval(low, high):
            return None
        form = telling(".2f", low, high)
        return f"{number(low, form)} to {number(high, form)}"

    def raw(self, training: str, network: str, path: str) -> list[Any]:
        """What stands at a path, whatever it is, for all seeds that have it."""
        found: list[Any] = list(self._of(training, network))
        for name in path.split("."):
            found = [each.get(name) for each in found if isinstance(each, dict)]
        return [value for value in found if value is not None]


Measures = Sequence[tuple[str, str, str]]
"""Columns of a table: headings, formats, and the measures below."""


def table(
    title: str,
    names: Sequence[str],
    rows: Iterable[tuple[Sequence[str], Callable[[str], Value | str]]],
    measures: Measures,
    note: str = "",
) -> Table:
    """Measures side by side; a row has its names, and what gives it each measure."""
    return Table(
        title,
        (*map(Column, names), *(Column(heading, form) for heading, form, _ in measures)),
        tuple((*named, *(read(path) for _, _, path in measures)) for named, read in rows),
        note,
    )


def over(training: str) -> str:
    """What intervals of a training are over."""
    return "agents" if training == "agent" else "seeds"


def mean_interval_of(values: Sequence[float], measure: str) -> tuple[Value, Value, Value]:
    """Mean of a measure, and ends of the 95% interval over seeds."""
    effect = Effect(tuple(values), (), bounds=bounds(measure))
    low, high = effect.interval() or (None, None)
    return effect.mean, low, high


def lines(seeds: Seeds, training: str, path: str, measure: str = "") -> tuple[Series, ...]:
    """A line for each network that has a measure by number, such as an error by training states;
    with `measure`, of that one under each number."""
    series = []
    for network in seeds.networks(training):
        maps = seeds.raw(training, network, path)
        places = sorted({int(place) for by_place in maps for place in by_place})
        columns = [[m[str(place)] for m in maps if str(place) in m] for place in places]
        values = [[float(v[measure] if measure else v) for v in column] for column in columns]
        if places:
            series.append(series_of(network, places, values, measure or path))
    return tuple(series)


def series_of(
    name: str, places: Sequence[float], columns: Sequence[Sequence[float]], measure: str
) -> Series:
    """Means over seeds with their intervals, from the values of a measure of all seeds at each
    place."""
    intervals = [mean_interval_of(column, measure) for column in columns]
    means, low, high = (tuple(part) for part in zip(*intervals, strict=True))
    return Series(name, places, means, low, high)
