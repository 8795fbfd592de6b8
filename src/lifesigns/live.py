"""A run while it is being recorded: its trace read as it grows, a status text, the rules looked at now and then."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lifesigns.diagnose import diagnose
from lifesigns.diagnose.causes import BY_ID
from lifesigns.model import Diagnosis, Finding, Trace
from lifesigns.model.roles import with_roles
from lifesigns.rules import all_rules
from lifesigns.status_line import StatusLine
from lifesigns.store import RunFolder, TraceError, TraceReader

FIRST_LOOK_S, LOOK_EVERY, LOOK_EVERY_BESIDE = 5.0, 20.0, 5.0
"""Rules are evaluated on a running trace from the first on, and again after 20 times what it took (5 times from another
terminal, which takes nothing from the run's own process)."""
LOOKS_TO_STOP = 2
"""looks in a row at which a cause must be as probable as asked for, so that one odd moment ends no run; assumed."""
STILL_S = 3.0
"""seconds without a new byte from a process that is gone until its run counts as killed."""
RUNNING = "running"


@dataclass(frozen=True)
class StopOn:
    """`CAUSE>=PROBABILITY`: end the run once a cause is that probable."""

    cause: str
    probability: float

    @classmethod
    def parse(cls, text: str) -> StopOn:
        """Reads `learning-rate-too-high>=0.95`. Raises ValueError with a sentence."""
        match = re.fullmatch(r"\s*([\w-]+)\s*>=\s*(\d*\.?\d+)\s*(%?)\s*", text)
        if match is None:
            raise ValueError(f"expected CAUSE>=PROBABILITY such as `learning-rate-too-high>=0.95`, got `{text}`")
        cause, probability = match.group(1), float(match.group(2)) / (100 if match.group(3) else 1)
        if cause not in BY_ID:
            import difflib

            near = difflib.get_close_matches(cause, BY_ID, 1, 0.3)
            raise ValueError(f"no cause `{cause}`" + (f"; nearest is `{near[0]}`" if near else ""))
        if not 0.5 <= probability < 1:
            raise ValueError(
                f"expected a probability from 0.5 to below 1 for `{cause}`, got {match.group(2)}{match.group(3)}"
            )
        return cls(cause, probability)


@dataclass
class Live:
    """Follows one run's main trace."""

    folder: RunFolder
    stop_on: Sequence[StopOn] = ()
    look_every: float = LOOK_EVERY
    stopped_on: str = ""
    diagnosis: Diagnosis | None = None
    _reader: TraceReader | None = None
    _next_look: float = FIRST_LOOK_S
    _before: tuple[float, float] = (0.0, 0.0)
    _held: dict[StopOn, int] = field(default_factory=dict[StopOn, int])

    def trace(self) -> Trace | None:
        """What has been written so far; None where nothing can be read yet."""
        if self._reader is None and self.folder.trace_file.is_file():
            self._reader = TraceReader(self.folder.trace_file)
        if self._reader is None:
            return None
        try:
            self._reader.poll()
            return self._reader.trace()
        except (TraceError, OSError):
            return None

    def look(self, trace: Trace, wall_s: float, *, now: bool = False) -> Diagnosis | None:
        """Evaluates the rules if it is time (or `now`); None if it is not."""
        if wall_s < self._next_look and not now:
            return None
        rules = all_rules()
        started = time.monotonic()
        self.diagnosis = diagnose(with_roles(trace), rules)
        self._next_look = wall_s + max(FIRST_LOOK_S, self.look_every * (time.monotonic() - started))
        return self.diagnosis

    def must_stop(self, diagnosis: Diagnosis, wall_s: float) -> bool:
        """Whether a cause has been as probable as asked for at `LOOKS_TO_STOP` looks in a row; sets `stopped_on`."""
        odds = {c.cause: c for c in diagnosis.causes}
        for one in self.stop_on:
            found = odds.get(one.cause)
            held = found is not None and found.probability >= one.probability
            self._held[one] = self._held.get(one, 0) + 1 if held else 0
            if found is not None and self._held[one] >= LOOKS_TO_STOP:
                self.stopped_on = (
                    f"{one.cause} was {100 * found.probability:.0f} % probable at {clock(wall_s)} "
                    f"(asked for: {100 * one.probability:g} %)"
                )
                return True
        return False

    def text(self, trace: Trace, wall_s: float) -> str:
        """The run in one line: steps, episodes, return or loss, updates, what fired."""
        health = trace.health
        steps, updates = float(health.get("env_steps", 0)), float(health.get("updates", 0))
        rate = (steps - self._before[1]) / max(wall_s - self._before[0], 1e-9)
        self._before = (wall_s, steps)
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
        loud = sorted({f.code for f in self.diagnosis.findings if f.severity != "note"}) if self.diagnosis else []
        if loud:
            parts.append("fired: " + " ".join(loud))
        return " · ".join(parts)


@dataclass
class Watching:
    """The status line beside a run that we started, and when to end it."""

    live: Live
    budget_s: float | None
    line: StatusLine

    def update(self, wall_s: float) -> bool:
        """Called each second; True to stop the run. Costs nothing where no line is shown and nothing stops it."""
        if not (self.line.enabled or self.live.stop_on):
            return False
        text = f"lifesigns {clock(wall_s)}"
        if self.budget_s is not None:
            text += f" of {clock(self.budget_s)}"
        trace = self.live.trace()
        stop = False
        if trace is not None:
            looked = self.live.look(trace, wall_s)
            stop = looked is not None and self.live.must_stop(looked, wall_s)
            text += " · " + self.live.text(trace, wall_s)
        self.line.show(text)
        return stop


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def follow(
    folder: RunFolder,
    line: StatusLine,
    on_finding: Callable[[Finding, float], None],
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Follows a run that another process records until it ends; returns how (`killed` where its process is gone).

    `on_finding(finding, wall_s)` is called once for each rule and subject, as it fires.
    """
    live, told = Live(folder, look_every=LOOK_EVERY_BESIDE), set[tuple[str, str]]()
    size, still_since = -1, time.monotonic()

    def tell(found: Diagnosis, wall_s: float) -> None:
        for one in found.findings:
            if (one.code, one.subject) not in told:
                told.add((one.code, one.subject))
                on_finding(one, wall_s)

    while True:
        meta = folder.read_meta()
        over = meta.get("ended") != RUNNING
        wall_s = _since(meta)
        trace = live.trace()
        if trace is not None:
            looked = live.look(trace, wall_s, now=over)
            if looked is not None:
                tell(looked, wall_s)
            line.show(f"lifesigns {clock(wall_s)} · {live.text(trace, wall_s)}")
        if over:
            return str(meta.get("ended") or "unknown")
        written = folder.trace_file.stat().st_size if folder.trace_file.is_file() else 0
        if written != size:
            size, still_since = written, time.monotonic()
        if not is_alive(meta) and time.monotonic() - still_since > STILL_S:
            if trace is not None:
                tell(live.look(trace, wall_s, now=True) or diagnose(trace), wall_s)
            return "killed"
        sleep(1.0)


def is_alive(meta: dict[str, Any]) -> bool:
    """Whether the process that records a run still exists; True where that is not known."""
    pid = meta.get("pid")
    if not isinstance(pid, int) or pid <= 0:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _since(meta: dict[str, Any]) -> float:
    """Seconds since the run was started, or that it took."""
    if isinstance(wall := meta.get("wall_s"), (int, float)):
        return float(wall)
    try:
        started = datetime.fromisoformat(str(meta.get("started")))
        return max(0.0, (datetime.now(UTC) - started).total_seconds())
    except (ValueError, TypeError):
        return 0.0
