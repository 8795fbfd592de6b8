"""How much of a run was seen, and by how many checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from lifesigns.model import Trace, Verdict
from lifesigns.stats.samples import finite

BAND, BELOW = "return-within-random-band", "return-below-random"
"""The rules that set the returns against those of random actions."""


def against_random(verdicts: Sequence[Verdict]) -> str:
    """Where the recent returns stand: above random, indistinguishable, worse than random, or not measured."""
    status = {v.rule: v.status for v in verdicts}
    if status.get(BELOW) == "fired":
        return "worse than random"
    if status.get(BAND) == "fired":
        return "indistinguishable from random"
    return "above random" if status.get(BAND) == status.get(BELOW) == "clear" else "not measured"


def coverage_of(trace: Trace, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Counts of verdicts, extent of the run in each clock, how it ended, the recorder's health and cost."""
    counts = Counter(v.status for v in verdicts)
    ended = trace.meta.get("ended")
    return {
        "checks": len(verdicts),
        **{status: counts.get(status, 0) for status in ("fired", "clear", "blind", "crashed")},
        "return_against_random": against_random(verdicts),
        "env_steps": _last(trace, "run.env_steps") or _furthest(trace, "env_step"),
        "updates": _last(trace, "run.updates") or _furthest(trace, "update"),
        "episodes": _last(trace, "run.episodes") or _episodes(trace),
        "wall_s": _number(trace.meta.get("wall_s", trace.health.get("wall_s"))),
        "ended": ended,
        "stopped_early": trace.cut_short or ended == "crashed",
        "own_share": _number(trace.health.get("own_share", _last(trace, "run.own_share"))),
        "health": dict(trace.health),
    }


def _number(value: Any) -> float | None:
    """What `run.json` and the trace say may be of any type."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _last(trace: Trace, name: str) -> float | None:
    values = [finite(s.y) for s in trace.named(name)]
    return max((float(v[-1]) for v in values if len(v)), default=None)


def _furthest(trace: Trace, clock: str) -> float | None:
    ends = [float(np.max(f)) for s in trace.series if s.clock == clock and len(f := finite(s.x))]
    return max(ends, default=None)


def _episodes(trace: Trace) -> float | None:
    seen = [
        len(s)
        for s in trace.named("env.episode_return")
        if (one := trace.subjects.get(s.subject)) is None or one.info.get("role") != "eval"
    ]
    return float(sum(seen)) if seen else None
