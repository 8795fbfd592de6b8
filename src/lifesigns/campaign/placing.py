"""Where the runs of a campaign stand among what other methods get in their environment."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lifesigns.baselines import placing as ladders
from lifesigns.campaign.folder import CampaignFolder
from lifesigns.campaign.plan import Plan
from lifesigns.model import Placing, Trace
from lifesigns.store import TraceError, load_run

LABELS = {
    "below random": "below random actions",
    "as random": "no better than random actions",
    "as a constant action": "no better than a constant action",
    "below a cheap method": "below a method that was found in seconds",
    "below a planner": "below a planner with the true model",
    "above all": "below no method that was measured",
    "cannot tell": "cannot be placed",
}
"""Standing of a run → how it is said, from worst to best."""


def search(folder: CampaignFolder, plan: Plan, ended: Mapping[str, Mapping[str, Any]]) -> None:
    """Linear policies and planners once for each variant's environment, into the folders of all of its runs."""
    home = folder.path.parent.parent / ladders.LADDERS
    path = [str(Path(plan.cwd, plan.script).parent), plan.cwd]
    for variant in plan.variants():
        runs = [job for job in plan.jobs() if job.variant == variant and job.key in ended]
        paths = [
            p for job in runs if not ((p := folder.attempt(str(ended[job.key]["attempt"]))) / ladders.LADDER).is_file()
        ]
        found = next((f for p in paths if (f := _searched(p, plan, home, path)) is not None), None)
        if found is None:
            continue
        for one in paths:
            ladders.write(one / ladders.LADDER, found, 0.0)


def _searched(run: Path, plan: Plan, home: Path, path: Sequence[str]) -> ladders.Beside | None:
    """None where the run cannot be read or no training episode of it ended."""
    try:
        trace = load_run(run)
        if ladders.trained_env(trace) is None:
            return None
        return ladders.searched(trace, home, plan.python or sys.executable, plan.cwd or os.getcwd(), path)
    except (TraceError, OSError, ValueError):
        return None


def placed(trace: Trace, run: Path) -> Placing | None:
    """A run's place on the ladder that lies in its folder."""
    return ladders.placing(trace, ladders.read(run / ladders.LADDER)[0])


def sentence(placings: Sequence[Placing | None]) -> str:
    """How many runs stand where, and the method that most are below; empty without an environment."""
    known = [p for p in placings if p is not None]
    if not known:
        return ""
    if all(p.standing == "cannot tell" for p in known):
        return known[0].sentence
    counts = Counter(p.standing for p in known)
    parts = [f"{counts[standing]} {label}" for standing, label in LABELS.items() if counts[standing]]
    told = f"On the ladder, of {len(known)} runs: {'; '.join(parts)}."
    below = Counter(p.below for p in known if p.below)
    if not below:
        return told
    method, times = below.most_common(1)[0]
    rung = next((r for p in known for r in p.rungs if r.method == method), None)
    if rung is None:
        return told
    found = f", found in {max(rung.cpu_s, 0.1):.2g} CPU-seconds" if rung.cpu_s else ""
    unfair = f" ({rung.unfair})" if rung.unfair else ""
    return f"{told} {times} get less than {method}: {rung.mean:.4g}{found}{unfair}."
