"""Dyes of episodes' ends: terminal and last observations, first ones of the next episode, memory, inserted rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifesigns.paired import options, origin, readings, source
from lifesigns.paired.experiments import Blind, Facts, Lab, answer, first_touched, path_of
from lifesigns.paired.plan import Plan, Step
from lifesigns.paired.rewards import impulse, value_weight
from lifesigns.paired.runlog import GRAD, Stain

MOST_BEHIND = 5000
"""records that are followed back from a target."""
TIME_LIMITS = ("handle_timeout_termination",)
"""Options of libraries that, switched off, let time limits count as terminations."""


def terminal_observation(lab: Lab, facts: Facts) -> None:
    """Observations of terminal states changed: nothing that is learned may answer."""
    stain = lab.stain("busy", "obs-terminal")
    answer(stain, facts)
    inserted = bool(lab.log("busy").notes.get("dummy_rows"))  # the agent is asked to act on them, to no effect
    facts.data["through_statistics"] = not inserted and _acted_differently(lab.plan("busy"), stain)
    facts.data["path"] = path_of(stain, first_touched(stain) + 1)
    _meet(lab, facts, stain)
    if options.in_library(facts.site):
        try:
            ends = lab.stain("busy", "end-kind")
            facts.data["ends_alike"] = not (ends.of_kind("grad") or ends.parted)
        except Blind:
            return


def _meet(lab: Lab, facts: Facts, stain: Stain) -> None:
    """Where the stain meets the rewards' one: the line that adds the two up."""
    try:
        rewards = lab.stain("busy", "reward-terminated")
    except Blind:
        return
    found = readings.overlap(stain, rewards, first_touched(stain) + 1)
    if found >= 0:
        facts.site = stain.base.site(found)
        facts.data["meets_reward"] = True
        line = origin.open_mask(stain, found)
        if line is None and not [p for p in stain.base.parents[found] if p >= 0]:
            line = origin.special_call(lab.plan("busy"), stain, found)
        facts.data["factors"] = [] if line else origin.factors(stain, found)
        facts.data["setting_names"] = list(stain.base.notes.get("setting_names", {}))
        facts.data.update({"line": line} if line else {})


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
    inserted = bool(lab.log("busy").notes.get("dummy_rows"))  # the agent is asked to act on them, to no effect
    facts.data["through_statistics"] = not inserted and _acted_differently(lab.plan("busy"), stain)
    facts.data["bootstraps"] = _bootstraps(lab)
    if not facts.data["bootstraps"] and lab.left_s() <= 0:
        raise Blind("the time for dyes was over before it was known whether anything is bootstrapped")
    if not facts.data["bootstraps"]:
        facts.data.update(_never_bootstrapped(lab))
    facts.data.update(_ended_targets(lab, stain))
    if not facts.data["gradients_touched"]:
        facts.data.update(_lost_at(lab, stain))
    try:
        ends = lab.stain("busy", "end-kind")
        facts.data["kind_matters"] = bool(ends.of_kind("grad")) or ends.parted
    except Blind as reason:
        facts.data["kind_blind"] = str(reason)
    steps = [s for s in stain.base.of_kind("step").tolist() if (at := stain.base.site(s)) and options.in_library(at)]
    ignored = options.given_at(stain.base.site(steps[0]), TIME_LIMITS, False) if steps else None
    facts.data.update({"option": ignored} if ignored else {})


def _never_bootstrapped(lab: Lab) -> dict[str, Any]:
    """Where nothing is bootstrapped: the line of the user's that would value the last observation of an episode, in a
    branch on the kind of its end that is never taken, though episodes end in both ways."""
    plan = lab.plan("busy")
    log = plan.log
    acting = plan.acting_networks
    critics = {x: set(log.notes["networks"][x].get("known_as", [])) for x in plan.trained - acting}
    seen: dict[str, set[int]] = {}
    for site in (s for s in log.sites if s and s[2]):
        seen.setdefault(site[2], set()).add(site[3])
    for label, names in critics.items():
        run = {
            (s.user_file, s.user_line)
            for c in plan.log.of_kind("call").tolist()
            if plan.label(c) == label and (s := log.site(c)) is not None
        }
        for file, lines in seen.items():
            line = source.never_run(file, names, {at for f, at in run if f == file}, lines) if names else 0
            if line:
                return {"never_bootstrapped": label, "line": {"file": file, "line": line}}
    return {}


def _ended_targets(lab: Lab, stain: Stain) -> dict[str, Any]:
    """Of the targets that hold the last reward of a truncated episode, those that do not answer to its last observation
    (`ended_lost`), nor to the kind of its end (`ended_silent`); read where the two first meet."""
    try:
        rewards = lab.stain("busy", "reward-truncated")
    except Blind:
        return {}
    replays = bool(lab.plan("busy").target_networks)
    for i, change in stain.ops():
        if i >= stain.first_step:
            break
        if replays and stain.base.is_square(i):
            continue
        paid = rewards.delta(i) if i in rewards.marks else None
        if paid is None or change.ndim == 0 or np.mean(paid != 0) > 0.9:
            continue
        rows = np.abs(paid) > 0.1 * np.abs(paid).max()
        lost = rows & (change == 0)
        if rows.any():
            found = {"ended_targets": int(rows.sum()), "ended_lost": int(lost.sum())}
            found["ended_silent"] = int((lost & ~_moved(lab, i, change.shape)).sum())
            return {**found, "ended_line": origin.place(stain.base.site(i))}
    return {}


def _moved(lab: Lab, record: int, shape: tuple[int, ...]) -> Any:
    """Which numbers of a record answer where truncated ends are returned as terminations."""
    try:
        ends = lab.stain("busy", "end-kind")
    except Blind:
        return np.ones(shape, dtype=bool)
    change = ends.delta(record) if record in ends.marks else None
    if record >= ends.common:
        return np.ones(shape, dtype=bool)
    return np.zeros(shape, dtype=bool) if change is None else change != 0


def _lost_at(lab: Lab, stain: Stain) -> dict[str, Any]:
    """`mask_line`, where a mask takes values of last observations out of targets; `bootstrap_line`, where values are
    computed from something else, if no network was given these observations in an update."""
    found: dict[str, Any] = {"mask_line": origin.mask_line(stain)}
    plan = lab.plan("natural")
    given = [i for i in stain.of_kind("input") if i < stain.first_step]
    acting = lab.plan("busy").acting_inputs
    if not set(given) - acting:
        call = next((c for c in plan.update_calls if c < plan.first_grad and not plan.log.rows[c, GRAD]), -1)
        at = plan.log.site(call) if call >= 0 else None
        inside = call >= 0 and options.in_library(at)
        given = plan.input_of(call) if inside else -1
        found["bootstrap_line"] = origin.entered(plan.log, given) if given >= 0 else origin.calling(plan, at)
    return {k: v for k, v in found.items() if v}


def _bootstraps(lab: Lab) -> bool:
    """Whether values meet rewards in a target at all (a Monte Carlo method has nothing to bootstrap)."""
    try:
        if "target-value" in lab.asked():
            values, rewards = lab.stain("natural", "target-value"), lab.stain("natural", "reward-comb")
            return readings.meeting(values, rewards, values.common) is not None
        if "last-value" in lab.asked():
            values, rewards = lab.stain("natural", "last-value"), lab.stain("natural", "reward-comb")
            if readings.meeting(values, rewards, first_touched(values)) is not None:
                return True
        rewards = lab.stain("natural", "reward-once")
        reading = impulse(lab.plan("natural"), rewards)
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
    replays = bool(plan.target_networks)  # batches are rows of steps, no [steps, environments]
    for i in last.of_kind("op"):
        if i >= stain.common or last.secondary[i] or stain.secondary[i]:
            continue
        if rows and i > min(stain.first_step, last.first_step):
            break  # what comes later may hold values of networks that have learned from the stain
        ends, change = last.delta(i), stain.delta(i) if i in stain.marks else None
        if ends is None or ends.ndim == 0 or plan.log.rows[i, GRAD] or (replays and plan.log.is_square(i)):
            continue
        full = np.abs(ends - 1.0) <= 1e-3
        if not full.any() or np.mean(ends != 0) > 0.9:
            continue
        rows += int(full.sum())
        if change is not None and np.any(change[full] != 0):
            hit += int(np.sum(change[full] != 0))
            facts.site = stain.base.site(i)
            facts.data["entered_line"] = _entered_next(stain, i)
            facts.data.update(_valued_when_acting(plan, stain, i))
            break
    if not rows:
        raise Blind("no target of the last step of a truncated episode could be told from the others")
    facts.data.update(ended_rows=rows, ended_rows_touched=hit)


def _valued_when_acting(plan: Plan, stain: Stain, target: int) -> dict[str, Any]:
    """`line`: that of a target which takes the next episode's value as it was put out for acting on it: the observation
    is where it belongs, the value is not."""
    behind = (i for i in plan.ancestors(target, MOST_BEHIND) if plan.log.kind(i) == "call" and i in stain.marks)
    given = ((call, plan.input_of(call)) for call in behind)
    calls = {call for call, one in given if one in stain.marks and not _of_networks(plan, one)}
    line = origin.place(stain.base.site(target)) if calls and calls <= plan.acting_calls else None
    return {"line": line} if line else {}


def _entered_next(stain: Stain, target: int) -> dict[str, Any] | None:
    """Where the last observations that a network was given before a target, and that differ, came into torch."""
    given = [i for i in stain.of_kind("input") if i < target and not stain.base.rows[i, GRAD]]
    return origin.entered(stain.base, given[-1]) if given else None


def dummy_rows(lab: Lab, facts: Facts) -> None:
    """Rewards of the rows that next-step autoreset inserts changed: nothing may answer."""
    inserted = lab.log("busy").notes.get("dummy_rows", 0)
    if not inserted:
        raise Blind("no vector environment with next-step autoreset ended an episode")
    stain = lab.stain("busy", "dummy-reward")
    answer(stain, facts)
    made = stain.base.notes.get("default_autoreset")  # nobody asked for these rows
    facts.data.update({"line": {"file": made["file"], "line": made["line"]}} if made else {})
    facts.data["path"] = path_of(stain, first_touched(stain) + 1)


def memory(lab: Lab, facts: Facts) -> None:
    """Observations of one episode that is terminated and of one that is truncated changed: the agent must act on the
    next one as if nothing had been."""
    stain = lab.stain("busy", "obs-one-episode")
    plan = lab.plan("busy")
    answer(stain, facts)
    planted = [p for p in stain.dyed.about["planted"] if p["kind"] == "obs"]
    drawn = False
    dyed = Plan(stain.dyed)
    same = {(s.part, s.number): s.action for s in dyed.steps}
    seen = calls = inputs = touched = observed = 0
    depth, left, deepest = list[int](), list[int](), 0
    for episode, part in sorted({(p["episode"], p["env"]) for p in planted}):
        row, steps = _row_of(plan, part), _steps_of(plan, part, episode + 1, min(stain.common, plan.first_grad), same)
        if steps and _draws_otherwise(stain, part, steps[0]):
            drawn, steps = True, []
        deepest = max([deepest, *(s.in_episode for s in steps)])
        for step in steps:
            seen += 1
            acting = _acting_on(plan, step)
            if not acting and _handed_otherwise(plan, dyed, stain, step):  # a step taken at random
                observed += 1
                depth.append(step.in_episode)
                left.append(episode)
            for call in acting:
                calls += 1
                given = plan.input_of(call)
                changed_in = _row_differs(plan, stain, given, row)
                inputs += changed_in and not _of_networks(plan, given)
                if changed_in or _row_differs(plan, stain, call, row):
                    touched += 1
                    depth.append(step.in_episode)
                    left.append(episode)
                    facts.site = stain.base.site(call)
    if not seen and drawn:
        raise Blind("the environment draws from its random stream as often as actions say, so the next episode differs")
    if not seen:
        raise Blind("the runs had parted, or learned, before the next episode began")
    if not calls and not observed:
        raise Blind("no network was seen to be called for acting in the next episode")
    facts.data.update(steps=seen, touched=touched + observed, inputs_touched=inputs + observed)
    facts.data.update(observed=observed, depths=sorted(set(depth)), compared_to=deepest)
    facts.data["planted"] = _moments(stain, [p for p in planted if not left or p["episode"] <= min(left)])


def _handed_otherwise(plan: Plan, dyed: Plan, stain: Stain, step: Step) -> bool:
    """Whether the outermost layer handed out another observation before a step, and the environment itself did not."""
    one, other = (p.handed_out.get((step.part, step.number)) for p in (plan, dyed))
    if one is None or other is None or one.tobytes() == other.tobytes():
        return False
    name = f"env{step.part}.reset" if step.in_episode == 1 else f"env{step.part}"
    before = plan.action_of.get((step.part, step.number - 1), -1)
    return not any(before < i < step.action and plan.log.name(i) == name for i in stain.of_kind("obs"))


def _steps_of(plan: Plan, part: int, episode: int, until: int, same: dict[tuple[int, int], int]) -> list[Step]:
    """The first steps of an episode before a record, if its very first is among them and both runs have them alike."""
    mine = [s for s in plan.steps if s.part == part and s.episode == episode and s.action < until]
    alike = [s for s in mine if same.get((part, s.number)) == s.action]
    return alike[:12] if alike and alike[0].in_episode == 1 else []


def _of_networks(plan: Plan, given: int) -> bool:
    """Whether what a network was given was computed from what another, or itself a step before, has put out."""
    return any(plan.log.kind(i) == "call" for i in plan.ancestors(given, 60))


def _moments(stain: Stain, planted: list[dict[str, Any]]) -> int:
    """At how many moments was planted: environments that are stepped together count once. Between steps that are taken
    at random no network is called; one environment's then differ."""
    calls = stain.base.of_kind("call")
    records = np.array([p["record"] for p in planted], dtype=np.int64)
    steps = [len({p["step"] for p in planted if p["env"] == env}) for env in {p["env"] for p in planted}]
    return max(len(np.unique(np.searchsorted(calls, records))), *steps, 0)


def _draws_otherwise(stain: Stain, part: int, step: Step) -> bool:
    """Whether an episode begins with other random streams and, for that reason it may be, with another observation."""
    begun = [log.notes.get("streams", {}).get(str(part), []) for log in (stain.base, stain.dyed)]
    differ = any(x != y for x, y in list(zip(*begun, strict=False))[: step.episode + 1])
    name = f"env{part}.reset"
    first = [i for i in stain.of_kind("obs") if i < step.action and stain.base.name(i) == name]
    return differ and bool(first)


def _acting_on(plan: Plan, step: Step) -> list[int]:
    """The last call of each network for acting between the step before of the same environment and this one: the one
    before it, on the observation that ended an episode, is for a row that an autoreset inserts."""
    before = max((s.action for s in plan.steps if s.part == step.part and s.number == step.number - 1), default=-1)
    calls = sorted(call for call in plan.acting_calls if before < call < step.action)
    return sorted({plan.log.name(call): call for call in calls}.values())


def _row_of(plan: Plan, part: int) -> int:
    """Which row of a batch for acting belongs to an environment."""
    return plan.train_parts.index(part)


def _row_differs(plan: Plan, stain: Stain, record: int, row: int) -> bool:
    if record < 0 or record not in stain.marks:
        return False
    change = stain.delta(record)
    if change is None:
        return True
    if change.ndim >= 2 and change.shape[0] == len(plan.train_parts):
        return bool(np.any(change[row] != 0))
    return bool(np.any(change != 0))
