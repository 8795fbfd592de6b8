"""Which runs a script calls for: the undyed one says where it trains, learns and evaluates; each dye is asked for once.

Flows in: a lab and the plan of its undyed run. Flows out: requests to the runner. Only `tracing` calls it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lifesigns.paired import actions, heldout, scales, supervised, targets
from lifesigns.paired.experiments import DELTA, STILL, Blind, Lab
from lifesigns.paired.plan import Plan, Step
from lifesigns.paired.runlog import GRAD

SHORT_LENGTHS, SHORTER_LENGTHS = (11, 7), (5, 3)
"""Steps after which the even and the odd episodes of the busy world end, by truncation and by termination; the shorter
ones where an agent learns after fewer than 24 steps, or where episodes are that short by themselves."""
LONG = {"updates": 4000, "phases": 100_000, "updates_after": 8, "seconds": 8.0}
LONG_PHASE = 8
"""Updates without an environment step between them, from which a script learns in phases (as the run itself counts)."""
SECOND_S = 10.0
"""Seconds for the run to the second rollout."""
FAR = (1000.0, -1000.0)
"""Added to two rows of a target network's output: the one is the largest of any batch then, the other the least."""
OTHER_SEED = "9157"
"""Given as `--seed` where the script takes one; an arbitrary number."""


def ask_all(lab: Lab, plan: Plan) -> None:
    """Submits every run that the readers will want, the most telling first."""
    ask = lab.ask
    if plan.is_rl:
        _ask_rl(lab, plan)
    else:
        log = plan.log
        train = heldout.train_loaders(log)
        if train:
            ask("labels", plants=[{"kind": "label", "loaders": train}])
            ask("inputs", plants=[{"kind": "data", "loaders": train}])
        ask("long", stop=LONG)
        held_out = heldout.held_out_loaders(lab.log("long")) if train else []
        if held_out:
            plants = [{"kind": kind, "loaders": held_out} for kind in ("label", "data")]
            ask("validation-changed", stop=LONG, plants=plants)
    ask("recalled", recall=True, stop={"updates": 4})
    call, rows = supervised.output_row_call(plan)
    if call >= 0:
        plant = _at_calls(plan, [call], {"delta": 0.5, "row": rows[0]})
        ask("output-row", plants=plant, stop={"updates": 1})
    call, rows = supervised.next_rows_call(plan)
    if call >= 0:
        what = [{"delta": far, "row": row} for far, row in zip(FAR, rows, strict=True)]
        plants = [p for one in what for p in _at_calls(plan, [call], one)]
        ask("next-row", plants=plants, stop={"updates": 1})
    places = supervised.broadcast_places(plan.log)
    if places:
        lines = [[p["operation"], p["line"]] for p in places]
        ask("row-by-row", plants=[{"kind": "row-by-row", "at": lines}])
    ask("entropy", shift_seeds={"entropy": 1})
    if lab.runner.uses_hashes:
        ask("hash-seed", hash_seed=1)
    shifted = {"updates": 2, "phases": 2}
    if lab.runner.takes_seed:
        ask(
            "other-seed", arguments=[*lab.runner.target.arguments, "--seed", OTHER_SEED], stop=shifted, fresh_seeds=True
        )
    ask("agent-seeds", shift_seeds={"agent": 1000}, stop=shifted)
    if plan.is_rl:
        ask("env-seeds", shift_seeds={"env": 1000}, stop=shifted)
        if "long" in lab.asked():
            _ask_evaluation(lab)


def _ask_rl(lab: Lab, plan: Plan) -> None:
    ask, train = lab.ask, plan.train_parts
    longest = max((s.in_episode for s in plan.training), default=0)
    soon = plan.steps_to_first_update < 24 or longest <= SHORT_LENGTHS[0]
    lengths = SHORTER_LENGTHS if soon else SHORT_LENGTHS
    world = {"lengths": lengths, **STILL}
    only = {"envs": train}
    comb = {"kind": "reward", "at": "comb", "delta": DELTA, **only}
    ask("reward-comb", plants=[comb])
    ask("busy", world=world)
    if lab.runner.mentions_evaluation or not plan.acting_calls:
        ask("long", world={"lengths": lengths}, stop=LONG)
    once = plan.impulse_step()
    if once is not None:
        at = {"at": "step", "envs": [once.part], "step": once.number}
        ask("reward-once", plants=[{"kind": "reward", "delta": DELTA, **at}])
        ask("reward-large", plants=[{"kind": "reward", "delta": 100.0 * DELTA, **at}])
        ask("obs-once", plants=[{"kind": "obs", **at}])
    ask("reward-terminated", world=world, plants=[{"kind": "reward", "at": "terminated", "delta": DELTA, **only}])
    ask("obs-terminal", world=world, plants=[{"kind": "obs", "at": "terminated", "outer": True, **only}])
    ask("obs-truncated", world=world, plants=[{"kind": "obs", "at": "truncated", "outer": True, **only}])
    ask("end-kind", world=world, plants=[{"kind": "end", "at": "truncated", **only}])
    ask("reward-first-steps", world=world, plants=[{"kind": "reward", "at": "first-step", "delta": DELTA, **only}])
    ask("reward-truncated", world=world, plants=[{"kind": "reward", "at": "truncated", "delta": DELTA, **only}])
    ask("obs-reset", world=world, plants=[{"kind": "obs", "at": "reset-after-truncation", **only}])
    ended_both_ways = [(1, part) for part in train[:2]] if len(train) > 1 else [(1, train[0]), (4, train[0])]
    kinds: Sequence[dict[str, Any]] = ({"kind": "obs"}, {"kind": "action", "outer": True})
    plants = [{**kind, "at": "step", "episode": e, "envs": [part]} for e, part in ended_both_ways for kind in kinds]
    ask("obs-one-episode", world=world, plants=plants)
    handed_on = ("step",) if any(s.in_episode > 2 for s in plan.training) else ("step", "any-reset")
    ask("obs-all", plants=[{"kind": "obs", "at": at, **only} for at in handed_on])
    ask("obs-copied", plants=[{"kind": "copy", "at": "step"}])
    if plan.log.notes.get("dummy_rows") or "dummy_rows" in _notes(lab, "busy"):
        ask("dummy-reward", world=world, plants=[{"kind": "dummy", "at": "step", "delta": DELTA}])
    call, by = scales.acting_call(plan)
    if call >= 0:
        ask("act-moved", plants=_at_calls(plan, [call], {"delta": by}))
    _ask_values(lab, plan)
    if plan.in_first_phase >= LONG_PHASE and actions.ratio_between(plan.log, 0, plan.first_grad):
        ask("second", stop={"updates": 4000, "phases": 1000, "second": True, "seconds": SECOND_S})


def _notes(lab: Lab, name: str) -> dict[str, Any]:
    try:
        return dict(lab.log(name).notes)
    except Blind:
        return {}


def _ask_values(lab: Lab, plan: Plan) -> None:
    networks = plan.target_networks
    online = [] if networks else targets.online_bootstraps(plan)
    if networks:
        lab.ask("target-value", plants=[{"kind": "output", "modules": networks, "delta": DELTA}])
    elif online:
        lab.ask("target-value", plants=_at_calls(plan, online, {"delta": DELTA}))
    else:
        _ask_one_value(lab, plan)
    chosen = targets.next_calls(plan)
    if chosen:
        lab.ask("next-value-detached", plants=_at_calls(plan, chosen, {"detach": True, "delta": 0.0}))


def _at_calls(plan: Plan, calls: Sequence[int], what: dict[str, Any]) -> list[dict[str, Any]]:
    """One plant for each of these calls of networks."""
    return [
        {"kind": "output", "modules": [plan.label(c)], "calls": [n, n], **what}
        for c in calls
        for n in [_number_of(plan, c)]
    ]


def _number_of(plan: Plan, call: int) -> int:
    """Which call of its network it is, counted from 0."""
    label, name = plan.label(call), plan.log.name(call)
    calls = plan.calls_named(name)
    assert label
    return int((calls < call).sum())


def _ask_one_value(lab: Lab, plan: Plan) -> None:
    """One value of one row of a rollout 1 higher: that of the step whose reward is changed, or the next value of it."""
    once = plan.impulse_step()
    if once is None:
        return
    before = [i for i in plan.acting_calls if i < once.action]
    log, n = plan.log, len(plan.train_parts)
    near = sorted(before)[-6:]
    values = [i for i in near if log.shapes[i] in ((n, 1), (n,), (1,), ()) and log.rows[i, 6] in (0, 1)]
    values = [i for i in values if log.shapes[i] == (n, 1)] or values
    row = plan.train_parts.index(once.part)
    batched = [
        i for i in plan.update_calls if i < plan.first_grad and log.shapes[i][-1:] == (1,) and not log.rows[i, 9]
    ]
    if values:
        name = log.name(values[-1])
        part = int(name.split("[")[1].rstrip("]")) if "[" in name else None
        number = _number_of(plan, values[-1])
        plant = {"modules": [plan.label(values[-1])], "calls": [number, number], "part": part, "row": row}
        if log.shapes[values[-1]] in ((1,), ()):
            plant["row"] = None
        lab.ask("one-value", plants=[{"kind": "output", "delta": DELTA, **plant}])
    last = _last_value(plan)
    if last and not batched:
        lab.ask("last-value", plants=[{"kind": "output", "delta": DELTA, **last}])
    followed = _following_value(plan, once, row)
    if followed:
        lab.ask("next-value", plants=[{"kind": "output", "delta": DELTA, **followed}])
    elif batched:
        number = _number_of(plan, batched[0])
        index = once.number if len(log.shapes[batched[0]]) < 3 else [once.number, row]
        plant = {"modules": [plan.label(batched[0])], "calls": [number, number], "row": index}
        lab.ask("next-value", plants=[{"kind": "output", "delta": DELTA, **plant}])


def _following_value(plan: Plan, once: Step, row: int) -> dict[str, Any]:
    """The value of the observation that followed a step, where it is computed, without a gradient, before the next one
    (beside the one that acting on it gives)."""
    log, n = plan.log, len(plan.train_parts)
    until = next((s.action for s in plan.steps if s.part == once.part and s.number == once.number + 1), len(log))
    shapes = ((n, 1), (n,), (1,), ())
    between = [i for i in plan.update_calls if once.action < i < until and plan.label(i) in plan.trained]
    call = next((i for i in between if not log.rows[i, GRAD] and log.shapes[i] in shapes), -1)
    if call < 0:
        return {}
    name, number = log.name(call), _number_of(plan, call)
    part = int(name.split("[")[1].rstrip("]")) if "[" in name else None
    whole = None if log.shapes[call] in ((1,), ()) else row
    return {"modules": [plan.label(call)], "calls": [number, number], "part": part, "row": whole}


def _last_value(plan: Plan) -> dict[str, Any]:
    """The value that a network puts out after the last step before the first update, without a gradient: what a rollout
    that is cut there is continued with."""
    log, n = plan.log, len(plan.train_parts)
    end = max((s.action for s in plan.training if s.action < plan.first_grad), default=plan.first_grad)
    calls = [i for i in log.of_kind("call").tolist() if end < i < plan.first_grad and not log.rows[i, GRAD]]
    values = [i for i in calls if log.shapes[i] in ((n, 1), (n,), (1,), (), (1, 1)) and plan.label(i) in plan.trained]
    if not values:
        return {}
    name, number = log.name(values[-1]), _number_of(plan, values[-1])
    part = int(name.split("[")[1].rstrip("]")) if "[" in name else None
    return {"modules": [plan.label(values[-1])], "calls": [number, number], "part": part}


def _ask_evaluation(lab: Lab) -> None:
    world = lab.request("long")["world"]
    try:
        parts = lab.plan("long").eval_parts
    except Blind:
        return
    if parts:
        plants: Sequence[dict[str, Any]] = [
            {"kind": "reward", "at": "step", "delta": DELTA, "envs": parts},
            *({"kind": "obs", "at": at, "envs": parts} for at in ("step", "any-reset")),
        ]
        lab.ask("eval-changed", world=world, stop=LONG, plants=list(plants))
        lab.ask("eval-streams", world=world, stop=LONG, plants=[{"kind": "rng", "at": "step", "envs": parts}])
