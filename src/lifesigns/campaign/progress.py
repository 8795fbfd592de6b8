"""One display of a whole campaign on a terminal: a bar for each run in progress, one for all of them, failures, ETA."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from statistics import median
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from lifesigns.campaign.driver import State
from lifesigns.campaign.engine import Attempt
from lifesigns.campaign.plan import Plan
from lifesigns.store import TraceError, TraceReader

TOTAL = re.compile(r"^--?(total|num|max|n|train)[-_]?(env[-_]?)?(time)?steps$|^--?(total[-_]timesteps|steps)$")
LOOK_S = 1.0


class Display:
    """A context manager; `show` is called by the driver. Draws nothing where standard error is no terminal."""

    def __init__(self, plan: Plan, jobs: int, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[note]}", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._jobs = jobs
        self._all: TaskID | None = None
        self._bars: dict[str, TaskID] = {}
        self._readers: dict[str, TraceReader] = {}
        self._total = told_total(plan.arguments)
        self._told = self._total is not None
        self._measured: list[float] = []
        self._looked = 0.0

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def show(self, state: State) -> None:
        """Draws the state, at most once a second."""
        now = time.monotonic()
        if self._progress.disable or now - self._looked < LOOK_S:
            return
        self._looked = now
        if self._all is None:
            self._all = self._progress.add_task("all runs", total=len(state.jobs), note="")
        self._progress.update(self._all, completed=len(state.results), note=overall(state, self._jobs))
        for key in [k for k in self._bars if k not in state.running]:
            self._ended(key, state)
        for key, (attempt, _) in state.running.items():
            if key not in self._bars:
                self._bars[key] = self._progress.add_task(key[:36], total=self._total, note="")
            steps = self._steps(key, attempt)
            if steps:
                self._progress.update(self._bars[key], completed=steps, total=self._total, note=f"{steps:,.0f} steps")

    def _ended(self, key: str, state: State) -> None:
        """Takes a bar away; a run that finished tells how many steps the others will have."""
        self._progress.remove_task(self._bars.pop(key))
        reader = self._readers.pop(key, None)
        if reader is not None and state.results.get(key, {}).get("ended") == "finished":
            self._measured.append(self._read(reader))
        if not self._told and self._measured and median(self._measured) > 0:
            self._total = median(self._measured)

    def _steps(self, key: str, attempt: Attempt) -> float:
        """Environment steps (or updates) of a run in progress, from its growing trace."""
        reader = self._readers.setdefault(key, TraceReader(attempt.folder / "trace.lst"))
        return self._read(reader)

    def _read(self, reader: TraceReader) -> float:
        try:
            reader.poll()
            health = reader.trace().health
        except (TraceError, OSError):
            return 0.0
        return float(health.get("env_steps") or health.get("updates") or 0)


def told_total(arguments: Sequence[str]) -> float | None:
    """The steps that the script's arguments ask for (`--total-timesteps 20000`); None where they do not say."""
    for i, token in enumerate(arguments):
        name, _, value = token.partition("=")
        text = value or (arguments[i + 1] if i + 1 < len(arguments) else "")
        if TOTAL.match(name):
            try:
                return float(text.replace("_", ""))
            except ValueError:
                continue
    return None


def overall(state: State, jobs: int) -> str:
    """`12 of 20 · 1 crashed · about 3 min left`."""
    done = len(state.results)
    parts = [f"{done} of {len(state.jobs)}"]
    parts += [f"{count} {how}" for how, count in counts(state.results).items() if how != "finished"]
    if state.retried:
        parts.append(f"{state.retried} retried")
    left = eta_s(state, jobs)
    if left is not None:
        parts.append(f"about {clock(left)} left")
    return " · ".join(parts)


def counts(results: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """How many runs ended in each way."""
    found: dict[str, int] = {}
    for result in results.values():
        how = str(result.get("ended"))
        found[how] = found.get(how, 0) + 1
    return found


def eta_s(state: State, jobs: int) -> float | None:
    """Seconds left, from the median run and what those in progress have behind them; None before the first end."""
    walls = [float(r["wall_s"]) for r in state.results.values() if r.get("wall_s")]
    if not walls:
        return None
    typical = median(walls)
    now = time.monotonic()
    begun = [max(typical - (now - since), 0.0) for _, since in state.running.values()]
    waiting = len(state.jobs) - len(state.results) - len(state.running)
    return (sum(begun) + waiting * typical) / max(min(jobs, len(begun) + waiting), 1)


def clock(seconds: float) -> str:
    """`45 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
