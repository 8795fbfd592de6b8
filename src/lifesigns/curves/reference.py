"""Reference score and usual budget of an environment, from public benchmarks."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from lifesigns.curves.public import atari

ATARI_BUDGET = 50_000_000.0
"""environment steps: 200M frames, four a step (Mnih et al. 2015; Castro et al. 2018)."""
_ATARI = re.compile(r"^(?:ALE/)?([A-Za-z]+?)(?:NoFrameskip|Deterministic)?-v\d+$")


@dataclass(frozen=True)
class Reference:
    """`score` in the environment's own reward, `env_steps` of the usual budget, and where both are from."""

    score: float
    env_steps: float
    source: str


def reference_of(env_id: str) -> Reference | None:
    """The reference of an environment by its Gymnasium id, whatever its version; None where there is none."""
    match = _ATARI.match(env_id)
    if match:
        curves = atari()
        games = {game: i for i, game in enumerate(curves.tasks)}
        index = games.get(match[1].lower())
        if index is not None and np.isfinite(curves.reference[index]):
            return Reference(float(curves.reference[index]), ATARI_BUDGET, "the human score of dqn_zoo")
    return _zoo().get(re.sub(r"-v\d+$", "", env_id))


@lru_cache(maxsize=1)
def _zoo() -> dict[str, Reference]:
    text = files("lifesigns.data").joinpath("reference_scores.csv").read_text("utf-8")
    return {
        row["env"]: Reference(
            float(row["best_return"]),
            float(row["median_env_steps"]),
            f"{row['algorithm'].upper()} in rl-baselines3-zoo",
        )
        for row in csv.DictReader(text.splitlines())
    }
