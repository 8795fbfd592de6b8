"""Tests of two algorithms against scipy's, closed forms and their attainable p-values."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from lifesigns.stats import (
    adjusted,
    brunner_munzel_test,
    distribution_test,
    effect_size,
    equivalence_test,
    fisher_test,
    improvement_interval,
    mean_difference_interval,
    paired_interval,
    paired_t_test,
    paired_test,
    pairing,
    performance_profile,
    permutation_test,
    probability_of_improvement,
    profile_band,
    rank_test,
    rate_difference_interval,
    same_seed_test,
    sign_flip_test,
    student_test,
    success_interval,
    welch_test,
)
from lifesigns.stats.improvement import improvement_replicates
from lifesigns.stats.success import fisher_table
from lifesigns.stats.two_sample import rank_sum_chances

SAMPLES = st.tuples(st.integers(3, 9), st.integers(3, 9), st.integers(0, 2**32))


def two(sizes: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(sizes[2])
    return rng.normal(0.5, 1, sizes[0]), rng.normal(0, 2, sizes[1]), rng


@settings(max_examples=25, deadline=None)
@given(SAMPLES)
def test_unpaired_tests_are_scipys(sizes: tuple[int, int, int]) -> None:
    a, b, _ = two(sizes)
    assert welch_test(a, b).p == pytest.approx(reference.ttest_ind(a, b, equal_var=False).pvalue, rel=1e-9)
    assert student_test(a, b).p == pytest.approx(reference.ttest_ind(a, b).pvalue, rel=1e-9)
    assert rank_test(a, b).p == pytest.approx(reference.mannwhitneyu(a, b, method="exact").pvalue, rel=1e-9)
    assert distribution_test(a, b).p == pytest.approx(reference.ks_2samp(a, b, method="exact").pvalue, abs=1e-9)
    ci = reference.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert (mean_difference_interval(a, b).low, mean_difference_interval(a, b).high) == pytest.approx((ci.low, ci.high))


@settings(max_examples=10, deadline=None)
@given(SAMPLES)
def test_the_exact_permutation_test_is_scipys(sizes: tuple[int, int, int]) -> None:
    a, b, rng = two(sizes)
    theirs = reference.permutation_test(
        (a, b),
        lambda x, y, axis: np.abs(x.mean(axis=axis) - y.mean(axis=axis)),
        n_resamples=np.inf,
        alternative="greater",
    )
    found = permutation_test(a, b, rng=rng)
    assert found.exact
    assert found.p == pytest.approx(theirs.pvalue, rel=1e-9)
    assert found.p >= found.least_p - 1e-12


@settings(max_examples=25, deadline=None)
@given(st.integers(4, 12), st.integers(0, 2**32))
def test_paired_tests_are_scipys(pairs: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(0.3, 1, pairs), rng.normal(size=pairs)
    assert paired_t_test(a, b).p == pytest.approx(reference.ttest_rel(a, b).pvalue, rel=1e-9)
    signed = paired_test(a, b, rng=rng, method="signed-rank")
    assert signed.p == pytest.approx(reference.wilcoxon(a, b, method="exact").pvalue, rel=1e-9)
    ci = reference.ttest_rel(a, b).confidence_interval(0.95)
    assert (paired_interval(a, b).low, paired_interval(a, b).high) == pytest.approx((ci.low, ci.high))


@pytest.mark.parametrize("method", ["clopper-pearson", "wilson"])
def test_success_intervals_are_scipys(method: str) -> None:
    name = {"clopper-pearson": "exact", "wilson": "wilson"}[method]
    for k in range(11):
        ci = reference.binomtest(k, 10).proportion_ci(0.95, method=name)
        found = success_interval(k, 10, method=method)  # type: ignore[arg-type]
        assert (found.low, found.high) == pytest.approx((ci.low, ci.high), abs=1e-9)


def test_mid_p_and_jeffreys_lie_inside_clopper_pearson() -> None:
    """Agresti and Coull 1998 quote mid-p of 9 of 10 successes; ends by direct inversion."""
    for k in range(11):
        outer = success_interval(k, 10)
        for method in ("mid-p", "jeffreys"):
            inner = success_interval(k, 10, method=method)  # type: ignore[arg-type]
            assert outer.low <= inner.low + 1e-12 <= inner.high <= outer.high + 1e-12
    found = success_interval(9, 10, method="mid-p")
    above = reference.binom.sf(9, 10, found.low) + 0.5 * reference.binom.pmf(9, 10, found.low)
    assert above == pytest.approx(0.025, abs=1e-9)


def test_fishers_table_is_scipys() -> None:
    table = fisher_table(7, 5)
    for i in range(8):
        for j in range(6):
            theirs = reference.fisher_exact([[i, 7 - i], [j, 5 - j]]).pvalue
            assert table[i, j] == pytest.approx(theirs, rel=1e-9)
    assert fisher_test(7, 7, 0, 5).p == fisher_test(7, 7, 0, 5).least_p
    assert rate_difference_interval(9, 10, 3, 10).low == pytest.approx(0.170, abs=2e-3)


def test_newcombes_published_difference() -> None:
    """Newcombe 1998, table II (a): 56/70 - 48/80 is 0.2000 [0.0524, 0.3339] by method 10."""
    found = rate_difference_interval(56, 70, 48, 80)
    assert (found.estimate, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_rank_sums_are_counted() -> None:
    assert rank_sum_chances(2, 2) * 6 == pytest.approx([1, 1, 2, 1, 1])
    assert rank_test([1, 1, 2, 3], [1, 2, 2, 5]).exact is False
    ties = rank_test([1.0, 1, 2, 3, 3, 4, 4, 4], [1.0, 2, 2, 5, 5, 5, 6, 6])
    theirs = reference.mannwhitneyu([1, 1, 2, 3, 3, 4, 4, 4], [1, 2, 2, 5, 5, 5, 6, 6], method="asymptotic")
    assert ties.p == pytest.approx(theirs.pvalue, rel=1e-6)


def test_brunner_munzel_is_scipys_and_survives_separation() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=9), rng.normal(0.8, 2, 12)
    assert brunner_munzel_test(a, b).p == pytest.approx(reference.brunnermunzel(a, b).pvalue, rel=1e-9)
    apart = brunner_munzel_test([1.0, 2, 3, 4, 5], [6.0, 7, 8, 9, 10])
    assert apart.p == apart.least_p == pytest.approx(2 / 252)


def test_three_against_three_cannot_be_significant() -> None:
    found = permutation_test([1.0, 2, 3], [100.0, 200, 300], rng=np.random.default_rng(0))
    assert found.p == found.least_p == pytest.approx(0.1)
    assert not found.significant()
    assert sign_flip_test([1.0, 2, 3, 4, 5], rng=np.random.default_rng(0)).p == pytest.approx(0.0625)
    assert sign_flip_test([1.0, 2, 3, 4, 5, 6], rng=np.random.default_rng(0)).p == pytest.approx(0.03125)


def test_sampled_permutations_agree_with_counted_ones_and_tasks_are_shuffled_apart() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(0.8, 1, 10), rng.normal(size=10)
    exact = permutation_test(a, b, rng=rng)
    sampled = permutation_test(np.c_[a, np.zeros(10)], np.c_[b, np.zeros(10)], rng=rng)
    assert not sampled.exact
    assert sampled.p == pytest.approx(exact.p, abs=4 * (exact.p / 20_000) ** 0.5 + 1e-4)
    assert sampled.statistic == pytest.approx(exact.statistic / 2)


def test_pairing_is_checked_first() -> None:
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 3, 12)
    alike = shared + rng.normal(0.7, 0.5, 12), shared + rng.normal(0, 0.5, 12)
    helps = pairing(*alike)
    assert helps.helps
    assert helps.variance_ratio < 0.2
    found, check = same_seed_test(*alike, rng=rng)
    assert found.method == "paired sign flip"
    assert found.p < 0.05 < permutation_test(*alike, rng=rng).p
    apart, check = same_seed_test(rng.normal(size=8), rng.normal(size=8), rng=rng)
    assert check is not None
    assert not check.helps
    assert apart.method == "permutation"
    assert same_seed_test([1.0, 2, 3], [2.0, 3, 5], rng=rng)[1] is None
    with pytest.raises(ValueError, match="one row per seed"):
        paired_t_test([1.0, 2], [1.0, 2, 3])


def test_probability_of_improvement_is_mann_whitneys_over_tasks() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.4, 1, (7, 5)).round(1), rng.normal(0, 1, (9, 5)).round(1)
    us = [reference.mannwhitneyu(a[:, g], b[:, g]).statistic / 63 for g in range(5)]
    assert probability_of_improvement(a, b) == pytest.approx(np.mean(us))
    assert probability_of_improvement(a, b) + probability_of_improvement(b, a) == pytest.approx(1.0)
    drawn = improvement_replicates(a, b, rng, 4_000)
    picks = rng.integers(0, 7, (4_000, 7)), rng.integers(0, 9, (4_000, 9))
    brute = [probability_of_improvement(a[i], b[j]) for i, j in zip(*picks, strict=True)]
    assert drawn.mean() == pytest.approx(np.mean(brute), abs=0.005)


def test_improvement_intervals_stay_honest_at_complete_separation() -> None:
    a, b = np.arange(5.0) + 10, np.arange(5.0)
    rng = np.random.default_rng(0)
    assert improvement_interval(a, b, rng=rng, method="percentile").low == 1.0
    found = improvement_interval(a, b, rng=rng)
    assert (found.estimate, found.high) == (1.0, 1.0)
    assert 0.55 < found.low < 0.75
    many = improvement_interval(np.tile(a[:, None], 4), np.tile(b[:, None], 4), rng=rng)
    assert found.low < many.low < 1.0
    swapped = improvement_interval(b, a, rng=rng)
    assert swapped.high == pytest.approx(1 - found.low)


def test_profiles_and_their_bands() -> None:
    scores = np.array([[0.0, 2.0], [1.0, 3.0]])
    assert performance_profile(scores, [-1, 0, 1.5, 3]).tolist() == [1.0, 0.75, 0.5, 0.0]
    assert performance_profile(scores, [0.4, 1.0, 2.6], "tasks").tolist() == [1.0, 0.5, 0.0]
    rng = np.random.default_rng(0)
    many = rng.normal(np.arange(4.0), 1, (6, 4))
    for kind in ("runs", "tasks"):
        band = profile_band(many, [0.0, 1.0, 2.0], rng=np.random.default_rng(1), kind=kind)  # type: ignore[arg-type]
        assert (band.low <= band.estimate).all()
        assert (band.estimate <= band.high).all()
    loose = profile_band(many, [1.0], rng=rng)
    tight = profile_band(many, [1.0], rng=rng, method="percentile")
    assert loose.low[0] < tight.low[0]


def test_corrections_are_scipys_and_the_published_ones() -> None:
    p = [0.01, 0.04, 0.03, 0.005, 0.5]
    assert adjusted(p, "benjamini-hochberg") == pytest.approx(reference.false_discovery_control(p))
    assert adjusted(p, "benjamini-yekutieli") == pytest.approx(reference.false_discovery_control(p, method="by"))
    assert adjusted(p, "holm") == pytest.approx([0.04, 0.09, 0.09, 0.025, 0.5])
    assert adjusted(p, "hochberg") == pytest.approx([0.04, 0.08, 0.08, 0.025, 0.5])
    assert adjusted(p, "bonferroni") == pytest.approx([0.05, 0.2, 0.15, 0.025, 1.0])
    assert adjusted(p, "sidak") == pytest.approx(1 - (1 - np.array(p)) ** 5)
    with pytest.raises(ValueError, match="p-values"):
        adjusted([1.2])


def test_equivalence_needs_the_whole_interval_inside() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 50), rng.normal(0, 1, 50)
    for margin in (0.1, 0.5, 1.0):
        found = equivalence_test(a, b, margin)
        inside = -margin < found.difference.low and found.difference.high < margin
        assert found.equivalent == inside == (found.p <= 0.05)
    assert equivalence_test(a, a + 0.1, 0.2, paired=True).equivalent
    with pytest.raises(ValueError, match="positive `margin`"):
        equivalence_test(a, b, 0.0)


def test_effect_size_is_students_t_without_the_runs() -> None:
    a, b = (np.random.default_rng(s).normal(m, 1, n) for s, m, n in ((0, 1.0, 7), (1, 0.0, 5)))
    t = float(reference.ttest_ind(a, b).statistic)
    d = t * (1 / 7 + 1 / 5) ** 0.5
    assert effect_size(a, b) == pytest.approx(d * (1 - 3 / (4 * 10 - 1)))
    assert effect_size(a, a) == 0.0
    assert effect_size([1.0, 1.0], [0.0, 0.0]) == np.inf
