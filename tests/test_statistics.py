"""The figures of one agent's scores: known answers, another implementation, and coverage."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import stats

from harness.evaluation.statistics import mean_interval, summarise


def test_summary_of_five_scores_by_hand():
    summary = summarise([5, 1, 4, 2, 3])
    assert (summary.mean, summary.median) == (3, 3)
    assert (summary.minimum, summary.maximum) == (1, 5)
    # s^2 = 10/4; t(4) at .975 is 2.776445; half = 2.776445 * 1.581139 / sqrt(5)
    assert summary.std == pytest.approx(1.581139, abs=1e-6)
    assert summary.interval_over_episodes == pytest.approx((1.036757, 4.963243), abs=1e-6)


def test_median_of_an_even_count_is_the_middle():
    assert summarise([1, 2, 10, 100]).median == 6


@pytest.mark.parametrize("count", [2, 3, 30, 500])
def test_interval_agrees_with_scipy(count):
    values = np.random.default_rng(count).gamma(2, 100, count)
    expected = stats.t.interval(0.95, count - 1, values.mean(), stats.sem(values))
    assert mean_interval(values) == pytest.approx(expected)


def test_one_score_has_no_spread_and_no_interval():
    summary = summarise([7])
    assert (summary.mean, summary.median) == (7, 7)
    assert summary.std is None
    assert summary.interval_over_episodes is None


@pytest.mark.parametrize("scores", [[21, 21], [0] * 100, [-3] * 7])
def test_equal_scores_do_not_tell_how_others_would_spread(scores):
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        summary = summarise(scores)
        summarise(scores[:1])
    assert summary.std == 0
    assert summary.interval_over_episodes is None


def test_nothing_cannot_be_summarised():
    with pytest.raises(ValueError, match="at least one"):
        summarise([])


def test_figures_move_with_the_scores():
    scores = np.random.default_rng(0).normal(size=40)
    plain, moved = summarise(scores), summarise(scores * 10 + 5)
    assert plain.interval_over_episodes is not None
    assert moved.std == pytest.approx(10 * plain.std)
    assert moved.interval_over_episodes == pytest.approx(
        [10 * end + 5 for end in plain.interval_over_episodes]
    )


@pytest.mark.parametrize(
    ("draw", "mean", "count", "low", "high"),
    [
        # 2,000 samples: the standard error of a coverage of .95 is .005.
        (lambda rng, size: rng.normal(size=size), 0.0, 8, 0.935, 0.965),
        (lambda rng, size: 22.0 - rng.geometric(0.5, size), 20.0, 100, 0.92, 0.965),
        (lambda rng, size: rng.exponential(size=size), 1.0, 100, 0.92, 0.965),
    ],
    ids=["normal 8", "skewed 100", "exponential 100"],
)
def test_interval_covers_the_true_mean_as_often_as_it_says(draw, mean, count, low, high):
    samples = draw(np.random.default_rng(1), (2_000, count))
    ends = np.array([mean_interval(sample) for sample in samples])
    covered = ((ends[:, 0] <= mean) & (mean <= ends[:, 1])).mean()
    assert low < covered < high
