"""Linear readouts against the textbook, and against what would fool them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.probes.readout import PENALTIES, Readout, Split, split


def ridge(train: np.ndarray, wanted: np.ndarray, new: np.ndarray, penalty: float) -> np.ndarray:
    """The textbook's primal form with an intercept: argmin |y - Xw - b|^2 + penalty s^2 |w|^2."""
    mean, target = train.mean(0), wanted.mean(0)
    x = train - mean
    square = (x**2).sum(1).mean()
    weights = np.linalg.solve(
        x.T @ x + penalty * square * np.eye(x.shape[1]), x.T @ (wanted - target)
    )
    return (new - mean) @ weights + target


@pytest.fixture
def parts() -> Split:
    return split(np.repeat(np.arange(40), 3))


@pytest.mark.parametrize("states", [None, 20])
def test_it_is_ridge_regression_with_the_best_penalty(parts: Split, states: int | None) -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(120, 7)) + 3
    wanted = features @ rng.normal(size=(7, 2)) + rng.normal(size=(120, 2))
    found = Readout.of(torch.from_numpy(features), parts).predict(
        wanted[parts.train], wanted[parts.valid], states
    )
    n = len(parts.train) if states is None else states
    # The scale of the penalty is that of all training states, also where some are fitted.
    whole = features[parts.train]
    unit = ((whole - whole.mean(0)) ** 2).sum(1).mean()
    x, y = whole[:n], wanted[parts.train][:n]
    own = ((x - x.mean(0)) ** 2).sum(1).mean()
    spread = y.std(0)

    def error(penalty: float) -> float:
        read = ridge(x, y, features[parts.valid], penalty * unit / own)
        return float((((read - wanted[parts.valid]) / spread) ** 2).mean())

    best = min(PENALTIES, key=error)
    twin = ridge(x, y, features[parts.test], best * unit / own)
    np.testing.assert_allclose(found, twin, rtol=1e-6, atol=1e-6)


def test_no_episode_is_in_two_parts() -> None:
    """Neighbours in time are nearly the same state: one in training would give the other away."""
    episodes = np.random.default_rng(1).integers(0, 25, 300)
    parts = split(episodes)
    named = [set(episodes[part]) for part in parts]
    assert not named[0] & named[1]
    assert not named[0] & named[2]
    assert not named[1] & named[2]
    assert sorted(np.concatenate(parts)) == list(range(300))


def test_near_duplicates_look_readable_only_across_a_leak() -> None:
    """Features that tell nothing but the episode: read well when its states are on both sides."""
    rng = np.random.default_rng(2)
    episodes = np.repeat(np.arange(40), 6)
    of_episode = rng.normal(size=(40, 80))
    features = torch.from_numpy(of_episode[episodes] + 0.01 * rng.normal(size=(240, 80)))
    wanted = rng.normal(size=40)[episodes][:, None]

    def error(parts: Split) -> float:
        read = Readout.of(features, parts).predict(wanted[parts.train], wanted[parts.valid])
        return float(np.abs(read - wanted[parts.test]).mean())

    leaking = split(np.arange(240))
    assert error(leaking) < 0.3 * error(split(episodes))


def test_shuffled_labels_are_read_no_better_than_chance(parts: Split) -> None:
    rng = np.random.default_rng(3)
    features = torch.from_numpy(rng.normal(size=(120, 300)))
    wanted = rng.normal(size=(120, 1))
    read = Readout.of(features, parts).predict(wanted[parts.train], wanted[parts.valid])
    explained = 1 - ((read - wanted[parts.test]) ** 2).mean() / wanted[parts.test].var()
    assert explained < 0.1


def test_a_kernel_reads_what_a_line_cannot(parts: Split) -> None:
    rng = np.random.default_rng(4)
    place = rng.uniform(-1, 1, (120, 1))
    features = torch.from_numpy(place)
    wanted = np.abs(place)

    def error(readout: Readout) -> float:
        read = readout.predict(wanted[parts.train], wanted[parts.valid])
        return float(np.abs(read - wanted[parts.test]).mean())

    assert error(Readout.by_distance(features, parts)) < 0.2 * error(Readout.of(features, parts))


def test_features_that_never_change_give_the_mean(parts: Split) -> None:
    """A dead layer: nothing to read, nothing to fail on."""
    wanted = np.random.default_rng(5).normal(size=(120, 2))
    for make in (Readout.of, Readout.by_distance):
        read = make(torch.zeros(120, 9), parts).predict(wanted[parts.train], wanted[parts.valid])
        np.testing.assert_allclose(read, np.tile(wanted[parts.train].mean(0), (len(read), 1)))


def test_a_penalty_is_chosen_where_it_counts(parts: Split) -> None:
    """With `counted`, columns that are not counted do not decide."""
    rng = np.random.default_rng(6)
    features = torch.from_numpy(rng.normal(size=(120, 40)))
    clean = (features[:, :3].numpy() @ rng.normal(size=(3, 1))) * 10
    noise = rng.normal(size=(120, 30)) * 10
    wanted = np.concatenate([clean, noise], 1)
    readout = Readout.of(features, parts)
    counted = np.zeros((len(parts.valid), 31), np.bool_)
    counted[:, 0] = True
    chosen = readout.predict(wanted[parts.train], wanted[parts.valid], counted=counted)
    alike = readout.predict(wanted[parts.train], wanted[parts.valid])
    truth = wanted[parts.test][:, 0]
    assert np.abs(chosen[:, 0] - truth).mean() < 0.5 * np.abs(alike[:, 0] - truth).mean()


def test_too_few_episodes_cannot_be_split() -> None:
    with pytest.raises(ValueError, match="more episodes"):
        split(np.zeros(50, np.int64))
