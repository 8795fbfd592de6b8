"""How fast an environment steps: alone, beside a second process; and the memory that one more of it takes (M1)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from lifesigns.baselines.environment import World
from lifesigns.baselines.problem import FIT_SEED, Problem, Slice
from lifesigns.planner.properties import Property

START = Path(__file__).with_name("start.py")
STRETCH_S, MOST_STEPS = 0.5, 20_000
"""Seconds and steps of a stretch that is timed."""
PAIR_S, LEAST_S = 0.3, 1.2
"""Seconds for which two processes step together; least time for starting the second, weighing it and two stretches."""
OVERRUN = 2.0
"""Times of its share after which the second process is ended; later stages share what is left."""


def stepping(world: World, seconds: float = STRETCH_S, most: float = MOST_STEPS) -> tuple[int, float, float]:
    """Steps of random play with its resets, and the wall and CPU time that they took in seconds."""
    steps, begun, cpu = 0, time.perf_counter(), time.process_time()
    while steps < most and time.perf_counter() - begun < seconds:
        _, _, terminated, truncated = world.step(world.env.action_space.sample())
        steps += 1
        if terminated or truncated:
            world.reset()
    return steps, time.perf_counter() - begun, max(time.process_time() - cpu, 1e-9)


def speed(problem: Problem) -> list[Property]:
    """Steps a second on one core and the cost of a reset."""
    begun = time.perf_counter()
    problem.world.reset(seed=FIT_SEED)
    reset_ms = 1000 * (time.perf_counter() - begun)
    steps, wall, cpu = stepping(problem.world)
    problem.sps = steps / wall
    per_cpu = steps / cpu
    return [
        Property("steps_per_s", per_cpu, f"{per_cpu:,.0f} steps per CPU-second on one core, episode resets included"),
        Property("reset_ms", reset_ms, f"a reset takes {reset_ms:.1f} ms"),
    ]


def beside(problem: Problem, request: dict[str, Any], limit: Slice) -> list[Property]:
    """Steps a second of two processes against one, and the memory of one more environment.

    The second process opens the same environment, weighs it, and steps at the same time as this one.
    """
    if limit.seconds < LEAST_S:
        why = f"not measured: a second process needs {LEAST_S:g} s, its share of the time is {limit.seconds:.1f} s"
        return _blind(why)
    asked = json.dumps({k: request[k] for k in ("env", "kwargs", "path", "spec") if k in request})
    try:
        child = subprocess.Popen(
            [sys.executable, str(START), asked, "lifesigns.baselines.second"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except OSError as error:
        return _blind(f"not measured: a second process could not be started ({error})")
    end = threading.Timer(OVERRUN * limit.seconds, child.kill)
    end.start()
    try:
        return _together(problem, child)
    finally:
        end.cancel()
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


def _together(problem: Problem, child: subprocess.Popen[str]) -> list[Property]:
    assert child.stdin is not None
    assert child.stdout is not None
    ready = _read(child.stdout.readline())
    if "bytes" not in ready:
        return _blind(f"not measured: {ready.get('problem') or 'the second process was not ready in time'}")
    world = problem.world
    world.reset(seed=FIT_SEED)
    alone_steps, alone_s, _ = stepping(world, PAIR_S, float("inf"))
    try:
        child.stdin.write("go\n")
        child.stdin.flush()
    except OSError:
        return [*_blind("not measured: the second process ended")[:1], _memory(ready)]
    steps, wall_s, _ = stepping(world, PAIR_S, float("inf"))
    other = _read(child.stdout.readline())
    if not other.get("steps"):
        return [*_blind("not measured: the second process did not step in time")[:1], _memory(ready)]
    alone, both = alone_steps / alone_s, steps / wall_s + other["steps"] / other["wall_s"]
    text = (
        f"two processes make {both / alone:.2f} times the steps of one ({alone:,.0f} a second, then {both:,.0f}; wall "
        f"time on {cores()} cores, whatever else ran on them)"
    )
    return [Property("second_process", both / alone, text), _memory(ready)]


def _memory(ready: dict[str, Any]) -> Property:
    """Resident memory that each further environment of a process added."""
    if not ready["copies"]:
        return Property("env_memory_mb", None, "not measured: " + (ready.get("why") or "no second one could be made"))
    mb = max(ready["bytes"], 0) / ready["copies"] / 1e6
    said = f"{mb:.3g} MB" if mb >= 0.1 else "less than 0.1 MB"
    return Property("env_memory_mb", mb, f"one more environment takes {said} (mean of {ready['copies']})")


def _blind(why: str) -> list[Property]:
    return [Property("second_process", None, why), Property("env_memory_mb", None, why)]


def _read(line: str) -> dict[str, Any]:
    try:
        return json.loads(line)
    except ValueError:
        return {}


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
