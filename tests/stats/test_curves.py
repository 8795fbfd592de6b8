"""Curves: common grids, areas, final scores, within-run reliability."""

from __future__ import annotations

import numpy as np
import pytest

from lifesigns.stats.aggregates import iqm
from lifesigns.stats.curves import aligned, area_under_curve, curve_band, final_scores, smoothed
from lifesigns.stats.within_run import (
    dispersion_across,
    dispersion_within,
    drawdown,
    end_below_peak,
    long_term_risk,
    risk_across,
    short_term_risk,
)

STEPS = np.arange(1.0, 101.0)


def test_runs_of_unequal_length_end_with_the_shortest() -> None:
    steps, values = aligned([[0, 10, 20], [0, 5, 10]], [[0, 10, 20], [0, 50, 100]], points=11)
    assert steps.tolist() == list(range(11))
    assert values[0] == pytest.approx(steps)
    assert values[1] == pytest.approx(10 * steps)


def test_until_the_longest_has_nan_after_the_end_and_last_values_hold() -> None:
    steps, values = aligned([[0, 10], [5, 20]], [[1, 2], [3, 4]], points=5, until="longest", between="last")
    assert steps.tolist() == [0, 5, 10, 15, 20]
    assert values[0] == pytest.approx([1, 1, 2, np.nan, np.nan], nan_ok=True)
    assert values[1] == pytest.approx([np.nan, 3, 3, 3, 4], nan_ok=True)


def test_points_that_are_not_finite_are_left_out() -> None:
    _, values = aligned([[0, 5, 10]], [[0, np.nan, 10]], points=3)
    assert values[0].tolist() == [0, 5, 10]
    with pytest.raises(ValueError, match="a finite point in run 1"):
        aligned([[0, 1], [0, 1]], [[0, 1], [np.nan, np.nan]])
    with pytest.raises(ValueError, match="steps that rise in run 0"):
        aligned([[0, 0]], [[0, 1]])
    with pytest.raises(ValueError, match="share some steps"):
        aligned([[0, 1], [5, 6]], [[0, 1], [0, 1]])


def test_area_is_the_mean_height() -> None:
    assert area_under_curve([[0, 1, 2], [2, 2, 2]], [0, 1, 2]).tolist() == [1, 2]
    assert area_under_curve([[0.0, 10.0, 10.0]], [0, 1, 11])[0] == pytest.approx((5 + 100) / 11)
    assert area_under_curve(np.ones((3, 2, 4)), [0, 1, 2, 5]).shape == (3, 2)


def test_final_scores_take_the_last_finite_tenth() -> None:
    curves = np.tile(STEPS, (2, 1))
    curves[1, 50:] = np.nan
    assert final_scores(curves).tolist() == [95.5, 48.0]
    assert np.isnan(final_scores([[np.nan, np.nan]])[0])


def test_smoothing_never_looks_ahead() -> None:
    assert smoothed([[1.0, 3.0, 5.0, 100.0]], 2).tolist() == [[1.0, 2.0, 4.0, 52.5]]


def test_band_is_the_aggregate_at_each_step() -> None:
    curves = np.random.default_rng(0).normal(size=(6, 4, 3)) + np.arange(3.0)
    band = curve_band(curves, [1, 2, 3], rng=np.random.default_rng(1), replicates=200)
    assert band.estimate == pytest.approx([iqm(curves[:, :, k]) for k in range(3)])
    assert (band.low < band.estimate).all()
    assert (band.estimate < band.high).all()
    again = curve_band(curves, [1, 2, 3], rng=np.random.default_rng(1), replicates=200)
    assert (again.low == band.low).all()


def test_drawdown_and_long_term_risk() -> None:
    curve = [[0.0, 5.0, 3.0, 6.0, 1.0]]
    assert drawdown(curve).tolist() == [[0, 0, -2, 0, -5]]
    assert long_term_risk(curve)[0] == -5
    assert short_term_risk(curve)[0] == -5


def test_a_straight_line_has_no_dispersion_and_noise_has_that_of_its_steps() -> None:
    assert dispersion_within([2 * STEPS]).tolist() == [0.0]
    noise = np.random.default_rng(0).normal(size=(1, 200_000)).cumsum(axis=1)
    assert dispersion_within(noise)[0] == pytest.approx(1.349, abs=0.01)
    assert dispersion_within(noise[:, :2000], window=100)[0] == pytest.approx(1.349, abs=0.06)


def test_short_term_risk_of_normal_steps_is_the_known_cvar() -> None:
    """CVaR at 5 % of a standard normal is -2.063."""
    noise = np.random.default_rng(0).normal(size=(1, 200_000)).cumsum(axis=1)
    assert short_term_risk(noise)[0] == pytest.approx(-2.063, abs=0.02)


def test_across_runs() -> None:
    curves = np.tile(np.arange(5.0)[:, None], (1, 3))
    assert dispersion_across(curves).tolist() == [2, 2, 2]
    assert risk_across(curves, 0.2).tolist() == [0, 0, 0]


def test_end_below_peak_is_a_share_of_the_gain() -> None:
    rise_and_fall = np.concatenate([np.linspace(0, 10, 50), np.full(20, 10.0), np.linspace(10, 5, 10), np.full(20, 5)])
    assert end_below_peak([rise_and_fall])[0] == pytest.approx(0.5)
    assert end_below_peak([STEPS], start=1.0)[0] < 0.03
    assert np.isnan(end_below_peak([np.zeros(20)])[0])
