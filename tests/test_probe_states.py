"""Errors against the number of states: the split by episodes, and a fit equal to the readout's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.probes.readout import Readout, split
from harness.probes.states import TEST, VALID, curve, ridge, split_ordered


@pytest.mark.parametrize("states", [30, 300])
def test_the_fit_is_that_of_the_readout_with_fewer_and_with_more_states_than_features(
    states: int,
) -> None:
    rng = np.random.default_rng(3)
    seen = torch.from_numpy(rng.normal(size=(states * 8 // 5, 4, 5, 5))).float()
    targets = seen.flatten(1)[:, :2].numpy() * 3.0 + rng.normal(size=(len(seen), 2)) + 40
    parts = split(np.arange(len(seen)))
    expected = Readout.of(seen, parts).predict(targets[parts.train], targets[parts.valid])
    np.testing.assert_allclose(ridge(seen.flatten(1), targets, parts), expected, atol=1e-4)


def test_a_curve_is_the_median_distance_of_fits_to_the_first_states() -> None:
    rng = np.random.default_rng(5)
    seen, positions = torch.rand(400, 10), rng.uniform(0, 84, (400, 2))
    parts = split(np.arange(400))
    errors = curve(seen, positions, parts, (20, 100))
    for count in (20, 100):
        read = Readout.of(seen, parts._replace(train=parts.train[:count])).predict(
            positions[parts.train[:count]], positions[parts.valid]
        )
        median = np.median(np.linalg.norm(read - positions[parts.test], axis=1))
        assert errors[str(count)] == pytest.approx(median, abs=1e-3)


def test_an_episode_is_in_one_part_only_and_all_its_states_are_used() -> None:
    episodes = np.repeat(np.arange(700), np.random.default_rng(0).integers(1, 9, 700))
    parts = split_ordered(episodes)
    names = [set(episodes[part]) for part in parts]
    assert sum(map(len, names)) == len(set.union(*names)) == 700
    assert sorted(np.concatenate(parts)) == list(range(len(episodes)))
    assert TEST <= len(parts.test) < TEST + 9
    assert VALID - 9 < len(parts.valid) < VALID + 9
