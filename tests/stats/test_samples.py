"""The detectors' statistics against closed forms and brute force."""

from __future__ import annotations

from itertools import product
from math import inf, nan, sqrt

import numpy as np
import pytest

from lifesigns.model.series import series
from lifesigns.stats.samples import (
    constant,
    first_share,
    log_ratios,
    mann_whitney,
    median,
    shared,
    total_std,
    trend,
)


def brute_force(a: list[float], b: list[float]) -> tuple[float, float]:
    """U by counting pairs; variance with the textbook tie correction."""
    u = sum((x > y) + 0.5 * (x == y) for x, y in product(a, b))
    n, m = len(a), len(b)
    total = n + m
    every = [*a, *b]
    ties = sum(every.count(v) ** 3 - every.count(v) for v in set(every))
    variance = n * m / 12 * ((total + 1) - ties / (total * (total - 1)))
    return (u - n * m / 2) / sqrt(variance), u / (n * m)


@pytest.mark.parametrize("seed", range(5))
def test_mann_whitney_agrees_with_counting_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 6, 23).astype(float), rng.integers(1, 8, 31).astype(float)
    assert mann_whitney(a, b) == pytest.approx(brute_force(list(a), list(b)))


def test_mann_whitney_without_ties_is_the_textbook_formula() -> None:
    z, share = mann_whitney(np.arange(10.0) + 100, np.arange(10.0))
    assert share == 1.0
    assert z == pytest.approx((100 - 50) / sqrt(100 / 12 * 21))


def test_mann_whitney_has_its_nominal_size() -> None:
    rng = np.random.default_rng(0)
    z = np.array([mann_whitney(rng.geometric(0.05, 25), rng.geometric(0.05, 40))[0] for _ in range(2000)])
    assert np.mean(z > 2.33) == pytest.approx(0.01, abs=0.007)


def test_mann_whitney_without_anything_to_tell_apart() -> None:
    assert mann_whitney([1.0] * 20, [1.0] * 20) == (0.0, 0.5)
    assert mann_whitney([], [1.0]) == (0.0, 0.5)
    assert mann_whitney([nan, inf], [1.0]) == (0.0, 0.5)


def test_trend_needs_thirds_of_some_size() -> None:
    assert trend(np.arange(29.0)) == 0.0
    assert trend(np.arange(30.0)) > 3
    assert trend(-np.arange(30.0)) < -3


def test_median_and_constant_leave_non_finite_values_out_or_refuse() -> None:
    assert median([nan, 1.0, 3.0, inf]) == 2.0
    assert np.isnan(median([nan]))
    assert constant([2.0, 2.0])
    assert not constant([2.0, nan])
    assert not constant([])


def test_log_ratios_skip_zeros() -> None:
    assert log_ratios(np.array([0.0, 1e-3, nan]), np.array([1.0, 1.0, 1.0])) == pytest.approx([-3.0])


def test_shared_joins_by_step_and_name() -> None:
    one = series("optimizer.update_norm", "update", [[1, 2], [3, 4], [5, 6]], x=[0, 1, 2], columns=("a", "b"))
    other = series("optimizer.parameter_norm", "update", [[10], [20]], x=[1, 2], columns=("b",))
    ((name, left, right),) = shared(one, other)
    assert name == "b"
    assert list(left) == [4, 6]
    assert list(right) == [10, 20]


def test_first_share_goes_by_steps_not_by_points() -> None:
    one = series("policy.entropy", "env_step", [0.0] * 5, x=[0, 1, 2, 3, 100])
    assert list(first_share(one, 0.25)) == [True, True, True, True, False]


def test_total_std_joins_spread_within_and_between() -> None:
    rng = np.random.default_rng(0)
    batches = rng.normal(3, 2, (50, 400)) + rng.normal(0, 5, (50, 1))
    assert total_std(batches.mean(axis=1), batches.std(axis=1)) == pytest.approx(batches.std())
    assert total_std(np.full(5, 0.1), np.zeros(5)) == 0.0
