"""The main job: run an unmodified script under the recorder, evaluate every rule, return a diagnosis.

Flows in: a script and its arguments, or a run folder. Flows out: the diagnosis, its trace, how the script ended.
Used by the doors (cli, later mcp); prints nothing but the live status line.
"""

from __future__ import annotations

import os
import platform
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from lifesigns import __version__
from lifesigns.baselines.measure import measure
from lifesigns.diagnose import diagnose
from lifesigns.model import Diagnosis, Trace
from lifesigns.record.launch import Child, Ending, python_command
from lifesigns.status_line import StatusLine
from lifesigns.store import RunFolder, TraceError, TraceReader, load_run, new_run_folder, save_series

BASELINE_S = 4.0
RESERVE_S = 9.0
"""Kept back from a budget for ending the child, the baselines and the rules."""
FIRST_LOOK_S, LOOK_EVERY = 5.0, 20.0
"""Rules are evaluated on a running trace from the first on, and again after 20 times what it took."""


@dataclass
class Request:
    """What to run: a script (or module) with its arguments, and where its run is kept."""

    script: str
    arguments: Sequence[str] = ()
    module: bool = False
    python: str = ""
    home: Path | None = None
    budget_s: float | None = None
    out: BinaryIO | None = None
    err: BinaryIO | None = None
    status: StatusLine | None = None


@dataclass
class Result:
    """A diagnosis with the trace it is of, and how the script ended (None for a saved run)."""

    folder: RunFolder
    trace: Trace
    diagnosis: Diagnosis
    ending: Ending | None = None
    baseline_missing: str = ""


@dataclass
class _Live:
    """What the status line shows of a running trace."""

    folder: RunFolder
    budget_s: float | None
    line: StatusLine
    reader: TraceReader | None = None
    findings: list[str] = field(default_factory=list[str])
    next_look: float = FIRST_LOOK_S
    before: tuple[float, float] = (0.0, 0.0)

    def update(self, wall_s: float) -> bool:
        """Called each second; never stops the run. Costs nothing where no line is shown."""
        if not self.line.enabled:
            return False
        if self.reader is None and self.folder.trace_file.is_file():
            self.reader = TraceReader(self.folder.trace_file)
        text = f"lifesigns {_clock(wall_s)}"
        if self.budget_s is not None:
            text += f" of {_clock(self.budget_s)}"
        if self.reader is not None:
            try:
                self.reader.poll()
                text += self._of(self.reader.trace(), wall_s)
            except (TraceError, OSError):
                pass
        self.line.show(text)
        return False

    def _of(self, trace: Trace, wall_s: float) -> str:
        health = trace.health
        steps, updates = float(health.get("env_steps", 0)), float(health.get("updates", 0))
        rate = (steps - self.before[1]) / max(wall_s - self.before[0], 1e-9)
        self.before = (wall_s, steps)
        parts = (
            [f"{steps:,.0f} env steps ({max(rate, 0):,.0f}/s)", f"{health.get('episodes', 0):,} episodes"]
            if steps
            else []
        )
        returns = [s for s in trace.named("env.episode_return") if trace.subjects[s.subject].info.get("role") != "eval"]
        if returns:
            parts.append(f"return {returns[0].y[-20:].mean():.4g}")
        losses = trace.named("loss.value")
        if losses and not steps:
            parts.append(f"loss {losses[0].y[-1]:.4g}")
        parts.append(f"{updates:,.0f} updates")
        if wall_s >= self.next_look:
            started = time.monotonic()
            self.findings = sorted({f.code for f in diagnose(trace).findings if f.severity != "note"})
            self.next_look = wall_s + max(FIRST_LOOK_S, LOOK_EVERY * (time.monotonic() - started))
        if self.findings:
            parts.append("fired: " + " ".join(self.findings))
        return " · " + " · ".join(parts)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def run(request: Request) -> Result:
    """Runs the script (to its end, or for `budget_s` less a reserve) and diagnoses what was recorded.

    Raises TraceError where no run folder can be made, OSError where the interpreter cannot be started.
    """
    started = time.monotonic()
    folder = new_run_folder(request.script, request.home)
    command = python_command(request.python, request.script, request.arguments, module=request.module)
    meta = _meta(request, folder, command)
    folder.write_meta(meta)
    line = request.status or StatusLine(sys.stderr.buffer, False)
    live = _Live(folder, request.budget_s, line)
    limit = None if request.budget_s is None else max(request.budget_s - RESERVE_S, 0.6 * request.budget_s)
    child = Child(
        command,
        folder,
        line.wrap(request.out) if request.out else None,
        line.wrap(request.err) if request.err else None,
        own_group=request.budget_s is not None,
        deadline_s=limit,
    )
    ending = child.run(live.update)
    meta.update(_ended(ending), wall_s=ending.wall_s)
    folder.write_meta(meta)
    line.show("lifesigns: measuring random actions, evaluating rules …")
    left = (
        BASELINE_S if request.budget_s is None else min(BASELINE_S, request.budget_s - (time.monotonic() - started) - 3)
    )
    missing = _baseline(folder, request, left)
    trace = load_run(folder.path)
    diagnosis = diagnose(trace, run=str(folder.path) if request.home else folder.path.name)
    folder.write_meta({**meta, "summary": summary(diagnosis)})
    line.clear()
    return Result(folder, trace, diagnosis, ending, missing)


def saved(path: Path) -> Result:
    """Diagnoses a saved run; needs neither torch nor gymnasium. Raises TraceError."""
    trace = load_run(path)
    folder = RunFolder.open(path)
    return Result(folder, trace, diagnose(trace, run=folder.path.name))


def summary(diagnosis: Diagnosis) -> dict[str, Any]:
    """What `lifesigns runs` shows of a diagnosis."""
    top = diagnosis.causes[0] if diagnosis.causes else None
    return {
        "outcome": diagnosis.outcome.learning,
        "findings": sorted({f.code for f in diagnosis.findings}),
        "first": top.cause if top else "",
        "updates": diagnosis.coverage.get("updates"),
        "env_steps": diagnosis.coverage.get("env_steps"),
        "episodes": diagnosis.coverage.get("episodes"),
    }


def nothing_recorded(trace: Trace) -> bool:
    """Whether the run made no update, no backward call, no environment step and logged no number."""
    return not trace.series and not any(s.kind in ("optimizer", "env", "loss") for s in trace.subjects.values())


def _baseline(folder: RunFolder, request: Request, seconds: float) -> str:
    if seconds < 0.5:
        return "no time was left in the budget"
    try:
        trace = load_run(folder.path)
        path = [str(Path(request.script).absolute().parent), os.getcwd()]
        found, missing = measure(trace, request.python or sys.executable, os.getcwd(), path, seconds)
        if found:
            save_series(folder.baseline_file, found)
        return missing
    except (TraceError, OSError) as error:
        return str(error)


def _meta(request: Request, folder: RunFolder, command: Sequence[str]) -> dict[str, Any]:
    return {
        "run": folder.path.name,
        "script": request.script,
        "argv": list(request.arguments),
        "module": request.module,
        "command": list(command),
        "cwd": os.getcwd(),
        "python": platform.python_version(),
        "lifesigns": __version__,
        "platform": platform.platform(),
        "started": datetime.now(UTC).isoformat(),
        "budget_s": request.budget_s,
        "ended": "running",
    }


def _ended(ending: Ending) -> dict[str, Any]:
    code = ending.returncode
    if ending.stopped:
        how = "stopped early"
    elif code == -signal.SIGINT:
        how = "interrupted"
    elif code < 0:
        how = "killed"
    else:
        how = "crashed" if code else "finished"
    return {"exit_status": code, "ended": how, "exception": _last_line(ending) if how == "crashed" else ""}


def _last_line(ending: Ending) -> str:
    lines = ending.tail.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:500] if lines else ""
