"""The statistics of a comparison: tables worked by hand, slow twins, and error rates by
simulation."""

from __future__ import annotations

from functools import partial
from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from harness.compare.effects import equivalence, game_differences, interaction, power, spread_of
from harness.compare.statistics import (
    Interval,
    bootstrap_interval,
    false_positives,
    floor_of,
    holm,
    iqm,
    iqm_difference,
    performance_profile,
    permutation_p,
    pooled_iqm,
    probability_of_improvement,
    unit_of,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def drawn(games, seeds, mean=1.0, spread=0.15, seed=0):
    return list(rng(seed).normal(mean, spread, (games, seeds)))


FLAT = [0.0, 0.0]


# Units and the interquartile mean


@pytest.mark.parametrize("count", [1, 3, 4, 7, 8, 30])
def test_iqm_is_the_mean_without_a_quarter_at_either_end(count):
    values = rng(count).normal(size=count)
    kept = sorted(values)[count // 4 : count - count // 4]
    assert iqm(values) == pytest.approx(np.mean(kept))


def test_iqm_by_hand():
    assert iqm(np.array([100.0, 1, 2, 3, 4, 5, 6, -50])) == pytest.approx((2 + 3 + 4 + 5) / 4)


def test_iqm_of_many_samples_is_that_of_each():
    values = rng().normal(size=(5, 9))
    assert iqm(values) == pytest.approx([float(iqm(row)) for row in values])


def test_floor_by_hand():
    assert floor_of(np.array([8.0, 12.0, 10.0])) == pytest.approx(2.5)


@pytest.mark.parametrize(
    "runs",
    [[-1.0], [0.0], [-3.0, -2.0, -4.0], [3.0, -2.9, 0.2, -0.1], [1.0, 5.0]],
    ids=["below", "at", "all below", "about random play", "too uncertain"],
)
def test_a_game_in_which_nothing_was_learned_does_not_count(runs):
    assert floor_of(np.array(runs)) is None


def test_a_failing_baseline_does_not_make_others_infinitely_better():
    assert unit_of(np.array([0.01, -0.01]), 2.0) == 2.0
    assert unit_of(np.array([4.0, 6.0]), 2.0) == 5.0


def test_difference_by_hand():
    network, baseline = [np.array([30.0, 50.0])], [np.array([10.0, 30.0])]
    assert iqm_difference(network, baseline, [0.0]) == pytest.approx(2.0 - 1.0)
    assert pooled_iqm(network, [20.0]) == pytest.approx(2.0)


def test_games_of_any_scale_weigh_the_same():
    network, baseline = drawn(2, 5, 1.2), drawn(2, 5, seed=1)
    scaled = [
        [s * f for s, f in zip(strata, (1, 1e4), strict=True)] for strata in (network, baseline)
    ]
    assert iqm_difference(*scaled, FLAT) == pytest.approx(iqm_difference(network, baseline, FLAT))


def test_statistics_of_many_samples_are_those_of_each():
    many = [[rng(g + 10 * k).normal(1, 0.3, (6, 4 - g)) for g in range(2)] for k in range(2)]
    for statistic in (partial(iqm_difference, floors=FLAT), probability_of_improvement):
        together = statistic(*many)
        alone = [
            float(statistic(*([s[row] for s in strata] for strata in many))) for row in range(6)
        ]
        assert together == pytest.approx(alone)


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
    difference = partial(iqm_difference, floors=FLAT)
    p = permutation_p(difference, network, baseline, rng(), 20_000)
    assert p == pytest.approx(exact_p(difference, network, baseline), abs=0.02)


def test_three_seeds_of_one_game_can_never_be_significant():
    p = permutation_p(
        partial(iqm_difference, floors=[0.0]),
        [np.array([9.0, 8, 7])],
        [np.array([1.0, 2, 3])],
        rng(),
    )
    assert p == pytest.approx(2 / 20, abs=0.02)


def test_equal_scores_differ_in_nothing():
    same = [np.ones(4)] * 2
    assert permutation_p(partial(iqm_difference, floors=FLAT), same, same, rng(), 99) == 1.0


def test_false_alarms_of_the_permutation_test_are_as_rare_as_it_says():
    """Skewed scores, a unit that is estimated: 5% of 600 tests, standard error .009."""
    source, difference = rng(1), partial(iqm_difference, floors=[0.25] * 3)
    found = [
        permutation_p(
            difference,
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
    difference, baseline = partial(iqm_difference, floors=[0.0] * 5), drawn(5, 5)
    planted = permutation_p(difference, drawn(5, 5, 0.7, seed=1), baseline, rng())
    null = permutation_p(difference, drawn(5, 5, seed=1), baseline, rng())
    assert planted < 0.001
    assert null > 0.05


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


# Bootstrap, improvement, profile


def test_bootstrap_of_a_mean_agrees_with_scipy():
    values = rng(3).gamma(2, 1, 12)
    interval = bootstrap_interval(lambda s: s[0].mean(-1), [values], rng=rng())
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=9_999, method="percentile", rng=rng()
    ).confidence_interval
    assert interval.value == pytest.approx(values.mean())
    assert (interval.low, interval.high) == pytest.approx(tuple(expected), abs=0.03)


def test_bootstrap_draws_within_games():
    """Between games lies a factor of a thousand, within them nothing."""
    interval = bootstrap_interval(
        lambda s: s[0].mean(-1) + s[1].mean(-1), [np.ones(3), np.full(3, 1e3)], rng=rng()
    )
    assert interval == Interval(1001, 1001, 1001)


def test_improvement_is_mann_and_whitneys_u():
    x, y = rng(0).integers(0, 6, 7).astype(float), rng(1).integers(0, 6, 5).astype(float)
    u = stats.mannwhitneyu(x, y).statistic
    assert probability_of_improvement([x], [y]) == pytest.approx(u / 35)
    assert probability_of_improvement([x, x], [x, x]) == pytest.approx(0.5)
    assert probability_of_improvement([x + 10], [y]) == 1


def test_profile_by_hand():
    strata, units = [np.array([1.0, 3.0]), np.array([10.0, 20.0])], [1.0, 10.0]
    share, low, high = performance_profile(strata, units, np.array([0.0, 1.5, 2.5, 5.0]), rng())
    assert share.tolist() == [1.0, 0.5, 0.25, 0.0]
    assert (low <= share).all()
    assert (share <= high).all()


def test_intervals_of_three_seeds_are_wrong_too_often():
    """As the notes say: a nominal 5% is above .08 with three seeds of a few games."""
    network, control = drawn(4, 3), drawn(4, 3, seed=1)
    rate = false_positives(network, control, [0.0] * 4, rng(), splits=150)
    assert 0.07 < rate < 0.3


# Equivalence


def test_equivalence_is_welchs_test_twice():
    x, y = rng(0).normal(1.0, 0.05, 6), rng(1).normal(1.0, 0.1, 9)
    y = y / y.mean()
    found = equivalence([x], [y], [0.0], 0.1)
    one_sided = [
        stats.ttest_ind(x, y - 0.1, equal_var=False, alternative="greater").pvalue,
        stats.ttest_ind(x, y + 0.1, equal_var=False, alternative="less").pvalue,
    ]
    assert found.p == pytest.approx(max(one_sided))


@pytest.mark.parametrize(
    ("mean", "spread", "claimed"), [(1, 0.05, True), (0.8, 0.05, False), (1, 0.5, False)]
)
def test_no_difference_is_claimed_only_where_it_is_known(mean, spread, claimed):
    found = equivalence(drawn(4, 5, mean, spread, 1), drawn(4, 5, 1, spread), [0.0] * 4, 0.1)
    assert (found.p < 0.05) is claimed


def test_equivalence_needs_two_runs_that_differ():
    assert equivalence([np.ones(1)], [np.ones(5)], [0.0], 0.1) is None
    assert equivalence([np.ones(5)], [np.ones(5)], [0.0], 0.1) is None
    assert equivalence([np.full(3, 13.7)], [np.full(3, -7 + 20.7)], [0.0], 0.1) is None


# Interaction

CLASSES = [True] * 4 + [False] * 4


def test_interaction_is_found_where_the_effect_depends_on_the_class():
    network = drawn(4, 5, 0.7, seed=1) + drawn(4, 5, 1.0, seed=2)
    found = interaction(network, drawn(8, 5), [0.0] * 8, CLASSES, rng())
    assert found.difference == pytest.approx(-0.3, abs=0.1)
    assert found.p_runs < 0.01
    # Of 70 ways to choose 4 of 8 games two are as extreme as a clean split.
    assert found.p_games == pytest.approx(2 / 70)


def test_a_difference_in_all_games_does_not_hide_an_interaction():
    network = drawn(4, 5, 0.2, 0.05, seed=1) + drawn(4, 5, 0.4, 0.05, seed=2)
    found = interaction(network, drawn(8, 5, spread=0.05), [0.0] * 8, CLASSES, rng())
    assert found.p_runs < 0.002


def test_a_difference_in_all_games_is_no_interaction():
    found = interaction(drawn(8, 5, 0.6, seed=1), drawn(8, 5), [0.0] * 8, CLASSES, rng())
    assert found.p_runs > 0.05
    assert found.p_games > 0.05


def test_false_interactions_are_rare():
    source = rng(4)
    found = 0
    for _ in range(60):
        network = list(source.normal(0.8, 0.15, (4, 3)))
        baseline = list(source.normal(1.0, 0.15, (4, 3)))
        one = interaction(network, baseline, [0.0] * 4, [True, True, False, False], source)
        found += one.p_runs < 0.05
    assert found <= 8  # 3 are expected


def test_interaction_needs_both_classes():
    assert interaction(drawn(2, 3), drawn(2, 3), FLAT, [True, True], rng()) is None


def test_game_differences_by_hand():
    network, baseline = [np.array([3.0, 5.0]), np.array([1.0])], [np.array([2.0]), np.array([4.0])]
    assert game_differences(network, baseline, FLAT).tolist() == [1.0, -0.75]


# Power


def test_power_grows_with_seeds_and_is_none_with_too_few():
    few, more = (power(4, seeds, -0.2, 0.15, rng(), trials=60) for seeds in (2, 5))
    assert power(1, 3, -0.9, 0.15, rng(), trials=20) == 0
    assert few < more
    assert more > 0.9


def test_power_without_an_effect_is_the_level():
    assert power(3, 4, 0.0, 0.15, rng(), trials=150) < 0.12


def test_spread_is_pooled_over_games():
    strata = [np.array([0.8, 1.0, 1.2, 1.0]), np.array([80.0, 100, 120, 100])]
    assert spread_of(strata, FLAT) == pytest.approx((0.16 / 6) ** 0.5)
    assert spread_of([np.array([1.0, 2.0])], [0.0]) is None
