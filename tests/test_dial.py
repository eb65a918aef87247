"""The dial in the report of the claims: which networks, and where they stand on the axes."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.networks import dial_of
from harness.claims.budget import DIAL
from harness.claims.feature_sections import dial
from harness.claims.page import errors
from harness.claims.results import Measured
from harness.claims.tables import Seeds
from harness.commands.claims import ClaimsCommand
from harness.report.blocks import Curves, Section

INF = float("inf")


def unit(network: str, seed: int, error: float, training: str = "untrained") -> Measured:
    """With another error for the small block, and a change that is a tenth of the movement."""
    location = {"block 2": {"conv3": {"error": 2 * error}}, "block 8": {"conv3": {"error": error}}}
    change = {str(pixels): pixels / 10 for pixels in (1, 2, 4)}
    profile = {"location": location, "response": {"conv3": change}}
    return Measured(training, network, seed, profile=profile)


def section(*units: Measured) -> Section:
    return dial(Seeds(units))


@pytest.mark.parametrize(
    ("name", "dial"),
    [("dial:0.5,2", (0.5, 2)), ("dial:inf,0", (INF, 0)), ("dial:1", None), ("stride", None)],
)
def test_a_name_tells_where_the_dial_stands(name: str, dial: tuple[float, float] | None) -> None:
    assert dial_of(name) == dial


def test_networks_stand_where_their_names_say() -> None:
    both_seeds = [
        unit(network, seed, error + seed)
        for network, error in (
            *(("dial:inf,inf", 3.0), ("dial:0.5,0", 5.0), ("stride", 8.0)),
            *(("dial:inf,16", 4.0), ("dial:inf,0", 6.0), ("dial:0.25,0", 7.0), ("half_max", 1.0)),
        )
        for seed in (1, 2)
    ]
    found = section(*both_seeds, unit("dial:0.5,0", 1, 99.0, "location"))
    blur, peak, *changes = (block for block in found.blocks if isinstance(block, Curves))
    assert [line.x for line in blur.series] == [[0, 0.25, 0.5]] * 3
    assert {line.name: line.y for line in blur.series} == {
        "mean of all data sets": (14.25, 12.75, 9.75),
        "block of 2x2": (19.0, 17.0, 13.0),
        "block of 8x8": (9.5, 8.5, 6.5),
    }
    assert [line.x for line in peak.series] == [[0, 16]] * 3
    assert peak.series[2].y == (7.5, 5.5)
    assert {(one.label, one.value) for one in peak.references} == {
        ("maximum, mean of all data sets", 6.75),
        ("maximum, block of 2x2", 9.0),
        ("maximum, block of 8x8", 4.5),
    }
    assert {one.label for one in blur.references} == {
        f"mean, {name}" for name in ("mean of all data sets", "block of 2x2", "block of 8x8")
    }
    assert [line.y for line in changes[0].series] == [
        pytest.approx([pixels / 10] * 3) for pixels in (1, 2, 4)
    ]


def test_half_a_dial_has_half_the_figures() -> None:
    found = section(unit("stride", 1, 8.0), unit("dial:0.5,0", 1, 5.0))
    assert [block.title for block in found.blocks if isinstance(block, Curves)] == [
        "Error of location, from striding to a mean",
        "Change of conv3 when the picture moves, from striding to a mean",
    ]
    assert not section(unit("stride", 1, 8.0), unit("half_max", 1, 5.0)).blocks
    assert not section().blocks


def test_the_dial_is_turned_on_networks_that_learned_nothing(tmp_path: Path) -> None:
    budget = ClaimsCommand(tmp_path, networks=("dial", "imagenet", "dial:3,0"))._budget()
    assert {*DIAL, "dial:3,0", "imagenet"} <= set(budget.networks)
    assert "imagenet" in budget.taught
    assert not [name for name in budget.taught if dial_of(name)]


@pytest.mark.parametrize("training", ["untrained", "agent"])
def test_the_first_picture_leaves_out_what_the_section_shows(training: str) -> None:
    """It shows untrained networks, and no agents."""
    units = [unit(name, 1, 5.0, training) for name in ("stride", "dial:0.5,2")]
    picture = errors(Seeds(units))
    assert picture
    labels = [row.label for row in picture.rows]
    assert "stride" in labels
    assert ("dial:0.5,2" in labels) == (training == "agent")
