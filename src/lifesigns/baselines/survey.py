"""Runs the child of `lifesigns env` within a time limit and collects what it reports.

The environment is the user's code: it may hang, crash, print or exit. The child is killed when a single call does
not come back, and what was measured until then is kept.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from lifesigns.baselines.listening import Listener, end
from lifesigns.planner.ladder import Ladder, Rung, rung_from_json
from lifesigns.planner.properties import Properties, Property

START = Path(__file__).with_name("start.py")
OPEN_S, HANG_S = 60.0, 10.0
"""Longest opening; longest single `reset` or `step`."""
STUCK_S = 2.0
"""A call that has been running for so long when the budget is over is what used it up."""
LATE_S, START_S = 5.0, 2.0
"""How much later than asked the child may end before it is killed; kept back of a budget for starting it."""


@dataclass
class Survey:
    """What was found out about an environment, and what went wrong on the way."""

    name: str
    about: dict[str, Any] = field(default_factory=dict[str, Any])
    ladder: Ladder = field(default_factory=Ladder)
    properties: Properties = field(default_factory=Properties)
    problem: str = ""
    """Why nothing could be measured, in a sentence; empty otherwise."""
    contract: list[str] = field(default_factory=list[str])
    crashes: list[str] = field(default_factory=list[str])
    sweep: dict[str, float] = field(default_factory=dict[str, float])
    sweep_steps: int = 0
    films: dict[str, str] = field(default_factory=dict[str, str])
    no_film: str = ""
    learner: dict[str, float] = field(default_factory=dict[str, float])
    """Algorithm → environment steps per CPU-second that a learner takes in."""
    target: float | None = None
    target_source: str = ""
    wall_s: float = 0.0
    cpu_s: float = 0.0
    env_steps: int = 0
    complete: bool = False


Progress = Callable[[str, int, float], None]
"""(stage, environment steps so far, seconds since the start)"""


def survey(
    name: str,
    seconds: float,
    progress: Progress | None = None,
    python: str = "",
    cwd: str | None = None,
    late_s: float = 0.0,
    **options: Any,
) -> Survey:
    """Measures the environment `name` in a child process within `seconds`.

    `options` go to the child: kwargs, target, seed, restore, contract, path; `spec` (id, entry_point, kwargs,
    max_episode_steps) in place of a name that can be opened, and `quick`, for the stages alone that place a run. With
    `late_s` the
    child is ended that much after `seconds` whatever it does, opening included. Raises OSError where the interpreter
    cannot be started.
    """
    found = Survey(name)
    started = time.monotonic()
    kept = 0.5 if late_s else START_S
    request = {"env": name, "until": time.time() + max(seconds - kept, 0.6 * seconds), **options}
    request.setdefault("path", [os.getcwd()])
    with tempfile.TemporaryFile() as err:
        child = subprocess.Popen(
            [python or sys.executable, str(START), json.dumps(request, default=list)],
            stdout=subprocess.PIPE,
            stderr=err,
            stdin=subprocess.DEVNULL,
            env=_surroundings(),
            cwd=cwd,
            start_new_session=True,
        )
        watch = _Watch(found, child, err, started, seconds + (late_s or LATE_S), progress)
        watch.strict = bool(late_s)
        try:
            watch.run()
        finally:
            end(child)
        found.wall_s = time.monotonic() - started
        watch.conclude(child.returncode, bool(options.get("contract")))
    return found


def _surroundings() -> Mapping[str, str]:
    """The child's environment variables: one thread, no window."""
    quiet = {"SDL_VIDEODRIVER": "dummy", "PYGAME_HIDE_SUPPORT_PROMPT": "1"}
    return {"OMP_NUM_THREADS": "1", "MUJOCO_GL": "egl", **quiet, **os.environ}


class _Watch(Listener):
    """Keeps what the events say, and watches the budget."""

    def __init__(
        self,
        found: Survey,
        child: subprocess.Popen[bytes],
        err: BinaryIO,
        started: float,
        limit: float,
        progress: Progress | None,
    ) -> None:
        super().__init__(child, err)
        self.found = found
        self.started, self.limit, self.progress = started, limit, progress
        self.strict = False
        """Whether opening the environment gets no more time than the rest."""
        self.inside = ("", 0.0)
        """The call of the environment that was running at the last beat, and for how many seconds."""
        self.rungs: list[Rung] = []
        self.rows: list[Property] = []

    def take(self, line: bytes) -> bool:
        """Takes in one event; false where the child must be ended."""
        try:
            event = json.loads(line)
        except ValueError:
            return True
        kind = event.pop("event", "")
        if kind == "stage":
            self.stage = event["name"]
        elif kind == "beat":
            self.found.env_steps, self.found.cpu_s = event["steps"], event["cpu_s"]
            self.inside = (event["doing"], event["inside_s"])
            if event["inside_s"] > (OPEN_S if self.stage == "opening" else HANG_S):
                self._hung(f"`{event['doing']}`")
                return False
        elif kind in ("rung", "property"):
            self.rungs += [rung_from_json(event)] if kind == "rung" else []
            self.rows += [Property(event["name"], event["value"], event["text"])] if kind == "property" else []
        else:
            self._other(kind, event)
        if self.progress is not None:
            self.progress(self.stage, self.found.env_steps, time.monotonic() - self.started)
        return True

    def _other(self, kind: str, event: dict[str, Any]) -> None:
        found = self.found
        if kind == "opened":
            found.about = event
        elif kind == "contract":
            found.contract = event["broken"]
        elif kind == "crash":
            found.crashes.append(f"{event['stage']}: {event['sentence']} at {event['where']}")
        elif kind == "problem":
            found.problem = event["sentence"]
        elif kind == "extra":
            found.sweep = event.get("sweep", found.sweep)
            found.sweep_steps = event.get("sweep_steps", found.sweep_steps)
            found.films |= event.get("films", {})
            found.no_film = event.get("no_film", found.no_film)
            found.learner |= event.get("learner", {})
        elif kind == "target":
            found.target, found.target_source = event["target"], event["source"]
        elif kind == "done":
            found.complete, found.env_steps, found.cpu_s = True, event["steps"], event["cpu_s"]

    def late(self) -> bool:
        now = time.monotonic()
        silent = OPEN_S if self.stage in ("starting", "opening") else HANG_S
        if now - self.last > silent:
            self._hung("a call" if self.stage not in ("starting", "opening") else "opening the environment")
            return True
        opening = self.stage in ("starting", "opening") and not self.strict
        if now - self.started > max(self.limit, OPEN_S if opening else 0.0):
            doing, for_s = self.inside
            if for_s >= STUCK_S:
                self._hung(f"`{doing}`", for_s)
            else:
                self.found.crashes.append(f"{self.stage}: stopped, the budget was over")
            return True
        return False

    def _hung(self, what: str, seconds: float = 0.0) -> None:
        """Asks the child where it stands, and says that it did not come back."""
        seconds = seconds or (OPEN_S if self.stage in ("starting", "opening") else HANG_S)
        sentence = f"{what} did not come back within {seconds:.0f} s{self.standing()}"
        self.found.crashes.append(f"{self.stage}: {sentence}")

    def conclude(self, code: int, contract_only: bool = False) -> None:
        """The ladder and the properties; a sentence where there are none and more than the contract was asked for."""
        found = self.found
        found.ladder, found.properties = Ladder(tuple(self.rungs)), Properties(tuple(self.rows))
        if found.problem or found.complete or any(r.returns for r in self.rungs):
            return
        if found.crashes:
            found.problem = found.crashes[0].partition(": ")[2]
        elif found.contract and "contract" in self.stage and code == 0:
            if contract_only:
                return
            found.problem = found.contract[0]
        elif code not in (0, None):
            last = self.tail(2000).strip().splitlines()[-1:] or ["no output"]
            how = f"was killed by {_signal(-code)}" if code < 0 else f"ended with status {code}"
            found.problem = f"the environment's process {how} while {self.stage}: {last[0][:200]}"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
