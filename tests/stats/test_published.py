"""Published tables and known figures, reproduced: power tables, exact bounds, Henderson's tests, seed counts."""

from __future__ import annotations

import numpy as np
import pytest

from lifesigns.stats.distributions import student_two_sided
from lifesigns.stats.permutation import least_p, sign_flip_test
from lifesigns.stats.pilots import _least_effects
from lifesigns.stats.power import (
    seeds_for_effect,
    seeds_for_least_p,
    seeds_for_rates,
    seeds_for_rates_normal,
    student_power,
)
from lifesigns.stats.selection import expected_best
from lifesigns.stats.success import failure_bound, fisher_test, runs_without_failure, success_interval
from lifesigns.stats.two_sample import smirnov_exact, smirnov_tail


@pytest.mark.parametrize(
    ("effect", "runs", "power"), [(0.5, 100, 0.940), (1, 20, 0.869), (1, 10, 0.562), (2, 5, 0.791)]
)
def test_power_of_students_test(effect: float, runs: int, power: float) -> None:
    """Colas et al. 2018 quote them; Cohen's tables hold them."""
    assert student_power(effect, runs) == pytest.approx(power, abs=5e-4)


@pytest.mark.parametrize(("effect", "seeds"), [(0.2, 394), (0.5, 64), (0.8, 26), (1.0, 17)])
def test_seeds_an_arm_for_80_percent_power(effect: float, seeds: int) -> None:
    assert seeds_for_effect(effect) == seeds
    assert student_power(effect, seeds) >= 0.8 > student_power(effect, seeds - 1)


@pytest.mark.parametrize(
    ("rates", "exact", "normal"),
    [((0.5, 1.0), 12, 7), ((0.6, 0.9), 36, 30), ((0.7, 0.95), 39, 32), ((0.8, 0.95), 82, 70)],
)
def test_seeds_for_success_rates_are_more_than_the_normal_approximation_plans(
    rates: tuple[float, float], exact: int, normal: int
) -> None:
    assert seeds_for_rates(*rates) == exact
    assert seeds_for_rates_normal(*rates) == normal


@pytest.mark.parametrize(("runs", "percent"), [(3, 63), (5, 45), (10, 26), (20, 14), (59, 5)])
def test_no_failure_in_n_runs_bounds_the_failure_rate(runs: int, percent: int) -> None:
    assert failure_bound(0, runs) == pytest.approx(1 - 0.05 ** (1 / runs), rel=1e-9)
    assert round(100 * failure_bound(0, runs)) == percent


def test_59_runs_without_a_failure_bound_it_below_5_percent() -> None:
    assert runs_without_failure(0.05) == 59


def test_smallest_attainable_p_values() -> None:
    assert [least_p(n, n) for n in (3, 4, 5)] == pytest.approx([0.10, 2 / 70, 0.0079365], abs=1e-6)
    assert seeds_for_least_p(0.05) == 4


def test_smallest_attainable_p_values_of_paired_signs() -> None:
    """Paired, all differences of one sign: 2 / 2^n."""
    for pairs, p in ((5, 0.0625), (6, 0.03125)):
        found = sign_flip_test(np.arange(1.0, pairs + 1), rng=np.random.default_rng(0))
        assert (found.p, found.least_p) == (p, p)


@pytest.mark.parametrize(("pilots", "percent"), [(3, 60), (5, 66), (10, 71)])
def test_plans_that_divide_the_pilots_spread_by_n_reach_the_known_power(pilots: int, percent: int) -> None:
    """True effect 1, plans for 80 %; dividing by n - 1, as `seeds_from_pilots` does, reaches 4 to 7 points more."""
    rng = np.random.default_rng(pilots)
    a, b = rng.normal(1, 1, (2_000, pilots)), rng.normal(size=(2_000, pilots))
    least = np.array([_least_effects(0.8, 0.05)[n - 2] for n in range(2, 100)])
    reached = np.array([student_power(1.0, n) for n in range(2, 101)])

    def power(ddof: int) -> float:
        spread = np.sqrt((a.var(axis=1, ddof=ddof) + b.var(axis=1, ddof=ddof)) / 2)
        effects = np.abs(a.mean(axis=1) - b.mean(axis=1)) / spread
        return 100 * float(reached[np.searchsorted(-least, -effects)].mean())

    assert power(0) == pytest.approx(percent, abs=2.5)
    assert 2 < power(1) - power(0) < 9


@pytest.mark.parametrize(("d", "published", "exact"), [(0.6, 0.209, 0.357), (0.8, 0.036, 0.079), (1.0, 0.004, 0.0079)])
def test_hendersons_kolmogorov_smirnov_values_are_asymptotic(d: float, published: float, exact: float) -> None:
    """Henderson et al. 2018, tables of 5 against 5 runs."""
    assert smirnov_tail(d, 5, 5) == pytest.approx(published, abs=5e-4)
    assert smirnov_exact(d, 5, 5) == pytest.approx(exact, abs=5e-4)


def test_hendersons_t_tests_hold() -> None:
    pairs = {1.85: 0.102, 4.59: 0.002, 2.67: 0.028, 2.78: 0.024, 0.80: 0.447, 2.12: 0.067, 1.03: 0.333}
    for t, p in pairs.items():
        assert float(student_two_sided(t, 8)) == pytest.approx(p, abs=6e-4)


def test_seven_of_ten_and_more_seeds() -> None:
    """The essay's 7 of 10; 37 of 40 against 25 of 40, 10 of 10 against 7 of 10 (MEASURED H1)."""
    seven = success_interval(7, 10)
    assert (round(seven.low, 2), round(seven.high, 2)) == (0.35, 0.93)
    assert fisher_test(37, 40, 25, 40).p == pytest.approx(0.0025, abs=5e-5)
    assert fisher_test(10, 10, 7, 10).p == pytest.approx(0.21, abs=5e-3)
    for count, low, high in ((37, 0.80, 0.98), (25, 0.46, 0.77)):
        found = success_interval(count, 40)
        assert (round(found.low, 2), round(found.high, 2)) == (low, high)


def test_best_of_three_equal_candidates_seems_to_gain_0_846_standard_errors() -> None:
    assert expected_best(3) == pytest.approx(1.5 / np.sqrt(np.pi), abs=1e-6)
    assert expected_best(1) == pytest.approx(0.0, abs=1e-9)
