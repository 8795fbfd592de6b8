"""Dyes of target networks and of values that targets are bootstrapped from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lifesigns.paired import readings
from lifesigns.paired.experiments import Blind, Facts, Lab, answer, answer_in_order, first_touched
from lifesigns.paired.plan import Plan
from lifesigns.paired.rewards import strong
from lifesigns.paired.runlog import GRAD


def target_network(lab: Lab, facts: Facts) -> None:
    """Outputs of the target networks 1 higher: the target must answer, and what is done before it must not."""
    plan = lab.plan("natural")
    acting, where = _acting_untrained(lab, plan)
    if acting:
        facts.data.update(acts_untrained=acting, networks=acting)
        facts.site = where.log.site(min(c for c in where.acting_calls if where.label(c) in acting))
        return
    unused = unused_copies(plan)
    if unused:
        call, copies = unused
        facts.data.update(uncalled=copies, bootstraps_from=plan.label(call), networks=[])
        facts.site = plan.log.site(call)
        return
    networks = plan.target_networks
    if not networks or "target-value" not in lab.asked():
        raise Blind("no target network was recognised (one that is called in updates without a gradient)")
    stain = lab.stain("natural", "target-value")
    answer(stain, facts)
    strong(lab, facts, "target-value", "target-strong")
    facts.data["networks"] = networks
    first = first_touched(stain)
    acted = [i for i in plan.acting_calls if i < first]
    facts.data["acting_touched"] = sum(i in stain.marks for i in acted)
    actions_before = [s.action for s in plan.training if s.action < first]
    facts.data["actions_touched"] = sum(i in stain.marks for i in actions_before)
    weight = readings.bootstrap_weights(stain, lab.stain("natural", "reward-comb"), stain.common, 1.0)
    if weight is not None:
        facts.data["weight"] = weight[0][0]
        facts.site = stain.base.site(weight[1])


def untrained_acting(plan: Plan) -> list[str]:
    """Networks that no optimiser holds and that act, while one of the same class is trained and none that is acts.

    Not those that the loss gives a gradient: they are the ones to be trained, and the optimiser was given another.
    """
    known = plan.log.notes.get("networks", {})
    acting = plan.acting_networks
    trained = {x for x in known if known[x].get("trained")}
    if acting & trained or not trained:
        return []
    kinds = {x.split("#")[0] for x in trained}
    acting = acting - {plan.label(int(i)) for i in plan.log.of_kind("outgrad")}
    return sorted(x for x in acting if known.get(x, {}).get("parameters") and x.split("#")[0] in kinds)


def _acting_untrained(lab: Lab, plan: Plan) -> tuple[list[str], Plan]:
    """The same of the first run in which a network acts at all: exploration alone may fill the short one."""
    for name in ("natural", "long"):
        if name not in lab.asked():
            continue
        try:
            seen = lab.plan(name)
        except Blind:
            continue
        if any(seen.has_parameters(seen.label(c)) for c in seen.acting_calls):
            return untrained_acting(seen), seen
    return [], plan


def unused_copies(plan: Plan) -> tuple[int, list[dict[str, Any]]] | None:
    """(call of a trained network on next observations, networks of its class and shapes that were never called), if no
    other network like it that is not trained is called in updates.

    A policy is judged only if its output is the action: a stochastic one is meant to choose next actions itself.
    """
    uncalled = [u for u in plan.log.notes.get("uncalled", []) if u.get("like")]
    if not uncalled:
        return None
    called = {plan.label(c) for c in plan.update_calls}
    for call in sorted({*_following(plan, with_gradient=False), *next_calls(plan)}):
        label = plan.label(call)
        copies = [u for u in uncalled if label in u["like"]]
        still = {x for u in copies for x in u["like"]} & called - plan.trained
        if copies and label in plan.trained and not still and not _samples(plan, call):
            return call, copies
    return None


def _samples(plan: Plan, call: int) -> bool:
    """Whether a call is of a policy that puts out something else than one action: of a density, a mean and a spread."""
    space = plan.name_of(plan.train_parts[0]).get("action") or {}
    if space.get("type") != "Box" or plan.label(call) not in plan.acting_networks:
        return False
    size = math.prod(space.get("shape") or [0])
    return "[" in plan.log.name(call) or plan.log.shapes[call][-1:] != (size,)


def online_bootstraps(plan: Plan) -> list[int]:
    """Calls without a gradient, in updates, of trained networks, on the observations that follow the batch's."""
    return [c for c in _following(plan, with_gradient=False) if plan.label(c) in plan.with_gradient]


def detached_target(lab: Lab, facts: Facts) -> None:
    """Values of next observations detached from the graph: no gradient may answer."""
    if "next-value-detached" not in lab.asked():
        raise Blind("no network that needs a gradient is called on next observations in an update")
    stain = lab.stain("natural", "next-value-detached")
    answer_in_order(stain, facts)
    plan = lab.plan("natural")
    calls = next_calls(plan)
    if calls:
        facts.site = stain.base.site(calls[0])
        facts.data["graph_of"] = sorted({plan.label(c) for c in calls} - plan.trained)


def next_calls(plan: Plan) -> list[int]:
    """Calls in updates, of networks whose output needs a gradient there, on observations that follow those of another
    call of the same update, or, where a rollout keeps the graph of its own calls, those of the last of these."""
    return sorted({*_following(plan, with_gradient=True), *_after_rollouts(plan)})


def _after_rollouts(plan: Plan) -> list[int]:
    """Calls with a gradient, between a rollout and its update, on the observations that follow those of the last call
    for acting, where that keeps its graph as well: there is no batch, the rollout's own outputs are learned from."""
    log = plan.log
    kept = sorted(c for c in plan.acting_calls if log.rows[c, GRAD])
    found: list[int] = []
    for grad in plan.grads[:40] if kept else ():
        start, end = plan.window(grad)
        last = max((c for c in kept if c < start), default=-1)
        if last < 0 or any(last < g < start for g in plan.grads):
            continue
        own = _acted_on(plan, last)
        for call in range(start, end):
            if log.kind(call) == "call" and log.rows[call, GRAD] and _comes_next(own, _acted_on(plan, call)):
                found.append(call)
    return found


def _acted_on(plan: Plan, call: int) -> list[set[tuple[int, int]]]:
    """Of each row that a call was given, one for each environment: the (part, step) that its observation was acted on
    in; nothing where it was given something else."""
    record = plan.input_of(call)
    value = plan.log.value(record) if record >= 0 else None
    rows, size = len(plan.train_parts), plan.dims
    if value is None or value.dtype.kind not in "fiu" or not size or value.size != rows * size:
        return []
    return [set(plan.observations.get(row.tobytes(), [])) for row in value.astype(np.float32).reshape(rows, size)]


def _comes_next(own: list[set[tuple[int, int]]], after: list[set[tuple[int, int]]]) -> bool:
    """Whether most observations, of those that are known, come next to those of the same environments."""
    both = [(a, b) for a, b in zip(own, after, strict=False) if a and b]
    return 2 * sum(not a & b and any((p, s + 1) in b for p, s in a) for a, b in both) > len(both)


@dataclass(frozen=True)
class Batch:
    """What a network was given in an update: its record, its rows, and of the first 64 of them whose observation each
    is."""

    record: int
    rows: int
    owners: list[list[tuple[int, int]]]


def _batches(plan: Plan, inputs: list[tuple[int, Any]]) -> list[Batch]:
    """Those of the inputs (record, rows) of which at least two rows are observations that were acted on."""
    wide = [(i, rows) for i, rows in inputs if rows.shape[1] >= plan.dims]
    made = [Batch(i, len(rows), plan.owners(i, rows[:64])) for i, rows in wide]
    return [b for b in made if sum(map(bool, b.owners)) >= 2]


def batches_of_next(plan: Plan, grad: int) -> set[int]:
    """Records of inputs, in the update before a gradient, whose rows are the observations after those of another."""
    batches = _batches(plan, readings.all_rows(plan, grad))
    return {b.record for b in batches if _comes_after(b, batches)}


def _comes_after(mine: Batch, batches: list[Batch]) -> bool:
    """Whether the rows of an input follow those of another of `batches`."""
    return any(_follows(b, mine) for b in batches if b.record != mine.record)


def _in_sequence(mine: Batch, batches: list[Batch]) -> bool:
    """Whether an input is one of three or more that follow each other, as where memory is replayed step by step: its
    value is then learned itself, and no target."""
    others = [b for b in batches if b.record != mine.record]
    if any(_follows(mine, b) for b in others):
        return _comes_after(mine, batches)
    return any(_comes_after(b, batches) for b in others if _follows(b, mine))


def _following(plan: Plan, *, with_gradient: bool) -> list[int]:
    found: list[int] = []
    log = plan.log
    for grad in plan.grads[:40]:
        _, end = plan.window(grad)
        batches = _batches(plan, readings.rows_of(plan, grad))
        chosen = batches if with_gradient else _batches(plan, readings.all_rows(plan, grad))
        for mine in chosen:
            if with_gradient and _in_sequence(mine, batches):
                continue
            if _comes_after(mine, batches):
                i, label = mine.record, log.name(mine.record)
                call = next((c for c in range(i, end) if log.kind(c) == "call" and plan.label(c) == label), -1)
                if call >= 0 and bool(log.rows[call, GRAD]) == with_gradient:
                    found.append(call)
    return found


def _follows(before: Batch, after: Batch) -> bool:
    """Whether most rows of `after` are the observation that comes next to that of `before`."""
    hits = seen = 0
    for own, following in zip(before.owners, after.owners, strict=False) if before.rows == after.rows else ():
        if own and following:
            seen += 1
            hits += any((p, s + 1) in following for p, s in own) and not set(own) & set(following)
    return seen >= 2 and hits > 0.6 * seen
