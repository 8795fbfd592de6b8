"""Whether a policy's output means the same action when it is executed, stored, and shown to a critic.

Flows in: an undyed run, and one in which the policy's output was moved once while acting. Flows out: three scales.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lifesigns.paired import origin, readings
from lifesigns.paired.experiments import Blind, Facts, Lab
from lifesigns.paired.plan import Plan
from lifesigns.paired.runlog import GRAD

MOVED = 0.05
"""Added to one output of a policy, towards 0, while acting; small beside bounds of 1."""
EXACT = 1e-3
"""Relative distance from a straight line, and of two scales from each other, that float32 rounding explains; assumed.
"""


def acting_call(plan: Plan) -> tuple[int, float]:
    """(the first call for acting of a trained policy that puts out one action of a box, how its output is to be moved);
    -1 for none."""
    for call in sorted(plan.acting_calls):
        value = plan.log.value(call)
        if _is_policy(plan, call) and value is not None:
            return call, -MOVED if value.reshape(-1)[0] > 0 else MOVED
    return -1, 0.0


def _is_policy(plan: Plan, call: int) -> bool:
    space = plan.name_of(plan.train_parts[0]).get("action") or {}
    size = math.prod(space.get("shape") or [0])
    whole = "[" not in plan.log.name(call) and plan.log.shapes[call][-1:] == (size,)
    return space.get("type") == "Box" and whole and plan.label(call) in plan.trained


def of_policy(lab: Lab, facts: Facts, stored_by_executed: list[float] | None) -> None:
    """`scales`: what one unit of the policy's output is when executed, in memory beside it, and in what a critic is
    shown of the policy; of the first dimension in which all three are straight lines."""
    plan = lab.plan("natural")
    rated = shown_to_critic(plan)
    if "act-moved" not in lab.asked() or rated is None or stored_by_executed is None:
        return
    record, shown = rated
    try:
        executed = _executed(lab)
    except Blind:
        return
    for by_output, one, stored in zip(executed, shown, stored_by_executed, strict=False):
        if not (by_output and one and stored) or not np.isfinite([by_output, one, stored]).all():
            continue
        facts.data["scales"] = {"executed": by_output, "stored": by_output * stored, "rated": one}
        facts.data["rated_line"] = origin.place(plan.log.site(record))
        return


def _executed(lab: Lab) -> list[float]:
    """What the first action that answers moved by, for each unit that the policy's output was moved; one for each
    dimension."""
    stain = lab.stain("natural", "act-moved")
    _, by = acting_call(lab.plan("natural"))
    first = next((i for i in stain.of_kind("action")), -1)
    change = stain.delta(first) if first >= 0 else None
    return [] if change is None else (change.reshape(-1) / by).tolist()


def shown_to_critic(plan: Plan) -> tuple[int, list[float]] | None:
    """(record of what a critic was given, slope of its action over the policy's output for each dimension) of the first
    update whose critic is given the policy's own action; NaN where that is no straight line."""
    log, dims = plan.log, plan.dims
    acting = {plan.label(c) for c in plan.acting_calls if _is_policy(plan, c)}
    for grad in plan.grads[:8]:
        for i, rows in readings.rows_of(plan, grad):
            if rows.shape[1] <= dims or log.name(i) in acting:
                continue
            behind = {a for p in log.parents[i] if p >= 0 and log.rows[p, GRAD] for a in (p, *plan.ancestors(p, 60))}
            calls = [c for c in behind if log.kind(c) == "call" and plan.label(c) in acting and log.rows[c, GRAD]]
            out = log.value(calls[0]) if len(calls) == 1 else None
            if out is not None and out.shape == (len(rows), rows.shape[1] - dims):
                return i, [slope(out[:, k], rows[:, dims + k]) for k in range(out.shape[1])]
    return None


def near(a: float, b: float) -> bool:
    """Whether two scales are the same up to rounding."""
    return abs(a - b) <= EXACT * max(abs(a), abs(b))


def slope(x: Any, y: Any) -> float:
    """The slope of the straight line through all points (x, y); NaN where there is none."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    low, high = int(x.argmin()), int(x.argmax())
    if x[high] - x[low] < 1e-6:
        return float("nan")
    found = (y[high] - y[low]) / (x[high] - x[low])
    off = np.abs(y - y[low] - found * (x - x[low]))
    return float(found) if np.all(off <= EXACT * (x[high] - x[low]) * abs(found) + 1e-6) else float("nan")
