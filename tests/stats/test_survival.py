"""Survival curves against a published data set, and the censoring of runs that never reach the threshold."""

from __future__ import annotations

import numpy as np
import pytest

from lifesigns.stats.survival import Reached, kaplan_meier, log_rank_test, restricted_mean, steps_to_threshold

TREATED = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
SEEN = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
CONTROL = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
"""Remission times of Freireich et al. 1963, the textbooks' example."""


def freireich() -> tuple[Reached, Reached]:
    treated = Reached(np.array(TREATED, dtype=float), np.array(SEEN, dtype=bool))
    return treated, Reached(np.array(CONTROL, dtype=float), np.ones(21, dtype=bool))


def test_kaplan_meier_of_the_textbook_example() -> None:
    curve = kaplan_meier(freireich()[0])
    assert curve.steps.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.waiting == pytest.approx([0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482], abs=5e-5)
    assert curve.at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert curve.quantile(0.5).estimate == 23
    assert curve.quantile(0.5).high == np.inf
    assert (curve.low < curve.waiting).all()
    assert (curve.waiting < curve.high).all()
    assert (curve.low[0], curve.high[0]) == pytest.approx((0.620, 0.952), abs=2e-3)


def test_log_rank_of_the_textbook_example() -> None:
    """Chi-square 16.79 on 1 degree of freedom."""
    found = log_rank_test(*freireich(), rng=np.random.default_rng(0))
    assert found.p == pytest.approx(4.17e-5, rel=0.01)
    assert found.statistic < 0


def test_log_rank_of_few_runs_permutes() -> None:
    quick, slow = (Reached(np.arange(5.0) + k, np.ones(5, dtype=bool)) for k in (0, 10))
    found = log_rank_test(quick, slow, rng=np.random.default_rng(0))
    assert found.method == "log-rank, permuted"
    assert found.p == pytest.approx(2 / 252, abs=0.004)
    assert found.statistic > 0


def test_steps_to_threshold_censors_at_the_last_point() -> None:
    curves = [[0, 1, 2, 3], [0, 2, 0, 2], [0, 0, np.nan, np.nan]]
    found = steps_to_threshold(curves, [10, 20, 30, 40], 2.0)
    assert found.steps.tolist() == [30, 20, 20]
    assert found.reached.tolist() == [True, True, False]
    lasting = steps_to_threshold(curves, [10, 20, 30, 40], 2.0, lasting=2)
    assert lasting.reached.tolist() == [True, False, False]
    assert lasting.steps.tolist() == [30, 40, 20]


def test_never_is_an_answer() -> None:
    found = kaplan_meier(Reached(np.array([5.0, 9, 9, 9]), np.array([True, False, False, False])))
    assert found.quantile(0.5).estimate == np.inf
    assert restricted_mean(Reached(np.array([5.0, 9, 9, 9]), np.array([True, False, False, False])), 9) == 8.0
    assert len(kaplan_meier(Reached(np.array([9.0]), np.array([False]))).steps) == 0


def test_without_censoring_it_is_the_share_of_runs() -> None:
    steps = np.random.default_rng(0).permutation(20) + 1.0
    curve = kaplan_meier(Reached(steps, np.ones(20, dtype=bool)))
    assert curve.waiting == pytest.approx(1 - np.arange(1, 21) / 20, abs=1e-12)
    assert restricted_mean(Reached(steps, np.ones(20, dtype=bool)), 20) == pytest.approx(steps.mean())


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected curves \[run, step\]"):
        steps_to_threshold([1, 2, 3], [1, 2, 3], 2)
    with pytest.raises(ValueError, match="`lasting`"):
        steps_to_threshold([[1, 2, 3]], [1, 2, 3], 2, lasting=4)
