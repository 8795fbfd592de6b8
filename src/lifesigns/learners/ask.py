"""Runs the child of `lifesigns learn` and collects what it reports; what was told before it died or hung is kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any, BinaryIO

from lifesigns.baselines.listening import Listener, end
from lifesigns.baselines.survey import HANG_S, OPEN_S
from lifesigns.learners.learned import Learned

SILENT_S = 30.0
"""Longest silence of the child: it sends a heartbeat twice a second."""
Progress = Callable[[str, int, Learned], None]
"""(stage, steps of each seed so far, what is known so far)"""


@dataclass(frozen=True)
class Wanted:
    """What is to be learned: `seconds` is the time for all of it; `changed` are settings as `name=value`."""

    env: str
    seeds: tuple[int, ...]
    learner: str = ""
    steps: int = 0
    changed: Sequence[str] = ()
    kwargs: Mapping[str, Any] | None = None
    target: float | None = None
    seconds: float = 600.0


def ask(wanted: Wanted, progress: Progress | None = None, python: str = "") -> Learned:
    """Trains in a child process. Raises OSError where the interpreter cannot be started."""
    found = Learned(wanted.env, wanted.learner, seeds=wanted.seeds, curves=[[] for _ in wanted.seeds])
    request = {
        "env": wanted.env,
        "seeds": list(wanted.seeds),
        "learner": wanted.learner,
        "steps": wanted.steps,
        "set": list(wanted.changed),
        "kwargs": dict(wanted.kwargs or {}),
        "target": wanted.target,
        "until": time.time() + wanted.seconds,
        "path": [os.getcwd()],
    }
    begun = time.monotonic()
    with tempfile.TemporaryFile() as err:
        child = subprocess.Popen(
            [python or sys.executable, "-m", "lifesigns.learners.worker", json.dumps(request)],
            stdout=subprocess.PIPE,
            stderr=err,
            stdin=subprocess.DEVNULL,
            env=_surroundings(),
            start_new_session=True,
        )
        watch = _Watch(found, child, err, progress)
        try:
            watch.run()
        finally:
            end(child)
        watch.conclude(child.returncode)
    found.wall_s = time.monotonic() - begun
    return found


def _surroundings() -> dict[str, str]:
    """The child's environment variables: lifesigns importable, one thread, no window."""
    own = str(Path(__file__).parents[2])
    path = os.pathsep.join(p for p in (own, os.environ.get("PYTHONPATH", "")) if p)
    quiet = {"SDL_VIDEODRIVER": "dummy", "PYGAME_HIDE_SUPPORT_PROMPT": "1"}
    return {"OMP_NUM_THREADS": "1", **quiet, **os.environ, "PYTHONPATH": path}


class _Watch(Listener):
    """Keeps what the events say."""

    def __init__(
        self, found: Learned, child: subprocess.Popen[bytes], err: BinaryIO, progress: Progress | None
    ) -> None:
        super().__init__(child, err)
        self.found, self.progress, self.step = found, progress, 0

    def late(self) -> bool:
        """Whether the child has been silent for too long."""
        silent_s = time.monotonic() - self.last
        if silent_s <= (OPEN_S if self.stage in ("starting", "opening") else SILENT_S):
            return False
        self._hung("the environment's process", silent_s)
        return True

    def take(self, line: bytes) -> bool:
        """Takes in one event; false where the child must be ended."""
        try:
            event = json.loads(line)
        except ValueError:
            return True
        kind, found = event.pop("event", ""), self.found
        if kind == "stage":
            self.stage = event["name"]
        elif kind == "beat":
            if event["inside_s"] > (OPEN_S if self.stage == "opening" else HANG_S):
                self._hung(f"`{event['doing']}`", event["inside_s"])
                return False
        elif kind == "progress":
            self.step = event["step"]
        elif kind == "point":
            self.step = event["step"]
            found.point(event["step"], [nan if r is None else float(r) for r in event["returns"]])
        else:
            self._other(kind, event)
        if self.progress is not None:
            self.progress(self.stage, self.step, found)
        return True

    def _other(self, kind: str, event: dict[str, Any]) -> None:
        found = self.found
        if kind == "opened":
            found.env = str(event.get("id") or found.env)
        elif kind == "begun":
            found.learner, found.settings = event["learner"], event["settings"]
            found.asked_steps = int(event["settings"]["steps"])
            found.target, found.target_source = event["target"], event["target_source"]
            found.notes, found.versions = event["notes"], event["versions"]
        elif kind == "random":
            found.random = [float(r) for r in event["returns"]]
        elif kind == "problem":
            found.problem = event["sentence"]
        elif kind == "done":
            found.final, found.done_steps = event["final"], event["done_steps"]
            found.cpu_s, found.env_steps = event["cpu_s"], event["env_steps"]

    def _hung(self, what: str, seconds: float) -> None:
        """Asks the child where it stands, and says that it did not come back."""
        self.found.problem = f"{what} did not come back within {seconds:.0f} s{self.standing()}"

    def conclude(self, code: int | None) -> None:
        """A sentence where there is no result and no other reason."""
        found = self.found
        if found.problem or found.complete:
            return
        if code in (0, None):
            found.problem = "no episode of the last evaluation ended"
            return
        last = self.tail(2000).strip().splitlines()[-1:] or ["no output"]
        how = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"
        found.problem = f"the environment's process {how} while {self.stage}: {last[0][:200]}"
