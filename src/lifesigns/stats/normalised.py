"""Scores relative to a random and a reference policy, and agent experience in hours of human play."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from lifesigns.stats.scores import Array

Source = Literal["dqn_zoo", "rliable"]

PINBALL = "video_pinball"
RLIABLE_PINBALL_RANDOM = 0.0
"""rliable's notebook and Dopamine give 0.0 where dqn_zoo and openrlbenchmark give 16256.9 (human: 17667.9); the
other 56 games agree. Normalised scores of this game differ 12.5-fold between the two."""
FRAMES_PER_S = 60.0
"""Of the Atari 2600 (NTSC)."""


class NormalisationWarning(UserWarning):
    """A normalised score that depends on which published table one takes."""


def normalised(scores: ArrayLike, random: ArrayLike, reference: ArrayLike) -> Array:
    """(score - random) / (reference - random), broadcast over the last axis (tasks): 0 is random, 1 the reference.

    Raises ValueError where reference and random are equal.
    """
    low, high = np.asarray(random, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if (high == low).any():
        raise ValueError("expected reference scores other than the random ones, got equal ones")
    return (np.asarray(scores, dtype=np.float64) - low) / (high - low)


def human_normalised(scores: ArrayLike, games: Sequence[str], *, source: Source = "dqn_zoo") -> Array:
    """Human-normalised Atari scores; scores [..., game] in the order of `games` (57 names in any common spelling).

    `source` names the table: always state it beside the numbers. Warns (NormalisationWarning) when VideoPinball is
    among the games. Raises ValueError for a game that is in neither table.
    """
    table = np.array([atari_reference(game, source=source) for game in games])
    if any(game_name(game) == PINBALL for game in games):
        warnings.warn(
            f"VideoPinball: random score {atari_reference(PINBALL, source=source)[0]} from {source}; the other table "
            "has 0.0 against 16256.9, which changes the normalised score 12.5-fold. Name the source, or leave it out.",
            NormalisationWarning,
            stacklevel=2,
        )
    return normalised(scores, table[:, 0], table[:, 1])


def atari_reference(game: str, *, source: Source = "dqn_zoo") -> tuple[float, float]:
    """Random and human score of one game, in points."""
    name = game_name(game)
    if source not in ("dqn_zoo", "rliable"):
        raise ValueError(f"expected `source` dqn_zoo or rliable, got {source!r}")
    if name not in _table():
        raise ValueError(f"expected one of the 57 Atari games with human scores, got {game!r}")
    random, human = _table()[name]
    return (RLIABLE_PINBALL_RANDOM if name == PINBALL and source == "rliable" else random), human


def game_name(game: str) -> str:
    """`video_pinball` for VideoPinball, ALE/VideoPinball-v5, VideoPinballNoFrameskip-v4 or videopinball."""
    bare = re.sub(r"(NoFrameskip|Deterministic)?(-v\d+)?$", "", game.split("/")[-1])
    flat = bare.replace("_", "").replace("-", "").lower()
    return next((name for name in _table() if name.replace("_", "") == flat), flat)


def frames_to_hours(frames: float, *, frames_per_s: float = FRAMES_PER_S) -> float:
    """Hours of play in real time: 18M Atari frames are 83 hours."""
    return frames / frames_per_s / 3600.0


def env_steps_to_hours(env_steps: float, step_s: float) -> float:
    """Hours of experience of environment steps that last `step_s` seconds each (Atari, 4 frames: 4 / 60)."""
    return env_steps * step_s / 3600.0


@lru_cache(maxsize=1)
def _table() -> dict[str, tuple[float, float]]:
    kept = json.loads((files("lifesigns.stats") / "atari_scores.json").read_text("utf-8"))
    return {name: (float(row[0]), float(row[1])) for name, row in kept["games"].items()}
