"""The ended runs of a campaign as they are judged: how each ended, its curves, its diagnosis."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from lifesigns.baselines.measure import measure
from lifesigns.campaign.curves import Curve, Metric, curves_of
from lifesigns.campaign.folder import CampaignFolder
from lifesigns.campaign.placing import placed
from lifesigns.campaign.plan import Job, Plan
from lifesigns.diagnose import diagnose
from lifesigns.model import Diagnosis, Placing, Trace
from lifesigns.store import TraceError, load_run, save_series
from lifesigns.store.folder import RunFolder

BASELINE_S = 4.0
COMPARED = ("env.episode_return", "loss.value", "optimizer.update_norm")
"""series that make two runs the same run where every number of them is equal"""


@dataclass(frozen=True)
class RunResult:
    """One ended run; `digest` is equal for runs that are equal number for number (empty: nothing to compare)."""

    job: str
    seed: int
    variant: tuple[tuple[str, str], ...]
    path: Path
    ended: str
    exception: str = ""
    wall_s: float = 0.0
    curves: Mapping[Metric, Curve] = field(default_factory=dict[Metric, Curve])
    diagnosis: Diagnosis | None = None
    digest: str = ""
    placing: Placing | None = None


def load_results(
    folder: CampaignFolder, plan: Plan, ended: Mapping[str, Mapping[str, Any]], *, diagnosed: bool = True
) -> list[RunResult]:
    """The runs that have a result, in the order of the plan; traces that cannot be read have no curves."""
    return [
        load_result(folder, plan, job, ended[job.key], diagnosed=diagnosed) for job in plan.jobs() if job.key in ended
    ]


def load_result(
    folder: CampaignFolder, plan: Plan, job: Job, ended: Mapping[str, Any], *, diagnosed: bool = True
) -> RunResult:
    """One run's result, from its run folder."""
    path = folder.attempt(str(ended["attempt"]))
    result = {
        "job": job.key,
        "seed": job.seed,
        "variant": job.variant,
        "path": path,
        "ended": str(ended.get("ended")),
        "exception": str(ended.get("exception") or ""),
        "wall_s": float(ended.get("wall_s") or 0.0),
    }
    try:
        trace = load_run(path)
    except (TraceError, OSError):
        return RunResult(**result)
    found = diagnose(trace, run=path.name) if diagnosed and trace.series else None
    where = placed(trace, path) if diagnosed else None
    curves = curves_of(trace, plan.metric)
    return RunResult(**result, curves=curves, diagnosis=found, digest=digest(trace), placing=where)


def digest(trace: Trace) -> str:
    """Equal for two runs whose returns, losses and updates are equal number for number; empty where there are none."""
    series = [s for name in COMPARED for s in trace.named(name) if len(s)]
    mark = blake2b(digest_size=16)
    for one in series:
        mark.update(f"{one.name} {one.subject} {len(one)}".encode())
        mark.update(one.y.tobytes())
    return mark.hexdigest() if series else ""


def measure_baselines(folder: CampaignFolder, plan: Plan, ended: Mapping[str, Mapping[str, Any]]) -> str:
    """Plays random actions once for each variant, for all of its runs; returns why it could not (empty if it could)."""
    missing = ""
    for variant in plan.variants():
        runs = [job for job in plan.jobs() if job.variant == variant and job.key in ended]
        paths = [folder.attempt(str(ended[job.key]["attempt"])) for job in runs]
        have = next((p for p in paths if RunFolder(p).baseline_file.is_file()), None)
        for path in paths if have is None else []:
            why = _measure(path, plan)
            if not why:
                have = path
                break
            missing = why
        if have is not None:
            _copy(RunFolder(have).baseline_file, paths)
    return missing


def _copy(baseline: Path, paths: list[Path]) -> None:
    for path in paths:
        if not RunFolder(path).baseline_file.exists():
            with suppress(OSError):
                shutil.copyfile(baseline, RunFolder(path).baseline_file)


def _measure(path: Path, plan: Plan) -> str:
    try:
        trace = load_run(path)
        search = [str(Path(plan.cwd, plan.script).parent), plan.cwd]
        found, missing = measure(trace, plan.python or sys.executable, plan.cwd or os.getcwd(), search, BASELINE_S)
        if found:
            save_series(RunFolder(path).baseline_file, found)
        return missing
    except (TraceError, OSError) as error:
        return str(error)
