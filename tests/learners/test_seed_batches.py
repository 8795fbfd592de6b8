"""A seed learns the same alone as beside others; and what is learned is right where the right value is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from learner_worlds import Match, MatchContinuous, Steady, SteadyDiscrete, SteadyEnding

from lifesigns.baselines.environment import World
from lifesigns.baselines.spaces import actions, features
from lifesigns.learners.settings import Settings, settings_of
from lifesigns.learners.training.begin import course_of, train
from lifesigns.learners.training.course import Course
from lifesigns.learners.training.dqn import Dqn
from lifesigns.learners.training.layers import apply, clip_each_seed
from lifesigns.learners.training.naf import Naf, body
from lifesigns.learners.training.ppo import Ppo

BOTH = ((Match, "dqn"), (MatchContinuous, "naf"), (MatchContinuous, "sac"), (Match, "ppo"), (MatchContinuous, "ppo"))


def trained(kind: type[Any], seeds: Sequence[int], settings: Settings) -> tuple[Any, Course, list[list[float]]]:
    points: list[list[float]] = []
    made = kind()
    course = course_of(
        lambda: World(kind(), "world"), seeds, actions(made.action_space), features(made.observation_space), settings
    )
    course.told = lambda step, returns: points.append(returns)
    return train(course, settings), course, points


@pytest.mark.parametrize(("kind", "learner"), BOTH)
def test_a_seed_learns_the_same_alone_as_beside_nine_others(kind: type[Any], learner: str) -> None:
    changed = {"steps": 320, "width": 16, "batch": 32}
    changed |= {"rollout": 64, "envs": 2, "epochs": 3} if learner == "ppo" else {"warm_up": 64}
    settings = settings_of(learner, changed)
    together, course, points = trained(kind, range(10), settings)
    apart, single, alone = trained(kind, [7], settings)
    where = {len(w): list(range(len(w) // 10)) for w in together.weights}
    for many, one in zip(together.weights, apart.weights, strict=True):
        rows = [7 + 10 * i for i in where[len(many)]]
        torch.testing.assert_close(many[rows], one, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose([p[7] for p in points], [p[0] for p in alone], rtol=1e-4)
    assert course.final[7] == pytest.approx(single.final[0], rel=1e-4)
    others = [w[0] for w in together.weights]
    assert any(not torch.equal(a, w[1]) for a, w in zip(others, together.weights, strict=True)), "seeds differ"


@pytest.mark.parametrize(("kind", "learner"), BOTH)
def test_every_learner_learns_a_task_that_can_be_learned(kind: type[Any], learner: str) -> None:
    changed = (
        {"steps": 5_120, "width": 32, "rollout": 64, "lr": 3e-3, "epochs": 5} if learner == "ppo" else {"steps": 1_200}
    )
    _, course, points = trained(kind, [0, 1, 2], settings_of(learner, changed))
    scores = np.mean(course.final, axis=1)
    enough = 8.5 if (kind, learner) == (MatchContinuous, "ppo") else 9.5
    assert (scores > enough).all(), scores
    assert np.mean(points[-1]) >= np.mean(points[0]), "it was not so from the start"


def worth(learner: Any, settings: Settings) -> np.ndarray[Any, Any]:
    """The value of the one observation of `Steady`, by seed, in rewards as they are (the scale is 1)."""
    obs = torch.zeros(2, 1, 1)
    with torch.no_grad():
        if isinstance(learner, Dqn):
            return apply(learner.weights, obs).amax(dim=(1, 2)).numpy()
        if isinstance(learner, Naf):
            return torch.baddbmm(learner.weights[5], body(learner.weights, obs), learner.weights[4])[:, 0, 0].numpy()
        if isinstance(learner, Ppo):
            return learner.value(obs)[:, 0].numpy()
        return learner._both(learner.critics, obs, torch.zeros(2, 1, 1)).mean(dim=(0, 2, 3)).numpy()


@pytest.mark.parametrize(
    ("kind", "learner"), [(SteadyDiscrete, "dqn"), (Steady, "naf"), (SteadyDiscrete, "ppo"), (Steady, "ppo")]
)
def test_a_cut_episode_is_bootstrapped_and_an_ended_one_is_not(kind: type[Any], learner: str) -> None:
    """Reward 1 for ever at gamma 0.8 is worth 5; if the fifth step is an end, 1.8 to 3.4 at a random step."""
    changed: dict[str, Any] = {"steps": 900, "gamma": 0.8, "lr": 1e-2, "reward_scale": 1.0, "width": 16}
    changed |= {"rollout": 25, "steps": 3_000, "epochs": 4} if learner == "ppo" else {"tau": 0.1}
    right = settings_of(learner, changed)
    found = worth(trained(kind, [0, 1], right)[0], right)
    np.testing.assert_allclose(found, 5.0, rtol=0.08)
    wrong = settings_of(learner, {**changed, "bootstrap_truncated": False})
    ended = worth(trained(kind, [0, 1], wrong)[0], wrong)
    assert (ended < 4.2).all(), ended
    if kind is SteadyDiscrete:
        really = worth(trained(SteadyEnding, [0, 1], right)[0], right)
        np.testing.assert_allclose(really, ended, rtol=0.05)


def test_gradients_are_clipped_for_each_seed_by_itself() -> None:
    weights = [torch.zeros(3, 2, 2, requires_grad=True), torch.zeros(3, 1, 2, requires_grad=True)]
    for w in weights:
        w.grad = torch.ones_like(w) * torch.tensor([0.01, 1.0, 100.0])[:, None, None]
    clip_each_seed(weights, 1.0)
    norms = torch.stack([w.grad.flatten(1).square().sum(1) for w in weights if w.grad is not None]).sum(0).sqrt()
    torch.testing.assert_close(norms, torch.tensor([0.01 * 6**0.5, 1.0, 1.0]), rtol=1e-4, atol=0)
