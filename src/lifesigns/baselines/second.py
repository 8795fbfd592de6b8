"""The second process beside a survey: opens the same environment, says what one takes, steps when it is told to.

`python start.py REQUEST lifesigns.baselines.second`; prints one JSON line when ready, reads a line, prints another.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from typing import Any, TextIO

from lifesigns.baselines.environment import EnvironmentProblem, World, open_world, quiet_simulators
from lifesigns.baselines.pace import PAIR_S, stepping

COPIES, COPYING_S, WARM_STEPS = 16, 0.2, 30
"""Most further environments, the time for making them, and the steps after which each is weighed."""


def main(request: dict[str, Any], out: TextIO, told: TextIO) -> int:
    """Returns the exit status; a problem is said in the first line."""
    quiet_simulators()
    try:
        world = _opened(request)
        ready = _weighed(world, request)
    except EnvironmentProblem as error:
        ready = {"problem": str(error)}
        world = None
    print(json.dumps(ready), file=out, flush=True)
    if world is None or not told.readline():
        return 2
    steps, wall_s, _ = stepping(world, PAIR_S, float("inf"))
    print(json.dumps({"steps": steps, "wall_s": wall_s}), file=out, flush=True)
    return 0


def _opened(request: dict[str, Any]) -> World:
    world = open_world(request["env"], request.get("kwargs", {}), request.get("path", []), spec=request.get("spec"))
    world.reset(seed=0)
    stepping(world, COPYING_S / COPIES, WARM_STEPS)
    return world


def _weighed(first: World, request: dict[str, Any]) -> dict[str, Any]:
    """Bytes by which resident memory grew while further environments were made and kept."""
    before = resident()
    if before is None:
        return {"bytes": 0, "copies": 0, "why": "this system does not say how much memory a process has"}
    kept: list[World] = []
    until = time.perf_counter() + COPYING_S
    while len(kept) < COPIES and time.perf_counter() < until:
        one = _opened(request)
        if one.env is first.env:
            return {"bytes": 0, "copies": 0, "why": "each call gives the same environment"}
        kept.append(one)
    return {"bytes": (resident() or before) - before, "copies": len(kept)}


def resident() -> int | None:
    """Bytes of memory that this process has now; None where `/proc` does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None


if __name__ == "__main__":
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    sys.exit(main(json.loads(sys.argv[1]), channel, sys.stdin))
