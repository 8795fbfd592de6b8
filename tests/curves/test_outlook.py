"""Stop or wait: known counts, monotone in progress, silence where nothing is to be told."""

from __future__ import annotations

import numpy as np
import pytest

from lifesigns.curves.outlook import Healthy, Outlook, outlook
from lifesigns.curves.reference import reference_of
from lifesigns.diagnose.outlook import outlook_of
from lifesigns.model import Subject, Trace
from lifesigns.model.series import series


def test_counts_are_those_of_the_curves_that_stood_there() -> None:
    """200 curves at 0 half of the way; 50 of them rise to 1."""
    progress = np.zeros((200, 100))
    progress[:50, 60:] = 1.0
    told = outlook(0.0, 0.5, Healthy(progress, np.arange(200)))
    assert told is not None
    assert (told.share, told.count) == (0.25, 200)
    assert 0.19 < told.low < 0.25 < told.high < 0.32


def test_curves_of_one_game_count_less() -> None:
    progress = np.zeros((200, 100))
    progress[:50, 60:] = 1.0
    alone = outlook(0.0, 0.5, Healthy(progress, np.arange(200)))
    together = outlook(0.0, 0.5, Healthy(progress, np.arange(200) // 25))
    assert alone is not None
    assert together is not None
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_a_run_that_is_low_late_is_worse_off_than_one_that_is_low_early() -> None:
    """MEASURED H8: below 5 % at 10M frames 33 % end well, at 40M 8 %."""
    early, late = outlook(0.02, 0.05), outlook(0.02, 0.4)
    assert early is not None
    assert late is not None
    assert 0.2 < early.share < 0.45
    assert late.share < 0.1


@pytest.mark.parametrize(("progress", "fraction"), [(0.1, 0.0), (0.1, 0.99), (float("nan"), 0.5), (-3.0, 0.5)])
def test_it_is_silent_where_nothing_is_to_be_told(progress: float, fraction: float) -> None:
    assert outlook(progress, fraction) is None


def test_references() -> None:
    pong, cart = reference_of("ALE/Pong-v5"), reference_of("CartPole-v1")
    assert pong is not None
    assert pong.score == pytest.approx(9.3, abs=6)
    assert pong == reference_of("PongNoFrameskip-v4")
    assert cart is not None
    assert cart.score == 500
    assert reference_of("MyOwnTask-v0") is None


def _run(returns: list[float], ended: str = "stopped early") -> Trace:
    env = Subject("env/0", "env", "env", None, {"id": "CartPole-v1", "role": "train"})
    made = (
        series("env.episode_return", "env_step", returns, subject="env/0"),
        series("baseline.random_return", "episode", [20.0, 24.0] * 10, subject="env/0"),
        series("run.env_steps", "wall", [0, 10_000]),
    )
    meta = {"argv": ["--total-timesteps", "50_000"], "ended": ended}
    return Trace(meta, {"env/0": env, "run": Subject("run", "run", "run")}, made)


def test_the_sentence_names_reference_budget_and_caveat() -> None:
    told = outlook_of(_run([25.0] * 60))
    assert "after 20% of their budget" in told
    assert "50,000 steps, this run's own" in told
    assert "500" in told
    assert "other tasks and budgets may differ" in told


def test_a_good_run_and_one_without_baseline_get_no_sentence() -> None:
    run = _run([25.0] * 60)
    assert outlook_of(_run([400.0] * 60)) == ""
    assert outlook_of(Trace(run.meta, run.subjects, run.series[:1])) == ""


def test_a_little_below_random_is_not_minus_zero() -> None:
    assert "about 0% of the way" in Outlook(0.1, 0.0, 0.2, 50, -0.004, 0.1).sentence()
    assert "about -3% of the way" in Outlook(0.1, 0.0, 0.2, 50, -0.03, 0.1).sentence()
