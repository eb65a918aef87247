"""How often the intervals of a comparison cover the truth, by simulation.

    python -m benchmarks.intervals

Runs are log-normal, and the network makes no difference. The rates are of 4,000 comparisons each: a
standard error of .003 at .95.
"""

from __future__ import annotations

import numpy as np

from harness.compare.statistics import CONFIDENCE, welch
from harness.console import Console, Table

COMPARISONS = 4_000
VARIATIONS = (0.15, 0.4, 0.75)
"""Coefficients of variation between seeds."""
DESIGNS = ((1, 2, 2), (1, 3, 3), (1, 5, 5), (2, 4, 8), (5, 3, 3), (5, 5, 5), (5, 8, 12))
"""Games, seeds of a network, seeds of its baseline."""


def coverage(games: int, seeds: int, baseline: int, variation: float) -> float:
    """Share of comparisons whose interval holds the true difference, 0."""
    rng = np.random.default_rng(0)
    width = np.log1p(variation**2) ** 0.5
    held = 0
    for _ in range(COMPARISONS):
        network = np.exp(rng.normal(0.0, width, (games, seeds)))
        stride = np.exp(rng.normal(0.0, width, (games, baseline)))
        found = welch(list(network), list(stride))
        if found.low is not None and found.high is not None:
            held += found.low <= 0 <= found.high
    return held / COMPARISONS


def main() -> None:
    table = Table(title=f"coverage, nominal {CONFIDENCE:.2f}", title_justify="left")
    for name in ("games", "seeds", "of stride", *(f"variation {v:g}" for v in VARIATIONS)):
        table.add_column(name, justify="right")
    for design in DESIGNS:
        rates = (f"{coverage(*design, variation):.3f}" for variation in VARIATIONS)
        table.add_row(*map(str, design), *rates)
    Console().print(table)


if __name__ == "__main__":
    main()
