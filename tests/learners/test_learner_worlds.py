"""What is stored is what happened: no dummy transitions, true last observations, ends of both kinds."""

from __future__ import annotations

import numpy as np
from learner_worlds import Counter

from lifesigns.baselines.environment import World
from lifesigns.baselines.spaces import actions, features
from lifesigns.learners.training.worlds import Worlds, evaluate


def counters(seeds: list[int]) -> Worlds:
    return Worlds(
        lambda: World(Counter(), "counter"), seeds, actions(Counter.action_space), features(Counter.observation_space)
    )


def test_every_transition_stays_within_its_episode() -> None:
    worlds = counters([0, 1])
    worlds.reset()
    ends = {"terminated": 0, "truncated": 0}
    for _ in range(60):
        before = worlds.obs.copy()
        out = worlds.step(np.zeros(2, np.int64))
        np.testing.assert_array_equal(out.next_obs[:, 0], before[:, 0])
        np.testing.assert_array_equal(out.next_obs[:, 1], before[:, 1] + 1)
        np.testing.assert_array_equal(out.reward, before[:, 1] + 1)
        over = out.terminated | out.truncated
        np.testing.assert_array_equal(out.terminated, over & (before[:, 0] % 2 == 0))
        np.testing.assert_array_equal(worlds.obs[:, 1], np.where(over, 0, out.next_obs[:, 1]))
        np.testing.assert_array_equal(worlds.obs[:, 0], before[:, 0] + over)
        ends["terminated"] += int(out.terminated.sum())
        ends["truncated"] += int(out.truncated.sum())
    assert min(ends.values()) > 5
    assert worlds.steps == 120, "each environment was stepped once for each transition"
    assert worlds.ended[0][:3] == [6.0, 10.0, 15.0]


def test_an_evaluation_has_whole_episodes_of_every_row() -> None:
    found = evaluate(counters([3, 4, 5]), lambda obs: np.zeros(len(obs), np.int64), 4)
    assert found == [[6.0, 10.0, 15.0, 6.0]] * 3


def test_each_environment_begins_from_its_own_seed() -> None:
    worlds = Worlds(
        lambda: World(Counter(), "counter"),
        [0, 1],
        actions(Counter.action_space),
        features(Counter.observation_space),
        each=3,
    )
    assert worlds.rows == 6
    assert len(set(worlds._seeds)) == 6
