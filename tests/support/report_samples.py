"""A report with every kind of block and what can go wrong in it. Its numbers are made up."""

from __future__ import annotations

import math

import numpy as np

from agent.networks import NETWORKS
from harness.report.blocks import (
    Band,
    Block,
    Column,
    Curves,
    Frame,
    Heat,
    Intervals,
    Marker,
    Picture,
    Reference,
    Report,
    Row,
    Section,
    Series,
    Table,
    Value,
    Verdict,
)
from support.report_drawings import curves, forest, pictures
from support.report_names import FEW, HOSTILE, LONG, NAMES


def everything() -> Report:
    """Every block, every oddity."""
    answer = "Local pooling did not lose the ball.\n\nWhether it mattered could not be decided."
    sections = (
        Section("Where is the ball?", "A linear probe of each layer.", location()),
        Section("Learning", "Equal steps, equal settings.", curves()),
        Section("Pictures", "What each network believes.", pictures()),
        Section("Odd & hostile", HOSTILE, odd()),
    )
    made = {
        "date": "2026-11-23",
        "machine": "2-core AMD EPYC (Zen 4) virtual machine, no GPU",
        "versions": {"python": "3.11.2", "torch": "2.13.0", "ale-py": "0.12.1"},
        "command": "python evaluate.py claims --networks stride,half_max --out " + HOSTILE,
    }
    return Report("Pooling or striding: what the probes say", answer, sections, made)


def location() -> tuple[Block, ...]:
    columns = [Column("network"), Column("parameters", ",d"), Column("error (pixels)", ".2f")]
    columns += [Column("R²", ".3f"), Column("against chance", "+.0%")]
    rows = tuple(
        (name, 1_687_206, 1.2 + 0.31 * place, 0.98 - 0.03 * place, -0.82 + 0.05 * place)
        for place, name in enumerate(NETWORKS)
    )
    table = Table("Location at the last convolution", tuple(columns), rows, "Median of 1,000.")
    states = (100, 300, 1000, 3000, 10_000)
    few = []
    for place, name in enumerate(FEW):
        y, low, high = (
            [scale / (n / 100) ** 0.4 + place for n in states] for scale in (25, 20, 30)
        )
        few.append(Series(name, states, y, low, high))
    by_states = Curves(
        *("Error against training states", "training states", "median error (pixels)"),
        tuple(few),
        log_x=True,
        references=(Reference(21.0, "raw pixels"),),
        note="Shaded: 95% interval over 5 seeds.",
    )
    layers = tuple(
        Series(name, (1, 2, 3, 4), [0.99, 0.97 - 0.02 * n, 0.9 - 0.1 * n, 0.7 - 0.1 * n])
        for n, name in enumerate(FEW)
    )
    by_layer = Curves("R² by layer", "layer", "R² (share of variance)", layers, y_range=(0, 1))
    rule = "Supported if the lower end of the 95% interval is above 1 pixel, refuted if below."
    answer = "Local maximum pooling made the error smaller by 2.1 pixels (1.4 to 2.8)."
    return (
        Verdict("C1", "Pooling throws location away.", "refuted", answer, rule, forest()),
        Verdict("C2", "Max-pooling tells whether, not where.", "undetermined", answer, rule),
        Verdict("C5", "A stride downsamples too.", "supported", answer, rule, by_layer),
        *(table, by_states, by_layer),
    )


def odd() -> tuple[Block, ...]:
    gaps: list[Value] = [1.0, None, 2.0, math.nan, 3.0, math.inf, 2.0]
    x, none = list(range(7)), (None,) * 7
    twenty = tuple(
        Series(name, x, [place + 0.3 * step * (place % 5) for step in x])
        for place, name in enumerate(NAMES)
    )
    gapped = (
        Series("gaps", x, gaps, [0.5] * 7, none),
        Series("none", x, none),
        Series("constant", x, [1e-12] * 7),
    )
    columns = (Column("name"), Column(HOSTILE), *(Column(f"seed {n}", ".1f") for n in range(16)))
    cells = (-0.0, -1.5, -3.0, None, *(-1.5 * n for n in range(4, 16)))
    rows = ((LONG, -math.inf, *cells), (HOSTILE, math.nan, *cells))
    intervals = tuple(Row(name, 1 / (1 + n), 0, 2, HOSTILE) for n, name in enumerate(NAMES))
    level, band = (Reference(0, HOSTILE),), Band(-0.1, 0.1, HOSTILE)
    values, names = ((None, math.nan), (1.0, 1.0)), ((HOSTILE, "b"), ("c", HOSTILE))
    markers = Marker(1, 1, HOSTILE), Marker(None, math.nan, LONG)
    frame = Frame(np.zeros((2, 3, 3), np.uint8), HOSTILE, markers)
    empty = Table("Empty", (Column("a"),), ())
    return (
        HOSTILE,
        LONG,
        Table(HOSTILE, columns, rows, HOSTILE),
        Curves("Twenty networks", "x", "y", twenty, note=HOSTILE),
        Curves("Gaps", "x", "y", gapped),
        Curves(HOSTILE, HOSTILE, HOSTILE, ()),
        Intervals(HOSTILE, HOSTILE, intervals, level, band, note=HOSTILE),
        Intervals("One seed", "points", (Row("stride", 3.0),)),
        Heat(HOSTILE, *names, values, *(HOSTILE,) * 2, note=HOSTILE),
        Picture(HOSTILE, (frame,), note=HOSTILE),
        Verdict(HOSTILE, HOSTILE, "supported", HOSTILE, HOSTILE, empty),
    )
