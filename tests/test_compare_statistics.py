"""The statistics of a comparison: tables worked by hand, slow twins, and error rates by
simulation."""

from __future__ import annotations

from itertools import combinations, product
from math import exp, log

import numpy as np
import pytest
from scipy import stats

from harness.compare.statistics import (
    FLOOR,
    Interval,
    chance_of_excluding,
    holm,
    log_ratio,
    permutation_p,
    probability_of_improvement,
    variation_of,
    welch,
    with_floor,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def drawn(games, seeds, mean=1.0, variation=0.15, seed=0):
    """Log-normal runs with this mean and coefficient of variation."""
    width = np.log1p(variation**2) ** 0.5
    return list(mean * np.exp(rng(seed).normal(-(width**2) / 2, width, (games, seeds))))


# The estimate


def test_the_estimate_by_hand():
    network, baseline = [np.array([30.0, 50.0]), np.array([1.0])], [np.array([10.0]), np.array([2])]
    assert log_ratio(network, baseline) == pytest.approx((log(4) + log(0.5)) / 2)
    assert welch(network, baseline).value == pytest.approx(2**0.5 - 1)


def test_games_of_any_scale_weigh_the_same():
    network, baseline = drawn(2, 5, 1.2), drawn(2, 5, seed=1)
    scaled = [
        [s * f for s, f in zip(strata, (1, 1e4), strict=True)] for strata in (network, baseline)
    ]
    assert log_ratio(*scaled) == pytest.approx(log_ratio(network, baseline))


def test_statistics_of_many_samples_are_those_of_each():
    many = [[rng(g + 10 * k).normal(5, 0.3, (6, 4 - g)) for g in range(2)] for k in range(2)]
    alone = [float(log_ratio(*([s[row] for s in strata] for strata in many))) for row in range(6)]
    assert log_ratio(*many) == pytest.approx(alone)


def test_an_outcome_counts_as_a_twentieth_of_the_baseline_at_least():
    mine, theirs = with_floor([np.array([-3.0, 0.1, 4.0])], [np.array([-1.0, 5.0])])
    assert FLOOR == 0.05
    assert mine[0].tolist() == pytest.approx([0.1, 0.1, 4.0])
    assert theirs[0].tolist() == pytest.approx([0.1, 5.0])


# The interval


def test_the_interval_of_one_game_is_scipys_of_welch():
    """Each network divided by its own mean: the variances are then s^2 / (n m^2)."""
    x, y = rng(0).normal(20, 3, 6), rng(1).normal(8, 2, 9)
    found = welch([x], [y])
    twin = stats.ttest_ind(x / x.mean(), y / y.mean(), equal_var=False).confidence_interval()
    centre = log(x.mean() / y.mean())
    assert found.low == pytest.approx(exp(centre + twin.low) - 1)
    assert found.high == pytest.approx(exp(centre + twin.high) - 1)


def test_the_interval_of_two_games_by_hand():
    # s^2 / (n m^2): 8/2/36 and 2/2/4; 18/2/81 and 2/2/25; each over 2^2 games.
    network, baseline = [np.array([4.0, 8]), np.array([6.0, 12])], [np.array([1.0, 3])] * 2
    parts = np.array([8 / 2 / 36, 18 / 2 / 81, 2 / 2 / 4, 2 / 2 / 4]) / 4
    freedom = parts.sum() ** 2 / (parts**2).sum()
    half = stats.t.ppf(0.975, freedom) * parts.sum() ** 0.5
    centre = (log(6 / 2) + log(9 / 2)) / 2
    found = welch(network, baseline)
    assert found.value == pytest.approx(exp(centre) - 1)
    assert (found.low, found.high) == pytest.approx(
        (exp(centre - half) - 1, exp(centre + half) - 1)
    )


def test_single_runs_and_equal_ones_have_no_interval():
    assert welch([np.array([2.0])], [np.array([1.0, 1.5, 0.5])]) == Interval(1.0, None, None)
    assert welch([np.full(3, 4.0)], [np.full(3, 2.0)]) == Interval(1.0, None, None)


# Permutation


def exact_p(statistic, network, baseline):
    """Every way to deal the labels of each game."""
    splits = []
    for x, y in zip(network, baseline, strict=True):
        pooled = np.concatenate((x, y))
        splits.append(
            [
                (pooled[list(c)], np.delete(pooled, list(c)))
                for c in combinations(range(len(pooled)), len(x))
            ]
        )
    found = np.array([float(statistic(*zip(*deal, strict=True))) for deal in product(*splits)])
    observed = float(statistic(network, baseline))
    above, below = (found >= observed - 1e-9).mean(), (found <= observed + 1e-9).mean()
    return min(1.0, 2 * min(above, below))


@pytest.mark.parametrize("seed", range(4))
def test_permutation_agrees_with_all_relabellings(seed):
    network = [rng(seed).normal(1.2, 0.2, 3), rng(seed + 50).normal(1.1, 0.2, 2)]
    baseline = [rng(seed + 100).normal(1.0, 0.2, 2), rng(seed + 150).normal(1.0, 0.2, 3)]
    p = permutation_p(log_ratio, network, baseline, rng(), 20_000)
    assert p == pytest.approx(exact_p(log_ratio, network, baseline), abs=0.02)


def test_three_seeds_of_one_game_can_never_be_significant():
    p = permutation_p(log_ratio, [np.array([9.0, 8, 7])], [np.array([1.0, 2, 3])], rng())
    assert p == pytest.approx(2 / 20, abs=0.02)


def test_the_data_as_they_were_are_among_the_relabellings():
    """So p is never 0 (Phipson and Smyth)."""
    network, baseline = [np.arange(20.0) + 100], [np.arange(20.0) + 1]
    assert permutation_p(log_ratio, network, baseline, rng(), 99) == pytest.approx(2 / 100)


def test_equal_scores_differ_in_nothing():
    same = [np.ones(4)] * 2
    assert permutation_p(log_ratio, same, same, rng(), 99) == 1.0


def test_false_alarms_of_the_permutation_test_are_as_rare_as_it_says():
    """Skewed outcomes: 5% of 600 tests, standard error .009."""
    source = rng(1)
    found = [
        permutation_p(
            log_ratio,
            list(source.lognormal(0, 0.5, (3, 4))),
            list(source.lognormal(0, 0.5, (3, 4))),
            source,
            199,
        )
        < 0.05
        for _ in range(600)
    ]
    assert 0.02 < np.mean(found) < 0.08


def test_a_planted_difference_is_found_and_none_is_not():
    baseline = drawn(5, 5)
    assert permutation_p(log_ratio, drawn(5, 5, 0.7, seed=1), baseline, rng()) < 0.001
    assert permutation_p(log_ratio, drawn(5, 5, seed=1), baseline, rng()) > 0.05


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


# Description


def test_improvement_is_mann_and_whitneys_u():
    x, y = rng(0).integers(0, 6, 7).astype(float), rng(1).integers(0, 6, 5).astype(float)
    u = stats.mannwhitneyu(x, y).statistic
    assert probability_of_improvement([x], [y]) == pytest.approx(u / 35)
    assert probability_of_improvement([x, x], [x, x]) == pytest.approx(0.5)
    assert probability_of_improvement([x + 10], [y]) == 1


def test_variation_is_pooled_over_games():
    strata = [np.array([0.8, 1.0, 1.2, 1.0]), np.array([80.0, 100, 120, 100]), np.array([5.0])]
    assert variation_of(strata) == pytest.approx((0.16 / 6) ** 0.5)
    assert variation_of([np.array([1.0]), np.array([2.0])]) is None


# Power


def test_power_is_that_of_simulated_comparisons():
    """1,000 of them with log-normal runs: standard error .016, and the runs are skewed."""
    games, runs, baseline_runs, variation = 5, 8, 12, 0.4
    source, width = rng(2), np.log1p(variation**2) ** 0.5
    excluded = 0
    for _ in range(1_000):
        x = np.exp(source.normal(-(width**2) / 2, width, (games, runs)))
        y = np.exp(source.normal(-(width**2) / 2, width, (games, baseline_runs)))
        excluded += (welch(list(x), list(y)).low or -1) > -0.2
    closed = chance_of_excluding(-log(0.8), games, runs, baseline_runs, variation)
    assert closed == pytest.approx(excluded / 1_000, abs=0.06)


def test_power_grows_with_seeds_and_without_an_effect_is_half_the_level():
    few, more = (chance_of_excluding(0.3, 4, seeds, seeds, 0.4) for seeds in (3, 8))
    assert few < more
    assert chance_of_excluding(0.0, 4, 5, 5, 0.4) == pytest.approx(0.025)
    assert chance_of_excluding(0.3, 4, 1, 5, 0.4) == 0
