"""Measured properties of worlds whose properties are known."""

from __future__ import annotations

from collections.abc import Callable

import gymnasium as gym
import numpy as np
import pytest

from lifesigns.baselines import measures
from lifesigns.baselines.methods import fixed
from lifesigns.baselines.problem import Problem, Slice
from lifesigns.baselines.spaces import features

Make = Callable[..., Problem]


@pytest.mark.parametrize(("name", "stochastic"), [("Corridor", False), ("Slippery", True), ("FrozenLake-v1", True)])
def test_chance_is_seen(problem: Make, name: str, stochastic: bool) -> None:
    made = problem(name)
    found = measures.chance(made, Slice(made.world, 2.0))
    assert made.stochastic is stochastic
    assert (found.value != 0) is stochastic


@pytest.mark.parametrize(("name", "carries"), [("Bandit", False), ("Corridor", True), ("CartPole-v1", True)])
def test_only_a_bandit_carries_nothing_over(problem: Make, name: str, carries: bool) -> None:
    made = problem(name)
    rows = {p.name: p for p in measures.consequences(made, Slice(made.world, 2.0))}
    assert rows["carry_over"].value is not None
    assert (rows["carry_over"].value > 0) is carries


def test_the_delay_of_a_bandit_is_nought(problem: Make) -> None:
    made = problem("Bandit")
    rows = {p.name: p for p in measures.consequences(made, Slice(made.world, 2.0))}
    assert "after 0 steps (median" in rows["delay"].text


def test_a_hidden_velocity_calls_for_memory(problem: Make) -> None:
    class NoVelocity(gym.ObservationWrapper):
        def __init__(self, env: gym.Env) -> None:
            super().__init__(env)
            self.observation_space = gym.spaces.Box(-np.inf, np.inf, (2,), np.float32)

        def observation(self, observation: np.ndarray) -> np.ndarray:
            return observation[[0, 2]]

    made = problem("CartPole-v1")
    whole = measures.history(made, Slice(made.world, 4.0))
    made.world.env = NoVelocity(made.world.env)
    made.features = features(made.world.env.observation_space)
    blindfold = measures.history(made, Slice(made.world, 4.0))
    assert whole.value is not None
    assert blindfold.value is not None
    assert whole.value < measures.HISTORY_GAIN < blindfold.value


def test_random_play_is_counted(problem: Make) -> None:
    made = problem("MountainCar-v0")
    fixed.random(made, Slice(made.world, 1.0))
    rows = {p.name: p for p in measures.rewards(made)}
    assert rows["reward_in_episodes"].value == 0
    assert "at most" in rows["reward_in_episodes"].text
    assert rows["horizon"].value == 200


def test_an_early_end_that_pays_is_a_trap() -> None:
    rng = np.random.default_rng(0)
    running, ended = rng.normal(-50, 5, 40).tolist(), rng.normal(-10, 5, 10).tolist()
    assert measures.trap(running, ended).value == pytest.approx(40, abs=5)
    assert measures.trap(running, rng.normal(-60, 5, 10).tolist()).value == 0
    assert measures.trap(running, []).value is None


def test_human_time(problem: Make) -> None:
    assert measures.step_seconds(problem("CartPole-v1").world.env).value == 0.02
    assert measures.step_seconds(problem("Corridor").world.env).value is None


def test_a_reward_that_can_be_gamed_is_found_by_search(problem: Make) -> None:
    made = problem("Boat")
    fixed.random(made, Slice(made.world, 0.5))
    fixed.constants(made, Slice(made.world, 0.5))
    rows = {p.name: p for p in measures.true_metric(made.world.scored)}
    assert rows["exploit"].value == 20 - max(r for r, s in made.world.scored if s)
    assert "exploit found: the best return without success is 20" in rows["exploit"].text
    assert rows["true_metric"].value is not None
    assert rows["true_metric"].value < 0


def test_without_a_word_of_success_nothing_is_said_of_exploits(problem: Make) -> None:
    made = problem("Bandit")
    fixed.random(made, Slice(made.world, 0.2))
    assert made.world.scored == []
    assert all(p.value is None and "is_success" in p.text for p in measures.true_metric(made.world.scored))
    aligned = {p.name: p for p in measures.true_metric([(1.0, 0.0), (2.0, 0.0), (5.0, 1.0)])}
    assert aligned["exploit"].value == 0
    assert "no proof" in aligned["exploit"].text
