"""Closed forms of the rewards of Gymnasium's MuJoCo environments, over a batch of states.

Written from the environments' documented formulas; weights are read from the environment at hand. A form takes (env,
(states before, states after), (nq, nv), controls, dt) with states [sample, step, 1 + nq + nv + …] (time first) and
returns rewards and health (1 where the episode goes on), both [sample, step].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Batch = NDArray[np.float64]
RewardForm = Callable[[Any, tuple[Batch, Batch], tuple[int, int], Batch, float], tuple[Batch, Batch]]


def _q(states: Batch, sizes: tuple[int, int]) -> Batch:
    return states[..., 1 : 1 + sizes[0]]


def _v(states: Batch, sizes: tuple[int, int]) -> Batch:
    return states[..., 1 + sizes[0] : 1 + sizes[0] + sizes[1]]


def _forward(env: Any, states: tuple[Batch, Batch], sizes: tuple[int, int], controls: Batch, dt: float) -> Batch:
    """Velocity along x less the control cost."""
    speed = (_q(states[1], sizes)[..., 0] - _q(states[0], sizes)[..., 0]) / dt
    return env._forward_reward_weight * speed - env._ctrl_cost_weight * (controls**2).sum(-1)


def runner(env: Any, states: tuple[Batch, Batch], sizes: tuple[int, int], controls: Batch, dt: float):
    """HalfCheetah and Swimmer: never end early."""
    rewards = _forward(env, states, sizes, controls, dt)
    return rewards, np.ones_like(rewards)


def walker(env: Any, states: tuple[Batch, Batch], sizes: tuple[int, int], controls: Batch, dt: float):
    """Walker2d and Hopper: a bonus while height, angle (and, for the hopper, the rest of the state) are in range."""
    q, v = _q(states[1], sizes), _v(states[1], sizes)
    low, high = env._healthy_z_range
    least, most = env._healthy_angle_range
    healthy = (low < q[..., 1]) & (q[..., 1] < high) & (least < q[..., 2]) & (q[..., 2] < most)
    if hasattr(env, "_healthy_state_range"):
        least, most = env._healthy_state_range
        rest = np.concatenate([q[..., 2:], v], axis=-1)
        healthy &= ((least < rest) & (rest < most)).all(-1)
    bonus = env._healthy_reward * healthy
    ends = healthy if env._terminate_when_unhealthy else np.ones_like(healthy)
    return _forward(env, states, sizes, controls, dt) + bonus, ends.astype(float)


def reacher(env: Any, states: tuple[Batch, Batch], sizes: tuple[int, int], controls: Batch, dt: float):
    """Minus the distance of the fingertip from the target; minus the control cost.

    The environment reads body positions that MuJoCo computed within the last physics step, so this form is off by a
    fraction of that step.
    """
    q = _q(states[1], sizes)
    x = 0.1 * np.cos(q[..., 0]) + 0.11 * np.cos(q[..., 0] + q[..., 1])
    y = 0.1 * np.sin(q[..., 0]) + 0.11 * np.sin(q[..., 0] + q[..., 1])
    distance = np.hypot(x - q[..., 2], y - q[..., 3])
    rewards = -env._reward_dist_weight * distance - env._reward_control_weight * (controls**2).sum(-1)
    return rewards, np.ones_like(rewards)


def double_pendulum(env: Any, states: tuple[Batch, Batch], sizes: tuple[int, int], controls: Batch, dt: float):
    """InvertedDoublePendulum: a bonus while the tip is above 1 m, less its distance from the top and its speeds.

    Off by a fraction of a physics step, as in `reacher`.
    """
    q, v = _q(states[1], sizes), _v(states[1], sizes)
    x = q[..., 0] + 0.6 * np.sin(q[..., 1]) + 0.6 * np.sin(q[..., 1] + q[..., 2])
    y = 0.6 * np.cos(q[..., 1]) + 0.6 * np.cos(q[..., 1] + q[..., 2])
    healthy = (y > 1).astype(float)
    penalty = 0.01 * x**2 + (y - 2) ** 2 + 1e-3 * v[..., 1] ** 2 + 5e-3 * v[..., 2] ** 2
    return env._healthy_reward * healthy - penalty, healthy


def pendulum(env: Any, states: tuple[Batch, Batch], sizes: tuple[int, int], controls: Batch, dt: float):
    """InvertedPendulum: 1 while the pole is within 0.2 rad."""
    healthy = (np.abs(_q(states[1], sizes)[..., 1]) <= 0.2).astype(float)
    return healthy, healthy


REWARDS: dict[str, RewardForm] = {
    "HalfCheetahEnv": runner,
    "SwimmerEnv": runner,
    "HopperEnv": walker,
    "Walker2dEnv": walker,
    "ReacherEnv": reacher,
    "InvertedPendulumEnv": pendulum,
    "InvertedDoublePendulumEnv": double_pendulum,
}
