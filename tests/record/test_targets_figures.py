"""First observations, terms of the reward, targets of losses, limits of clipping, figures of the process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lifesigns.rules import rule_by_code, run_rule

pytestmark = pytest.mark.slow
Record = Callable[..., Any]

ENVIRONMENT = """
import sys
import gymnasium as gym
import numpy as np
import torch

class Start(gym.Env):
    observation_space = gym.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gym.spaces.Discrete(2)
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.left = 5
        return self.np_random.uniform(-1, 1, 2).astype(np.float32), {}
    def step(self, action):
        self.left -= 1
        info = {"reward_forward": 2.0, "reward_ctrl": -0.5, "x_position": 9.0}
        return np.zeros(2, np.float32), 1.5, self.left == 0, False, info

gym.register("Start-v0", entry_point=Start, max_episode_steps=50)
"""
VECTOR = """
if __name__ == "__main__":
    envs = gym.vector.SyncVectorEnv([lambda: gym.make("Start-v0")] * 4)
    envs.reset(seed=SEED)
    for _ in range(40):
        envs.step(np.zeros(4, int))
"""


def told(ran: Any) -> dict[str, Any]:
    """What the last event on first observations says."""
    return dict([e.data for e in ran.trace.events if e.kind == "first_observations"][-1])


def test_one_seed_for_all_environments(record: Record) -> None:
    ran = record(ENVIRONMENT + VECTOR.replace("SEED", "[7, 7, 7, 7]"))
    assert (told(ran)["rows"], told(ran)["distinct"], told(ran)["starts_differ"]) == (4, 1, True)
    rule = rule_by_code("D504")
    assert rule is not None
    assert run_rule(rule, ran.trace).status == "fired"


def test_a_seed_for_each_environment(record: Record) -> None:
    ran = record(ENVIRONMENT + VECTOR.replace("SEED", "7"))
    assert (told(ran)["rows"], told(ran)["distinct"], told(ran)["starts_differ"]) == (4, 4, True)


def test_terms_of_the_reward_by_the_names_of_the_info(record: Record) -> None:
    ran = record(
        ENVIRONMENT
        + """
env = gym.make("Start-v0")
env.reset(seed=0)
for _ in range(60):
    _, _, terminated, _, _ = env.step(0)
    if terminated:
        env.reset()
"""
    )
    terms = ran.one("env.reward_term_abs")
    assert terms.columns == ("reward_ctrl", "reward_forward")
    assert np.allclose(terms.y, [0.5, 2.0])


def test_targets_of_a_loss_and_the_limit_of_clipping(record: Record) -> None:
    """The smaller argument of `mse_loss` that needs no gradient is the target, on whichever side it stands."""
    ran = record(
        """
import torch
net = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
target = torch.tensor([[-4.0], [1.0], [2.0], [3.0]])
for _ in range(30):
    value = net(torch.randn(4, 3))
    loss = torch.nn.functional.mse_loss(target, value)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 0.25)
    optimizer.step()
""",
    )
    assert np.allclose(ran.one("loss.target_mean").y, 0.5)
    assert np.allclose(ran.one("loss.target_max_abs").y, 4.0)
    assert np.allclose(ran.one("loss.target_negative_share").y, 0.25)
    assert [e.data["max_norm"] for e in ran.trace.events if e.kind == "gradient_clip"] == [0.25]
    assert len(ran.one("layer.output_row_std")) == 0 or np.isnan(ran.one("layer.output_row_std").y).all()
    assert (ran.one("run.memory_mb").y > 10).all()
    assert (ran.one("run.open_files").y >= 3).all()
    assert (ran.one("run.cpu_share").y >= 0).all()


ONLY_STEPS = """
env, net = gym.make("Start-v0"), torch.nn.Linear(2, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
LOAD
for episode in range(200):
    obs, _ = env.reset()
    for _ in range(5):
        obs, *_ = env.step(int(net(torch.as_tensor(obs)).argmax()))
"""


@pytest.mark.parametrize(
    ("load", "status"),
    [("", "fired"), ('torch.save(net.state_dict(), "w.pt"); net.load_state_dict(torch.load("w.pt"))', "blind")],
)
def test_a_run_without_a_gradient_step(record: Record, load: str, status: str) -> None:
    """Learning that never starts, and a script that reads weights and evaluates them."""
    ran = record(ENVIRONMENT + ONLY_STEPS.replace("LOAD", load))
    rule = rule_by_code("D804")
    assert rule is not None
    assert run_rule(rule, ran.trace).status == status
