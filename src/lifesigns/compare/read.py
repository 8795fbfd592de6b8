"""Arms from whatever a path holds: run folders, campaigns, tables, arrays, logs of other tools."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lifesigns.campaign.curves import curves_of
from lifesigns.campaign.folder import CampaignError, CampaignFolder, campaigns_home, is_campaign
from lifesigns.campaign.judge import BROKEN
from lifesigns.campaign.plan import variant_name
from lifesigns.compare.arms import Arm, CompareError, Run
from lifesigns.compare.arrays import read_arrays
from lifesigns.compare.tables import is_table, read_table
from lifesigns.importers import LogError, find
from lifesigns.importers.traces import trace_of
from lifesigns.model import Trace
from lifesigns.store import TraceError, load_run, runs_home

TABLES = (".csv", ".tsv")


def read_arms(texts: Sequence[str], *, metric: str = "", tasks: bool = False) -> list[Arm]:
    """The arms of all arguments, `PATH` or `NAME=PATH`. Raises CompareError with one sentence."""
    found: list[Arm] = []
    for text in texts:
        path, name = _path(text)
        if is_campaign(path):
            found += campaign_arms(CampaignFolder(path), name or (path.name if len(texts) > 1 else ""), metric)
        else:
            found += _arms(path, name, metric, tasks)
    return found


def _path(text: str) -> tuple[Path, str]:
    """The path that an argument names, and the name it is to have (empty: its own)."""
    name, equals, rest = text.partition("=")
    if equals and not Path(text).exists() and rest:
        return _located(rest), name
    return _located(text), ""


def _located(text: str) -> Path:
    for path in (Path(text), campaigns_home() / text, runs_home() / "runs" / text):
        if path.exists():
            return path
    raise CompareError(f"nothing at `{Path(text).absolute()}`; name a run, a campaign, a log, a CSV or an array")


def _arms(path: Path, name: str, metric: str, tasks: bool) -> list[Arm]:
    own = name or path.name or str(path)
    if path.suffix in (".npy", ".npz"):
        return read_arrays(path, name or path.stem, tasks=tasks)
    if path.is_file() and path.suffix in TABLES and is_table(path):
        return read_table(path, name or path.stem, metric)
    if _is_run(path):
        return [_recorded(own, [path], metric)]
    inside = sorted(p for p in path.iterdir() if _is_run(p)) if path.is_dir() else []
    if inside:
        return [_recorded(own, inside, metric)]
    return [_imported(path, own, metric)]


def _is_run(path: Path) -> bool:
    return path.is_dir() and any((path / n).is_file() for n in ("run.json", "trace.lst"))


def campaign_arms(folder: CampaignFolder, name: str = "", metric: str = "") -> list[Arm]:
    """One arm for each variant, called by the variant (after `name`, if there is one). Raises CompareError."""
    try:
        plan = folder.read_plan()
    except CampaignError as error:
        raise CompareError(str(error)) from error
    progress = folder.progress()
    arms: list[Arm] = []
    for variant in plan.variants():
        jobs = [j for j in plan.jobs() if j.variant == variant]
        ended = [(j, r) for j in jobs if (p := progress.get(j.key)) is not None and (r := p.result) is not None]
        arm = _recorded(name, [folder.attempt(str(r["attempt"])) for _, r in ended], metric or plan.metric)
        label = f"{name} {variant_name(variant)}".strip() or folder.path.name
        missing = len(jobs) - len(ended)
        notes = (*arm.notes, f"{missing} of {len(jobs)} runs of the campaign have not ended.") if missing else arm.notes
        arms.append(Arm(label, arm.runs, notes, arm.environment, arm.transformed))
    return arms


def with_failures(arms: Sequence[Arm], failed: Mapping[str, Mapping[int, str]]) -> list[Arm]:
    """The arms of a campaign with its own judgement: (arm, seed) → why that run failed."""
    return [
        replace(
            arm,
            runs=tuple(replace(r, broken=failed.get(arm.name, {}).get(int(r.seed or -1), r.broken)) for r in arm.runs),
        )
        for arm in arms
    ]


def _recorded(name: str, paths: Sequence[Path], metric: str) -> Arm:
    runs: list[Run] = []
    environment, transformed, notes = "", False, list[str]()
    for path in paths:
        try:
            trace = load_run(path)
        except (TraceError, OSError) as error:
            if len(paths) == 1:
                raise CompareError(str(error)) from error
            notes.append(f"`{path.name}` cannot be read and is left out: {error}")
            continue
        ended = str(trace.meta.get("ended") or "")
        broken = ended if ended in BROKEN else ""
        runs.append(Run(curves_of(trace, metric), _seed(trace), broken=broken))
        environment, transformed = _environment(trace, environment, transformed)
    return Arm(name, tuple(runs), tuple(notes), environment, transformed)


def _environment(trace: Trace, name: str, transformed: bool) -> tuple[str, bool]:
    """The training environment's id, and whether returns are known of transformed rewards only."""
    env = next((s for s in trace.of_kind("env") if s.info.get("role") != "eval"), None)
    if env is None:
        return name, transformed
    raw = trace.get("env.episode_raw_return", env.id)
    return str(env.info.get("id") or name), transformed or (bool(env.info.get("reward_transformed")) and raw is None)


def _seed(trace: Trace) -> str:
    """The run's seed: the campaign's, the script's argument, or the first that it set."""
    meta = trace.meta
    if isinstance(meta.get("seed"), int):
        return str(meta["seed"])
    words: Any = meta.get("argv")
    text = " ".join(map(str, words)) if isinstance(words, list) else ""
    given = re.search(r"(?:^| )(?:--)?seed[= ](\d+)", text)
    if given:
        return given.group(1)
    first = next((e.data.get("seed") for e in trace.events if e.kind == "seed"), None)
    return str(first) if isinstance(first, int) else ""


def _imported(path: Path, name: str, metric: str) -> Arm:
    """Logs of other tools: one run, or a folder of runs."""
    try:
        sources = find(path)
        traces = [trace_of(source) for source in sources]
    except LogError as error:
        raise CompareError(str(error)) from error
    runs = [Run(curves_of(trace, metric), _seed_in(source.name)) for source, trace in zip(sources, traces, strict=True)]
    return Arm(name, tuple(runs))


def _seed_in(name: str) -> str:
    """`3` of `ppo_seed3` or `seed_3/events`; empty where a name does not say."""
    found = re.search(r"seed[ _=-]?(\d+)", name, re.IGNORECASE)
    return found.group(1) if found else ""
