"""A problem made from an environment of `baseline_worlds.py`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from baseline_worlds import WORLDS

from lifesigns.baselines.environment import open_world
from lifesigns.baselines.fidelity import choose
from lifesigns.baselines.problem import Problem
from lifesigns.baselines.spaces import actions, features


@pytest.fixture
def problem() -> Callable[..., Problem]:
    def make(name: str, limit: int = 60) -> Problem:
        world = open_world(name if "-v" in name else f"{WORLDS}:{name}", {}, [])
        world.limit = world.limit and limit
        world.env.action_space.seed(0)
        made = Problem(world, actions(world.env.action_space), features(world.env.observation_space))
        made.restore = choose(world).adapter
        return made

    return make
