"""The child process of `lifesigns learn`: opens the environments, trains, reports line by line.

`python -m lifesigns.learners.worker REQUEST` where REQUEST is JSON; events are JSON lines on the original standard
output. Whatever the environment prints goes to standard error.
"""

from __future__ import annotations

import faulthandler
import importlib.util
import json
import os
import platform
import signal
import sys
import threading
import time
import traceback
import warnings
from typing import Any, TextIO, cast

import numpy as np

from lifesigns.baselines.contract import quick
from lifesigns.baselines.environment import EnvironmentProblem, World, open_world, quiet_simulators
from lifesigns.baselines.spaces import Actions, Features, actions, features
from lifesigns.baselines.stages import sufficient
from lifesigns.baselines.worker import Reporter, about
from lifesigns.learners.settings import SettingError, learner_for, settings_json, settings_of

PROGRESS_S = 0.25
RANDOM_EPISODES = 20


def main(request: dict[str, Any], out: TextIO) -> int:
    """Runs the request; returns the exit status."""
    reporter = Reporter(out)
    threading.Thread(target=reporter.beat, daemon=True, name="lifesigns-beat").start()
    try:
        learn(request, reporter)
    except (EnvironmentProblem, SettingError) as error:
        reporter.send("problem", sentence=str(error))
        return 2
    except Exception as error:
        reporter.send("problem", sentence=_crash(error))
        return 2
    return 0


def learn(request: dict[str, Any], reporter: Reporter) -> None:
    """Everything, in order; raises EnvironmentProblem or SettingError with a sentence."""
    if importlib.util.find_spec("torch") is None:
        raise EnvironmentProblem(
            f"torch is not installed for `{sys.executable}`; install it there, or name another --python"
        )
    reporter.send("stage", name="opening")
    quiet_simulators()

    def make() -> World:
        return open_world(request["env"], request.get("kwargs", {}), request.get("path", []))

    first = make()
    reporter.world = first
    seen = actions(first.env.action_space), features(first.env.observation_space)
    learner, changed = _usable(first, *seen, request)
    settings = settings_of(learner, changed)
    reporter.send("opened", **about(first))
    broken = [b for b in quick(first) if b.fatal]
    if broken:
        raise EnvironmentProblem(broken[0].sentence)
    target, source = sufficient(first, request.get("target"))
    reporter.send(
        "begun",
        learner=learner,
        settings=settings_json(settings),
        target=target,
        target_source=source,
        notes=[n for n in (seen[0].note, seen[1].note, _cut(first)) if n],
        versions=versions(),
    )
    reporter.send("stage", name="random actions")
    random = play_randomly(first, request)
    reporter.send("random", returns=random)
    reporter.send("stage", name="training")
    train(request, reporter, make, *seen, settings)


def _usable(world: World, seen: Actions, obs: Features, request: dict[str, Any]) -> tuple[str, list[str]]:
    """The learner and its changed settings; raises EnvironmentProblem where the spaces cannot be used."""
    if not seen.kind:
        raise EnvironmentProblem(f"`{world.name}`: {seen.note}")
    if not obs.n:
        raise EnvironmentProblem(f"`{world.name}`: {obs.note}; the reference learners need a vector")
    changed = list(request.get("set", []))
    if request.get("steps"):
        changed.append(f"steps={request['steps']}")
    return learner_for(seen.kind, str(request.get("learner", ""))), changed


def train(request: dict[str, Any], reporter: Reporter, make: Any, seen: Actions, obs: Features, settings: Any) -> None:
    """Trains and reports evaluations, progress and the end."""
    from lifesigns.learners.training.begin import course_of
    from lifesigns.learners.training.begin import train as run

    begun_wall, begun = time.monotonic(), time.process_time()
    course = course_of(make, list(request["seeds"]), seen, obs, settings)
    course.until = begun_wall + float(request["until"]) - time.time()
    reporter.world = cast(World, _Both(course.worlds, course.tests))
    told = 0.0

    def progress(step: int) -> None:
        nonlocal told
        if time.monotonic() - told >= PROGRESS_S:
            told = time.monotonic()
            reporter.send("progress", step=step)

    def evaluated(step: int, returns: list[float]) -> None:
        reporter.send("point", step=step, returns=[r if np.isfinite(r) else None for r in returns])

    course.progress, course.told = progress, evaluated
    run(course, settings)
    reporter.send(
        "done",
        final=course.final,
        done_steps=course.done,
        cpu_s=time.process_time() - begun,
        env_steps=course.worlds.steps + course.tests.steps,
    )


class _Both:
    """What the heartbeat looks at: whichever environment is being stepped."""

    def __init__(self, *parts: Any) -> None:
        self._parts = parts

    @property
    def entered(self) -> float:
        return next((p.entered for p in self._parts if p.entered), 0.0)

    @property
    def doing(self) -> str:
        return next((p.doing for p in self._parts if p.entered), "")

    @property
    def steps(self) -> int:
        return sum(p.steps for p in self._parts)


def play_randomly(world: World, request: dict[str, Any]) -> list[float]:
    """Returns of random actions in the evaluation's episodes, for at most a twentieth of the time."""
    from lifesigns.baselines.problem import EVALUATION_SEED, play

    space = world.env.action_space
    space.seed(0)
    now = time.monotonic()
    until = now + max(0.05 * (float(request["until"]) - time.time()), 1.0)
    found: list[float] = []
    for i in range(RANDOM_EPISODES):
        played = play(world, lambda _: space.sample(), EVALUATION_SEED + i, until)
        if played is None:
            break
        found.append(played[0])
    return found


def versions() -> dict[str, str]:
    """Of what the numbers depend on."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for name in ("torch", "gymnasium", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _cut(world: World) -> str:
    return f"episodes are cut after {world.limit} steps, since nothing else ends them" if world.limit else ""


def _crash(error: BaseException) -> str:
    """What was raised and where, outside lifesigns and the installed packages if it passed there."""
    frames = traceback.extract_tb(error.__traceback__)
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    theirs = [f for f in frames if not f.filename.startswith(own) and "site-packages" not in f.filename]
    last = (theirs or list(frames))[-1]
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}{': ' + text[0][:200] if text else ''} at {last.filename}:{last.lineno}"


if __name__ == "__main__":
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, all_threads=True)
    sys.exit(main(json.loads(sys.argv[1]), channel))
