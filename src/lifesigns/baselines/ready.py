"""A problem made ready in this process: opened, restored exactly, its speed measured. For scripts and benchmarks."""

from __future__ import annotations

from typing import Any

from lifesigns.baselines import pace
from lifesigns.baselines.environment import open_world
from lifesigns.baselines.fidelity import choose
from lifesigns.baselines.methods import fixed
from lifesigns.baselines.problem import Problem, Slice
from lifesigns.baselines.spaces import actions, features


def ready(name: str, random_s: float = 0.5, seed: int = 0, **kwargs: Any) -> Problem:
    """Opens `name` (with `kwargs`) and plays random actions for `random_s` seconds; 0 leaves them out.

    Raises EnvironmentProblem where it cannot be opened.
    """
    world = open_world(name, kwargs, [])
    world.env.action_space.seed(seed)
    problem = Problem(world, actions(world.env.action_space), features(world.env.observation_space), seed=seed)
    checked = choose(world)
    problem.restore = checked.adapter
    problem.no_restore = "; ".join(checked.refused)
    pace.speed(problem)
    if random_s:
        fixed.random(problem, Slice(world, random_s))
    return problem
