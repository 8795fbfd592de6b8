"""Measures the baselines of a run's environment in a process of its own, and adds them to the trace."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lifesigns.model import Series, Subject, Trace
from lifesigns.model.series import series

PLAY = Path(__file__).with_name("play.py")
START_S = 6.0


def measure(trace: Trace, python: str, cwd: str, path: Sequence[str], seconds: float) -> tuple[list[Series], str]:
    """`baseline.*` series of the first training environment, and why there are none (empty when there are)."""
    envs = [s for s in trace.of_kind("env") if s.info.get("role") == "train" and trace.get("env.episode_return", s.id)]
    if not envs:
        return [], "no training environment with a finished episode"
    env = envs[0]
    spec = env.info.get("spec")
    if not spec:
        return [], f"`{env.name}` was not made by `gymnasium.make` from an importable class"
    request = {**spec, "max_episode_steps": env.info.get("max_episode_steps"), "seconds": seconds, "path": list(path)}
    try:
        done = subprocess.run(
            [python, str(PLAY), json.dumps(request)],
            cwd=cwd or None,
            capture_output=True,
            text=True,
            timeout=seconds + START_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        played = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 and done.stdout else None
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        return [], f"playing random actions in `{spec['id']}` failed ({type(error).__name__})"
    if played is None:
        last = done.stderr.strip().splitlines()[-1:] or ["no output"]
        return [], f"playing random actions in `{spec['id']}` failed: {last[0][:200]}"
    return _series(env, played), ""


def _series(env: Subject, played: dict[str, Any]) -> list[Series]:
    found: list[Series] = []
    if played["random"]:
        found.append(series("baseline.random_return", "episode", played["random"], unit="reward", subject=env.id))
    constant: dict[str, list[float]] = played["constant"]
    least = min((len(v) for v in constant.values()), default=0)
    if least:
        rows = [[constant[c][i] for c in constant] for i in range(least)]
        found.append(
            series("baseline.constant_return", "episode", rows, unit="reward", subject=env.id, columns=tuple(constant))
        )
    return found
