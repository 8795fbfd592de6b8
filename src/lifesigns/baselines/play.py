"""Plays random and constant actions in an environment; a script of its own, run by the user's interpreter.

`python play.py '{"id": …, "entry_point": …, "kwargs": …, "max_episode_steps": …, "seconds": 4.0, "path": […]}'` prints
`{"random": [return, …], "constant": {"0": [return, …]}}`. Needs only Gymnasium.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

RANDOM_EPISODES, CONSTANT_EPISODES, MAX_CONSTANTS = 60, 5, 8
RANDOM_SHARE = 0.7


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Returns of whole episodes; what does not fit into the time is left out."""
    sys.path[:0] = request.get("path", [])
    import gymnasium
    from gymnasium.envs.registration import EnvSpec

    env = gymnasium.make(
        EnvSpec(
            id=request["id"],
            entry_point=request["entry_point"],
            kwargs=request["kwargs"],
            max_episode_steps=request["max_episode_steps"],
        ),
        disable_env_checker=True,
    )
    env.action_space.seed(0)
    started = time.perf_counter()
    total = float(request["seconds"])
    random = play(env, lambda _: env.action_space.sample(), RANDOM_EPISODES, started + RANDOM_SHARE * total)
    constant: dict[str, list[float]] = {}
    choices = constants(env.action_space)
    for i, (name, action) in enumerate(choices.items()):
        until = started + total * (RANDOM_SHARE + (1 - RANDOM_SHARE) * (i + 1) / len(choices))
        constant[name] = play(env, lambda _, a=action: a, CONSTANT_EPISODES, until)
    return {"random": random, "constant": {k: v for k, v in constant.items() if v}}


def play(env: Any, act: Callable[[Any], Any], episodes: int, until: float) -> list[float]:
    """Returns of up to `episodes` whole episodes, begun and ended before `until` (seconds of `perf_counter`)."""
    returns: list[float] = []
    for episode in range(episodes):
        obs, _ = env.reset(seed=episode)
        total, over = 0.0, False
        while not over:
            obs, reward, terminated, truncated, _ = env.step(act(obs))
            total += float(reward)
            over = terminated or truncated
            if time.perf_counter() > until:
                return returns
        returns.append(total)
    return returns


def constants(space: Any) -> dict[str, Any]:
    """Every action of a small discrete space; zero and the two ends of a bounded box."""
    kind = type(space).__name__
    if kind == "Discrete" and space.n <= MAX_CONSTANTS:
        return {str(a): a for a in range(int(space.start), int(space.start + space.n))}
    if kind == "Box" and space.is_bounded("both"):
        middle = (space.low + space.high) / 2
        return {"middle": middle.astype(space.dtype), "low": space.low, "high": space.high}
    return {}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
