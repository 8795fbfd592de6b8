"""Learning curves of healthy runs from public benchmark repositories (see `lifesigns/data/README.md`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Curves:
    """`returns` [agent, task, seed, iteration]; `random` and `reference` scores of each task, NaN where there is none.

    `iteration_env_steps` is the length of an iteration in steps of the agent, 0 where the source does not say.
    """

    returns: NDArray[np.float64]
    agents: tuple[str, ...]
    tasks: tuple[str, ...]
    random: NDArray[np.float64]
    reference: NDArray[np.float64]
    iteration_env_steps: int

    def normalised(self) -> NDArray[np.float64]:
        """Returns with 0 for the random policy's score and 1 for the reference score; same shape, NaN without
        scores."""
        span = (self.reference - self.random)[None, :, None, None]
        return (self.returns - self.random[None, :, None, None]) / span


@lru_cache(maxsize=1)
def atari() -> Curves:
    """Six value-based agents on 60 Atari games, 5 seeds, 199 iterations of 1M frames (Dopamine, Apache-2.0).

    The reference is the human score (dqn_zoo, Apache-2.0); 5 games have none.
    """
    kept = _read("atari_curves.npz")
    returns = kept["returns"].astype(np.float64) * kept["scale"].astype(np.float64)[None, :, None, None]
    return Curves(
        returns,
        tuple(map(str, kept["agents"])),
        tuple(map(str, kept["games"])),
        kept["random"].astype(np.float64),
        kept["human"].astype(np.float64),
        250_000,
    )


@lru_cache(maxsize=1)
def mujoco() -> Curves:
    """SAC on 5 MuJoCo environments, 5 seeds, 320 iterations (Dopamine, Apache-2.0).

    `random` is the mean return of the first iteration, `reference` the median over seeds of the mean of the last
    tenth: the source gives neither.
    """
    kept = _read("mujoco_sac_curves.npz")
    returns = (kept["returns"].astype(np.float64) * kept["scale"].astype(np.float64)[:, None, None])[None]
    late = returns[0, :, :, -returns.shape[-1] // 10 :].mean(axis=-1)
    return Curves(
        returns,
        ("SAC",),
        tuple(map(str, kept["envs"])),
        returns[0, :, :, 0].mean(axis=-1),
        np.median(late, axis=-1),
        0,
    )


def _read(name: str) -> dict[str, NDArray[np.generic]]:
    with as_file(files("lifesigns.data") / name) as path, np.load(path, allow_pickle=False) as kept:
        return {key: kept[key] for key in kept.files}
