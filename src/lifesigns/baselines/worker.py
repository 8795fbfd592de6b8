"""The child process of `lifesigns env`: opens the environment, measures it, climbs the ladder, reports line by line.

`python start.py REQUEST` where REQUEST is JSON; events are JSON lines on the original standard
output. Whatever the environment prints goes to standard error.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from dataclasses import replace
from math import isfinite
from typing import Any, TextIO

from lifesigns.baselines.contract import quick
from lifesigns.baselines.environment import EnvironmentProblem, World, open_world, quiet_simulators, spec_of
from lifesigns.baselines.stages import STAGES, Bench

BEAT_S = 0.5


class Reporter:
    """Writes events; a thread adds a heartbeat that says whether the user's code is running."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self.world: World | None = None

    def send(self, event: str, **data: Any) -> None:
        line = json.dumps({"event": event, **data}, default=_plain)
        with self._lock:
            self._stream.write(line + "\n")
            self._stream.flush()

    def beat(self) -> None:
        while True:
            time.sleep(BEAT_S)
            world = self.world
            inside = 0.0 if world is None or not world.entered else time.monotonic() - world.entered
            try:
                self.send(
                    "beat",
                    steps=world.steps if world else 0,
                    inside_s=inside,
                    cpu_s=time.process_time(),
                    doing=world.doing if world and inside else "",
                )
            except (OSError, ValueError):
                os._exit(1)


def _plain(value: Any) -> Any:
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:
        return value.item()
    return value.tolist() if hasattr(value, "tolist") else str(value)


def main(request: dict[str, Any], out: TextIO) -> int:
    """Runs the request; returns the exit status."""
    reporter = Reporter(out)
    threading.Thread(target=reporter.beat, daemon=True, name="lifesigns-beat").start()
    try:
        reporter.send("stage", name="opening")
        quiet_simulators()
        named = request["env"], request.get("kwargs", {}), request.get("path", [])
        world = open_world(*named, spec=request.get("spec"))
        reporter.world = world
        reporter.send("opened", **about(world))
        reporter.send("stage", name="checking the contract")
        try:
            broken = quick(world, thorough=bool(request.get("contract")))
        except Exception as error:
            sentence = f"{_crash(error, world)} at {_where(error)}, after {world.steps} steps of random play"
            raise EnvironmentProblem(sentence) from error
        reporter.send("contract", broken=[b.sentence for b in broken])
        if request.get("contract") or any(b.fatal for b in broken):
            return 0
        bench = Bench(world, request)
        reporter.send("target", target=bench.problem.target, source=bench.target_source)
        climb(reporter, bench)
        reporter.send("done", steps=world.steps, cpu_s=time.process_time())
    except EnvironmentProblem as error:
        reporter.send("problem", sentence=str(error), while_doing=reporter.world.doing if reporter.world else "opening")
        return 2
    return 0


def climb(reporter: Reporter, bench: Bench) -> None:
    """Every stage within its share of the time; a stage that fails is blind and the next one goes on."""
    failures = 0
    quick = bool(bench.request.get("quick"))
    stages = [replace(s, weight=s.quick) for s in STAGES if s.quick] if quick else STAGES
    for i, stage in enumerate(stages):
        if not stage.fits(bench):
            continue
        weight = stage.weight / sum(s.weight for s in stages[i:] if s is stage or s.late or s.fits(bench))
        seconds = bench.left * weight
        reporter.send("stage", name=stage.name, seconds=seconds)
        try:
            found = stage.run(bench, seconds)
        except Exception as error:
            failures += 1
            reporter.send("crash", stage=stage.name, sentence=_crash(error, bench.world), where=_where(error))
            if failures >= 3 or stage.name == "random":
                return
            continue
        for rung in found.rungs:
            reporter.send("rung", **rung)
        for row in found.properties:
            reporter.send("property", **row)
        if found.extra:
            reporter.send("extra", **found.extra)


def about(world: World) -> dict[str, Any]:
    """What the environment says of itself."""
    spec, env = world.spec, world.env
    threshold = getattr(spec, "reward_threshold", None)
    return {
        "id": getattr(spec, "id", None) or world.name,
        "class": type(getattr(env, "unwrapped", env)).__qualname__,
        "observation_space": str(env.observation_space)[:200],
        "action_space": str(env.action_space)[:200],
        "max_episode_steps": getattr(spec, "max_episode_steps", None),
        "cut_by_us": world.limit,
        "spec": spec_of(env),
        "reward_threshold": threshold if threshold is not None and isfinite(threshold) else None,
    }


def _crash(error: BaseException, world: World) -> str:
    """What was raised, and inside which call of the environment."""
    text = str(error).strip().splitlines()
    doing = f"`{world.doing}` of the environment" if world.entered else "a baseline"
    world.entered = 0.0
    return f"{doing} raised {type(error).__name__}{': ' + text[0][:200] if text else ''}"


def _where(error: BaseException) -> str:
    """The innermost line outside lifesigns and the installed packages, else the innermost line."""
    frames = traceback.extract_tb(error.__traceback__)
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    theirs = [f for f in frames if not f.filename.startswith(own) and "site-packages" not in f.filename]
    last = (theirs or list(frames))[-1]
    return f"{last.filename}:{last.lineno}"


if __name__ == "__main__":
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, all_threads=True)
    sys.exit(main(json.loads(sys.argv[1]), channel))
