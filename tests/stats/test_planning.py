"""Seeds needed, sequential stopping, anytime-valid evidence, and what choosing after looking does."""

from __future__ import annotations

import numpy as np
import pytest

from lifesigns.stats import (
    bootstrap_power,
    fisher_power,
    fisher_test,
    opposite_share,
    seeds_for_effect,
    seeds_for_rates,
    seeds_from_pilots,
    sequential_plan,
    sequential_test,
    sign_evalues,
    split_honesty,
    student_power,
    success_evalues,
    welch_test,
    winners_curse,
)
from lifesigns.stats.distributions import noncentral_student_cdf


def test_power_by_simulation() -> None:
    rng = np.random.default_rng(0)
    found = np.mean([welch_test(rng.normal(1, 1, 10), rng.normal(size=10)).p <= 0.05 for _ in range(1500)])
    assert found == pytest.approx(student_power(1.0, 10), abs=0.04)
    assert student_power(1.0, 10, 40) > student_power(1.0, 10)
    assert student_power(5.0, 5_000) == pytest.approx(1.0)


def test_the_noncentral_t_has_a_way_out_where_the_series_fails() -> None:
    assert noncentral_student_cdf(1.96, 20_000, 70.0) == pytest.approx(0.0, abs=1e-9)
    assert noncentral_student_cdf(2.1, 18, 1.0) == pytest.approx(0.8397, abs=0.01)


def test_no_number_of_seeds_finds_nothing() -> None:
    with pytest.raises(ValueError, match="effect other than 0"):
        seeds_for_effect(0.0)
    with pytest.raises(ValueError, match="rates that differ"):
        seeds_for_rates(0.5, 0.5)
    with pytest.raises(ValueError, match="can tell apart"):
        seeds_for_rates(0.5, 0.51, most=50)


def test_fisher_power_by_simulation() -> None:
    rng = np.random.default_rng(0)
    pairs = rng.binomial(12, [1.0, 0.5], size=(2_000, 2))
    share = np.mean([fisher_test(int(a), 12, int(b), 12).p <= 0.05 for a, b in pairs])
    assert fisher_power(1.0, 0.5, 12) == pytest.approx(share, abs=0.03)


def test_a_plan_from_pilots_is_a_range_around_the_naive_one() -> None:
    rng = np.random.default_rng(0)
    plan = seeds_from_pilots(rng.normal(1, 1, 200), rng.normal(size=200), rng=rng)
    assert plan.low is not None
    assert plan.middle is not None
    assert plan.high is not None
    assert plan.naive is not None
    assert plan.low <= plan.middle <= plan.high <= 1.6 * plan.low
    assert abs(plan.middle - plan.naive) <= 2
    assert plan.more(10) == plan.high - 10
    assert plan.more(1_000) == 0
    few = seeds_from_pilots([1.0, 2, 0], [0.0, 1, -1], rng=rng)
    assert few.high is None or few.low is None or few.high > 3 * few.low
    with pytest.raises(ValueError, match="pilot runs that vary"):
        seeds_from_pilots([1.0, 1], [2.0, 2], rng=rng)


def test_power_of_resampled_pilots() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 1, 300), rng.normal(size=300)
    assert bootstrap_power(a, b, 17, rng=rng) == pytest.approx(0.8, abs=0.1)
    assert bootstrap_power(a, b, 40, rng=rng) > bootstrap_power(a, b, 10, rng=rng)


def test_sequential_looks_are_replayed_and_stop_for_good() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(2.0, 1, 25), rng.normal(size=25)
    plan = sequential_plan(5, 5)
    looks = [sequential_test(a[:n], b[:n], plan, rng=np.random.default_rng(3)) for n in (5, 10, 15, 25)]
    decided = [look.decision for look in looks]
    first = decided.index("different")
    assert set(decided[first:]) == {"different"}
    assert looks[first] == looks[-1]
    assert looks[first].runs < 25
    assert abs(looks[first].statistic) > looks[first].boundary


def test_equal_arms_end_undecided_and_wrong_groups_are_refused() -> None:
    same = np.random.default_rng(0).normal(size=10)
    plan = sequential_plan(5, 2)
    assert sequential_test(same, same, plan, rng=np.random.default_rng(0)).decision == "not shown different"
    assert sequential_test(same[:5], same[:5], plan, rng=np.random.default_rng(0)).decision == "continue"
    for n in (4, 15):
        with pytest.raises(ValueError, match="whole groups of 5"):
            sequential_test(np.zeros(n), np.zeros(n), plan, rng=np.random.default_rng(0))


def test_sequential_size_over_all_looks_is_the_nominal_one() -> None:
    rng, plan, hits = np.random.default_rng(1), sequential_plan(4, 3), 0
    for i in range(400):
        a, b = rng.exponential(size=(2, 12))
        found = sequential_test(a, b, plan, rng=np.random.default_rng(i), permutations=399)
        hits += found.decision == "different"
    assert 0.02 <= hits / 400 <= 0.085


def test_late_spending_spends_less_at_first_and_the_same_in_all() -> None:
    even, late = sequential_plan(5, 4), sequential_plan(5, 4, shape="late")
    assert late.spending[0] < even.spending[0]
    assert late.spending[-1] == even.spending[-1] == pytest.approx(0.05)
    assert even.most_runs == 20


def test_e_values_have_mean_at_most_one_under_the_null() -> None:
    rng = np.random.default_rng(0)
    outcomes = rng.integers(0, 2, size=(4_000, 2, 6)).astype(float)
    assert np.mean([np.exp(success_evalues(a, b).log_e[-1]) for a, b in outcomes]) == pytest.approx(1.0, abs=0.1)
    signs = rng.normal(size=(4_000, 2, 6))
    assert np.mean([np.exp(sign_evalues(a, b).log_e[-1]) for a, b in signs]) == pytest.approx(1.0, abs=0.1)


def test_e_values_stop_where_the_evidence_is_enough() -> None:
    """After k wins in a row E is C(2k, k) / 2^k: 14.4 at 6 and 26.8 at 7."""
    found = sign_evalues(np.ones(20), np.zeros(20))
    assert np.exp(found.log_e[5:7]) == pytest.approx([924 / 64, 3432 / 128])
    assert found.stops_at(0.05) == 7
    assert found.p < 1e-3
    assert sign_evalues([1.0, 2], [1.0, 2]).p == 1.0
    with pytest.raises(ValueError, match="0 or 1"):
        success_evalues([0.5], [1.0])


def test_the_best_of_equal_candidates_is_corrected_to_the_mean() -> None:
    rng = np.random.default_rng(0)
    picked, corrected = [], []
    for i in range(300):
        found = winners_curse(rng.normal(size=(5, 4)), rng=np.random.default_rng(i), replicates=400)
        picked.append(found.observed)
        corrected.append(found.corrected)
    assert np.mean(picked) == pytest.approx(1.029 / 5**0.5, abs=0.06)
    assert 0 < np.mean(corrected) < 0.75 * np.mean(picked)
    clear = winners_curse(np.array([[0.0, 10.0], [0.1, 10.1], [0.2, 9.9]]), rng=rng)
    assert clear.winner == 1
    assert clear.luck == pytest.approx(0.0, abs=1e-3)


def test_ten_equal_runs_can_be_split_into_a_finding() -> None:
    """Henderson et al. 2018 did so with TRPO on HalfCheetah."""
    rng = np.random.default_rng(0)
    runs = rng.normal(size=10)
    found = split_honesty(runs, rng=rng)
    assert found.exact
    assert found.splits == 252
    assert found.least_p < 0.05
    rest = [i for i in range(10) if i not in found.split]
    assert welch_test(runs[list(found.split)], runs[rest]).p == pytest.approx(found.least_p)
    big = split_honesty(rng.normal(size=40), rng=rng)
    assert not big.exact
    assert big.share_significant == pytest.approx(0.05, abs=0.04)


def test_how_often_a_smaller_study_shows_the_opposite() -> None:
    rng = np.random.default_rng(0)
    assert opposite_share([1.0, 2, 3], [11.0, 12, 13], 2, rng=rng) == 0.0
    a, b = rng.normal(size=400), rng.normal(0.5, 1, 400)
    share = opposite_share(a, b, 5, rng=rng)
    d = (b.mean() - a.mean()) / ((a.var() + b.var()) / 5) ** 0.5
    from lifesigns.stats.distributions import normal_cdf

    assert share == pytest.approx(normal_cdf(-d), abs=0.02)
    assert opposite_share([1.0, 1], [1.0, 1], 1, rng=rng) == 0.5
    with pytest.raises(ValueError, match="without replacement"):
        opposite_share([1.0, 2], [1.0, 2], 3, rng=rng, replace=False)
