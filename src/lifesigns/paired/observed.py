"""Dyes of what environments show: rows of a vector, observations for acting, arrays used again, evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifesigns.paired import origin, readings, source, wrapped
from lifesigns.paired.experiments import Blind, Facts, Lab, answer
from lifesigns.paired.locate import text_of
from lifesigns.paired.plan import Plan
from lifesigns.paired.runlog import DIGEST, RunLog, Stain

FEW_LEVELS = 4
"""different amounts; assumed (γ to the powers of a short horizon)."""
COMPARABLE = 0.3
"""share of a row's own change below which another row's is that of a statistic over all of them; assumed."""


def rows_apart(lab: Lab, facts: Facts) -> None:
    """One observation of one environment changed: in what is computed for acting on it, only its row may answer."""
    plan = lab.plan("natural")
    n = len(plan.train_parts)
    if n < 2:
        raise Blind("there is one environment only")
    stain = lab.stain("natural", "obs-once")
    answer(stain, facts)
    facts.data["unended_resets"] = dict(lab.log("busy").notes.get("unended_resets", {}))
    planted = stain.dyed.about["planted"][0]["record"]
    rows = others = 0
    for i in stain.of_kind("call", "input"):
        if i < planted or i >= stain.first_step or (i not in plan.acting_calls and stain.base.kind(i) == "call"):
            continue
        change = stain.delta(i)
        if change is None or change.ndim < 1 or change.shape[0] != n:
            continue
        sizes = np.abs(change.reshape(n, -1)).max(axis=1)
        moved = sizes > 0
        if stain.base.kind(i) == "input" and moved[1:].any() and sizes[1:].max() < COMPARABLE * sizes[0]:
            break  # running statistics of the observations: no row by itself
        rows += int(moved[0])
        others += int(moved[1:].any())
        if moved[1:].any():
            facts.site = stain.base.site(i)
        break
    facts.data.update(own_row=rows, other_rows=others, **_paid_to(lab, plan, facts), **_next_beside(plan))
    facts.data.update(_spread_in_layer(lab))
    layer = wrapped.observation_spread(stain.base, stain.dyed, n) if others else None
    line = wrapped.shared_line(layer) if layer is not None else None
    facts.data.update({"shared_line": line} if line else {})
    if not rows + others and not facts.data.get("paid_rows"):
        raise Blind("no network was called with one row for each environment")


def _spread_in_layer(lab: Lab) -> dict[str, Any]:
    """`spread_to`: of how many other environments a layer around a vector changes the reward of the same step."""
    try:
        stain = lab.stain("natural", "reward-once")
    except Blind:
        return {}
    found = wrapped.reward_spread(stain.base, stain.dyed)
    if found is None:
        return {}
    return {"spread_to": found[1], "spread_layer": found[0]["class"], "spread_line": wrapped.reward_line(found[0])}


def _next_beside(plan: Plan) -> dict[str, Any]:
    """Rows of batches whose observation and next observation are both recognised: all of them, and those whose next
    one is that of another environment at the same time."""
    seen = strange = 0
    place = None
    dims = plan.dims
    for grad in plan.grads[:40]:
        batches = [(i, r) for i, r in readings.all_rows(plan, grad) if r.shape[1] >= dims]
        for i, rows in batches:
            for j, following in batches:
                if i == j or len(rows) != len(following):
                    continue
                both = zip(rows[:256], following[:256], strict=True)
                pairs = [p for a, b in both if (p := _step_pair(plan, a[:dims], b[:dims])) is not None]
                known = [(a, b) for a, b in pairs if b[1] == a[1] + 1]
                if not known or len(known) < 0.5 * len(pairs):
                    continue  # no next observations of these
                other = sum(a[0] != b[0] for a, b in known)
                seen, strange = seen + len(known), strange + other
                place = place or (origin.entered(plan.log, j) if other else None)
    return {"next_rows": seen, "next_elsewhere": strange, "next_line": place} if seen else {}


def _step_pair(plan: Plan, a: Any, b: Any) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """(environment, step) of two observations, where each is that of one step only."""
    owners, after = (plan.observations.get(x.tobytes(), []) for x in (a, b))
    return (owners[0], after[0]) if len(owners) == len(after) == 1 else None


def _paid_to(lab: Lab, plan: Plan, facts: Facts) -> dict[str, Any]:
    """Rows of batches that a reward of one environment reaches with at least half of its largest effect: all of them,
    and those of other environments, if they move by a few amounts only (not by a scale that the reward has a part in).
    """
    try:
        stain = lab.stain("natural", "reward-once")
    except Blind:
        return {}
    part = stain.dyed.about["planted"][0]["env"]
    dims = plan.dims
    paid, strange = 0, list[tuple[float, int]]()
    ops = [(i, c) for i, c in stain.ops() if c.ndim in (1, 2) and c.size == c.shape[0] > 1 and np.mean(c != 0) <= 0.5]
    for grad in [g for g in plan.grads if g <= stain.first_step][:64]:
        start, end = plan.window(grad)
        batches = [r for _, r in readings.rows_of(plan, grad) if r.shape[1] >= dims]
        for i, change in ops:
            mine = [r for r in batches if start <= i < end and len(r) == change.size]
            flat = change.reshape(-1)
            for row in np.flatnonzero(np.abs(flat) >= 0.5 * np.abs(flat).max()).tolist() if mine else ():
                owners = {p for r in mine for p, _ in plan.observations.get(r[row][:dims].tobytes(), [])}
                paid += bool(owners)
                if owners and part not in owners:
                    strange.append((round(float(flat[row]), 4), i))
    if len({level for level, _ in strange}) > FEW_LEVELS:
        strange = []
    if strange:
        files = dict.fromkeys(s[2] for s in plan.log.sites if s and s[2])
        shared = source.shared_container(files)
        line = origin.reordered(plan, stain, strange[0][1])
        facts.data["paid_line"] = {"file": shared[0], "line": shared[1]} if shared else line
    return {"paid_rows": paid, "paid_elsewhere": len(strange)}


def observation(lab: Lab, facts: Facts) -> None:
    """Every observation of a step changed: what networks put out for acting, and in updates, must answer (a first
    observation that is kept for the whole episode does not)."""
    stain = lab.stain("natural", "obs-all")
    plan = lab.plan("natural")
    answer(stain, facts)
    acting = sorted(i for i in plan.acting_calls if i < stain.common)
    learning = [i for i in plan.update_calls if i < stain.common]
    facts.data.update(
        acting_calls=len(acting),
        acting_touched=sum(_answers(plan, stain, i) for i in acting),
        learning_calls=len(learning),
        learning_touched=sum(i in stain.marks for i in learning),
        by_network=_by_network(plan, stain, learning),
    )
    facts.data.update(wrapped.option(wrapped.swallowed(stain.base, stain.dyed, "obs")))


def _answers(plan: Plan, stain: Stain, call: int) -> bool:
    """Whether a call puts out something else because it was given something else (not because it has learned it)."""
    given = plan.input_of(call)
    return call in stain.marks and (given in stain.marks if given >= 0 else call < stain.first_step)


def _by_network(plan: Plan, stain: Stain, calls: list[int]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for i in calls:
        row = found.setdefault(plan.label(i), [0, 0])
        row[0] += 1
        row[1] += i in stain.marks
    return found


def aliasing(lab: Lab, facts: Facts) -> None:
    """Observations handed out as copies: nothing at all may answer."""
    stain = lab.stain("natural", "obs-copied", must_plant=False)
    answer(stain, facts)
    facts.data["reused"] = stain.dyed.notes.get("aliased", {})
    facts.data["records_touched"] = len(stain.at) + int(stain.parted)


def evaluation(lab: Lab, facts: Facts) -> None:
    """Rewards and observations of evaluation environments changed, random streams put back after it: nothing that is
    learned may answer. Also seen while learning: global seeds set, training environments reset midway."""
    name = "long" if "long" in lab.asked() else "natural"
    plan = lab.plan(name)
    notes = plan.log.notes
    updates = [s for s in plan.log.about["seeds"] if s.get("update", 0) > 0 and s["what"] != "env.reset"]
    resets = [{**one, "at": _handed_in(plan.log, one["at"])} for one in notes.get("midway_resets", [])]
    facts.data.update(midway_resets=resets, reseeds=updates[:5])
    seen = bool(facts.data["midway_resets"] or updates)
    if not plan.eval_parts or "eval-changed" not in lab.asked():
        if seen:
            return
        raise Blind("no environment for evaluation was stepped before the run was stopped")
    stain = lab.stain("long", "eval-changed")
    answer(stain, facts)
    first_eval = next((s.action for s in plan.steps if s.part in plan.eval_parts), len(plan.log))
    facts.data.update(_later(plan, stain, first_eval))
    if facts.data["touched_after"] or facts.data["training_steps_touched"]:
        facts.data.update(_fed_by_evaluation(stain.base))
    streams = _later(plan, lab.stain("long", "eval-streams"), first_eval)
    facts.data["streams_touched"] = streams["touched_after"]
    facts.data["streams_steps_touched"] = streams["training_steps_touched"]
    if streams["touched_after"] or streams["training_steps_touched"]:
        line = _drawing_line(plan, first_eval)
        facts.data.update({"streams_line": line} if line else {})
    if not facts.data["gradients_after"] and not seen:
        raise Blind("no update followed the evaluation before the run was stopped")


def _handed_in(log: RunLog, at: dict[str, Any]) -> dict[str, Any]:
    """The line at which an object of the user's was given the environment that its method resets, else that of the
    reset."""
    files = list(dict.fromkeys(s[2] for s in log.sites if s and s[2]))
    found = source.handed_in(files, at["file"], at["line"])
    return {"file": found[0], "line": found[1], "text": text_of(*found)} if found is not None else at


def _fed_by_evaluation(log: RunLog) -> dict[str, Any]:
    """`line`: where the layer was made that feeds evaluation's steps into running statistics which training's layer
    feeds as well."""
    for row in log.notes.get("statistics", {}).values():
        trains = any(entry["training"] > entry["evaluation"] for entry in row.values())
        apart = [entry["made"] for entry in row.values() if entry["evaluation"] > entry["training"]]
        if trains and apart:
            return {"line": {"file": apart[0]["file"], "line": apart[0]["line"]}}
    return {}


def _later(plan: Plan, stain: Stain, first: int) -> dict[str, Any]:
    """Gradients and training actions after a record, and how many of them differ from those of the same order in the
    dyed run: evaluation itself may take more or fewer steps there."""
    base, dyed = plan.log, stain.dyed
    grads = [(i, j) for i, j in zip(plan.grads, dyed.of_kind("grad").tolist(), strict=False) if i > first]
    touched = [pair for pair in grads if _differ(base, dyed, *pair)]
    chosen = set(plan.train_parts)
    steps = [(s.part, s.action) for s in plan.training]
    others = [(s.part, s.action) for s in Plan(dyed).steps if s.part in chosen]
    actions = [(a, b) for a, b in zip(steps, others, strict=False) if a[1] > first]
    sizes = [stain.effect_between(i, j) for i, j in touched]
    return {
        "gradients_after": len(grads),
        "touched_after": len(touched),
        "training_steps_touched": sum(a[0] != b[0] or _differ(base, dyed, a[1], b[1]) for a, b in actions),
        "largest_effect": max((e for e in sizes if e == e), default=float("inf") if touched else 0.0),
    }


def _differ(base: RunLog, dyed: RunLog, i: int, j: int) -> bool:
    """Whether two records of two logs hold other values."""
    return base.rows[i, DIGEST] != dyed.rows[j, DIGEST] or base.shapes[i] != dyed.shapes[j]


def _drawing_line(plan: Plan, first_eval: int) -> dict[str, Any] | None:
    """Where evaluation draws: the line of the first sample in its first burst of steps, or that of what calls it where
    acting runs that line as well; the line of the first of these steps where torch drew nothing."""
    log = plan.log
    steps = [s.action for s in plan.steps if s.part in plan.eval_parts]
    end = next((i for i in plan.grads if i > first_eval), len(log))
    last = max(i for i in steps if i < end)
    start = max((int(i) for i in log.of_kind("step", "end") if i < first_eval), default=0)
    drawn = (i for i in range(start, last) if log.kind(i) == "op" and log.name(i) in origin.SAMPLES)
    at = next(drawn, None)
    return origin.calling(plan, log.site(at)) if at is not None else origin.place(log.site(first_eval))
