"""Dyes of the reward: does it reach the update, from which step, how far back, with which sign."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifesigns.paired import given, horizon, origin, readings, source, wrapped
from lifesigns.paired.experiments import DELTA, Blind, Facts, Lab, answer, first_touched, path_of
from lifesigns.paired.plan import Plan
from lifesigns.paired.runlog import GRAD, Stain

STRONG = -1000.0
"""Moves a target across the linear part of a Huber loss, where gradients do not depend on the target."""

CLIPPED = 0.9
"""Response per unit of a large reward, relative to that of a small one, below which rewards are bounded; as in Y406."""
ENOUGH_ROWS = 4
"""planted rows that are seen before anything is learned from which on later records are left out; assumed."""


def reaches(lab: Lab, facts: Facts) -> None:
    """A comb of rewards, one step in sixteen, 1 higher: does any gradient answer?"""
    stain = lab.stain("natural", "reward-comb")
    answer(stain, facts)
    strong(lab, facts, "reward-comb", "reward-strong")
    if not facts.data["gradients_touched"]:
        facts.data.update(wrapped.option(wrapped.swallowed(stain.base, stain.dyed, "reward")))
        _own(lab.plan("natural"), facts)
    facts.data["path"] = path_of(stain, first_touched(stain))


def _own(plan: Plan, facts: Facts) -> None:
    """`own_reward`: the line at which the script makes a reward of its own, if it does."""
    site = plan.log.site(plan.training[0].action) if plan.training else None
    line = source.own_reward(site.user_file, site.user_line) if site is not None and site.user_file else 0
    if site is not None and line:
        facts.data["own_reward"] = facts.data["line"] = {"file": site.user_file, "line": line}


def strong(lab: Lab, facts: Facts, name: str, again: str) -> None:
    """Where losses answer and gradients do not (a clipped loss), the same plant once more, large and negative."""
    if facts.data["gradients_touched"] or not facts.data["losses_touched"]:
        return
    request = lab.request(name)
    plants = [{**p, "delta": STRONG} for p in request["plants"]]
    lab.ask(again, **{**request, "plants": plants})
    found = lab.stain("natural", again)
    facts.data["gradients_touched"] = sum(i in found.marks for i, _ in found.effects("grad"))


def impulse_stain(lab: Lab) -> tuple[Stain, str]:
    """The stain of one reward where it is learned from soon, else that of the comb; and which it is."""
    once = lab.stain("natural", "reward-once")
    reading = impulse(lab.plan("natural"), once)
    if once.of_kind("grad") and reading is not None and (reading.count >= 3 or reading.rows >= 4):
        return once, "once"
    return lab.stain("natural", "reward-comb"), "comb"


def impulse(plan: Plan, stain: Stain) -> readings.Impulse | None:
    """The impulse response in the first phase of learning that answers, else in all of the run: what is collected after
    it holds values of networks that have learned from the stain."""
    return readings.impulse(stain, DELTA, phase_end(plan, stain)) or readings.impulse(stain, DELTA, stain.common)


def phase_end(plan: Plan, stain: Stain) -> int:
    """The first step of a training environment after the first optimiser step that differs."""
    return next((s.action for s in plan.training if s.action > stain.first_step), stain.common)


def discounting(lab: Lab, facts: Facts) -> None:
    """The effective γλ, γ, λ, n of the code, and the settings of that name in the script's frames."""
    stain, which = impulse_stain(lab)
    plan = lab.plan("natural")
    facts.data["settings"] = given.settings(plan)
    facts.data["planted_as"] = which
    once = plan.impulse_step()
    facts.data["rows_before"] = min(once.in_episode, plan.steps_to_first_update) - 1 if once is not None else 0
    answer(stain, facts)
    reading = impulse(plan, stain)
    if reading is None:
        raise Blind("no operation shows a geometric response to one reward (rewards or returns are normalised first)")
    facts.data.update(responses=reading.count, scale=reading.scale)
    facts.series["dye.response"] = [(float(k), float(v) / DELTA) for k, v in enumerate(reading.responses[:64])]
    before = facts.data["rows_before"]
    if reading.count >= 2:
        facts.data["decay"] = reading.ratio
    elif which == "once" and before >= 3 and reading.rows == before + 1:
        facts.data["decay"] = 1.0  # the planted step and all earlier ones of its episode answer by the same amount
    facts.site = reading.site
    _bootstrap(lab, facts, stain, which, reading)
    given.unnamed_lambda(plan, facts)
    given.handed_on(plan, facts)
    facts.data.update(given.option(facts, plan))


def _bootstrap(lab: Lab, facts: Facts, rewards: Stain, which: str, reading: readings.Impulse) -> None:
    """The weight of the value that a target is bootstrapped from, where one is planted."""
    if "target-value" in lab.asked():
        values, comb = lab.stain("natural", "target-value"), lab.stain("natural", "reward-comb")
        found = readings.bootstrap_weights(values, comb, values.common, DELTA)
        # more sizes than a target of so many rewards can have: the plant went through a layer that bends it
        if found is not None and len(found[0]) <= max(reading.count, 1) + 1:
            facts.data["bootstrap_weight"] = found[0][-1]
            facts.data["bootstrap_weights"] = found[0]
            facts.data["factors"] = origin.factors(values, found[1])
            facts.data["value_steps"] = horizon.value_steps(lab.plan("natural"))
            facts.site = values.base.site(found[1])
    elif which == "once" and np.isfinite(reading.ratio):
        for name in ("next-value", "one-value"):
            gamma = value_weight(lab, name, rewards, reading)
            if gamma is not None:
                facts.data["gamma"] = gamma
                return


def value_weight(lab: Lab, name: str, rewards: Stain, reading: readings.Impulse) -> float | None:
    """γ by one changed value of a rollout, if that run was asked for and shows it."""
    if name not in lab.asked():
        return None
    try:
        values = lab.stain("natural", name)
    except Blind:
        return None
    plan = lab.plan("natural")
    if any(i < plan.first_grad for i in values.of_kind("action")):
        return None  # it was a policy's output
    return readings.value_weights(values, reading.record, reading.ratio, phase_end(plan, values))


def boundary(lab: Lab, facts: Facts) -> None:
    """Rewards of each episode's first step 1 higher, episodes short: no step of another episode may answer."""
    stain = lab.stain("busy", "reward-first-steps")
    answer(stain, facts)
    if not stain.of_kind("grad"):
        raise Blind("these rewards reached no gradient before the run was stopped")
    inserted = bool(lab.log("busy").notes.get("dummy_rows"))
    alone = _alone(stain, inserted=inserted, squares=not lab.plan("busy").target_networks)
    if alone is None:
        raise Blind("no array of returns, advantages or targets shows the planted rewards one by one")
    if 0 < alone["crossing_rows"] <= alone["planted_rows"] - alone["own_rows"] and _bounded(lab):
        raise Blind("rewards are clipped on their way: planted ones answer by amounts of their own")
    facts.data.update(alone)
    facts.data.update(_kept_line(lab))
    if alone["record"] >= 0:
        facts.site = stain.base.site(alone["record"])


def _bounded(lab: Lab) -> bool:
    """Whether a reward 100 higher moves the first number that answers by less than 100 times one that is 1 higher."""
    try:
        one, hundred = (_first(lab.stain("natural", name)) for name in ("reward-once", "reward-large"))
    except Blind:
        return False
    return hundred is not None and (one is None or abs(hundred[0]) < CLIPPED * 100.0 * abs(one[0]))


def _kept_line(lab: Lab) -> dict[str, Any]:
    """`line`, where a layer around the environment hands on one step's reward in others as well."""
    try:
        once = lab.stain("natural", "reward-once")
    except Blind:
        return {}
    layer = wrapped.reward_kept(once.base, once.dyed)
    line = wrapped.reward_line(layer) if layer is not None else None
    return {"line": line} if line else {}


def _alone(stain: Stain, *, inserted: bool, squares: bool = True) -> dict[str, Any] | None:
    """How many rows answer beside those of the planted steps, in the operation with the most; and by how much.

    Only the first step of an episode is planted, so within an episode no earlier row exists: every response that is not
    the planted one itself has crossed a boundary. Operations in which all numbers move (sums, normalised advantages) or
    in which none moves by the planted amount tell nothing. Where autoreset inserts a row between two episodes
    (`inserted`), the largest responses are that row's: whether it is trained on is another dye's matter. Without
    `squares`, those of a batch paired with itself are left out.
    """
    planted = sum(p["update"] == 0 for p in stain.dyed.about["planted"])
    best: dict[str, Any] | None = None
    scale: float | None = None
    for i, change in stain.ops():
        if i > stain.first_step and best is not None and best["own_rows"] >= ENOUGH_ROWS:
            break  # what is learned from later may hold values of networks that have learned from the stain
        flat = change.reshape(-1)
        moved = flat[flat != 0]
        if change.ndim == 0 or stain.base.rows[i, GRAD] or len(moved) > 0.9 * len(flat) or len(flat) < 4:
            continue
        if not squares and stain.base.is_square(i):
            continue
        peak = float(moved[np.abs(moved).argmax()])
        if scale is None:
            scale = peak
        if abs(peak - scale) > 0.3 * abs(scale):
            continue
        full = int(np.sum(np.abs(moved - scale) <= 1e-3 * abs(scale)))
        rest = np.abs(moved)[np.abs(moved - scale) > 1e-3 * abs(scale)]
        rest = rest[rest > 1e-3 * abs(scale)]
        if inserted and len(rest):
            rest = rest[rest < 0.999 * rest.max()]
        row: dict[str, Any] = {"own_rows": full, "crossing_rows": len(rest), "record": i, "planted_rows": planted}
        row["crossing"] = float(rest.max() / abs(scale)) if len(rest) else 0.0
        if full and (best is None or row["crossing_rows"] > best["crossing_rows"]):
            best = row
    return best


def pairing(lab: Lab, facts: Facts) -> None:
    """Beside which observation does a changed reward stand in the batch?"""
    tried: list[str] = []
    for name in ("reward-once", "reward-comb"):
        stain = lab.stain("natural", name)
        reading = readings.impulse(stain, DELTA, stain.common)
        tried.append(name)
        if reading is None or not stain.of_kind("grad"):
            continue
        level, planted = reading.scale * DELTA, stain.dyed.about["planted"]
        plan = lab.plan("natural")
        once = plan.impulse_step() if name == "reward-once" else None
        whole = (
            once is not None and reading.rows > 1 and reading.rows == min(once.in_episode, plan.steps_to_first_update)
        )
        line = None
        found = readings.pairs(plan, stain, planted, level, stain.common, constant=whole)
        if found is None:
            found = readings.stacked_pairs(plan, stain, planted, level, stain.common, constant=whole)
            line = origin.combined(plan, stain, found.record) if found is not None and found.record >= 0 else None
        if found is not None:
            answer(stain, facts)
            facts.data.update(right=found.right, shifted=found.shifted, other_environment=found.other_env)
            facts.data.update(example=found.example, otherwise=found.otherwise)
            facts.data.update({"line": line} if line else _kept_line(lab))
            if found.record >= 0:
                facts.site = stain.base.site(found.record)
                facts.data["entered_line"] = origin.entered(stain.base, found.record)
            return
    raise Blind("no batch holds both the planted reward and an observation that can be recognised by its bytes")


def scaling(lab: Lab, facts: Facts) -> None:
    """By how much a reward that is 1 higher, and one that is 100 higher, moves the first number that answers; 0 where
    the one answers and the other does not (a bound that lies between)."""
    small, large = lab.stain("natural", "reward-once"), lab.stain("natural", "reward-large")
    answer(small, facts)
    layer = wrapped.reward_bent(small.base, small.dyed, large.dyed, 100.0)
    layer = layer or wrapped.reward_changed(small.base, small.dyed, DELTA)
    facts.data.update(wrapped.option(layer))
    line = wrapped.reward_line(layer) if layer is not None else None
    facts.data.update({"line": line} if line else {})
    one, hundred = _first(small), _first(large)
    if one is None and hundred is None:
        raise Blind("the planted reward reached no operation on numbers before the run was stopped")
    if one is None or hundred is None:
        facts.data.update(moved_by_1=one[0] if one else 0.0, moved_by_100=hundred[0] / 100.0 if hundred else 0.0)
        facts.site = (one or hundred or (0, None, 0))[1]
        return
    facts.site = one[1]
    facts.data["entered_line"] = origin.entered(small.base, one[2])
    reading = readings.impulse(small, DELTA, small.common)
    scale = reading.scale if reading is not None else one[0] / DELTA
    facts.data.update(moved_by_1=scale, moved_by_100=scale * hundred[0] / (100.0 * one[0]))


def _first(stain: Stain) -> tuple[float, Any, int] | None:
    for i, change in stain.ops():
        moved = change[change != 0]
        return float(moved[np.abs(moved).argmax()]), stain.base.site(i), i
    return None
