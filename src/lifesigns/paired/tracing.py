"""Dye tracing of one script from end to end: undyed runs first, then the dyes, then the lines.

Flows in: a target and a time. Flows out: facts of every dye, and what was run. The doors and `checkup` call `trace`.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lifesigns.paired import actions, episodes, heldout, nans, observed, rewards, signs, supervised, targets
from lifesigns.paired.asking import ask_all
from lifesigns.paired.experiments import Blind, Facts, Lab, Reader, collect
from lifesigns.paired.lines import locate_all
from lifesigns.paired.plan import Plan
from lifesigns.paired.runlog import DIGEST, RunLog, Stain
from lifesigns.paired.runner import Runner, Target, Zygote

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
    ("reward-sign", signs.sign),
    ("reward-pairing", rewards.pairing),
    ("reward-scaling", rewards.scaling),
    ("episode-boundary", rewards.boundary),
    ("terminal-observation", episodes.terminal_observation),
    ("truncated-end", episodes.truncated_end),
    ("next-episode", episodes.next_episode),
    ("autoreset-rows", episodes.dummy_rows),
    ("episode-memory", episodes.memory),
    ("environment-rows", observed.rows_apart),
    ("observation", observed.observation),
    ("observation-copy", observed.aliasing),
    ("action", actions.actions),
    ("first-ratio", actions.first_ratio),
    ("target-network", targets.target_network),
    ("detached-target", targets.detached_target),
    ("evaluation", observed.evaluation),
)
SUPERVISED_READERS: tuple[tuple[str, Reader], ...] = (
    ("labels", supervised.labels),
    ("inputs", supervised.inputs),
    ("validation", heldout.validation),
    ("collating", supervised.collating),
)
COMMON_READERS: tuple[tuple[str, Reader], ...] = (
    ("unreached-parameters", supervised.unreached),
    ("network-rows", supervised.recalls),
    ("broadcast", supervised.broadcasts),
    ("output-row", supervised.output_rows),
    ("not-a-number", nans.origin),
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
    so_far: list[Facts] | None = None,
) -> Traced:
    """Traces a script within `seconds`; never raises for what the script does. Raises OSError where Python cannot be
    started. `cores`: runs side by side (two at least, since a control pair needs two processes); `suspects`: which dyes
    of those read ask for a line; `keep`: a folder in which the runs' logs stay; `zygotes`: processes of an earlier
    trace to be used again; `nice`: their priority; `so_far`: takes each dye's facts as soon as they are read, for a
    caller that may have to stop waiting."""
    started = time.monotonic()
    folder = keep or Path(tempfile.mkdtemp(prefix="lifesigns-dye-"))
    runner = Runner(target, folder, cores, limit_s=min(60.0, max(seconds / 3, 5.0)), zygotes=zygotes, nice=nice)
    lab = Lab(runner, started + seconds)
    try:
        traced = _traced(lab, progress, suspects, [] if so_far is None else so_far)
    finally:
        runner.close(keep_zygotes=zygotes is not None)
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    traced.wall_s, traced.runs = time.monotonic() - started, len(lab.asked())
    return traced


def _traced(lab: Lab, progress: PROGRESS, suspects: Callable[[list[Facts]], set[str]], facts: list[Facts]) -> Traced:
    progress("undyed runs", 0, 1)
    lab.ask("natural", zygote=0, first=True)
    lab.ask("control", zygote=1, first=True)
    try:
        about = dict(lab.ran("natural").about or {})
        lab.seeds = about["seeds"]
    except Blind as reason:
        return Traced([Facts("reproducible", {"blind": str(reason)})])
    reproducible = Facts("reproducible", {"in_process": lab.log("natural").notes.get("in_process", [])})
    try:
        same = control(lab, reproducible)
    except Blind as reason:
        return Traced([Facts("reproducible", {"blind": str(reason)})], about)
    plan = lab.plan("natural")
    stop = _why_not(lab, plan)
    if not same or stop:
        reason = stop or "two undyed runs differ, so no difference could be laid to a dye"
        every = [n for n, _ in (*RL_READERS, *SUPERVISED_READERS, *COMMON_READERS, ("seeds", None))]
        looked: list[Facts] = []
        collect(lab, [("not-a-number", nans.origin)], progress, looked)  # needs no run to be compared with
        found = [f for f in looked if "found" in f.data]
        rest = [Facts(n, {"blind": reason}) for n in every if n not in {f.dye for f in found}]
        return Traced([reproducible, *rest, *found], about)
    readers = [*(RL_READERS if plan.is_rl else SUPERVISED_READERS), *COMMON_READERS, ("seeds", seeds)]
    ask_all(lab, plan)
    _entropy(lab, reproducible)
    _hash_seed(lab, reproducible)
    facts.append(reproducible)
    collect(lab, readers, progress, facts)
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
