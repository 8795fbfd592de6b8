"""Spread over seeds, and normalised scores."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lifesigns.stats.normalised import (
    NormalisationWarning,
    atari_reference,
    env_steps_to_hours,
    frames_to_hours,
    game_name,
    human_normalised,
    normalised,
)
from lifesigns.stats.spread import (
    bimodality_coefficient,
    cvar,
    failure_share,
    quantile_interval,
    tolerance_interval,
    two_groups,
)


def test_median_interval_of_order_statistics() -> None:
    """Ten runs: the 2nd and the 9th cover the median with 97.9 %; five runs cannot."""
    found = quantile_interval(np.arange(1.0, 11.0), 0.5)
    assert (found.estimate, found.low, found.high) == (5.5, 2.0, 9.0)
    assert quantile_interval(np.arange(6.0), 0.5).low == 0.0
    assert quantile_interval(np.arange(5.0), 0.5).low == -np.inf


def test_tolerance_needs_as_many_runs_as_wilks_says() -> None:
    """Two-sided, 95 % sure: 46 runs for nine tenths of all seeds, 93 for 95 % (Wilks 1941)."""
    for share, least in ((0.9, 46), (0.95, 93)):
        assert tolerance_interval(np.arange(least - 1.0), share) == (-np.inf, np.inf)
        assert tolerance_interval(np.arange(float(least)), share) == (0.0, least - 1.0)
    assert tolerance_interval(np.arange(100.0), 0.5) == (20.0, 79.0)
    with pytest.raises(ValueError, match="share between 0 and 1"):
        tolerance_interval(np.arange(9.0), 1.0)


def test_tolerance_holds_its_share_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    ends = np.array([tolerance_interval(rng.random(60), 0.9) for _ in range(800)])
    assert np.mean(ends[:, 1] - ends[:, 0] >= 0.9) >= 0.94


def test_cvar_is_the_mean_of_the_worst() -> None:
    values = np.arange(1.0, 101.0)
    assert cvar(values, 0.05) == 3.0
    assert cvar(values, 0.05, "upper") == 98.0
    assert cvar([3.0, 1.0, 2.0], 0.05) == 1.0


def test_nan_is_a_failure() -> None:
    found = failure_share([1.0, 2.0, np.nan, 5.0], 2.0)
    assert found.estimate == 0.5


def test_two_groups_are_found_and_one_is_not() -> None:
    rng = np.random.default_rng(0)
    lottery = np.concatenate([rng.normal(-1200, 60, 3), rng.normal(-160, 20, 7)])
    found = two_groups(lottery, rng=rng)
    assert found.bimodal
    assert (found.lower, found.upper) == (3, 7)
    assert -1000 < found.cut < -300
    assert not two_groups(np.linspace(0, 1, 10), rng=rng).bimodal
    one_apart = two_groups([0.0, 100, 101, 102, 103, 104], rng=rng)
    assert one_apart.lower == 1
    assert not one_apart.bimodal


def test_equal_scores_are_one_group() -> None:
    found = two_groups([3.0] * 6, rng=np.random.default_rng(0))
    assert found.explained == 0.0
    assert found.p == 1.0


@pytest.mark.parametrize("draw", ["normal", "uniform", "exponential", "logistic"])
def test_two_groups_are_rarely_seen_in_one(draw: str) -> None:
    rng = np.random.default_rng(1)
    samples = getattr(rng, draw)(size=(200, 10))
    alarms = sum(two_groups(s, rng=np.random.default_rng(2), simulations=300).bimodal for s in samples)
    assert alarms / 200 <= 0.09


def test_sarles_coefficient_of_known_distributions() -> None:
    rng = np.random.default_rng(0)
    assert bimodality_coefficient(rng.uniform(size=200_000)) == pytest.approx(5 / 9, abs=0.01)
    assert bimodality_coefficient(rng.normal(size=200_000)) == pytest.approx(1 / 3, abs=0.01)
    assert bimodality_coefficient([0.0] * 500 + [1.0] * 500) == pytest.approx(1.0, abs=0.01)


def test_human_hours() -> None:
    """The essay: 18 million frames are 83 hours."""
    assert frames_to_hours(18e6) == pytest.approx(83.3, abs=0.05)
    assert env_steps_to_hours(100_000, 4 / 60) == pytest.approx(1.85, abs=0.01)


def test_pinball_warns_and_the_sources_differ_12_fold() -> None:
    with pytest.warns(NormalisationWarning, match=r"16256\.9"):
        zoo = human_normalised([17667.9], ["ALE/VideoPinball-v5"])
    with pytest.warns(NormalisationWarning, match="rliable"):
        other = human_normalised([20000.0], ["VideoPinballNoFrameskip-v4"], source="rliable")
    assert zoo[0] == pytest.approx(1.0)
    low, high = atari_reference("video_pinball")
    assert high / (high - low) == pytest.approx(12.5, abs=0.05)
    assert other[0] == pytest.approx(20000 / 17667.9)


def test_all_57_games_and_their_spellings() -> None:
    import lifesigns.stats.normalised as module

    table = json.loads((Path(module.__file__).parent / "atari_scores.json").read_text("utf-8"))
    assert len(table["games"]) == 57
    assert game_name("ALE/MontezumaRevenge-v5") == game_name("montezuma_revenge") == "montezuma_revenge"
    assert human_normalised(np.array([[30.5, 1.7]]), ["Breakout", "breakout"]).tolist() == [[1.0, 0.0]]
    with pytest.raises(ValueError, match="57 Atari games"):
        atari_reference("Tetris")
    with pytest.raises(ValueError, match="got equal ones"):
        normalised([1.0], 2.0, 2.0)
