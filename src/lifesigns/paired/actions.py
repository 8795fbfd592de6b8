"""Readings without a dye of what updates score: executed actions, and the first importance ratio."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifesigns.paired import options, origin, parting, readings, scales, wrapped
from lifesigns.paired.experiments import Blind, Facts, Lab
from lifesigns.paired.plan import Plan
from lifesigns.paired.runlog import GRAD, RunLog
from lifesigns.paired.targets import batches_of_next

OFF = 2e-4
"""distance of a ratio from 1 that rounding does not explain; assumed (batched and single calls differ by 1e-6)."""
FEW_OLD = 0.05
"""share of rows of an earlier rollout that observations which recur explain; assumed."""


def actions(lab: Lab, facts: Facts) -> None:
    """No dye: are the actions that an update picks by index those that were executed on the same observations?"""
    plan = lab.plan("natural")
    log = plan.log
    if len({len(o) for o in plan.acted_on.values()}) != 1:
        raise Blind("observations differ in size")
    if not plan.all_acted_on:
        raise Blind("wrappers change observations, and no network was called for some of the steps")
    dims = plan.dims
    executed = {(s.part, s.number): log.value(s.action) for s in plan.steps}
    scored: dict[tuple[int, int], Any] = {}
    right, wrong, apart = 0, 0, list[tuple[int, int]]()
    for grad in plan.grads[:64]:
        start, end = plan.window(grad)
        following = batches_of_next(plan, grad)
        for i in range(start, end):
            if log.kind(i) != "op" or log.name(i) != "gather" or not log.rows[i, GRAD] or len(log.parents[i]) < 2:
                continue
            index = log.value(log.parents[i][1]) if log.parents[i][1] >= 0 else None
            rows = _batch_behind(plan, log.parents[i][0], following)
            if index is None or rows is None or len(rows) != index.reshape(-1).size or rows.shape[1] < dims:
                continue
            for row, chosen in zip(rows, index.reshape(-1).tolist(), strict=True):
                owners = plan.observations.get(row[:dims].tobytes(), [])
                taken = {int(a.reshape(-1)[0]) for o in owners if (a := executed.get(o)) is not None and a.size == 1}
                if taken:
                    right += int(chosen) in taken
                    wrong += int(chosen) not in taken
                    if len(owners) == 1:
                        scored[owners[0]] = np.array([int(chosen)])
                    if int(chosen) not in taken:
                        facts.site = log.site(i)
                        facts.data["index"] = log.parents[i][1]
                        apart.append((min(taken), int(chosen)))
    if not right + wrong:
        right, wrong = _continuous(plan, executed, dims, facts, scored)
    if not right + wrong:
        raise Blind("no action in an update could be matched to an executed one")
    facts.data.update(right=right, wrong=wrong)
    proportion = facts.data.pop("stored_by_executed", None)
    if not wrong:
        scales.of_policy(lab, facts, proportion)
    index = facts.data.pop("index", -1)
    if wrong:
        line = (
            origin.narrowed(log, index, apart)
            or _changed_by_layer(plan)
            or _parted(plan, executed, scored)
            or _handed_on(plan, facts, index)
            or origin.calling(plan, facts.site)
        )
        facts.data.update({"line": line} if line else {})


def _layer_between(plan: Plan) -> wrapped.Layer | None:
    """The layer around the training environments that hands on other actions than it is given."""
    chosen = set(plan.train_parts)
    done = [plan.log.value(s.action) for s in plan.steps if s.part in chosen]
    return wrapped.acts_otherwise(plan.log, [a.reshape(-1).tolist() for a in done if a is not None])


def _changed_by_layer(plan: Plan) -> dict[str, Any] | None:
    """Its line."""
    layer = _layer_between(plan)
    return wrapped.action_line(layer) if layer is not None else None


def _handed_on(plan: Plan, facts: Facts, index: int) -> dict[str, Any] | None:
    """Where a library scores actions that lines of the user's hand to it: that line."""
    if index < 0 or not options.in_library(facts.site) or facts.site is None:
        return None
    at = origin.entered(plan.log, index)
    return at if at != {"file": facts.site.user_file, "line": facts.site.user_line} else None


def _parted(plan: Plan, executed: dict[tuple[int, int], Any], scored: dict[tuple[int, int], Any]) -> Any:
    """The line at which the executed action and the scored one part, where a line puts out one of them at each step."""
    own = {key: executed[key] for key in scored if executed.get(key) is not None}
    if not own:
        return None
    done, kept = origin.producer(plan, own), origin.producer(plan, scored)
    step = next((s for s in plan.training if (s.part, s.number) in own), None)
    at = origin.place(plan.log.site(step.action)) if step is not None else None
    if kept is not None and (done is None or done == at):
        return at
    return kept if done is not None else None


def _batch_behind(plan: Plan, record: int, following: set[int]) -> Any:
    """Rows [n, dims] that the network behind a record was given, if one network with rows of known observations was and
    they are not the observations that come next (in `following`)."""
    log = plan.log
    if record < 0:
        return None
    for i in sorted({record, *plan.ancestors(record, 200)}, reverse=True):
        if log.kind(i) == "input" and len(log.shapes[i]) >= 2:
            value = log.value(i)
            if value is None or value.dtype.kind not in "fiu":
                continue
            rows = value.astype(np.float32).reshape(value.shape[0], -1)
            dims = plan.dims
            if i not in following and rows.shape[1] >= dims and rows[0][:dims].tobytes() in plan.observations:
                return rows
    if log.kind(record) == "call":
        found = [i for i in plan.inputs_of(record) if log.kind(i) == "input" and i not in following]
        value = log.value(found[0]) if found else None
        return value.astype(np.float32).reshape(value.shape[0], -1) if value is not None and value.ndim > 1 else None
    return None


def _continuous(
    plan: Plan, executed: dict[tuple[int, int], Any], dims: int, facts: Facts, scored: dict[tuple[int, int], Any]
) -> tuple[int, int]:
    """Rows [observation, action] of networks: how many actions are the executed ones, as they are or scaled alike."""
    stored: list[Any] = []
    done: list[Any] = []
    seen = {plan.log.shapes[i][-1] for i in plan.acting_inputs if plan.log.shapes[i]}
    width = min(seen, default=dims)
    for grad in plan.grads[:20]:
        for i, rows in readings.rows_of(plan, grad):
            if any(p >= 0 and plan.log.rows[p, GRAD] for p in plan.log.parents[i]) or _own_action(plan, i):
                continue  # the policy's own action, to be improved
            for row in rows:
                owners = plan.observations.get(row[:dims].tobytes(), [])
                taken = executed.get(owners[0]) if len(owners) == 1 else None
                if taken is not None and taken.dtype.kind == "f" and rows.shape[1] == width + taken.size:
                    scored[owners[0]] = row[width:]
                    stored.append(row[width:].astype(np.float64))
                    done.append(taken.reshape(-1).astype(np.float64))
                    facts.site = plan.log.site(i)
    if len(stored) < 20:
        return 0, 0
    a, b = np.array(stored), np.array(done)
    facts.data["stored_by_executed"] = [scales.slope(b[:, k], a[:, k]) for k in range(a.shape[1])]
    fits, ends = np.ones(len(a), dtype=bool), _ends_in_layers(plan, a.shape[1])
    for k in range(a.shape[1]):
        fits &= _line_through(a[:, k], b[:, k]) | on_cut_line(a[:, k], b[:, k], ends[k])
    return int(fits.sum()), int((~fits).sum())


def _ends_in_layers(plan: Plan, dims: int) -> list[Any]:
    """(low, high) of each dimension of the training environments' own actions where a layer around them makes other
    actions of those it is given, None elsewhere: a layer that keeps to the bounds of what it wraps is in order."""
    bounds = (plan.name_of(plan.train_parts[0]).get("action") or {}).get("bounds") or []
    return bounds if len(bounds) == dims and _layer_between(plan) is not None else [None] * dims


def _own_action(plan: Plan, record: int) -> bool:
    """Whether what a network was given was computed from what another put out in the same update."""
    start, _ = plan.window(record)
    own = plan.log.name(record)
    behind = {i for p in plan.log.parents[record] if p >= start for i in (p, *plan.ancestors(p, 200))}
    return any(i >= start and plan.log.kind(i) == "call" and plan.label(i) != own for i in behind)


def _line_through(x: Any, y: Any) -> Any:
    """Which points lie on the straight line through most of them (through the medians of the outer thirds)."""
    if np.ptp(x) < 1e-9:
        return np.abs(y - np.median(y)) <= 1e-4 * (1 + np.abs(y))
    order = np.argsort(x)
    third = max(len(x) // 3, 1)
    low, high = order[:third], order[-third:]
    slope = (np.median(y[high]) - np.median(y[low])) / max(np.median(x[high]) - np.median(x[low]), 1e-12)
    same = np.abs(y - x) <= 1e-4 * (1 + np.abs(y))
    line = np.abs(y - (np.median(y) + slope * (x - np.median(x)))) <= 1e-3 * (1 + np.abs(y))
    return same if same.mean() > 0.5 else line


def on_cut_line(x: Any, y: Any, ends: Any) -> Any:
    """Which points (x, y) lie on a straight line that is cut off at two ends (low, high) of y; none without ends."""
    if ends is None:
        return np.zeros(len(x), dtype=bool)
    low, high = ends
    near = 1e-4 * (high - low)
    inside = (y > low + near) & (y < high - near)
    if inside.sum() < 10 or np.ptp(x[inside]) < 1e-9:
        return np.zeros(len(x), dtype=bool)
    order = np.argsort(x[inside])
    third = max(len(order) // 3, 1)
    at, to = x[inside][order], y[inside][order]
    rise, run = (np.median(side[-third:]) - np.median(side[:third]) for side in (to, at))
    slope = rise / max(run, 1e-12)
    line = slope * x + np.median(to - slope * at)
    return np.abs(y - np.clip(line, low, high)) <= 1e-3 * (1 + np.abs(y))


def first_ratio(lab: Lab, facts: Facts) -> None:
    """No dye: the importance ratio of the first minibatch, the exponential of a difference of log-probabilities; where
    that is 1, that of the first minibatch after the second rollout (memory that is not empty, old rows)."""
    plan = lab.plan("natural")
    found = ratio_between(plan.log, 0, next(iter(plan.log.of_kind("loss").tolist()), len(plan.log)))
    if found is None:
        raise Blind("no importance ratio was recognised before the first backward call")
    record, off, broadcast = found
    facts.data.update({"broadcast": broadcast} if broadcast else {})
    facts.data.update(rows=int(off.size), largest=float(np.nanmax(off)), share=float(np.mean(off > OFF)))
    facts.site = plan.log.site(record)
    line = parting.ratio_line(plan, record) or parting.single(plan.log, record) or parting.parted_line(plan)
    if facts.data["share"] == 0.0 and "second" in lab.asked():
        line = _second(lab.plan("second"), facts) or line
    facts.data.update({"line": line} if line else {})


def _second(plan: Plan, facts: Facts) -> dict[str, Any] | None:
    """Adds what the first ratio after the second rollout shows, and gives the line where it comes from."""
    log = plan.log
    start = max(log.of_kind("end").tolist(), default=0)
    found = ratio_between(log, start, next((i for i in log.of_kind("loss").tolist() if i > start), len(log)))
    if found is None:
        return None
    record, off, _ = found
    facts.data.update(second_rows=int(off.size), second_largest=float(np.nanmax(off)))
    facts.data.update(second_share=float(np.mean(off > OFF)), second_old=_old_share(plan, start))
    if facts.data["second_old"] <= FEW_OLD:
        return parting.parted_line(plan, start)
    site = log.site(record)
    if site is None or not site.caller_line:
        return origin.place(site)
    return {"file": site.caller_file, "line": site.caller_line}


def _old_share(plan: Plan, start: int) -> float:
    """Of the rows that the update after record `start` is given and that are recognised, those of before the first
    update."""
    steps = {(s.part, s.number): s.action for s in plan.steps}
    old = seen = 0
    grad = next((g for g in plan.grads if g > start), -1)
    for _, rows in readings.rows_of(plan, grad) if grad >= 0 else ():
        for row in rows if rows.shape[1] >= plan.dims else ():
            owners = plan.observations.get(row[: plan.dims].tobytes(), [])
            seen += bool(owners)
            old += bool(owners) and all(steps[o] < plan.first_grad for o in owners if o in steps)
    return old / seen if seen else 0.0


def ratio_between(log: RunLog, start: int, end: int) -> tuple[int, Any, list[list[int]]] | None:
    """(record, distances from 1 [rows], shapes that were broadcast) of the first importance ratio between two records:
    an exponential of a difference of which one side needs no gradient; None where there is none."""
    for i in range(start, end):
        if log.kind(i) != "op" or log.name(i) not in ("exp", "exp_") or not log.rows[i, GRAD]:
            continue
        parent = log.parents[i][0] if log.parents[i] else -1
        if parent < 0 or log.name(parent) not in ("sub", "__sub__", "__rsub__", "rsub"):
            continue
        parts = log.parents[parent]
        fixed = [p for p in parts if p >= 0 and not log.rows[p, GRAD]]
        value = log.value(i)
        if value is None or value.ndim == 0 or value.size < 2 or not (fixed or -1 in parts):
            continue
        unlike = any(p >= 0 and log.shapes[p] != log.shapes[parent] for p in parts)
        off = np.abs(value.astype(np.float64) - 1.0)
        stored = log.value(fixed[0]) if fixed else None
        if stored is not None and stored.shape == off.shape:
            off = off[stored != 0]  # rows that only fill up sequences hold a stored log-probability of exactly 0
        if off.size:
            return i, off, [list(log.shapes[p]) for p in parts if p >= 0] if unlike else []
    return None
