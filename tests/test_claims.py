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
    assert decide(effect, direction, matters) == verdict


def test_ratios_are_averaged_by_their_logarithms() -> None:
    twice_and_half = Effect((2.0, 0.5), (1, 2), ratio=True)
    assert twice_and_half.mean == pytest.approx(1.0)
    low, high = twice_and_half.interval or (0.0, 0.0)
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


def test_every_part_of_the_ledger_can_be_measured_in_every_budget() -> None:
    preregistration = read_preregistration()
    assert len({claim.id for claim in preregistration.claims}) == len(preregistration.claims)
    for part in (part for claim in preregistration.claims for part in claim.parts):
        assert rule(part)
        for budget in BUDGETS.values():
            measures = {"untrained": budget.networks, "location": budget.taught}
            known = measures | {"count": budget.taught, "bars": ("stride", "global max")}
            for name in filter(None, (part.network, part.against)):
                assert name in known.get(part.training, ("stride",)), (part.what, name)


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
