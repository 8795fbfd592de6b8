"""Where numbers are written, and what environments and wrappers make of the parts of a step."""

from __future__ import annotations

import pytest

from lifesigns.lints.base import snippet
from lifesigns.lints.written import learning_rates, written

WRAPPER = """
class W(gym.Wrapper):
    def step(self, action):
        obs, reward, terminated, truncated, info = self.env.step(action)
        self.n += 1
        {}
        return {}
"""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from torch import optim\nLR = 0.1\nopt = optim.SGD(net.parameters(), LR)", [(0.1, 2)]),
        ("import torch\np.add_argument('--lr', default=3e-3)\ntorch.optim.Adam(w, lr=args.lr)", [(3e-3, 2)]),
        ("import torch\nclass Args:\n    rate: float = 1e-4\ntorch.optim.Adam(w, lr=args.rate)", [(1e-4, 3)]),
        ("import torch\ntorch.optim.Adam(w, lr=2 * base)", []),
        ("import torch\ntorch.optim.Adam(w)", []),
    ],
)
def test_where_a_learning_rate_is_written(code: str, expected: list[tuple[float, int]]) -> None:
    found = list(learning_rates(snippet(code)))
    assert [(w.value, w.line - 1) for w in found] == expected  # a snippet has one line before it


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("p.add_argument('--seed', default=1)\np.add_argument('--ent-coef', type=float, default=0.01)", [(0.01, 2)]),
        ("PPO('MlpPolicy', env,\n    ent_coef=0.1)", [(0.1, 2)]),
        ("A = {'gamma': 0.9,\n  'entropy_coefficient': 10.0}\nmake(ent_coef=A['entropy_coefficient'])", [(10.0, 2)]),
        ("class Args:\n    entropy_beta: float = 0.5", [(0.5, 2)]),
        ("class A:\n    def __init__(self):\n        self.entropy_weight = 0.2", [(0.2, 3)]),
        ("loss = pg - ent_coef * entropy\nentropy = 3.0\nparent_coef = 2.0\nagent_scale = 1.0", []),
        ("p.add_argument('--ent-coef', default=PPO['ent_coef'])", []),
    ],
)
def test_where_an_entropy_coefficient_is_written(code: str, expected: list[tuple[float, int]]) -> None:
    found = [w for w in written(snippet(code)) if w.what == "entropy_coefficient"]
    assert [(w.value, w.line - 1) for w in found] == expected


@pytest.mark.parametrize(
    ("does", "returns", "expected"),
    [
        ("pass", "obs, reward, terminated, truncated, info", []),
        ("pass", "obs, float(np.sign(reward)), terminated, truncated, info", [("reward", 7)]),
        ("reward = reward / 100", "obs, reward, terminated, truncated, info", [("reward", 6)]),
        ("reward -= 1", "obs, reward, terminated, truncated, info", [("reward", 6)]),
        ("obs = obs * 255", "obs, reward, terminated, truncated, info", [("observation", 6)]),
        ("pass", "obs, reward, terminated, truncated or self.n > 9, info", [("end", 7)]),
        ("done = self.n > 9", "obs, reward, done, False, info", [("end", 6)]),
        ("pass", "self._seen(obs), reward, terminated, truncated, info", [("observation", 9)]),
        ("r = reward", "obs, r, terminated, truncated, info", []),
    ],
)
def test_what_a_wrapper_changes(does: str, returns: str, expected: list[tuple[str, int]]) -> None:
    code = "import gymnasium as gym" + WRAPPER.format(does, returns)
    code += "    def _seen(self, obs):\n        return np.append(obs, self.n)\n"
    found = written(snippet(code))
    assert [(w.what, w.line - 1) for w in found] == expected
    assert {w.of for w in found} <= {"W"}


def test_methods_of_wrappers_for_one_part() -> None:
    code = """import gymnasium as gym
class Scaled(gym.RewardWrapper):
    def reward(self, reward):
        return 0.01 * reward
class Plain(gym.ObservationWrapper):
    def observation(self, obs):
        return obs
class Pixels(gym.ObservationWrapper):
    def observation(self, observation):
        scaled = observation * 257.0
        return scaled
"""
    found = [(w.what, w.line - 1, w.of) for w in written(snippet(code))]
    assert found == [("reward", 4, "Scaled"), ("observation", 10, "Pixels")]


def test_functions_given_to_transforms() -> None:
    code = """import gymnasium as gym
env = gym.wrappers.TransformReward(gym.make("CartPole-v1"), lambda r: 0.0)
env = gym.wrappers.TransformObservation(env,
    lambda o: o * 100, space)
"""
    found = {(w.what, w.line - 1, w.of) for w in written(snippet(code))}
    assert found == {("reward", 2, "TransformReward"), ("observation", 4, "TransformObservation")}


def test_an_environment_makes_all_three() -> None:
    code = """import gymnasium as gym
class Grid(gym.Env):
    def step(self, action):
        self.at += action
        reward = 0.0
        over = self.at > 7
        return np.array([self.at]), reward, over, False, {}
"""
    found = {(w.what, w.line - 1, w.of) for w in written(snippet(code))}
    assert found == {("observation", 7, "Grid"), ("reward", 5, "Grid"), ("end", 6, "Grid")}
