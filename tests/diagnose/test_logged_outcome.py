"""Outcomes from rolling means: neighbouring points share episodes, so smooth noise must not look like a trend."""

from __future__ import annotations

import numpy as np
import pytest

from lifesigns.diagnose.logged_outcome import from_means, kendall
from lifesigns.diagnose.outcome import outcome_of
from lifesigns.model import Subject, Trace
from lifesigns.model.series import series


def rolling(returns: np.ndarray, every: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """(episode, mean of the last 100 returns) at every fifth episode, as Stable-Baselines3 logs."""
    at = np.arange(every, len(returns), every)
    return at.astype(float), np.array([returns[max(0, i - 100) : i].mean() for i in at])


def trace(returns: np.ndarray, *, lengths: bool = True) -> Trace:
    """A log of rolling means over environment steps; each episode has 10 steps."""
    at, mean = rolling(returns)
    found = [series("env.mean_return", "env_step", mean, x=10 * at, subject="env/logged")]
    if lengths:
        found.append(series("env.mean_episode_length", "env_step", [10.0] * len(at), x=10 * at, subject="env/logged"))
    return Trace({}, {"env/logged": Subject("env/logged", "env", "env")}, tuple(found))


@pytest.mark.parametrize("lengths", [True, False])
def test_noise_is_no_trend(lengths: bool) -> None:
    rng = np.random.default_rng(0)
    found = [outcome_of(trace(rng.normal(size=3000), lengths=lengths)).learning for _ in range(200)]
    assert found.count("learning") + found.count("worse than at the start") <= 6


@pytest.mark.parametrize("lengths", [True, False])
def test_a_rise_and_a_fall_are_seen(lengths: bool) -> None:
    rng = np.random.default_rng(1)
    rising = np.linspace(0, 5, 3000) + rng.normal(size=3000)
    assert outcome_of(trace(rising, lengths=lengths)).learning == "learning"
    assert outcome_of(trace(rising[::-1], lengths=lengths)).learning == "worse than at the start"


def test_few_windows_are_too_few() -> None:
    found = outcome_of(trace(np.linspace(0, 50, 400)))
    assert found.learning == "cannot tell"
    assert "4 logged means" in found.sentence


def test_evaluations_alone_are_used() -> None:
    one = series("env.mean_return", "env_step", np.linspace(0, 9, 10), subject="env/logged-evaluation")
    only = Trace({}, {one.subject: Subject(one.subject, "env", "evaluation", None, {"role": "eval"})}, (one,))
    assert outcome_of(only).learning == "learning"
    assert from_means(only, []) is None


def test_kendall_against_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(2)
    for n in (6, 15, 60):
        values = rng.integers(0, 8, size=n).astype(float) + 0.1 * np.arange(n)
        tau = stats.kendalltau(np.arange(n), values).statistic
        assert np.sign(kendall(values)) == np.sign(tau)
    assert kendall(np.arange(6.0)) == pytest.approx(14 / np.sqrt(6 * 5 * 17 / 18))
    assert kendall(np.ones(5)) == 0.0
