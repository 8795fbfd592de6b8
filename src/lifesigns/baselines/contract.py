"""Whether an environment keeps Gymnasium's contract (P14): what `reset` and `step` return, spaces, seeds, ends."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from lifesigns.baselines.environment import World
from lifesigns.baselines.fidelity import digest

QUICK_STEPS, THOROUGH_STEPS = 150, 5000


@dataclass(frozen=True)
class Breach:
    """One break of the contract; fatal where nothing can be measured after it."""

    sentence: str
    fatal: bool = False


def quick(world: World, thorough: bool = False) -> list[Breach]:
    """The breaks found in a short stretch of random play, or in a long one with extreme actions as well."""
    found = _returned(world)
    if any(b.fatal for b in found):
        return found
    found += _stepped(world, THOROUGH_STEPS if thorough else QUICK_STEPS, thorough)
    found += _seeded(world)
    return list({b.sentence: b for b in found}.values())


def _returned(world: World) -> list[Breach]:
    """The form of what `reset` and `step` return."""
    env = world.env
    world.entered, world.doing = _now(), "reset"
    try:
        first = env.reset(seed=0)
    except TypeError as error:
        world.entered = 0.0
        if "seed" in str(error):
            return [
                Breach(
                    "`reset` takes no `seed`: episodes cannot be repeated (Gymnasium's `reset(seed=, options=)`)", True
                )
            ]
        raise
    world.entered = 0.0
    if not (isinstance(first, tuple) and len(first) == 2 and isinstance(first[1], dict)):
        return [Breach(f"`reset` returns {_form(first)}; expected (observation, info)", True)]
    world.entered, world.doing = _now(), "step"
    outcome = env.step(env.action_space.sample())
    world.entered = 0.0
    if not (isinstance(outcome, tuple) and len(outcome) == 5):
        return [
            Breach(
                f"`step` returns {_form(outcome)}; expected (observation, reward, terminated, truncated, info)", True
            )
        ]
    found: list[Breach] = []
    _, reward, terminated, truncated, info = outcome
    if np.ndim(reward) != 0 or isinstance(reward, (list, tuple, dict, str)) or reward is None:
        return [Breach(f"the reward is {_form(reward)}; expected a number", True)]
    for name, value in (("terminated", terminated), ("truncated", truncated)):
        if not isinstance(value, (bool, np.bool_)):
            found.append(Breach(f"`{name}` is {_form(value)}; expected a bool"))
    if not isinstance(info, dict):
        found.append(Breach(f"`info` is {_form(info)}; expected a dict"))
    return found


def _now() -> float:
    import time

    return time.monotonic()


def _form(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    return f"`{type(value).__name__}`"


def _stepped(world: World, steps: int, thorough: bool) -> list[Breach]:
    """Observations inside their space, finite rewards, no array handed out twice."""
    env = world.env
    env.action_space.seed(0)
    found: list[Breach] = []
    obs = world.reset(seed=0)
    kept, copy = obs, digest(obs)
    for i in range(steps):
        if not env.observation_space.contains(obs):
            found.append(
                Breach(f"an observation is not in the observation space: {_outside(env.observation_space, obs)}")
            )
            break
        action = _extreme(env.action_space, i) if thorough and i % 3 == 0 else env.action_space.sample()
        obs, reward, terminated, truncated = world.step(action)
        if not isfinite(reward):
            found.append(Breach(f"a reward is {reward}, after {world.steps} steps of random play", True))
            break
        if digest(kept) != copy:
            found.append(
                Breach("an observation changes after it was returned: the environment hands out the same array")
            )
            break
        kept, copy = obs, digest(obs)
        if terminated or truncated:
            obs = world.reset(seed=i)
            kept, copy = obs, digest(obs)
    return found


def _extreme(space: Any, i: int) -> Any:
    if type(space).__name__ != "Box" or not space.is_bounded("both"):
        return space.sample()
    return space.low if i % 2 else space.high


def _outside(space: Any, obs: Any) -> str:
    if type(space).__name__ != "Box" or not isinstance(obs, np.ndarray):
        return f"{_form(obs)} in `{str(space)[:60]}`"
    if obs.shape != space.shape:
        return f"shape {obs.shape}, expected {space.shape}"
    if not np.can_cast(obs.dtype, space.dtype):
        return f"dtype {obs.dtype}, expected {space.dtype}"
    worst = np.unravel_index(np.argmax(np.maximum(space.low - obs, obs - space.high)), obs.shape)
    at = int(worst[0]) if len(worst) == 1 else tuple(int(k) for k in worst)
    return f"component {at} is {obs[worst]:.4g}, expected within [{space.low[worst]:.4g}, {space.high[worst]:.4g}]"


def _seeded(world: World) -> list[Breach]:
    """The same seed and actions give the same episode."""
    space = world.env.action_space
    runs: list[bytes] = []
    for _ in range(2):
        space.seed(1)
        seen = digest(world.reset(seed=5))
        for _ in range(20):
            obs, reward, terminated, truncated = world.step(space.sample())
            seen += digest(obs) + np.float64(reward).tobytes()
            if terminated or truncated:
                break
        runs.append(seen)
    return [] if runs[0] == runs[1] else [Breach("the same seed does not give the same episode")]
