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
from harness.report.looks import TRUTH

HOSTILE = "</style></script><script>alert(1)</script>\"' onload=x &amp; {--c:red} \udc80\x00\u202e"
LONG = "my_networks.experiments.second_attempt:" + "VeryLongNetworkName" * 3
OWN = tuple(f"own{place}:Net" for place in range(6))
NAMES = (*NETWORKS, *OWN, LONG, HOSTILE)
"""Twenty networks."""
FEW = ("stride", "dense_sub", "half_max", "half_avg")


def learning(name: str, place: int, seeds: int = 3, length: int = 25) -> Series:
    """A learning curve with a seed a thin line."""
    rng = np.random.default_rng(place)
    steps = np.linspace(0, 400_000, length)
    top = 20 - 3 * place
    runs = [
        -20.7
        + (top + 20.7) / (1 + np.exp(-(steps - 220_000 + 2e4 * rng.normal()) / 40_000))
        + rng.normal(scale=0.6, size=length)
        for _ in range(seeds)
    ]
    mean, half = np.mean(runs, 0), 2.5 * np.std(runs, 0) + 0.4
    x = steps.tolist()
    thin = tuple((x, run.tolist()) for run in runs)
    return Series(name, x, mean.tolist(), (mean - half).tolist(), (mean + half).tolist(), thin)


def screen(seed: int, height: int = 84, width: int = 84) -> Frame:
    """Something like a game: noise would not compress and screens do."""
    rng = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), (87, 66, 40), np.uint8)
    pixels[: height // 10] = pixels[-height // 12 :] = (236, 236, 236)
    x, y = int(rng.integers(10, width - 10)), int(rng.integers(15, height - 15))
    pixels[y - 1 : y + 2, x - 1 : x + 2] = 255
    marks = [Marker(x, y, TRUTH)] + [
        Marker(x + float(rng.normal(scale=4)), y + float(rng.normal(scale=4)), name) for name in FEW
    ]
    return Frame(pixels, f"state {seed}", tuple(marks))


def forest() -> Intervals:
    """Rows in two groups, among them one seed, a missing run and an infinite end."""
    rows = [
        Row(name, 1 - 0.07 * place, 0.9 - 0.09 * place, 1.1 - 0.05 * place, game)
        for game in ("Pong", "Breakout")
        for place, name in enumerate((*FEW, "stride_gap"))
    ]
    rows += [
        Row(LONG, 0.8, None, None, "Odd ones"),
        Row("dense_max", None, None, None, "Odd ones"),
        Row("dense_blur", math.nan, 0.1, 0.2, "Odd ones"),
        Row("dense_avg", 0.7, -math.inf, 0.9, "Odd ones"),
        Row("conv2, trained", 0.6, 0.5, 0.9, "Odd ones", series="half_blur"),
    ]
    return Intervals(
        "Score of each network beside stride's",
        "score per game, 1 is stride's mean; 95% stratified bootstrap interval over seeds",
        tuple(rows),
        (Reference(1.0, "stride"),),
        Band(0.9, 1.1, "too small to matter"),
        note="Three seeds: such intervals hold the truth less often than they say.",
    )


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
            Section("Pictures", "What each network believes.", pictures()),
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


def curves() -> tuple[Block, ...]:
    rng = np.random.default_rng(0)
    lines = tuple(learning(name, place) for place, name in enumerate(FEW))
    taus = np.linspace(0, 2, 81)
    profile = tuple(
        Series(name, taus.tolist(), (1 / (1 + np.exp(6 * (taus - 1 + 0.1 * place)))).tolist())
        for place, name in enumerate(FEW)
    )
    return (
        Text(
            ("Each thin line is a seed, each thick one the mean.", "Scores are raw, whole games.")
        ),
        Curves(
            "Score while learning Pong",
            "steps",
            "score (points a game)",
            lines,
            references=(Reference(14.6, "human"), Reference(-20.7, "random")),
        ),
        Text(("And as a profile:",)),
        Curves(
            "Performance profile",
            "normalised score τ",
            "share of runs above τ",
            profile,
            y_range=(0, 1),
        ),
        Scatter(
            "Location and score",
            "median error of the ball (pixels)",
            "score (share of stride's)",
            tuple(
                Point(
                    1 + place + rng.normal() / 4,
                    1 - place / 9 + rng.normal() / 20,
                    name,
                    f"{name}, seed {seed}",
                )
                for place, name in enumerate(FEW)
                for seed in range(5)
            ),
            references=(Reference(1.0, "stride"),),
        ),
        Heat(
            "Error by place",
            tuple(f"{y}" for y in range(4, 84, 8)),
            tuple(f"{x}" for x in range(4, 84, 8)),
            tuple(
                tuple(
                    None if x == y == 3 else float(abs(x - 5) + abs(y - 5)) / 2 + 0.3
                    for x in range(10)
                )
                for y in range(10)
            ),
            "median error (pixels)",
            "y (pixels)",
            "x (pixels)",
            ".1f",
        ),
        Heat(
            "The same, finer",
            tuple(f"{y}" for y in range(24)),
            tuple(f"{x}" for x in range(24)),
            tuple(tuple(math.hypot(x - 12, y - 12) for x in range(24)) for y in range(24)),
            "median error (pixels)",
            "y (bin)",
            "x (bin)",
        ),
    )


def pictures() -> tuple[Block, ...]:
    return (
        Picture("True and decoded ball", tuple(screen(seed) for seed in range(4)), scale=2.7),
        Picture(
            "The colour screen",
            (screen(9, 210, 160),),
            scale=3,
            note="160 by 210 pixels of the console.",
        ),
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
            HOSTILE, HOSTILE, "supported", HOSTILE, HOSTILE, Table("Empty", (Column("a"),), ())
        ),
    )
