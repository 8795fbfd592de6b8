"""Where an importance ratio that is not 1 comes from: the line at which acting and learning part.

Flows in: the plan of an undyed run and a ratio's record. Flows out: places. Used by the reader of ratios.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lifesigns.paired.origin import MASKING, REORDERS, SAMPLES, calling, place
from lifesigns.paired.plan import Plan
from lifesigns.paired.runlog import GRAD, RunLog


def ratio_line(plan: Plan, ratio: int) -> dict[str, Any] | None:
    """Where the two log-probabilities of an importance ratio part: a new sample in the update, else an operation that
    swaps axes on the way of one of them, else None."""
    log = plan.log
    behind = sorted(plan.ancestors(ratio, 600))
    start, _ = plan.window(ratio)
    last_step = max((s.action for s in plan.training if s.action < ratio), default=-1)
    for i in behind:
        if i > max(start, last_step) and log.kind(i) == "op" and log.name(i) in SAMPLES:
            return calling(plan, log.site(i))
    swapped = [i for i in behind if log.kind(i) == "op" and log.name(i) in REORDERS and i > last_step]
    return place(log.site(swapped[0])) if swapped else None


def single(log: RunLog, ratio: int) -> dict[str, Any] | None:
    """Where one of the two log-probabilities of an importance ratio of several rows was made a single number."""
    difference = log.parents[ratio][0]
    parts = [p for p in log.parents[difference] if p >= 0 and not log.shapes[p] and log.kind(p) == "op"]
    return place(log.site(parts[0])) if parts and log.shapes[difference] else None


def parted_line(plan: Plan, start: int = -1) -> dict[str, Any] | None:
    """Where an update's networks first put out something else on an observation than they did when it was acted on
    (nothing learned in between): the call, or what its memory came from if that is the first call of its network; of a
    network with dropout, the line that made that.

    `start`: the last record of the rollout; -1 for that before the first update.
    """
    log = plan.log
    start = start if start >= 0 else max((s.action for s in plan.training if s.action < plan.first_grad), default=0)
    until = next((g for g in plan.grads if g > start), len(log))
    before = max((g for g in plan.grads if g < start), default=-1)
    acted: dict[tuple[str, bytes], list[Any]] = {}
    for call in sorted(c for c in plan.acting_calls if before < c < until):
        for row, out in _rows_of_call(plan, call):
            acted.setdefault((log.name(call), row), []).append(out)
    seen: set[str] = set()
    for call in [c for c in plan.update_calls if start < c < until and log.rows[c, GRAD]]:
        for row, out in _rows_of_call(plan, call):
            known = acted.get((log.name(call), row), [])
            if known and not any(np.all(np.abs(out - k) <= ALIKE * (1 + np.abs(k))) for k in known):
                fresh = None if log.name(call) in seen else _memory_line(plan, call, start)
                drawn = log.notes.get("drawing", {}).get(plan.label(call))
                return drawn or fresh or calling(plan, log.site(call))
        seen.add(log.name(call))
    return None


def _memory_line(plan: Plan, call: int, start: int) -> dict[str, Any] | None:
    """Where something else that a network was given beside its observations, at the first call of an update, came
    from: the operation that made it of nothing, or that took it out of what the rollout left."""
    log = plan.log
    given = plan.input_of(call)
    for one in log.parents[given][1:] if given >= 0 else ():
        while one > start and log.kind(one) == "op":
            before = next((p for p in log.parents[one] if p >= 0), -1)
            if before <= start:
                made = before if before >= 0 and log.name(before) in CONSTANTS else one
                return place(log.site(made)) if log.name(one) not in MASKING else None
            one = before
    return None


def _rows_of_call(plan: Plan, call: int) -> list[tuple[bytes, Any]]:
    """(bytes of the observation, output) of each row of a call [n, …] whose observations are known."""
    out, given = plan.log.value(call), plan.rows_given(call)
    if out is None or given is None or not out.ndim or len(out) != len(given):
        return []
    return [(row[: plan.dims].tobytes(), one) for row, one in zip(given, out, strict=True)]


CONSTANTS = frozenset(("zeros", "zeros_like", "ones", "ones_like", "full", "full_like", "new_zeros", "empty_like"))
ALIKE = 1e-4
"""relative difference of two outputs that rounding explains; assumed."""
