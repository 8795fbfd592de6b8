"""Dyes of episodes' ends, of the rows of vector environments, of observations, actions and evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifesigns.paired import readings
from lifesigns.paired.experiments import DELTA, Blind, Facts, Lab, answer, first_touched, path_of
from lifesigns.paired.plan import Plan, Step
from lifesigns.paired.rewards import strong, value_weight
from lifesigns.paired.runlog import GRAD, Stain


def terminal_observation(lab: Lab, facts: Facts) -> None:
    """Observations of terminal states changed: nothing that is learned may answer."""
    stain = lab.stain("busy", "obs-terminal")
    answer(stain, facts)
    inserted = bool(lab.log("busy").notes.get("dummy_rows"))  # the agent is asked to act on them, to no effect
    facts.data["through_statistics"] = not inserted and _acted_differently(lab.plan("busy"), stain)
    facts.data["path"] = path_of(stain, first_touched(stain) + 1)
    _meet(lab, facts, stain)


def _meet(lab: Lab, facts: Facts, stain: Stain) -> None:
    """Where the stain meets the rewards' one: the line that adds the two up."""
    try:
        rewards = lab.stain("busy", "reward-busy")
    except Blind:
        return
    found = readings.meeting(stain, rewards, first_touched(stain) + 1)
    if found is not None:
        facts.site = stain.base.site(found[0])
        facts.data["meets_reward"] = True


def _acted_differently(plan: Plan, stain: Stain) -> bool:
    """Whether what a network was given for acting differs before any gradient does."""
    first = first_touched(stain)
    acting = {i for i in plan.acting_calls if i < first}
    return bool(acting & stain.marks)


def truncated_end(lab: Lab, facts: Facts) -> None:
    """Last observations of truncated episodes changed: what is learned must answer, if anything is bootstrapped."""
    stain = lab.stain("busy", "obs-truncated")
    answer(stain, facts)
    facts.data["path"] = path_of(stain, first_touched(stain) + 1)
    facts.data["through_statistics"] = _acted_differently(lab.plan("busy"), stain)
    facts.data["bootstraps"] = _bootstraps(lab)
    try:
        ends = lab.stain("busy", "end-kind")
        facts.data["kind_matters"] = bool(ends.of_kind("grad")) or ends.parted
    except Blind as reason:
        facts.data["kind_blind"] = str(reason)


def _bootstraps(lab: Lab) -> bool:
    """Whether values meet rewards in a target at all (a Monte Carlo method has nothing to bootstrap)."""
    try:
        if "target-value" in lab.asked():
            values, rewards = lab.stain("natural", "target-value"), lab.stain("natural", "reward-comb")
            return readings.meeting(values, rewards, values.common) is not None
        rewards = lab.stain("natural", "reward-once")
        reading = readings.impulse(rewards, DELTA, rewards.common)
        if reading is None:
            return False
        weights = [value_weight(lab, name, rewards, reading) for name in ("next-value", "one-value")]
        return any(w is not None and (w - reading.ratio > 1e-3 or not np.isfinite(reading.ratio)) for w in weights)
    except Blind:
        return False


def next_episode(lab: Lab, facts: Facts) -> None:
    """First observations of later episodes changed: no target of an ended episode may answer.

    Looked for in the gradient at values of rows whose own observation is untouched and whose reward ended an episode.
    """
    stain = lab.stain("busy", "obs-reset")
    answer(stain, facts)
    plan = lab.plan("busy")
    last = lab.stain("busy", "reward-truncated")
    hit = rows = 0
    for i in last.of_kind("op"):
        if i >= stain.common or last.secondary[i] or stain.secondary[i]:
            continue
        ends, change = last.delta(i), stain.delta(i) if i in stain.marks else None
        if ends is None or ends.ndim == 0 or plan.log.rows[i, GRAD]:
            continue
        full = np.abs(ends - 1.0) <= 1e-3
        if not full.any() or np.mean(ends != 0) > 0.9:
            continue
        rows += int(full.sum())
        if change is not None and np.any(change[full] != 0):
            hit += int(np.sum(change[full] != 0))
            facts.site = stain.base.site(i)
            break
    if not rows:
        raise Blind("no target of the last step of a truncated episode could be told from the others")
    facts.data.update(ended_rows=rows, ended_rows_touched=hit)


def dummy_rows(lab: Lab, facts: Facts) -> None:
    """Rewards of the rows that next-step autoreset inserts changed: nothing may answer."""
    inserted = lab.log("busy").notes.get("dummy_rows", 0)
    if not inserted:
        raise Blind("no vector environment with next-step autoreset ended an episode")
    stain = lab.stain("busy", "dummy-reward")
    answer(stain, facts)
    facts.data["path"] = path_of(stain, first_touched(stain) + 1)


def memory(lab: Lab, facts: Facts) -> None:
    """Observations in the middle of one episode changed: the agent must act on the next one as if nothing had been."""
    stain = lab.stain("busy", "obs-one-episode")
    plan = lab.plan("busy")
    answer(stain, facts)
    part = plan.train_parts[0]
    later = [
        s for s in plan.steps if s.part == part and s.episode >= 2 and s.action < min(stain.common, plan.first_grad)
    ]
    dyed = Plan(stain.dyed)
    same = {s.number: s for s in dyed.steps if s.part == part}
    later = [s for s in later if s.number in same and same[s.number].action == s.action]
    if not later or later[0].in_episode != 1:
        raise Blind("the runs had parted, or learned, before the next episode began")
    inputs = touched = 0
    depth: list[int] = []
    row = _row_of(plan, part)
    for step in later[:12]:
        for call in _acting_on(plan, step):
            changed_in = _row_differs(plan, stain, _input_record(plan, call), row)
            inputs += changed_in
            if changed_in or _row_differs(plan, stain, call, row):
                touched += 1
                depth.append(step.in_episode)
                facts.site = stain.base.site(call)
    facts.data.update(steps=len(later[:12]), touched=touched, inputs_touched=inputs, depths=sorted(set(depth)))


def _acting_on(plan: Plan, step: Step) -> list[int]:
    """The calls for acting between the step before of the same environment and this one."""
    before = max((s.action for s in plan.steps if s.part == step.part and s.number == step.number - 1), default=-1)
    return sorted(call for call in plan.acting_calls if before < call < step.action)


def _row_of(plan: Plan, part: int) -> int:
    """Which row of a batch for acting belongs to an environment."""
    return plan.train_parts.index(part)


def _input_record(plan: Plan, call: int) -> int:
    label = plan.label(call)
    for i in range(call - 1, max(call - 60, -1), -1):
        if plan.log.kind(i) == "input" and plan.log.name(i) == label:
            return i
    return -1


def _row_differs(plan: Plan, stain: Stain, record: int, row: int) -> bool:
    if record < 0 or record not in stain.marks:
        return False
    change = stain.delta(record)
    if change is None:
        return True
    if change.ndim >= 2 and change.shape[0] == len(plan.train_parts):
        return bool(np.any(change[row] != 0))
    return bool(np.any(change != 0))


def rows_apart(lab: Lab, facts: Facts) -> None:
    """One observation of one environment changed: in what is computed for acting on it, only its row may answer."""
    plan = lab.plan("natural")
    n = len(plan.train_parts)
    if n < 2:
        raise Blind("there is one environment only")
    stain = lab.stain("natural", "obs-once")
    answer(stain, facts)
    planted = stain.dyed.about["planted"][0]["record"]
    rows = others = 0
    for i in stain.of_kind("call", "input"):
        if i < planted or i >= stain.first_step or (i not in plan.acting_calls and stain.base.kind(i) == "call"):
            continue
        change = stain.delta(i)
        if change is None or change.ndim < 1 or change.shape[0] != n:
            continue
        moved = np.abs(change.reshape(n, -1)).max(axis=1) > 0
        rows += int(moved[0])
        others += int(moved[1:].any())
        if moved[1:].any():
            facts.site = stain.base.site(i)
        break
    if not rows + others:
        raise Blind("no network was called with one row for each environment")
    facts.data.update(own_row=rows, other_rows=others)


def observation(lab: Lab, facts: Facts) -> None:
    """Every observation changed: what networks put out for acting, and in updates, must answer."""
    stain = lab.stain("natural", "obs-all")
    plan = lab.plan("natural")
    answer(stain, facts)
    acting = sorted(i for i in plan.acting_calls if i < stain.common)
    learning = [i for i in plan.update_calls if i < stain.common]
    facts.data.update(
        acting_calls=len(acting),
        acting_touched=sum(i in stain.marks for i in acting),
        learning_calls=len(learning),
        learning_touched=sum(i in stain.marks for i in learning),
        by_network=_by_network(plan, stain, learning),
    )


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
    facts.data.update(midway_resets=notes.get("midway_resets", []), reseeds=updates[:5])
    seen = bool(facts.data["midway_resets"] or updates)
    if not plan.eval_parts or "eval-changed" not in lab.asked():
        if seen:
            return
        raise Blind("no environment for evaluation was stepped before the run was stopped")
    stain = lab.stain("long", "eval-changed")
    answer(stain, facts)
    first_eval = next((s.action for s in plan.steps if s.part in plan.eval_parts), len(plan.log))
    facts.data.update(_later(plan, stain, first_eval))
    streams = lab.stain("long", "eval-streams")
    facts.data["streams_touched"] = _later(plan, streams, first_eval)["touched_after"]
    if not facts.data["gradients_after"] and not stain.parted and not seen:
        raise Blind("no update followed the evaluation before the run was stopped")


def _later(plan: Plan, stain: Stain, first: int) -> dict[str, int]:
    """Gradients and training actions after a record, and how many of them differ."""
    after = [g for g in plan.grads if first < g < stain.common]
    training = [s.action for s in plan.training if first < s.action < stain.common]
    return {
        "gradients_after": len(after),
        "touched_after": sum(g in stain.marks for g in after),
        "training_steps_touched": sum(i in stain.marks for i in training),
    }


def target_network(lab: Lab, facts: Facts) -> None:
    """Outputs of the target networks 1 higher: the target must answer, and what is done before it must not."""
    plan = lab.plan("natural")
    acting = untrained_acting(plan)
    if acting:
        facts.data.update(acts_untrained=acting, networks=acting)
        facts.site = plan.log.site(min(c for c in plan.acting_calls if plan.label(c) in acting))
        return
    networks = plan.target_networks
    online = [] if networks else online_bootstraps(plan)
    uncalled = list(plan.log.notes.get("uncalled", []))
    if online and uncalled:
        facts.data.update(uncalled=uncalled, bootstraps_from=plan.label(online[0]), networks=[])
        facts.site = plan.log.site(online[0])
        return
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
    """Networks that no optimiser holds and that act, while one of the same class is trained and none that is acts."""
    known = plan.log.notes.get("networks", {})
    acting = {plan.label(c) for c in plan.acting_calls}
    trained = {x for x in known if known[x].get("trained")}
    if acting & trained or not trained:
        return []
    kinds = {x.split("#")[0] for x in trained}
    return sorted(x for x in acting if known.get(x, {}).get("parameters") and x.split("#")[0] in kinds)


def online_bootstraps(plan: Plan) -> list[int]:
    """Calls without a gradient, in updates, of trained networks, on the observations that follow the batch's."""
    return [c for c in _following(plan, with_gradient=False) if plan.label(c) in plan.with_gradient]


def detached_target(lab: Lab, facts: Facts) -> None:
    """Values of next observations detached from the graph: no gradient may answer."""
    if "next-value-detached" not in lab.asked():
        raise Blind("no network that needs a gradient is called on next observations in an update")
    stain = lab.stain("natural", "next-value-detached")
    answer(stain, facts)
    calls = next_calls(lab.plan("natural"))
    if calls:
        facts.site = stain.base.site(calls[0])


def next_calls(plan: Plan) -> list[int]:
    """Calls in updates, of networks whose output needs a gradient there, on observations that follow those of another
    call of the same update."""
    return _following(plan, with_gradient=True)


def _following(plan: Plan, *, with_gradient: bool) -> list[int]:
    found: list[int] = []
    log = plan.log
    dims = len(next(iter(plan.acted_on.values()), ()))
    for grad in plan.grads[:40]:
        _, end = plan.window(grad)
        batches = [(i, r) for i, r in readings.rows_of(plan, grad) if r.shape[1] >= dims]
        chosen = batches if with_gradient else readings.all_rows(plan, grad)
        for i, mine in chosen:
            if any(_follows(plan, other, mine, dims) for j, other in batches if j != i and len(other) == len(mine)):
                label = log.name(i)
                call = next((c for c in range(i, end) if log.kind(c) == "call" and plan.label(c) == label), -1)
                if call >= 0 and bool(log.rows[call, GRAD]) == with_gradient:
                    found.append(call)
    return found


def _follows(plan: Plan, rows: Any, next_rows: Any, dims: int) -> bool:
    """Whether most rows of `next_rows` are the observation after that of `rows`."""
    hits = seen = 0
    for a, b in zip(rows[:64], next_rows[:64], strict=True):
        owners = plan.observations.get(a[:dims].tobytes(), [])
        after = plan.observations.get(b[:dims].tobytes(), [])
        if owners and after:
            seen += 1
            hits += any((p, s + 1) in after for p, s in owners) and not set(owners) & set(after)
    return seen >= 2 and hits > 0.6 * seen
