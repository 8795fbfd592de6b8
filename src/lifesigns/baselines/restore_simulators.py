"""Adapters for simulators that hold their state outside Python: MuJoCo and the Arcade Learning Environment."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from lifesigns.baselines.environment import World, layers
from lifesigns.baselines.restore import Attributes


class MujocoState(Attributes):
    """The whole of MuJoCo's `mjData`, and the Python attributes of every layer.

    The physics state alone is not enough: several environments read positions that were computed before the last
    integration step, so all derived quantities are copied as well (`mj_copyData`).
    """

    name = "MuJoCo's data"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        mujoco: Any = importlib.import_module("mujoco")
        base = layers(world.env)[-1]
        self.model, self.data = base.model, base.data
        self._copy = mujoco.mj_copyData
        self._new = mujoco.MjData
        self._spare: list[Any] = []

    @staticmethod
    def fits(world: World) -> bool:
        base = layers(world.env)[-1]
        names = (type(getattr(base, "model", None)).__name__, type(getattr(base, "data", None)).__name__)
        return names == ("MjModel", "MjData")

    def save(self) -> Any:
        kept = self._new(self.model)
        self._copy(kept, self.model, self.data)
        return kept, super().save()

    def restore(self, state: Any, rng: np.random.Generator | None = None) -> None:
        self._copy(self.data, self.model, state[0])
        super().restore(state[1], rng)


class AleState(Attributes):
    """The emulator's system state (its generator included), and the Python attributes of every layer."""

    name = "ALE's system state"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.base = layers(world.env)[-1]

    @staticmethod
    def fits(world: World) -> bool:
        return type(getattr(layers(world.env)[-1], "ale", None)).__name__ == "ALEInterface"

    def save(self) -> Any:
        ale = self.base.ale
        return ale.cloneState(include_rng=True), ale.cloneState(), super().save()

    def restore(self, state: Any, rng: np.random.Generator | None = None) -> None:
        """With `rng`, the emulator's generator goes on from where it is: sticky actions are drawn anew."""
        self.base.ale.restoreState(state[0] if rng is None else state[1])
        super().restore(state[2], rng)
