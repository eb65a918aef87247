"""Of the report: the dial, which turns from striding over a mean to a maximum."""

from __future__ import annotations

import math
from collections.abc import Mapping

from agent.networks import dial_of
from harness.claims.tables import Seeds, series_of
from harness.report.blocks import Block, Curves, Reference, Section

TRAINING = "untrained"
_ERRORS = {
    "mean of all worlds": "location.*.conv3.error",
    "block of 2x2": "location.block 2.conv3.error",
    "block of 8x8": "location.block 8.conv3.error",
}
_CHANGES = {f"moved by {pixels}": f"response.conv3.{pixels}" for pixels in (1, 2, 4)}
Stops = Mapping[float, str]
"""Networks by the number that is turned."""


def dial(seeds: Seeds) -> Section:
    """Location and answer to movement over both halves of the dial, as far as it was measured."""
    members = {name: dial_of(name) for name in seeds.networks(TRAINING)}
    turned = {name: stop for name, stop in members.items() if stop}
    blurred: Stops = {sigma: name for name, (sigma, beta) in turned.items() if beta == 0}
    sharpened: Stops = {beta: name for name, (sigma, beta) in turned.items() if sigma == math.inf}
    # sigma 0 is striding: one function, with the same weights.
    halves: list[tuple[str, str, Stops, str]] = [
        ("from striding to a mean", "sigma, strides", {0.0: "stride", **blurred}, "mean"),
        ("from a mean to a maximum", "beta", sharpened, "maximum"),
    ]
    measures = (
        ("Error of location", "median error, pixels", _ERRORS),
        ("Change of conv3 when the picture moves", "change, 1 = another state", _CHANGES),
    )
    blocks: list[Block] = [
        _curves(seeds, f"{title}, {half}", (x_label, y_label), stops, end, lines)
        for title, y_label, lines in measures
        for half, x_label, stops, end in halves
        if len(stops) > 1
    ]
    lead = (
        "One reducer with two numbers: a window's values are averaged with weights of their places "
        "(Gaussian of width sigma, in strides) and of their sizes (exp(beta value)). sigma 0 is "
        "striding, without an end to sigma it is a mean, and with beta it becomes a maximum. "
        "Weights are as drawn at the start and, but for their scale, the same everywhere: the "
        "reducer alone is turned."
    )
    return Section("The dial", lead, tuple(blocks))


def _curves(
    seeds: Seeds,
    title: str,
    labels: tuple[str, str],
    stops: Stops,
    end: str,
    lines: Mapping[str, str],
) -> Curves:
    places = sorted(place for place in stops if place < math.inf)
    series = tuple(
        series_of(name, places, [seeds.values(TRAINING, stops[at], path) for at in places], path)
        for name, path in lines.items()
    )
    # The end of the dial has no place on the axis.
    ends = {
        name: seeds.mean(TRAINING, stops.get(math.inf, ""), path) for name, path in lines.items()
    }
    references = tuple(
        Reference(value, f"{end}, {name}") for name, value in ends.items() if value is not None
    )
    return Curves(title, *labels, series, references=references)
