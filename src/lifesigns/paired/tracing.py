"""Dye tracing of one script from end to end: undyed runs first, then the dyes, then the lines.

Flows in: a target and a time. Flows out: facts of every dye, and what was run. The doors and `checkup` call `trace`.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lifesigns.paired import actions, episodes, rewards, supervised
from lifesigns.paired.experiments import DELTA, Blind, Facts, Lab, Reader, collect
from lifesigns.paired.lines import locate_all
from lifesigns.paired.plan import Plan
from lifesigns.paired.runlog import DIGEST, RunLog, Stain
from lifesigns.paired.runner import Runner, Target, Zygote

SHORT_LENGTHS, SHORTER_LENGTHS = (11, 7), (5, 3)
"""Steps after which the even and the odd episodes of the busy world end, by truncation and by termination; the shorter
ones where an agent learns after fewer than 24 steps."""
LONG = {"updates": 4000, "phases": 100_000, "updates_after": 8, "seconds": 6.0}
OTHER_SEED = "9157"
"""Given as `--seed` where the script takes one; an arbitrary number."""
PROGRESS = Callable[[str, int, int], None]


@dataclass
class Traced:
    """What came of it: facts, the first undyed run's own words, seconds."""

    facts: list[Facts]
    about: dict[str, Any] = field(default_factory=dict[str, Any])
    wall_s: float = 0.0
    runs: int = 0


RL_READERS: tuple[tuple[str, Reader], ...] = (
    ("reward", rewards.reaches),
    ("discounting", rewards.discounting),
    ("reward-sign", rewards.sign),
    ("reward-pairing", rewards.pairing),
    ("reward-scaling", rewards.scaling),
    ("episode-boundary", rewards.boundary),
    ("terminal-observation", episodes.terminal_observation),
    ("truncated-end", episodes.truncated_end),
    ("next-episode", episodes.next_episode),
    ("autoreset-rows", episodes.dummy_rows),
    ("episode-memory", episodes.memory),
    ("environment-rows", episodes.rows_apart),
    ("observation", episodes.observation),
    ("observation-copy", episodes.aliasing),
    ("action", actions.actions),
    ("first-ratio", actions.first_ratio),
    ("target-network", episodes.target_network),
    ("detached-target", episodes.detached_target),
    ("evaluation", episodes.evaluation),
)
SUPERVISED_READERS: tuple[tuple[str, Reader], ...] = (
    ("labels", supervised.labels),
    ("inputs", supervised.inputs),
    ("validation", supervised.validation),
)
COMMON_READERS: tuple[tuple[str, Reader], ...] = (
    ("unreached-parameters", supervised.unreached),
    ("network-rows", supervised.recalls),
    ("broadcast", supervised.broadcasts),
    ("output-row", supervised.output_rows),
)


def trace(
    target: Target,
    seconds: float = 90.0,
    cores: int = 2,
    progress: PROGRESS = lambda name, done, of: None,
    suspects: Callable[[list[Facts]], set[str]] = lambda facts: {f.dye for f in facts},
    *,
    keep: Path | None = None,
    zygotes: list[Zygote] | None = None,
    nice: int = 0,
) -> Traced:
    """Traces a script within `seconds`; never raises for what the script does. Raises OSError where Python cannot be
    started. `cores`: runs side by side (two at least, since a control pair needs two processes); `suspects`: which dyes
    of those read ask for a line; `keep`: a folder in which the runs' logs stay; `zygotes`: processes of an earlier
    trace to be used again; `nice`: their priority."""
    started = time.monotonic()
    folder = keep or Path(tempfile.mkdtemp(prefix="lifesigns-dye-"))
    runner = Runner(target, folder, cores, limit_s=min(20.0, max(seconds / 3, 5.0)), zygotes=zygotes, nice=nice)
    lab = Lab(runner, started + seconds)
    try:
        traced = _traced(lab, progress, suspects)
    finally:
        runner.close(keep_zygotes=zygotes is not None)
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    traced.wall_s, traced.runs = time.monotonic() - started, len(lab.asked())
    return traced


def _traced(lab: Lab, progress: PROGRESS, suspects: Callable[[list[Facts]], set[str]]) -> Traced:
    progress("undyed runs", 0, 1)
    lab.ask("natural", zygote=0, first=True)
    lab.ask("control", zygote=1, first=True)
    try:
        about = dict(lab.ran("natural").about or {})
        lab.seeds = about["seeds"]
    except Blind as reason:
        return Traced([Facts("reproducible", {"blind": str(reason)})])
    reproducible = Facts("reproducible")
    try:
        same = control(lab, reproducible)
    except Blind as reason:
        return Traced([Facts("reproducible", {"blind": str(reason)})], about)
    plan = lab.plan("natural")
    stop = _why_not(lab, plan)
    if not same or stop:
        reason = stop or "two undyed runs differ, so no difference could be laid to a dye"
        rest = [
            Facts(n, {"blind": reason}) for n, _ in (*RL_READERS, *SUPERVISED_READERS, *COMMON_READERS, ("seeds", None))
        ]
        return Traced([reproducible, *rest], about)
    readers = [*(RL_READERS if plan.is_rl else SUPERVISED_READERS), *COMMON_READERS, ("seeds", seeds)]
    _ask_all(lab, plan)
    _entropy(lab, reproducible)
    _hash_seed(lab, reproducible)
    facts = [reproducible, *collect(lab, readers, progress)]
    progress("lines of the user's", len(readers), len(readers))
    locate_all(lab, facts, suspects(facts))
    return Traced(facts, about)


def _why_not(lab: Lab, plan: Plan) -> str:
    about = plan.log.about
    if plan.grads:
        return ""
    libraries = ", ".join(sorted(set(plan.log.notes.get("unsupported", []))))
    if libraries:
        return f"the script uses {libraries}, whose computations cannot be intercepted"
    if about["why"] == "exception":
        return f"the script ended with an exception before it learned anything: {about['error']}"
    return f"no PyTorch optimiser stepped in the first {about['wall_s']:.0f} s ({about['env_steps']} environment steps)"


def control(lab: Lab, facts: Facts) -> bool:
    """The control pair: no dye. Whether the two runs are the same, seeds drawn from the clock replaced."""
    first, second = lab.log("natural"), lab.log("control")
    drawn = [
        {"what": a["what"], "at": a["at"], "seeds": [a["seed"], b["seed"]]}
        for a, b in zip(first.about["seeds"], second.about["seeds"], strict=False)
        if a["seed"] != b["seed"]
    ]
    facts.data["drawn_seeds"] = drawn
    facts.data["unseeded"] = first.about["drawn"]
    base, again = "natural", "control"
    if drawn:
        lab.ask("natural-replayed", zygote=0, first=True)
        lab.ask("control-replayed", zygote=1, first=True)
        base, again = "natural-replayed", "control-replayed"
    stain = Stain(lab.log(base), lab.log(again))
    same = not len(stain.at) and not stain.parted
    # a run that was stopped by the clock may be the shorter one; what both have is compared
    facts.data.update(records=stain.common, same=same)
    if not same and stain.common and stain.parted and not len(stain.at):
        facts.site = stain.base.site(min(stain.common, len(stain.base) - 1))
    elif not same and len(stain.at):
        at = int(stain.at[0])
        facts.data["first_operation"] = stain.base.name(at)
        facts.site = next((s for i in stain.at.tolist() if (s := stain.base.site(int(i))) is not None), None)
    return same


def _ask_all(lab: Lab, plan: Plan) -> None:
    """Submits every run that the readers will want, the most telling first."""
    ask = lab.ask
    if plan.is_rl:
        _ask_rl(lab, plan)
    else:
        log = plan.log
        train = supervised.train_loaders(log)
        if train:
            ask("labels", plants=[{"kind": "label", "loaders": train}])
            ask("inputs", plants=[{"kind": "data", "loaders": train}])
        ask("long", stop=LONG)
        held_out = supervised.held_out_loaders(lab.log("long")) if train else []
        if held_out:
            plants = [{"kind": kind, "loaders": held_out} for kind in ("label", "data")]
            ask("validation-changed", stop=LONG, plants=plants)
    ask("recalled", recall=True, stop={"updates": 4})
    call, row = supervised.output_row_call(plan)
    if call >= 0:
        plant = _at_calls(plan, [call], {"delta": 0.5, "row": row})
        ask("output-row", plants=plant, stop={"updates": 1})
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
    lengths = SHORTER_LENGTHS if plan.steps_to_first_update < 24 else SHORT_LENGTHS
    world = {"lengths": lengths}
    only = {"envs": train}
    comb = {"kind": "reward", "at": "comb", "delta": DELTA, **only}
    ask("reward-comb", plants=[comb])
    ask("busy", world=world)
    if lab.runner.mentions_evaluation:
        ask("long", world=world, stop=LONG)
    once = plan.impulse_step()
    if once is not None:
        at = {"at": "step", "envs": [once.part], "step": once.number}
        ask("reward-once", plants=[{"kind": "reward", "delta": DELTA, **at}])
        ask("reward-large", plants=[{"kind": "reward", "delta": 100.0 * DELTA, **at}])
        ask("obs-once", plants=[{"kind": "obs", **at}])
    ask("reward-busy", world=world, plants=[comb])
    ask("obs-terminal", world=world, plants=[{"kind": "obs", "at": "terminated", "outer": True, **only}])
    ask("obs-truncated", world=world, plants=[{"kind": "obs", "at": "truncated", "outer": True, **only}])
    ask("end-kind", world=world, plants=[{"kind": "end", "at": "truncated", **only}])
    ask("reward-first-steps", world=world, plants=[{"kind": "reward", "at": "first-step", "delta": DELTA, **only}])
    ask("reward-truncated", world=world, plants=[{"kind": "reward", "at": "truncated", "delta": DELTA, **only}])
    ask("obs-reset", world=world, plants=[{"kind": "obs", "at": "reset-after-truncation", **only}])
    ask(
        "obs-one-episode",
        world=world,
        plants=[
            {"kind": "obs", "at": "step", "episode": 1, "envs": train[:1]},
        ],
    )
    ask("obs-all", plants=[{"kind": "obs", "at": at, **only} for at in ("step", "any-reset")])
    ask("obs-copied", plants=[{"kind": "copy", "at": "step"}])
    if plan.log.notes.get("dummy_rows") or "dummy_rows" in _notes(lab, "busy"):
        ask("dummy-reward", world=world, plants=[{"kind": "dummy", "at": "step", "delta": DELTA}])
    _ask_values(lab, plan)


def _notes(lab: Lab, name: str) -> dict[str, Any]:
    try:
        return dict(lab.log(name).notes)
    except Blind:
        return {}


def _ask_values(lab: Lab, plan: Plan) -> None:
    targets = plan.target_networks
    online = [] if targets else episodes.online_bootstraps(plan)
    if targets:
        lab.ask("target-value", plants=[{"kind": "output", "modules": targets, "delta": DELTA}])
    elif online:
        lab.ask("target-value", plants=_at_calls(plan, online, {"delta": DELTA}))
    else:
        _ask_one_value(lab, plan)
    chosen = episodes.next_calls(plan)
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
    if batched:
        number = _number_of(plan, batched[0])
        index = once.number if len(log.shapes[batched[0]]) < 3 else [once.number, row]
        plant = {"modules": [plan.label(batched[0])], "calls": [number, number], "row": index}
        lab.ask("next-value", plants=[{"kind": "output", "delta": DELTA, **plant}])


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


def _entropy(lab: Lab, facts: Facts) -> None:
    """Whether other bits from the operating system, where the script asks for them, change the run."""
    try:
        stain = lab.stain("natural", "entropy", must_plant=False)
    except Blind as reason:
        facts.data["entropy_blind"] = str(reason)
        return
    facts.data["entropy_touched"] = len(stain.at) + int(stain.parted)
    facts.data["drawn_at"] = stain.base.notes.get("drawn_at", [])
    facts.data["gave_seeds"] = len(stain.base.about["seeds"])
    if facts.data["entropy_touched"] and len(stain.at):
        facts.data["first_operation"] = stain.base.name(int(stain.at[0]))
        facts.site = next((s for i in stain.at.tolist() if (s := stain.base.site(int(i))) is not None), None)


def _hash_seed(lab: Lab, facts: Facts) -> None:
    """Whether another hash seed (the order of sets) changes the run; asked only of scripts that use hashes or sets."""
    if not lab.runner.uses_hashes:
        return
    try:
        stain = lab.stain("natural", "hash-seed", must_plant=False)
    except Blind:
        return
    facts.data["hash_touched"] = len(stain.at) + int(stain.parted)
    if facts.data["hash_touched"]:
        facts.site = next((s for i in stain.at.tolist() if (s := stain.base.site(int(i))) is not None), facts.site)


def seeds(lab: Lab, facts: Facts) -> None:
    """Other seeds for the agent, other seeds for the environment, another `--seed`: each must change the run."""
    log = lab.log("natural")
    given = log.about["seeds"]
    facts.data["given"] = given[:20]
    for name, key in (("agent-seeds", "agent"), ("env-seeds", "env")):
        if name in lab.asked():
            stain = lab.stain("natural", name, must_plant=False)
            kinds = {"agent": None, "env": ("obs",)}[key]
            touched = len(stain.of_kind(*kinds)) if kinds else len(stain.at)
            facts.data[f"{key}_touched"] = touched + int(stain.parted)
            mine = [s for s in given if (s["what"] == "env.reset") == (key == "env")]
            facts.data[f"{key}_given"] = len(mine)
            facts.data[f"{key}_at"] = next((s["at"] for s in mine if s["at"]), None)
    if "other-seed" in lab.asked():
        other = lab.log("other-seed")
        if other.about["why"] != "exception":
            facts.data["argument_env_touched"] = int(_first_observations(log) != _first_observations(other))
            facts.data["argument_agent_touched"] = int(log.notes.get("initial") != other.notes.get("initial"))


def _first_observations(log: RunLog) -> list[int]:
    """Digests of what each environment's first reset gave."""
    found: dict[str, int] = {}
    for i in log.of_kind("obs").tolist():
        if log.name(i).endswith(".reset"):
            found.setdefault(log.name(i), int(log.rows[i, DIGEST]))
    return [found[k] for k in sorted(found)]
