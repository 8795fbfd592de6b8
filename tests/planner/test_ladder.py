"""The ladder's nouns: intervals against closed forms, JSON and back."""

from __future__ import annotations

from math import isnan, nan

import pytest

from lifesigns.planner.ladder import Ladder, Rung, mean_interval, rung_from_json, rung_to_json, share_interval


def test_the_interval_of_a_mean_is_students() -> None:
    low, high = mean_interval([1.0, 2.0, 3.0, 4.0])
    half = 3.182446 * (5 / 3) ** 0.5 / 2
    assert (low, high) == pytest.approx((2.5 - half, 2.5 + half), rel=1e-5)


def test_one_episode_has_no_interval() -> None:
    assert all(isnan(v) for v in mean_interval([7.0]))


def test_no_success_in_n_trials_is_bounded_near_three_over_n() -> None:
    low, high = share_interval(0, 100)
    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 100), rel=1e-6)
    assert share_interval(0, 0) == (0.0, 1.0)


def test_a_rung_of_first_steps_is_not_on_the_ladder() -> None:
    whole = Rung("a", "linear", (1.0, 2.0))
    part = Rung("b", "planner", (100.0,), steps=10, random_then=1.0)
    ladder = Ladder((whole, part, Rung("c", "planner", blind="no restore")))
    assert ladder.measured() == [whole]
    assert ladder.best() is whole
    assert ladder.best("planner") is None


@pytest.mark.parametrize(
    "rung",
    [
        Rung("a", "linear", (1.0, 2.0), 0.5, 10),
        Rung("b", "planner", (3.0,), steps=5, random_then=1.5),
        Rung("c", "exact"),
    ],
)
def test_json_and_back(rung: Rung) -> None:
    again = rung_from_json(rung_to_json(rung))
    assert again.returns == rung.returns
    assert again.method == rung.method
    assert (again.random_then == rung.random_then) or (isnan(again.random_then) and isnan(rung.random_then))


def test_json_has_no_nan() -> None:
    row = rung_to_json(Rung("a", "linear", (1.0,), random_then=nan))
    assert row["low"] is None
    assert row["random_then"] is None
