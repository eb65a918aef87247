"""Claims: the rule, the ledger, and a harness that is not to fool itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from agent.networks import NETWORKS, QNetwork, make_network
from harness.claims.budget import BUDGETS
from harness.claims.judgement import effect_of, judged
from harness.claims.preregistration import (
    Effect,
    Part,
    decide,
    measured,
    read_preregistration,
    rule,
    together,
)
from harness.claims.results import Measured, by_training
from harness.claims.tables import mean_interval_of
from harness.probes.datasets import block
from harness.probes.profile import Extent, locations
from harness.probes.training import fresh

PART = Part("what", "untrained", "half_max", "location.*.conv3.error", "pixels", "at least", 1.0)


@pytest.mark.parametrize(
    ("values", "direction", "matters", "verdict"),
    [
        ((2.0, 2.1, 2.2), "at least", 1.0, "supported"),
        ((0.1, 0.0, -0.1), "at least", 1.0, "refuted"),
        ((0.0, 2.0, 1.0), "at least", 1.0, "undetermined"),
        ((2.0, 2.1, 2.2), "at most", 1.0, "refuted"),
        ((0.1, 0.0, -0.1), "at most", 1.0, "supported"),
        ((0.1, 0.0, -0.1), "within", 1.0, "supported"),
        ((-2.0, -2.1, -2.2), "within", 1.0, "refuted"),
        ((0.0, 2.0, 1.0), "within", 1.0, "undetermined"),
        ((5.0,), "at least", 1.0, "undetermined"),
        ((), "at least", 1.0, "undetermined"),
        ((1.0, 1.0, 1.0), "at least", 1.0, "supported"),
    ],
)
def test_the_rule(values: Any, direction: Any, matters: float, verdict: str) -> None:
    effect = Effect(values, tuple(range(len(values))))
    assert decide(effect.interval(), direction, matters) == verdict


def test_ratios_are_averaged_by_their_logarithms() -> None:
    twice_and_half = Effect((2.0, 0.5), (1, 2), ratio=True)
    assert twice_and_half.mean == pytest.approx(1.0)
    low, high = twice_and_half.interval() or (0.0, 0.0)
    # Student's t for 1 degree of freedom is 12.706; the standard error is log(2).
    assert (low, high) == pytest.approx((2**-12.706, 2**12.706), rel=1e-3)


def test_an_interval_ends_where_values_end() -> None:
    """An error cannot be negative, nor a share larger than 1; a difference can be anything."""
    values = (0.2, 0.9)
    _, *errors = mean_interval_of(values, "location.*.conv3.error")
    _, *shares = mean_interval_of(values, "presence.block 2.conv3")
    _, *free = mean_interval_of(values, "location.a.conv3.r2")
    assert free[0] < 0
    assert free[1] > 1
    assert (errors, shares) == ([0, free[1]], [0, 1])
    part = replace(PART, measure="presence.*.conv3", matters=0.75)
    measured: dict[tuple[str, str, int], Any] = {
        ("untrained", network, seed): {"presence": {"a": {"conv3": share}}}
        for seed, share in enumerate(values)
        for network, share in (("half_max", share), ("stride", 0.5))
    }
    assert judged(part, measured).interval == (0, 1)
    low, high = judged(replace(part, against="stride"), measured).interval or (0, 0)
    assert low < -1
    assert high > 1


def test_a_claim_needs_all_its_parts() -> None:
    assert together(["supported", "supported"]) == "supported"
    assert together(["supported", "undetermined"]) == "undetermined"
    assert together(["undetermined", "refuted"]) == "refuted"


def test_measures_are_found_by_their_path() -> None:
    profile = {"location": {"a": {"conv3": {"error": 1.0}}, "b": {"conv3": {"error": 3}}}}
    assert measured(profile, "location.*.conv3.error") == 2.0
    assert measured(profile, "location.a.conv3.error") == 1.0
    assert measured(profile, "location.c.conv3.error") is None
    assert measured({"x": float("nan")}, "x") is None
    assert measured(None, "x") is None


def test_an_effect_is_a_difference_by_seed() -> None:
    def profile(error: float) -> Any:
        return {"location": {"a": {"conv3": {"error": error}}}}

    measured = {
        ("untrained", "half_max", 1): profile(3.0),
        ("untrained", "stride", 1): profile(2.0),
        ("untrained", "half_max", 2): profile(6.0),
        ("untrained", "stride", 2): profile(3.0),
        ("untrained", "half_max", 3): profile(9.0),
        ("location", "stride", 3): profile(1.0),
    }
    effect = effect_of(replace(PART, against="stride"), measured)
    assert effect == Effect((1.0, 3.0), (1, 2))  # the third has no partner
    ratio = effect_of(replace(PART, against="stride", ratio=True), measured)
    assert ratio.values == (1.5, 2.0)
    assert effect_of(PART, measured).values == (3.0, 6.0, 9.0)
    assert judged(replace(PART, against="stride"), measured).verdict == "undetermined"


def test_every_part_of_the_preregistration_can_be_measured() -> None:
    """In every budget, but for some kinds of pooling (C6) and imitators (C8)."""
    preregistration = read_preregistration()
    assert len({claim.id for claim in preregistration.claims}) == len(preregistration.claims)
    for claim in preregistration.claims:
        for name, budget in BUDGETS.items():
            if (claim.id == "C6" and name != "full") or (claim.id[:2] == "C8" and name == "quick"):
                continue
            measures = {"untrained": budget.networks, "location": budget.taught}
            known = measures | {"count": budget.taught, "bars": ("stride", "global max")}
            known["imitate"] = budget.imitators
            for part in claim.parts:
                assert rule(part)
                for network in filter(None, (part.network, part.against)):
                    assert network in known.get(part.training, ("stride",)), (part.what, network)


def test_the_correction_holds_for_all_parts_together() -> None:
    preregistration = read_preregistration()
    parts = sum(len(claim.parts) for claim in preregistration.claims)
    assert (1 - preregistration.corrected) * parts == pytest.approx(0.05)
    measured = {
        ("untrained", "half_max", seed): {"location": {"a": {"conv3": {"error": error}}}}
        for seed, error in enumerate((1.1, 1.2, 1.3, 1.4))
    }
    part = judged(PART, measured, preregistration.corrected)
    assert (part.verdict, part.corrected_verdict) == ("supported", "undetermined")
    assert part.corrected_interval
    assert part.interval
    assert part.corrected_interval[0] < 1.0 < part.interval[0]


def test_imitators_are_scored_between_random_play_and_the_expert_over_all_games() -> None:
    def measured(training: str, network: str, seed: int, **profile: float) -> Measured:
        return Measured(training=training, network=network, seed=seed, profile=profile)

    units = [
        measured("imitate Pong references", "", 0, random=-20.0, expert=0.0),
        measured("imitate Breakout references", "", 0, random=10.0, expert=20.0),
        measured("imitate Pong", "stride", 5, points=-15.0),
        measured("imitate Breakout", "stride", 5, points=20.0),
        measured("imitate Asterix", "stride", 5, points=20.0),  # no references: not scored
    ]
    profiles = by_training(units)
    assert profiles["imitate", "stride", 5] == {"Pong": {"unit": 0.25}, "Breakout": {"unit": 1.0}}
    part = replace(PART, training="imitate", network="stride", measure="*.unit")
    assert effect_of(part, profiles).values == (0.625,)


def test_a_part_can_compare_two_measures() -> None:
    part = replace(PART, measure="a", against="stride", against_measure="b")
    measured = {
        ("untrained", "half_max", 1): {"a": 5.0, "b": 9.0},
        ("untrained", "stride", 1): {"a": 8.0, "b": 2.0},
    }
    assert effect_of(part, measured).values == (3.0,)
    assert judged(part, measured).levels == {"half_max": 5.0, "stride": 2.0}


def test_budgets_name_networks_that_there_are() -> None:
    for budget in BUDGETS.values():
        assert set(budget.taught) <= set(budget.networks)
        for name in budget.networks:
            assert name in NETWORKS or make_network(name, 2)


class Shuffled(QNetwork):
    """`stride` with the positions in its maps shuffled, for each state in another way."""

    def features(self, states: Tensor) -> dict[str, Tensor]:
        found = super().features(states)
        for name in ("conv1", "conv2", "conv3"):
            maps = found[name].flatten(2)
            order = torch.rand(len(maps), maps.shape[2]).argsort(1)
            found[name] = maps.gather(2, order[:, None].expand_as(maps)).view_as(found[name])
        return found


EXTENT = Extent(240, sizes=(8,))


def test_an_equal_function_shows_no_difference() -> None:
    """A/A: `dense_sub` computes what `stride` does, by other operations."""
    states = block(8, EXTENT.states).states
    stride, same = (
        locations(fresh(name, 2, 5, states), EXTENT) for name in ("stride", "dense_sub")
    )
    for layer in ("conv1", "conv3", "fc1"):
        ours, theirs = (one["block 8"][layer]["error"] for one in (stride, same))
        assert theirs == pytest.approx(ours, rel=0.02)


def test_a_planted_loss_is_found() -> None:
    states = block(8, EXTENT.states).states
    network = fresh("stride", 2, 5, states)
    known = locations(network, EXTENT)["block 8"]["conv3"]
    network.__class__ = Shuffled
    lost = locations(network, EXTENT)["block 8"]["conv3"]
    assert known["error"] < 8
    assert lost["error"] > 14
    assert lost["error"] > 0.8 * lost["shuffled"]
