"""The main job: run an unmodified script under the recorder, evaluate every rule, return a diagnosis.

Flows in: a script and its arguments, or a run folder. Flows out: the diagnosis, its trace, how the script ended.
Used by the doors (cli, later mcp); prints nothing but the live status line.
"""

from __future__ import annotations

import os
import platform
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from lifesigns import __version__
from lifesigns.baselines import placing as ladders
from lifesigns.baselines.measure import measure
from lifesigns.diagnose import diagnose
from lifesigns.lints import script as reading
from lifesigns.live import RUNNING, Live, StopOn, Watching, clock
from lifesigns.model import Diagnosis, Placing, Subject, Trace
from lifesigns.model.roles import with_roles
from lifesigns.model.trace import DYES_ONLY
from lifesigns.paired import outcome as paired_outcome
from lifesigns.paired.experiments import Facts
from lifesigns.paired.runner import Target
from lifesigns.paired.tracing import Traced, trace
from lifesigns.record.launch import Child, Ending, python_command
from lifesigns.rules import Rule, all_rules, run_rules
from lifesigns.status_line import StatusLine
from lifesigns.store import RunFolder, TraceError, load_run, new_run_folder, runs_home, save_part, save_series

BASELINE_S = 4.0
SEARCH_RESERVE_S = 3.0
"""Kept back from a budget after the search for other methods."""
RESERVE_S = 10.0
"""Kept back from a budget for ending the child, the baselines, the search for other methods and the rules."""
UNFINISHED = "not read within the budget"
RUN_SHARE = 0.65
"""Of a budget, after which the recorded run is stopped for the sake of dyes that are not through; assumed: a few more
seconds of returns say less than an exact answer does."""
DYE_RESERVE_S, DYE_NICE = 4.0, 5
"""Kept back from a budget for reading the last dyes; the recorded run goes before the dyed ones."""


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
    dyes: bool = False
    stop_on: Sequence[StopOn] = ()


@dataclass
class Result:
    """A diagnosis with the trace it is of, and how the script ended (None for a saved run)."""

    folder: RunFolder
    trace: Trace
    diagnosis: Diagnosis
    ending: Ending | None = None
    baseline_missing: str = ""
    stopped_on: str = ""


def run(request: Request) -> Result:
    """Runs the script (to its end, or for `budget_s` less a reserve) and diagnoses what was recorded.

    Raises TraceError where no run folder can be made, OSError where the interpreter cannot be started.
    """
    started = time.monotonic()
    folder = new_run_folder(request.script, request.home)
    command = python_command(request.python, request.script, request.arguments, module=request.module)
    meta = _meta(request, folder, command)
    folder.write_meta(meta)
    _read(folder, request)
    line = request.status or StatusLine(sys.stderr.buffer, False)
    dyes = _Dyes(request, started) if request.dyes and request.budget_s is not None else None
    live = Live(folder, request.stop_on)
    limit = None if request.budget_s is None else max(request.budget_s - RESERVE_S, 0.6 * request.budget_s)
    child = Child(
        command,
        folder,
        line.wrap(request.out) if request.out else None,
        line.wrap(request.err) if request.err else None,
        own_group=request.budget_s is not None,
        deadline_s=limit,
        env={**os.environ, **({"LIFESIGNS_CLOSELY": "1"} if request.budget_s is not None else {})},
    )
    watching = Watching(live, request.budget_s, line)

    def each_second(wall_s: float) -> bool:
        return watching.update(wall_s) or (dyes is not None and dyes.need_both_cores(wall_s))

    ending = child.run(each_second)
    meta.update(ending.about(), wall_s=ending.wall_s, stopped_on=live.stopped_on)
    folder.write_meta(meta)
    line.show("lifesigns: measuring random actions and other methods, evaluating rules …")
    search = _Search(folder, request, started)
    left = (
        BASELINE_S if request.budget_s is None else min(BASELINE_S, request.budget_s - (time.monotonic() - started) - 3)
    )
    missing = _baseline(folder, request, left)
    search.finish()
    if dyes is not None:
        meta["dyes"] = dyes.finish(folder, line)
        folder.write_meta(meta)
    return replace(_result(folder, request, meta, line, ending, missing), stopped_on=live.stopped_on)


def _result(
    folder: RunFolder,
    request: Request,
    meta: dict[str, Any],
    line: StatusLine,
    ending: Ending | None = None,
    missing: str = "",
) -> Result:
    found = with_roles(load_run(folder.path))
    diagnosis = placed(
        diagnose(found, _rules(found), str(folder.path) if request.home else folder.path.name), found, folder
    )
    folder.write_meta({**meta, "summary": summary(diagnosis)})
    line.clear()
    return Result(folder, found, diagnosis, ending, missing)


def dye(request: Request, cores: int = 2) -> Result:
    """Traces the script with dyes within `budget_s` and diagnoses what they showed; the run holds nothing else.

    Raises TraceError where no run folder can be made, OSError where the interpreter cannot be started.
    """
    folder = new_run_folder(request.script, request.home)
    meta = _meta(
        request, folder, python_command(request.python, request.script, request.arguments, module=request.module)
    )
    folder.write_meta(meta)
    line = request.status or StatusLine(sys.stderr.buffer, False)
    seconds = request.budget_s or 90.0
    started = time.monotonic()

    def progress(name: str, done: int, of: int) -> None:
        line.show(
            f"lifesigns dye {clock(time.monotonic() - started)} of {clock(seconds)} · {done} of {of} dyes · {name}"
        )

    traced = trace(_target(request), seconds, cores, progress, suspect_dyes)
    meta.update(ended=DYES_ONLY, wall_s=traced.wall_s, exit_status=0, dyes=_about(traced))
    folder.write_meta(meta)
    paired_outcome.save(folder.dyes_file, traced.facts, os.getcwd())
    return _result(folder, request, meta, line)


def suspect_dyes(facts: list[Facts]) -> set[str]:
    """Names of the dyes about which a rule has a finding."""
    found = paired_outcome.add_to(Trace(), facts, os.getcwd())
    verdicts = run_rules([r for r in all_rules() if r.per == "dye"], found)
    return {found.subjects[f.subject].name for v in verdicts for f in v.findings}


def _target(request: Request) -> Target:
    return Target(request.script, tuple(request.arguments), request.module, request.python)


def _about(traced: Traced) -> dict[str, Any]:
    return {"wall_s": traced.wall_s, "runs": traced.runs, "planted": sum(not f.data.get("blind") for f in traced.facts)}


class _Dyes:
    """Dye tracing beside the recorded run, on what the machine has left, until the budget is over."""

    def __init__(self, request: Request, started: float) -> None:
        assert request.budget_s is not None
        self._budget_s = request.budget_s
        self._until = started + request.budget_s - DYE_RESERVE_S
        self._traced: Traced | None = None
        self._so_far: list[Facts] = []
        self._error = ""
        self._doing = ("", 0, 1)
        self._thread = threading.Thread(target=self._trace, args=(request,), daemon=True, name="lifesigns-dyes")
        self._thread.start()

    def _trace(self, request: Request) -> None:
        try:
            left = self._until - time.monotonic()
            self._traced = trace(
                _target(request), left, 2, self._progress, suspect_dyes, nice=DYE_NICE, so_far=self._so_far
            )
        except Exception as error:
            self._error = f"{type(error).__name__}: {error}"

    def need_both_cores(self, wall_s: float) -> bool:
        """Whether the recorded run has had its part of the budget and not all dyes have been read."""
        return wall_s >= RUN_SHARE * self._budget_s and self._thread.is_alive()

    def _progress(self, name: str, done: int, of: int) -> None:
        self._doing = (name, done, of)

    def finish(self, folder: RunFolder, line: StatusLine) -> dict[str, Any]:
        """Waits for the rest, until the budget is over; saves what was found."""
        while self._thread.is_alive() and time.monotonic() < self._until + DYE_RESERVE_S / 2:
            self._thread.join(0.2)
            name, done, of = self._doing
            line.show(
                f"lifesigns: planting dyes · {done} of {of} · {name} · "
                f"{clock(max(self._until - time.monotonic(), 0))} left"
            )
        if nothing_recorded(load_run(folder.path)):
            return {"error": "the script trained nothing that could be recorded"}
        traced = self._traced
        if traced is None and self._error:
            return {"error": self._error}
        if traced is None:  # what has been read counts; its lines may still be looked for
            traced = Traced([Facts(f.dye, dict(f.data), dict(f.series), f.site) for f in self._so_far])
        paired_outcome.save(folder.dyes_file, traced.facts, os.getcwd())
        return {**_about(traced), **({} if self._traced else {"error": f"{UNFINISHED} of {clock(self._budget_s)}"})}


def saved(path: Path, roles: Mapping[str, str] | None = None) -> Result:
    """Diagnoses a saved run; needs neither torch nor gymnasium. `roles` as for `with_roles`. Raises TraceError."""
    try:
        found = with_roles(load_run(path), roles)
    except ValueError as error:
        raise TraceError(str(error)) from error
    folder = RunFolder.open(path)
    return Result(folder, found, placed(diagnose(found, _rules(found), folder.path.name), found, folder))


def _rules(found: Trace) -> list[Rule] | None:
    """Those of dyes alone for a run that holds nothing else; None for all."""
    return [r for r in all_rules() if r.per == "dye"] if found.dyes_alone else None


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


def _read(folder: RunFolder, request: Request) -> None:
    """What static rules say of the script, into the run's folder; a failure here never stops a run."""
    try:
        path = reading.script_path(request.script, module=request.module, cwd=os.getcwd())
        if path is not None:
            found = reading.events(reading.read_script(path, os.getcwd()), os.getcwd())
            save_part(folder.lint_file, [Subject("run", "run", "run")], found, ())
    except (OSError, ValueError, RecursionError):
        return


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
        "pid": os.getpid(),
        "ended": RUNNING,
    }


class _Search:
    """Linear policies and planners of the run's environment, searched beside the play of random actions.

    What it finds lies in the run's folder; it never fails the run.
    """

    def __init__(self, folder: RunFolder, request: Request, started: float) -> None:
        left = ladders.SEARCH_S
        if request.budget_s is not None:
            left = min(left, request.budget_s - (time.monotonic() - started) - SEARCH_RESERVE_S)
        self._left = left
        self._thread = threading.Thread(
            target=self._search, args=(folder, request), daemon=True, name="lifesigns-ladder"
        )
        self._thread.start()

    def _search(self, folder: RunFolder, request: Request) -> None:
        try:
            trace = load_run(folder.path)
            home = (request.home or runs_home()) / ladders.LADDERS
            path = _search_path(request.script, os.getcwd())
            found = ladders.searched(trace, home, request.python, os.getcwd(), path, self._left)
            if ladders.trained_env(trace) is not None:
                ladders.write(folder.path / ladders.LADDER, found, 0.0)
        except (TraceError, OSError, ValueError):
            return

    def finish(self) -> None:
        self._thread.join(max(self._left, 0.0) + SEARCH_RESERVE_S / 2)


def _search_path(script: str, cwd: str) -> list[str]:
    """Where the user's own modules lie."""
    return [str(Path(cwd, script).parent), cwd]


def placed(diagnosis: Diagnosis, trace: Trace, folder: RunFolder) -> Diagnosis:
    """The diagnosis with the run's place on the ladder, from its folder or from an earlier search beside the runs."""
    try:
        file, found = folder.path / ladders.LADDER, ladders.Beside()
        spec = ladders.spec_of(trace)
        if file.is_file():
            found, _ = ladders.read(file)
        if spec is not None and not found.rungs:
            cwd = str(trace.meta.get("cwd") or os.getcwd())
            name = ladders.key(spec, _search_path(str(trace.meta.get("script") or ""), cwd))
            kept, _ = ladders.read(folder.path.parent.parent / ladders.LADDERS / name)
            found = kept if kept.rungs else found
        return replace(diagnosis, placing=ladders.placing(trace, found))
    except Exception as error:
        why = f"Cannot be placed on the ladder: {type(error).__name__}: {error}"
        return replace(diagnosis, placing=Placing(why))
