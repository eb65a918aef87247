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
    Point,
    Reference,
    Report,
    Row,
    Scatter,
    Section,
    Series,
    Table,
    Text,
    Value,
    Verdict,
)
from support.report_drawings import curves, forest, pictures
from support.report_names import FEW, HOSTILE, LONG, NAMES


def everything() -> Report:
    """Every block, every oddity."""
    return Report(
        "Pooling or striding: what the probes say",
        "Local pooling did not lose the ball: at the last convolution every pooled twin tells its "
        "place as well as the strided network. Only averaging over the whole map forgets it."
        "\n\nThat it mattered for the score could not be decided with 3 seeds.",
        (
            Section("Where is the ball?", "A linear probe of each layer.", location()),
            Section("Learning", "Equal steps, equal settings.", curves()),
            Section("Pictures", "What each network believes.", pictures(), folded=True),
            Section("Odd & hostile", HOSTILE, odd()),
        ),
        {
            "date": "2026-11-23",
            "machine": "2-core AMD EPYC (Zen 4) virtual machine, no GPU",
            "versions": {"python": "3.11.2", "torch": "2.13.0", "ale-py": "0.12.1"},
            "command": "python evaluate.py claims --networks stride,half_max --out " + HOSTILE,
        },
    )


def location() -> tuple[Block, ...]:
    header = (
        Column("network"),
        Column("parameters", ",d"),
        Column("error (pixels)", ".2f"),
        Column("R²", ".3f"),
        Column("against chance", "+.0%"),
    )
    rows = [
        (name, 1_687_206, 1.2 + 0.31 * place, 0.98 - 0.03 * place, -0.82 + 0.05 * place)
        for place, name in enumerate(NETWORKS)
    ]
    states = (100, 300, 1000, 3000, 10_000)
    few = tuple(
        Series(
            name,
            states,
            [25 / n**0.4 + place for n in (1, 3, 10, 30, 100)],
            [20 / n**0.4 + place for n in (1, 3, 10, 30, 100)],
            [30 / n**0.4 + place for n in (1, 3, 10, 30, 100)],
        )
        for place, name in enumerate(FEW)
    )
    by_states = Curves(
        "Error against training states",
        "training states",
        "median error (pixels)",
        few,
        log_x=True,
        references=(Reference(21.0, "raw pixels"),),
        note="Shaded: 95% interval over 5 seeds.",
    )
    by_layer = Curves(
        "R² by layer",
        "layer",
        "R² (share of variance)",
        tuple(
            Series(
                name,
                (1, 2, 3, 4),
                [0.99, 0.97 - 0.02 * place, 0.9 - 0.1 * place, 0.7 - 0.1 * place],
            )
            for place, name in enumerate(FEW)
        ),
        y_range=(0, 1),
    )
    rule = (
        "Supported if the lower end of the 95% interval of the difference is above 1 pixel, refuted"
        " if its upper end is below; otherwise undetermined."
    )
    return (
        Verdict(
            "C1",
            "No pooling keeps location, pooling throws it away.",
            "refuted",
            "Local maximum pooling made the error smaller by 2.1 pixels (1.4 to 2.8).",
            rule,
            forest(),
            "half_max less stride: -2.1 pixels (-2.8 to -1.4)",
            "needs at least 1 pixels",
        ),
        Verdict(
            "C2",
            "Max-pooling tells whether, not where.",
            "undetermined",
            "The difference, 0.4 pixels (-0.3 to 1.2), is not told from nothing.",
            rule,
        ),
        Verdict(
            "C5",
            "A stride downsamples too.",
            "supported",
            "dense_sub computes the same function: the difference is 0.",
            rule,
            by_layer,
        ),
        Table(
            "Location at the last convolution",
            header,
            tuple(rows),
            "Median over 1,000 held-out states; chance is the best constant.",
        ),
        by_states,
        by_layer,
    )


def odd() -> tuple[Block, ...]:
    gaps: list[Value] = [1.0, None, 2.0, math.nan, 3.0, math.inf, 2.0]
    x = list(range(7))
    twenty = tuple(
        Series(name, x, [place + 0.3 * step * (place % 5) for step in x])
        for place, name in enumerate(NAMES)
    )
    none = (None,) * 7
    return (
        Text((HOSTILE, LONG)),
        Table(
            HOSTILE,
            (Column("name"), Column(HOSTILE), *(Column(f"seed {n}", ".1f") for n in range(16))),
            tuple(
                (
                    name,
                    math.nan if place else -math.inf,
                    *(-0.0 if n == place else None if n == 3 else -1.5 * n for n in range(16)),
                )
                for place, name in enumerate((LONG, HOSTILE))
            ),
            HOSTILE,
        ),
        Curves("Twenty networks", "x", "y", twenty, note=HOSTILE),
        Curves(
            "Gaps",
            "x",
            "y",
            (
                Series("gaps", x, gaps, [0.5] * 7, none),
                Series("none", x, none),
                Series("constant", x, [1e-12] * 7),
            ),
        ),
        Curves(HOSTILE, HOSTILE, HOSTILE, ()),
        Intervals(
            HOSTILE,
            HOSTILE,
            tuple(Row(name, 1 / (1 + place), 0, 2, HOSTILE) for place, name in enumerate(NAMES)),
            (Reference(0, HOSTILE),),
            Band(-0.1, 0.1, HOSTILE),
            note=HOSTILE,
        ),
        Intervals("One seed", "points", (Row("stride", 3.0),)),
        Scatter(HOSTILE, HOSTILE, HOSTILE, (Point(None, 1, HOSTILE), Point(math.nan, 2, "b"))),
        Heat(
            HOSTILE,
            (HOSTILE, "b"),
            ("c", HOSTILE),
            ((None, math.nan), (1.0, 1.0)),
            HOSTILE,
            HOSTILE,
            HOSTILE,
            note=HOSTILE,
        ),
        Picture(
            HOSTILE,
            (
                Frame(
                    np.zeros((2, 3, 3), np.uint8),
                    HOSTILE,
                    (Marker(1, 1, HOSTILE), Marker(None, math.nan, LONG)),
                ),
            ),
            note=HOSTILE,
        ),
        Verdict(
            *(HOSTILE, HOSTILE, "supported", HOSTILE, HOSTILE),
            *(Table("Empty", (Column("a"),), ()), HOSTILE, LONG),
        ),
    )
