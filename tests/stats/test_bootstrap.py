"""Bootstrap: replicates against brute force, intervals against closed forms, and that randomness is an argument."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import trim_mean

from lifesigns.stats.aggregates import AGGREGATES, aggregate, iqm, mean, median, optimality_gap
from lifesigns.stats.bootstrap import METHODS, aggregate_intervals, bootstrap_interval, difference_interval
from lifesigns.stats.distributions import student_quantile
from lifesigns.stats.influence import degrees_of_freedom, influence
from lifesigns.stats.replicates import aggregate_replicates, aggregates_of
from lifesigns.stats.resampling import in_batches, run_counts
from lifesigns.stats.spanning import spanning_interval, usual_spread
from lifesigns.stats.studentised import standard_errors
from lifesigns.stats.two_sample import mean_interval

MATRICES = arrays(
    np.float64,
    st.tuples(st.integers(2, 6), st.integers(1, 5)),
    elements=st.floats(-1e3, 1e3, allow_subnormal=False) | st.integers(0, 3).map(float),
)


def resampled(scores: np.ndarray, counts: np.ndarray, replicate: int) -> np.ndarray:
    """The matrix that a column of counts stands for."""
    return np.stack([np.repeat(scores[:, g], counts[:, g, replicate]) for g in range(scores.shape[1])], axis=1)


@given(MATRICES)
def test_point_estimates_are_scipys_and_numpys(scores: np.ndarray) -> None:
    assert iqm(scores) == pytest.approx(trim_mean(scores, 0.25, axis=None), rel=1e-12, abs=1e-10)
    assert mean(scores) == pytest.approx(float(scores.mean()), rel=1e-12, abs=1e-10)
    assert median(scores) == pytest.approx(float(np.median(scores.mean(axis=0))), rel=1e-12, abs=1e-10)
    assert optimality_gap(scores) == pytest.approx(1 - float(np.minimum(scores, 1).mean()), rel=1e-12, abs=1e-10)


@settings(max_examples=40)
@given(MATRICES, st.integers(0, 2**32))
def test_replicates_are_the_aggregates_of_the_resampled_matrices(scores: np.ndarray, seed: int) -> None:
    counts = run_counts(np.random.default_rng(seed), *scores.shape, 5)
    assert (counts.sum(axis=0) == len(scores)).all()
    found = aggregates_of(scores, counts, AGGREGATES)
    for k in range(5):
        expected = [aggregate(resampled(scores, counts, k), name) for name in AGGREGATES]
        assert found[k] == pytest.approx(expected, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("runs", [3, 60])
def test_counts_are_multinomial(runs: int) -> None:
    counts = run_counts(np.random.default_rng(0), runs, 4, 20_000).astype(float)
    assert counts.sum(axis=0) == pytest.approx(np.full((4, 20_000), runs))
    assert counts.mean(axis=2) == pytest.approx(np.ones((runs, 4)), abs=0.05)
    assert counts.var(axis=2) == pytest.approx(np.full((runs, 4), 1 - 1 / runs), abs=0.06)
    assert np.mean(counts[0, 0] * counts[1, 0]) - 1 == pytest.approx(-1 / runs, abs=0.03)
    assert np.mean(counts[0, 0] * counts[1, 1]) - 1 == pytest.approx(0.0, abs=0.03)


def test_percentile_interval_of_three_runs_is_that_of_all_27_resamples() -> None:
    scores = np.array([1.0, 2.0, 4.0])
    means = np.array([np.mean(scores[list(i)]) for i in product(range(3), repeat=3)])
    found = bootstrap_interval(
        scores, "mean", rng=np.random.default_rng(0), replicates=100_000, level=0.8, method="percentile"
    )
    assert (found.low, found.high) == tuple(np.quantile(means, [0.1, 0.9], method="inverted_cdf"))


@pytest.mark.parametrize("method", METHODS)
def test_same_state_same_answer_whatever_the_workers(method: str) -> None:
    scores = np.random.default_rng(0).normal(size=(8, 40))
    found = [
        bootstrap_interval(scores, "iqm", rng=np.random.default_rng(7), method=method, replicates=5_000, workers=w)  # type: ignore[arg-type]
        for w in (1, 2, 3)
    ]
    assert found[0] == found[1] == found[2]
    assert found[0].low < found[0].estimate < found[0].high


def test_the_generator_is_used_and_the_global_one_is_not() -> None:
    np.random.seed(3)
    before = np.random.get_state()[1].copy()  # type: ignore[index,union-attr]
    rng = np.random.default_rng(0)
    first, second = (bootstrap_interval(np.arange(12.0) ** 2, "mean", rng=rng) for _ in range(2))
    assert (np.random.get_state()[1] == before).all()  # type: ignore[index]
    assert first != second


def test_large_sample_intervals_agree_with_students() -> None:
    scores = np.random.default_rng(0).normal(size=400)
    half = student_quantile(0.975, 399) * scores.std(ddof=1) / 20
    for method in METHODS:
        found = bootstrap_interval(scores, "mean", rng=np.random.default_rng(1), replicates=40_000, method=method)
        assert found.low == pytest.approx(scores.mean() - half, abs=0.004), method
        assert found.high == pytest.approx(scores.mean() + half, abs=0.004), method


def test_widened_is_percentile_times_two_factors() -> None:
    scores = np.random.default_rng(0).normal(size=(5, 6))
    made = {
        m: bootstrap_interval(scores, "mean", rng=np.random.default_rng(1), method=m)
        for m in ("percentile", "rescaled", "widened")  # type: ignore[arg-type]
    }
    spans = {m: made[m].high - made[m].estimate for m in made}
    df = degrees_of_freedom(influence(scores, "mean"))
    assert 4 < df <= 24
    assert spans["rescaled"] / spans["percentile"] == pytest.approx((5 / 4) ** 0.5)
    assert spans["widened"] / spans["rescaled"] == pytest.approx(student_quantile(0.975, df) / 1.959964)


@pytest.mark.parametrize("statistic", ["mean", "iqm", "optimality_gap"])
def test_influence_gives_the_variance_of_the_replicates(statistic: str) -> None:
    scores = np.random.default_rng(0).lognormal(size=(20, 10))
    drawn = aggregate_replicates(scores, np.random.default_rng(1), statistics=(statistic,), replicates=20_000)  # type: ignore[arg-type]
    values = influence(scores, statistic)  # type: ignore[arg-type]
    assert (values**2).sum() / 20**2 == pytest.approx(float(drawn.var()), rel=0.08)
    counts = np.ones((20, 10, 1), dtype=np.uint8)
    errors = standard_errors(scores, counts, statistic)  # type: ignore[arg-type]
    assert errors[0] == pytest.approx(((values**2).sum() / (20 * 19)) ** 0.5, rel=1e-9)


def test_difference_of_one_task_is_near_welchs_interval() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 1, 30), rng.normal(0, 2, 25)
    found = difference_interval(a, b, "mean", rng=rng, replicates=20_000)
    error = (a.var(ddof=1) / 30 + b.var(ddof=1) / 25) ** 0.5
    assert found.estimate == pytest.approx(a.mean() - b.mean())
    assert (found.high - found.low) / 2 == pytest.approx(2.03 * error, rel=0.04)


def test_a_paired_difference_takes_out_what_the_seeds_share() -> None:
    rng = np.random.default_rng(0)
    seed = rng.normal(0, 5, size=(10, 3))
    a, b = seed + rng.normal(1, 0.1, size=(10, 3)), seed + rng.normal(0, 0.1, size=(10, 3))
    paired = difference_interval(a, b, "mean", rng=np.random.default_rng(1), paired=True)
    apart = difference_interval(a, b, "mean", rng=np.random.default_rng(1))
    assert paired.high - paired.low < 0.2 < 4 < apart.high - apart.low
    assert paired.contains(1.0)
    with pytest.raises(ValueError, match="same runs in both"):
        difference_interval(a, b[:5], rng=rng, paired=True)


def test_any_function_of_the_matrix() -> None:
    scores = np.random.default_rng(0).normal(size=(30, 2))
    found = bootstrap_interval(scores, lambda s: float(np.quantile(s, 0.2)), rng=np.random.default_rng(1))
    assert found.low < found.estimate < found.high
    with pytest.raises(ValueError, match="named aggregate"):
        bootstrap_interval(scores, np.max, rng=np.random.default_rng(1), method="bca")  # type: ignore[arg-type]


def test_what_cannot_be_answered_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="at least 2 runs"):
        bootstrap_interval([[1.0, 2.0]], rng=rng)
    with pytest.raises(ValueError, match="run 1, task 0"):
        bootstrap_interval([[1.0], [np.nan]], rng=rng)
    with pytest.raises(ValueError, match="`method`"):
        bootstrap_interval([1.0, 2.0], rng=rng, method="exact")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`level`"):
        bootstrap_interval([1.0, 2.0], rng=rng, level=95)
    with pytest.raises(ValueError, match="got 'median'"):
        bootstrap_interval([1.0, 2.0], "median", rng=rng, method="studentised")
    with pytest.raises(ValueError, match="statistics out of"):
        bootstrap_interval([1.0, 2.0], "mode", rng=rng)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="same tasks"):
        difference_interval([[1.0, 2], [3, 4]], [[1.0], [2]], rng=rng)
    with pytest.raises(ValueError, match="1 replicate"):
        in_batches(lambda own, n: n, rng, 0, 1)


def test_equal_scores_give_a_point() -> None:
    found = aggregate_intervals(np.full((4, 3), 2.5), rng=np.random.default_rng(0))
    for name in AGGREGATES:
        assert found[name].low == found[name].high == found[name].estimate


def test_the_spanning_interval_is_the_aggregate_of_the_tasks_ends() -> None:
    scores = np.random.default_rng(0).normal([0.2, 0.5, 0.9, 1.4, 2.0], 0.3, size=(6, 5))
    ends = [mean_interval(task) for task in scores.T]
    found = spanning_interval(scores, borrowed=False)
    assert (found.low, found.high) == pytest.approx(
        (np.median([e.low for e in ends]), np.median([e.high for e in ends]))
    )
    assert found.estimate == pytest.approx(np.median(scores.mean(axis=0)))
    gap = spanning_interval(scores, "optimality_gap")
    clipped = [mean_interval(np.minimum(task, 1.0)) for task in scores.T]
    assert gap.low == pytest.approx(1 - np.mean([e.high for e in clipped]))
    assert gap.contains(gap.estimate)
    with pytest.raises(ValueError, match="expected mean, median or optimality_gap"):
        spanning_interval(scores, "iqm")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="2"):
        spanning_interval(scores[:1])


def test_a_task_whose_few_runs_agree_borrows_the_spread_of_its_neighbours() -> None:
    """The middle task's runs are equal by chance: of its own the interval would be a point."""
    scores = np.random.default_rng(0).normal([0.2, 0.5, 0.9, 1.4, 2.0], 0.3, size=(3, 5))
    scores[:, 2] = 0.9
    means, spreads = scores.mean(axis=0), scores.std(axis=0, ddof=1)
    assert usual_spread(means, spreads) == pytest.approx(np.quantile(np.sort(spreads[1:4]), 0.75))
    wide, own = spanning_interval(scores), spanning_interval(scores, borrowed=False)
    assert wide.low < own.low <= own.high < wide.high
    assert wide.estimate == own.estimate
    moved = spanning_interval(10.0 * scores + 3.0)
    assert (moved.low, moved.high) == pytest.approx((10 * wide.low + 3, 10 * wide.high + 3)), "no scale, no origin"
    assert usual_spread(np.zeros(1), np.ones(1)) == 1.0


def test_borrowing_covers_the_median_where_a_middle_task_fails_now_and_then() -> None:
    """Nine tasks, one run in five of each fails; of three runs half have seen no failure of a given task."""
    rng = np.random.default_rng(0)
    level = np.linspace(0.4, 1.6, 9)
    truth = 0.8 * float(np.median(level))
    hits = {True: 0, False: 0}
    for _ in range(300):
        scores = level * np.where(rng.random((3, 9)) < 0.2, 0.0, 1.0) + 0.01 * rng.normal(size=(3, 9))
        for borrowed in hits:
            hits[borrowed] += spanning_interval(scores, borrowed=borrowed).contains(truth)
    assert hits[False] < 0.9 * 300
    assert hits[True] > 0.93 * 300
