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
)
from harness.report.styles import TRUTH
from support.report_names import FEW, LONG


def learning(name: str, place: int, seeds: int = 3, length: int = 25) -> Series:
    """A learning curve with a seed a thin line."""
    rng = np.random.default_rng(place)
    steps = np.linspace(0, 400_000, length)
    rise = 1 / (1 + np.exp(-(steps - 220_000 + 2e4 * rng.normal(size=(seeds, 1))) / 40_000))
    runs = -20.7 + (40.7 - 3 * place) * rise + rng.normal(scale=0.6, size=(seeds, length))
    mean, half = runs.mean(0), 2.5 * runs.std(0) + 0.4
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
    beliefs = [Marker(*rng.normal((x, y), 4).tolist(), name) for name in FEW]
    return Frame(pixels, f"state {seed}", (Marker(x, y, TRUTH), *beliefs))


def forest() -> Intervals:
    """Rows in two groups, and odd ones: one seed, a missing run, an infinite end."""
    rows = [
        Row(name, 1 - 0.07 * place, 0.9 - 0.09 * place, 1.1 - 0.05 * place, game)
        for game in ("Pong", "Breakout")
        for place, name in enumerate((*FEW, "stride_gap"))
    ]
    odd = [
        Row(LONG, 0.8, None, None, "Odd ones"),
        Row("dense_max", None, None, None, "Odd ones"),
        Row("dense_blur", math.nan, 0.1, 0.2, "Odd ones"),
        Row("dense_avg", 0.7, -math.inf, 0.9, "Odd ones"),
        Row("conv2, trained", 0.6, 0.5, 0.9, "Odd ones", series="half_blur"),
    ]
    label = "score per game, 1 is stride's mean; 95% stratified bootstrap interval over seeds"
    band = Band(0.9, 1.1, "too small to matter")
    note = "Three seeds: such intervals hold the truth less often than they say."
    return Intervals(
        *("Score of each network beside stride's", label, (*rows, *odd)),
        *((Reference(1.0, "stride"),), band),
        note=note,
    )


def curves() -> tuple[Block, ...]:
    lines = tuple(learning(name, place) for place, name in enumerate(FEW))
    levels = (Reference(14.6, "human"), Reference(-20.7, "random"))
    taus = np.linspace(0, 2, 81)
    profile = tuple(
        Series(name, taus.tolist(), (1 / (1 + np.exp(6 * (taus - 1 + 0.1 * place)))).tolist())
        for place, name in enumerate(FEW)
    )
    share = "share of runs above τ"
    return (
        "Each thin line is a seed, each thick one the mean.",
        "Scores are raw.",
        Curves("Score of Pong", "steps", "score (points a game)", lines, references=levels),
        "And as a profile:",
        Curves("Performance profile", "normalised score τ", share, profile, y_range=(0, 1)),
        heat("Error by place", tuple(range(4, 84, 8))),
    )


def heat(title: str, places: tuple[int, ...]) -> Heat:
    """Distances from the middle, one of them missing."""
    middle = places[len(places) // 2]
    values = tuple(
        tuple(None if x == y == places[3] else math.hypot(x - middle, y - middle) for x in places)
        for y in places
    )
    names, unit = tuple(map(str, places)), "median error (pixels)"
    return Heat(title, names, names, values, unit, "x (pixels)", ".1f")


def pictures() -> tuple[Block, ...]:
    large, note = (screen(9, 210, 160),), "160 by 210 pixels of the console."
    return (
        Picture("True and decoded ball", tuple(screen(seed) for seed in range(4)), scale=2.7),
        Picture("The colour screen", large, scale=3, note=note),
    )
