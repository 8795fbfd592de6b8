"""The verdict: exits tried in a fixed order, each with its evidence, and what would change it (PLANNER 4.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite

from lifesigns.planner.cost import REAL, Cost
from lifesigns.planner.ladder import Ladder, Rung
from lifesigns.planner.properties import Properties

BLOCKED_TIES = 0.95
BANDIT_CARRY = 0.0
KINDS = (
    "no RL needed",
    "bandit",
    "equilibrium",
    "solve exactly",
    "plan",
    "plan, then distil",
    "fix the signal first",
    "fix the reward first",
    "RL",
    "not by RL",
    "name a sufficient score",
)
WITHOUT_MODEL = ("floor", "constant", "open loop", "bandit", "linear")
WITH_MODEL = ("greedy", "planner")


@dataclass(frozen=True)
class Step:
    """One exit as it was tried: taken, passed by, or blind, with the reason."""

    exit: str
    status: str
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What to do, why, and what would change that."""

    kind: str
    sentence: str
    evidence: tuple[str, ...] = ()
    would_change: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Case:
    """All that a verdict is drawn from; `target` is the sufficient score, None where nobody named one."""

    ladder: Ladder
    properties: Properties
    target: float | None = None
    target_source: str = ""
    cost: Cost | None = None
    hours: float | None = None
    """What the user would spend on RL, in hours of one core."""
    real: bool = False
    """Whether it is a real system that counts."""


@dataclass(frozen=True)
class _Taken:
    kind: str
    sentence: str
    evidence: tuple[str, ...] = ()
    would_change: tuple[str, ...] = field(default=())


_Outcome = _Taken | str
"""An exit that is taken, or the reason why it is not; a reason that begins with `BLIND` could not be told."""


def reaches(rung: Rung, target: float) -> bool:
    """Whether the mean return of whole episodes is at least the target."""
    return rung.whole and rung.mean >= target


def surely(rung: Rung, target: float) -> bool:
    """Whether even the lower end of the 95 % interval is at least the target."""
    low, _ = rung.interval
    return rung.whole and isfinite(low) and low >= target


def said(rung: Rung) -> str:
    """`linear, CEM: 500 (n = 20) in 0.4 CPU-s`."""
    low, high = rung.interval
    span = f" [{low:.4g}, {high:.4g}]" if isfinite(low) and low != high else ""
    unfair = f"; {rung.unfair}" if rung.unfair else ""
    return f"{rung.method}: {rung.mean:.4g}{span} ({len(rung.returns)} episodes) in {rung.cpu_s:.2g} CPU-s{unfair}"


def decide(case: Case) -> Verdict:
    """The first exit that is taken; all that were tried are listed."""
    exits: tuple[tuple[str, Callable[[Case], _Outcome]], ...] = (
        ("no RL needed", _no_rl),
        ("bandit", _bandit),
        ("equilibrium", _equilibrium),
        ("solve exactly", _exact),
        ("plan", _plan),
        ("fix the signal first", _blocked),
        ("fix the reward first", _trap),
        ("RL", _rl),
    )
    steps: list[Step] = []
    for name, tried in exits:
        if tried is _equilibrium and case.properties.get("equilibrium") is None:
            continue
        outcome = tried(case)
        if isinstance(outcome, _Taken):
            steps.append(Step(name, "taken", outcome.sentence))
            changes = (*outcome.would_change, *_always(case, outcome.kind))
            evidence = (*outcome.evidence, *_on_a_real_system(case, outcome.kind))
            return Verdict(outcome.kind, outcome.sentence, evidence, changes, tuple(steps))
        blind = outcome.startswith("BLIND")
        steps.append(Step(name, "blind" if blind else "passed", outcome.removeprefix("BLIND ")))
    sentence = "Say what score is enough (--target): without it no method can be called sufficient."
    best = case.ladder.best()
    evidence = (f"best so far {said(best)}",) if best else ()
    return Verdict("name a sufficient score", sentence, evidence, _always(case, ""), tuple(steps))


def _on_a_real_system(case: Case, kind: str) -> tuple[str, ...]:
    if not case.real or kind not in ("plan", "plan, then distil", "solve exactly", "equilibrium"):
        return ()
    return ("on the real system this holds as far as this simulation is true to it",)


def _cheapest(case: Case, kinds: tuple[str, ...]) -> Rung | None:
    """The cheapest rung of these kinds that surely reaches the target, else the best that does on average."""
    if case.target is None:
        return None
    able = [r for r in case.ladder.measured() if r.kind in kinds and reaches(r, case.target)]
    sure = [r for r in able if surely(r, case.target)]
    return min(sure, key=lambda r: r.cpu_s) if sure else (able[0] if able else None)


def _no_rl(case: Case) -> _Outcome:
    if case.target is None:
        return "BLIND no sufficient score is known"
    found = _cheapest(case, WITHOUT_MODEL)
    best = case.ladder.best(*WITHOUT_MODEL)
    if found is None:
        return f"best without a model is {said(best)}, below {case.target:g}" if best else "BLIND none was measured"
    evidence = [said(found)]
    guessing = case.ladder.get("linear, random weights")
    if guessing is not None and guessing.facts.get("solved_share"):
        low, high = 100 * guessing.facts["solved_low"], 100 * guessing.facts["solved_high"]
        evidence.append(
            f"{100 * guessing.facts['solved_share']:.3g} % of random linear policies are enough "
            f"[{low:.2g}, {high:.3g}] ({guessing.facts['policies']} tried)"
        )
    sure = "" if surely(found, case.target) else " on average"
    ceiling = max(r.mean for r in case.ladder.measured() if r.kind in WITHOUT_MODEL)
    return _Taken(
        "no RL needed",
        f"{found.method} reaches {case.target:g}{sure} ({case.target_source}) in {found.cpu_s:.2g} CPU-seconds.",
        tuple(evidence),
        (f"a sufficient score above {ceiling:.4g}, the best without a model",),
    )


def _bandit(case: Case) -> _Outcome:
    carry = case.properties.number("carry_over")
    if carry is None:
        return "BLIND " + (case.properties.text("carry_over") or "not measured")
    if carry > BANDIT_CARRY:
        return case.properties.text("carry_over")
    rung = case.ladder.get("myopic bandit")
    evidence = (case.properties.text("carry_over"), *([said(rung)] if rung is not None and rung.whole else []))
    return _Taken(
        "bandit",
        "No action changed what is observed next: learn the reward of each action (a contextual bandit, or supervised "
        "learning where the right action is known).",
        evidence,
        ("an action whose effect shows later than the next observation",),
    )


def _equilibrium(case: Case) -> _Outcome:
    """Tried for games alone."""
    if not case.properties.number("equilibrium"):
        return case.properties.text("self_play") or case.properties.text("equilibrium")
    left, told = case.properties.number("exploitability"), case.properties.text("exploitability")
    rung = case.ladder.get("CFR+ (self-play)")
    how = f": {told}." if left is not None else f" ({told})." if told else " (it was not run: the time was over)."
    return _Taken(
        "equilibrium",
        f"Two players, imperfect information, zero sum: the aim is an equilibrium, which CFR approaches{how}",
        (case.properties.text("self_play"), *([said(rung)] if rung is not None and rung.whole else [])),
        (
            "an opponent that is known and does not change: a best response to it is an ordinary problem",
            "a game too large to list: then sampled or deep CFR, or self-play",
        ),
    )


def _exact(case: Case) -> _Outcome:
    found = case.ladder.best("exact")
    if found is None:
        why = next((r.blind for r in case.ladder.rungs if r.kind == "exact"), "")
        return f"BLIND {why}" if why else "states cannot be listed"
    better = [r for r in case.ladder.measured() if r.whole and r.interval[0] > found.interval[1]]
    if better:  # an exact solution cannot be beaten
        states = found.facts.get("states", "?")
        return f"the {states} states that were listed are not the whole world: {said(found)}, and {said(better[0])}"
    return _Taken(
        "solve exactly",
        f"The world has {found.facts.get('states', '?')} states: value iteration solves it in {found.cpu_s:.2g} "
        "CPU-seconds.",
        (said(found),),
        ("a world too large to list, or one whose table is not known where the policy must run",),
    )


def _plan(case: Case) -> _Outcome:
    able = _cheapest(case, WITH_MODEL)
    if able is None:
        best = case.ladder.best(*WITH_MODEL)
        if best is not None and case.target is not None:
            return f"best planner is {said(best)}, below {case.target:g}"
        if best is not None:
            return "BLIND no sufficient score is known"
        partial = [r for r in case.ladder.rungs if r.kind in WITH_MODEL and r.steps]
        if partial:
            return (
                f"BLIND no planner finished an episode; {partial[0].method} got {partial[0].mean:.4g} in its first "
                f"{partial[0].steps} steps (random {partial[0].random_then:.4g})"
            )
        return "BLIND " + next((r.blind for r in case.ladder.rungs if r.kind in WITH_MODEL and r.blind), "none ran")
    step, clone = case.properties.number("step_seconds"), case.ladder.best("copy")
    slow = step is not None and able.decision_ms / 1000 > step
    copied = (f"its copy: {said(clone)}",) if clone is not None else ()
    evidence = (said(able), f"{able.decision_ms:.3g} ms per decision", *copied)
    how = (
        ""
        if surely(able, case.target or 0.0)
        else " on average"
        if len(able.returns) > 1
        else " in the one episode played"
    )
    changes = ("no model where the policy must run", f"a sufficient score above {able.mean:.4g}")
    if slow:
        assert step is not None
        sentence = (
            f"{able.method} reaches {case.target:g}{how} without training, but needs {able.decision_ms:.3g} ms for a "
            f"decision in a world of {1000 * step:.3g} ms: plan, then train a network on its decisions."
        )
        return _Taken("plan, then distil", sentence, evidence, changes)
    sentence = (
        f"{able.method} reaches {case.target:g}{how} ({case.target_source}) without training, with the true model."
    )
    return _Taken("plan", sentence, evidence, changes)


def _blocked(case: Case) -> _Outcome:
    ties, seen = case.properties.number("tie_rate"), case.properties.number("reward_in_episodes")
    if seen is None:
        return "BLIND rewards of random play were not measured"
    if seen > 0 or (ties is not None and ties < BLOCKED_TIES) or _lengths_tell(case):
        return (
            case.properties.text("reward_in_episodes") if seen else case.properties.text("tie_rate") or "lengths vary"
        )
    best, random = case.ladder.best(), case.ladder.random
    if best is not None and random is not None and best.mean > random.mean + 1e-9 and best.kind != "exact":
        found = f"searching finds more than random play does ({said(best)}), "
    else:
        found = "no search found more than random play does, "
    evidence = (case.properties.text("reward_in_episodes"), case.properties.text("tie_rate"))
    return _Taken(
        "fix the signal first",
        f"Random play never sees a reward that differs: {found}and a learner that explores by chance has nothing to "
        "learn from.",
        tuple(e for e in evidence if e),
        (
            "demonstrations, a curriculum of start states, goal relabelling or potential-based shaping",
            "one random episode with another reward",
        ),
    )


def _lengths_tell(case: Case) -> bool:
    """Whether returns differ although single rewards do not: episodes that end earlier or later carry the signal."""
    random = case.ladder.random
    return random is not None and len(set(random.returns)) > 1


def _trap(case: Case) -> _Outcome:
    exploit = case.properties.number("exploit")
    if exploit is not None and exploit > 0:
        return _Taken(
            "fix the reward first",
            "A search found episodes that pay more without success than any with it: a learner will find them too.",
            (case.properties.text("exploit"), case.properties.text("true_metric")),
            ("a reward whose best episodes are those that succeed",),
        )
    margin = case.properties.number("trap")
    if margin is None:
        return "BLIND " + (case.properties.text("trap") or "not measured")
    if margin <= 0:
        return case.properties.text("trap")
    best = case.ladder.best()
    reached = best is not None and case.target is not None and best.mean >= case.target
    if reached:
        return case.properties.text("trap") + ", but a better way was found"
    return _Taken(
        "fix the reward first",
        "Ending an episode early pays more than going on at random: a learner is likely to learn to end it.",
        (case.properties.text("trap"),),
        ("a reward that makes living worth more than ending",),
    )


def _rl(case: Case) -> _Outcome:
    if case.target is None:
        return "BLIND no sufficient score is known"
    best = case.ladder.best()
    evidence = [f"best without RL: {said(best)}"] if best else []
    changes = [f"a cheap method or a planner that reaches {case.target:g}"]
    cost = case.cost
    if cost is None:
        return _Taken("RL", f"Nothing cheaper reaches {case.target:g} ({case.target_source}).", tuple(evidence))
    evidence.append(cost.basis)
    if cost.bottleneck == "the environment":
        changes.append("a faster environment: it is slower than the learner")
    elif cost.bottleneck == REAL:
        changes.append("a simulation that is true enough to learn in: it need not take the time of the world")
    if case.hours is not None and cost.project_hours.p90 > case.hours:
        sentence = (
            f"Nothing cheaper reaches {case.target:g}, and RL is likely to cost more than the {case.hours:g} hours "
            f"that you have: p90 of a project is {cost.project_hours.p90:.3g} {cost.hours_of}."
        )
        return _Taken(
            "not by RL", sentence, tuple(evidence), (*changes, f"{cost.project_hours.p90:.3g} {cost.hours_of}")
        )
    if cost.solves < 0.35:
        changes.append("an easier target: few tuned algorithms reach this one")
    return _Taken(
        "RL", f"Nothing cheaper reaches {case.target:g} ({case.target_source}).", tuple(evidence), tuple(changes)
    )


def _always(case: Case, kind: str) -> tuple[str, ...]:
    """What would let a blind exit look."""
    found: list[str] = []
    if case.target is None:
        found.append("a sufficient score (--target)")
    if case.properties.number("restorable") == 0 and kind not in ("no RL needed", "bandit"):
        found.append("a pair of functions that saves and restores the state (--restore)")
    history = case.properties.number("history")
    if history is not None and history > 0.25 and kind == "RL":
        found.append("a frame stack: the present observation is not the whole state")
    return tuple(found)
