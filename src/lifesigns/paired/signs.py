"""The sign of a reward's response: does it raise the value, and the probability of the action that it followed?"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from lifesigns.paired import origin
from lifesigns.paired.experiments import Blind, Facts, Lab, answer
from lifesigns.paired.plan import Plan, Step
from lifesigns.paired.rewards import impulse_stain
from lifesigns.paired.runlog import GRAD, Stain

MOST_CALLS = 8
"""calls of one network in one backward call that may be a critic's; more are those of a memory, step by step."""
MOST_PULLS = 16
"""gradients of one network whose directions are read."""


def sign(lab: Lab, facts: Facts) -> None:
    """Does a higher reward raise the value and the log-probability of the action it followed?"""
    stain, _ = impulse_stain(lab)
    plan = lab.plan("natural")
    answer(stain, facts)
    planted = stain.dyed.about["planted"]
    steps = {(s.part, s.number): s for s in plan.steps}
    wanted = {(p["env"], p["step"]): steps.get((p["env"], p["step"])) for p in planted}
    pulls, seen = dict[str, list[float]](), dict[str, int]()
    first = [i for i in stain.of_kind("outgrad") if i < stain.first_step]
    later = [] if plan.target_networks else [i for i in stain.of_kind("outgrad") if i > stain.first_step]
    for i in [*first, *later]:
        label = stain.base.name(i)
        if len(pulls.get(label, ())) >= (MOST_PULLS if i < stain.first_step else 1):
            continue
        change = stain.delta(i)
        if change is None or change.ndim == 0 or label.split("[")[0] not in plan.trained or not _of_backward(plan, i):
            continue
        pull = _pull(plan, stain, i, change.reshape(change.shape[0], -1), wanted)
        if pull is not None:
            pulls.setdefault(label, []).append(pull)
            seen.setdefault(label, i)
    facts.data["pulls"] = {label: float(np.median(np.sign(p))) for label, p in pulls.items()}
    wrong = [label for label, pull in facts.data["pulls"].items() if pull < 0]
    lines = {x: origin.turned(plan, stain, seen[x]) or _loss_line(stain, seen[x]) for x in wrong}
    facts.data.update({"lines": lines} if lines else {})
    facts.data["actor"] = _actor(plan)
    if not facts.data["pulls"] and not facts.data["actor"]:
        raise Blind("no network's output gradient could be matched to a planted step")


def _of_backward(plan: Plan, outgrad: int) -> bool:
    """Whether a gradient is of a call of `backward` on a loss (what `autograd.grad` gives may be of an objective)."""
    i = outgrad
    while i >= 0 and plan.log.kind(i) == "outgrad":
        i -= 1
    return i >= 0 and plan.log.kind(i) == "loss"


def _pull(plan: Plan, stain: Stain, record: int, change: Any, wanted: dict[Any, Step | None]) -> float | None:
    """−Δ(gradient at the output) along the direction of the action taken, of the planted rows: > 0 is toward it."""
    log = plan.log
    call = log.parents[record][0] if log.parents[record] else -1
    if call < 0:
        return None
    given = plan.rows_given(call)
    out = log.value(call)
    if given is None or out is None or len(given) != len(change):
        return None
    dims = plan.dims
    total, seen = 0.0, 0
    for row in np.flatnonzero(np.abs(change).max(axis=1) > 0).tolist():
        owners = [o for o in plan.observations.get(given[row][:dims].tobytes(), []) if o in wanted]
        if not owners or wanted[owners[0]] is None:
            continue
        acts = plan.label(call) in plan.acting_networks
        direction = _direction(plan, wanted[owners[0]], change.shape[1], out.reshape(len(change), -1)[row], acts)
        if direction is not None:
            total -= float(change[row] @ direction)
            seen += 1
    return total if seen and total != 0 else None


def _direction(plan: Plan, step: Step | None, width: int, out: Any, acts: bool) -> Any:
    """The direction in a network's output that means `more of the action that was taken` (or a higher value)."""
    assert step is not None
    space = plan.name_of(step.part).get("action") or {}
    action = plan.log.value(step.action)
    if action is None:
        return None
    if space.get("type") == "Discrete" and width == space.get("n"):
        one = np.zeros(width)
        one[int(action.reshape(-1)[0]) % width] = 1.0
        return one
    if width == 1 and (space.get("type") == "Discrete" or action.size != 1 or not acts):
        return np.ones(1)
    if space.get("type") == "Box" and width == action.size and width > 1:
        away = action.reshape(-1).astype(np.float64) - out.astype(np.float64)
        return away / (np.linalg.norm(away) + 1e-12)
    return None


def _loss_line(stain: Stain, record: int) -> dict[str, Any]:
    """The line that reduces a stained number that needs a gradient to a single one, in the loss of this gradient."""
    log = stain.base
    start = max((int(i) for i in log.of_kind("step", "end") if i < record), default=-1)
    for i, change in stain.ops():
        if start < i < record and log.rows[i, GRAD] and change.ndim == 0 and (at := origin.place(log.site(i))):
            return at
    return {}


def _actor(plan: Plan) -> dict[str, Any]:
    """Where a policy is trained through a critic: the sign of the loss' gradient at the critic's output.

    In one backward call, a critic whose input was computed from the policy's output: negative raises its value.
    """
    log = plan.log
    losses = log.of_kind("loss").tolist()
    for number, loss in enumerate(losses[:40]):
        end = losses[number + 1] if number + 1 < len(losses) else len(log)
        inside = [i for i in range(loss, end) if log.kind(i) == "outgrad"]
        calls = {log.parents[i][0]: i for i in inside if log.parents[i]}
        labels = {c: plan.label(c) for c in calls}
        behind = _behind(plan, labels)
        looked = Counter[str]()
        for call, record in calls.items():
            shape, label = log.shapes[call], labels[call]
            if len(shape) < 1 or (shape[-1] != 1 and len(shape) > 1) or looked[label] >= MOST_CALLS:
                continue
            looked[label] += 1
            trunks = {x for onward, under in behind.items() if onward != label for x in under}
            others = {c for c in calls if labels[c] != label and labels[c] not in trunks}
            source = plan.input_of(call)
            if source < 0 or not others & plan.ancestors(source, 600):
                continue
            if _is_cut(plan, source, others):
                return {"critic": log.name(call), "cut": True, "line": origin.cut_before(plan, source) or {}}
            gradient = log.value(record)
            if gradient is not None and gradient.size > 1 and np.any(gradient != 0) and _is_constant(gradient):
                return {
                    "critic": log.name(call),
                    "sign": float(np.sign(gradient.sum())),
                    "rows": int(gradient.size),
                    "line": origin.reduced_at(log, loss) or origin.place(log.site(loss)) or {},
                }
    return {}


def _behind(plan: Plan, labels: dict[int, str]) -> dict[str, set[str]]:
    """For each network that acts, the others whose output goes into it (by its first call among these): trunks, whose
    output is no policy's."""
    found: dict[str, set[str]] = {}
    for call, label in labels.items():
        if label in plan.acting_networks and label not in found:
            at = plan.input_of(call)
            before = plan.ancestors(at, 600) if at >= 0 else set[int]()
            found[label] = {labels[c] for c in labels.keys() & before} - {label}
    return found


def _is_cut(plan: Plan, source: int, others: set[int]) -> bool:
    """Whether a critic's input, observations with a policy's actions beside them, has no gradient to the policy."""
    log = plan.log
    value, dims = log.value(source), plan.dims
    if value is None or value.ndim != 2 or value.shape[1] <= dims:
        return False
    known = value[0].astype(np.float32)[:dims].tobytes() in plan.observations
    policy = {c for c in others if plan.label(c) in plan.acting_networks}
    parents = [p for p in log.parents[source] if p >= 0 and policy & {p, *plan.ancestors(p, 600)}]
    return known and bool(parents) and not any(log.rows[p, GRAD] for p in parents)


def _is_constant(gradient: Any) -> bool:
    """Whether the rows of a gradient have one value, or that and 0: a mean of a critic (or of the least of several)."""
    values = gradient[gradient != 0].astype(np.float64)
    return bool(np.all(np.abs(values - values[0]) <= 1e-3 * np.abs(values[0])))
