"""Styles of series: no two alike, readable on both papers, and never a matter of colour alone."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from agent.networks import NETWORKS
from harness.report.styles import COLOURS, KNOWN, SHAPES, Styles, other

CSS = (Path(__file__).parent.parent / "harness" / "report" / "page.css").read_text()


def test_networks_of_the_project_have_styles() -> None:
    assert set(NETWORKS) <= set(KNOWN)


def test_styles_differ() -> None:
    every = [*KNOWN.values(), *map(other, range(78))]
    assert len(set(every)) == len(every)
    assert {style.shape for style in every} == set(SHAPES)
    assert {style.colour for style in every} == set(COLOURS)


def test_other_names_take_styles_in_the_order_of_the_page() -> None:
    styles = Styles(["b", "stride", "a", "b"])
    assert [styles[name] for name in ("b", "a", "stride")] == [other(0), other(1), KNOWN["stride"]]


def linear(colour: str) -> np.ndarray:
    """Linear light, red green blue 0 to 1, of `#rrggbb` (sRGB, IEC 61966-2-1)."""
    light = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)


def contrast(ink: str, paper: str) -> float:
    """Contrast ratio, 1 to 21 (WCAG 2.1)."""
    dark, light = sorted(float(linear(c) @ (0.2126, 0.7152, 0.0722)) for c in (ink, paper))
    return (light + 0.05) / (dark + 0.05)


# Of who lacks one kind of cone (Machado et al. 2009, severity 1).
SIGHTS = {
    "deuteranope": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                    [-0.011820, 0.042940, 0.968881]],
    "protanope": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                  [-0.003882, -0.048116, 1.051998]],
    "tritanope": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                  [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


def seen(colour: str, sight: str) -> np.ndarray:
    """A colour in Oklab, as it is seen (Ottosson 2020)."""
    light = np.clip(np.array(SIGHTS[sight]) @ linear(colour), 0, None)
    cones = np.cbrt(
        [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
         [0.0883024619, 0.2817188376, 0.6299787005]] @ light
    )  # fmt: skip
    return (
        [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
         [0.0259040371, 0.7827717662, -0.8086757660]] @ cones
    )  # fmt: skip


def papers() -> list[dict[str, str]]:
    """The colours of page.css on light and on dark paper."""
    return [dict(re.findall(r"--(\w+): (#\w+)", part)) for part in CSS.split("@media")[:2]]


@pytest.mark.parametrize("dark", [0, 1])
def test_everything_stands_out_from_the_paper(dark: int) -> None:
    paper = papers()[dark]
    for ground in ("paper", "card"):
        for text in ("ink", "soft", "faint", "link", "good", "bad", "open"):
            assert contrast(paper[text], paper[ground]) >= 4.5, text
        for name, pair in COLOURS.items():
            assert contrast(pair[dark], paper[ground]) >= 3, name


@pytest.mark.parametrize("dark", [0, 1])
@pytest.mark.parametrize("sight", SIGHTS)
def test_networks_of_one_mark_differ_for_the_colour_blind(sight: str, dark: int) -> None:
    for pair in itertools.combinations(KNOWN.values(), 2):
        if pair[0].shape == pair[1].shape:
            colours = (seen(COLOURS[style.colour][dark], sight) for style in pair)
            assert float(np.linalg.norm(np.subtract(*colours))) > 0.08, pair
