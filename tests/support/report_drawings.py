"""Figures and pictures for a report, of made-up numbers."""

from __future__ import annotations

import math

import numpy as np

from harness.report.blocks import (
    Band,
    Block,
    Curves,
    Frame,
    Heat,
    Intervals,
    Marker,
    Picture,
    Reference,
    Row,
    Series,
    Text,
)
from harness.report.styles import TRUTH
from support.report_names import FEW, LONG


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


def curves() -> tuple[Block, ...]:
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
