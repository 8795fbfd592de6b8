"""Batched simulation of MuJoCo environments in C, for planners; several times faster than `env.step`.

`mujoco.rollout` gives states; rewards come from closed forms of Gymnasium's environments (`mujoco_rewards.py`). Both
are checked against `env.step` on random transitions of this very environment before use: a subclass with another
reward, another frame skip or a wrapper that changes rewards does not pass and is planned in by `env.step`.
"""

from __future__ import annotations

import importlib
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifesigns.baselines.environment import layers
from lifesigns.baselines.mujoco_rewards import REWARDS, RewardForm
from lifesigns.baselines.problem import Problem
from lifesigns.baselines.restore_simulators import MujocoState

TOLERANCE = 0.02
"""Largest error of a reward that is accepted, as a share of the rewards' deviation (or of 1)."""
CHECKED_STEPS = 25


class MujocoRollout:
    """Scores action sequences from a saved state."""

    def __init__(self, problem: Problem, form: RewardForm) -> None:
        from mujoco import rollout

        mujoco: Any = importlib.import_module("mujoco")
        self.problem, self.form = problem, form
        base = layers(problem.world.env)[-1]
        self.base, self.model, self.data = base, base.model, base.data
        self.skip, self.dt = int(base.frame_skip), float(base.dt)
        self.spec = mujoco.mjtState.mjSTATE_FULLPHYSICS
        self.size = mujoco.mj_stateSize(self.model, self.spec)
        self._get, self._rollout = mujoco.mj_getState, rollout.rollout
        self._scratch = [mujoco.MjData(self.model)]
        self.low, self.high = self.model.actuator_ctrlrange[:, 0], self.model.actuator_ctrlrange[:, 1]
        self.steps_per_s, self.error = 0.0, float("inf")

    @classmethod
    def of(cls, problem: Problem) -> MujocoRollout | None:
        """None where there is no closed form, or where it does not reproduce `env.step`."""
        base = layers(problem.world.env)[-1]
        form = REWARDS.get(type(base).__name__)
        if form is None or not isinstance(problem.restore, MujocoState) or problem.actions.n != base.model.nu:
            return None
        try:
            fast = cls(problem, form)
            return fast if fast._agrees() else None
        except (ImportError, AttributeError, TypeError, ValueError):
            return None

    def score(self, state: Any, sequences: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of rewards of each sequence [sample, step, component] until an early end."""
        rewards, alive = self.rewards(state[0], sequences)
        return (rewards * alive).sum(1)

    def rewards(self, data: Any, sequences: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Rewards [sample, step], and 1 for steps that an episode reaches."""
        start = np.empty(self.size)
        self._get(self.model, data, start, self.spec)
        controls = self.low + (sequences + 1) / 2 * (self.high - self.low)
        if np.dtype(self.problem.world.env.action_space.dtype) == np.float32:
            controls = controls.astype(np.float32).astype(np.float64)
        samples = len(sequences)
        # Controls are held for `frame_skip` physics steps, so that one call simulates all of it.
        states, _ = self._rollout(
            self.model, self._scratch, np.tile(start, (samples, 1)), np.repeat(controls, self.skip, axis=1)
        )
        after = np.asarray(states)[:, self.skip - 1 :: self.skip]
        before = np.concatenate([np.broadcast_to(start, (samples, 1, self.size)), after[:, :-1]], axis=1)
        nq, nv = self.model.nq, self.model.nv
        rewards, healthy = self.form(self.base, (before, after), (nq, nv), controls, self.dt)
        alive = np.cumprod(np.concatenate([np.ones((samples, 1)), healthy[:, :-1]], axis=1), axis=1)
        return rewards, np.asarray(alive, dtype=np.float64)

    def _agrees(self) -> bool:
        """Whether rewards and ends of random steps are those of `env.step`; measures the speed as well."""
        problem, restore = self.problem, self.problem.restore
        assert restore is not None
        rng = problem.rng(33)
        true, formed = [], []
        problem.world.reset(seed=7)
        for _ in range(3):
            state = restore.save()
            sequence = rng.uniform(-1, 1, (CHECKED_STEPS, problem.actions.n))
            rewards, alive = self.rewards(state[0], sequence[None])
            for step, action in enumerate(sequence):
                _, reward, terminated, truncated = problem.world.step(problem.actions.decode(action))
                if alive[0, step] != 1:
                    return False
                true.append(reward)
                formed.append(rewards[0, step])
                if terminated or truncated:
                    if terminated and step + 1 < CHECKED_STEPS and alive[0, step + 1]:
                        return False
                    problem.world.reset(seed=8)
                    break
        self.error = float(np.abs(np.subtract(true, formed)).max() / max(float(np.std(true)), 1e-3))
        if self.error > TOLERANCE:
            return False
        state = restore.save()
        block = rng.uniform(-1, 1, (32, 20, problem.actions.n))
        begun = time.perf_counter()
        self.rewards(state[0], block)
        self.steps_per_s = 640 / (time.perf_counter() - begun)
        return True
