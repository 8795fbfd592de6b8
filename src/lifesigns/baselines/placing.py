"""Where a run stands on the ladder of its environment: its last returns, and what other methods get there.

Random and constant actions come from the run's own trace (`baseline.*`). Linear policies and planners are searched once
for each environment, in a child process and within a time limit, and kept in a file beside the runs; later runs of the
same environment read that file.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

from lifesigns.baselines.survey import survey
from lifesigns.model import PlacedRung, Placing, Series, Subject, Trace
from lifesigns.planner.ladder import Ladder, Rung, rung_from_json, rung_to_json
from lifesigns.planner.place import place
from lifesigns.stats.samples import finite

SEARCH_S, LEAST_S = 10.0, 3.0
"""Seconds of a search where nothing limits it, and those without which none is begun."""
ENOUGH = 0.6
"""An earlier search counts if it had this share of the time that a new one would have."""
FEWEST, MOST = 20, 50
"""Episodes: the fewest that the last quarter of a run is taken to be, and the most that are kept of a rung."""
NEUTRAL = frozenset(
    (
        *("TimeLimit", "OrderEnforcing", "PassiveEnvChecker", "RecordEpisodeStatistics"),
        *("RecordVideo", "Monitor", "VecMonitor", "Autoreset", "DummyVecEnv", "SubprocVecEnv"),
        *("SyncVectorEnv", "AsyncVectorEnv", "VecTransposeImage", "FlattenObservation"),
        *("NormalizeObservation", "TransformObservation", "ClipAction", "RescaleAction"),
        *("TransformAction", "FrameStackObservation", "FrameStack", "VecFrameStack"),
        *("NormalizeReward", "TransformReward", "ClipReward", "VecNormalize"),
        *("GrayscaleObservation", "ResizeObservation", "DtypeObservation", "FilterObservation"),
        *("ReshapeObservation", "NumpyToTorch", "TimeAwareObservation", "VectorizeTransformAction"),
        *("VectorizeTransformObservation", "ArrayConversion", "JaxToNumpy", "JaxToTorch"),
    )
)
"""Wrappers that leave returns as they are, or of whose rewards the trace holds the untransformed ones."""
LADDERS, LADDER = "ladders", "ladder.json"
"""The folder of searches beside the runs, one file for each environment; what a run was placed on, in its folder."""
FORMAT = 1


@dataclass(frozen=True)
class Beside:
    """Rungs that were searched for an environment, why there are none, and where they are from."""

    rungs: tuple[Rung, ...] = ()
    missing: str = ""
    source: str = ""


def trained_env(trace: Trace) -> tuple[Subject, Series] | None:
    """The training environment with the most finished episodes, and their returns; None without one."""
    found = [
        (s, one)
        for s in trace.of_kind("env")
        if s.info.get("role") == "train" and (one := trace.get("env.episode_return", s.id)) is not None and len(one)
    ]
    return max(found, key=lambda pair: len(pair[1]), default=None)


def last_returns(trace: Trace) -> tuple[list[float], str]:
    """Returns of the last quarter of the training episodes in the environment's own reward; or why there are none."""
    found = trained_env(trace)
    if found is None:
        return [], "no training episode ended"
    env, returns = found
    if env.info.get("reward_transformed"):
        raw = trace.get("env.episode_raw_return", env.id)
        if raw is None:
            return [], f"the rewards of `{env.name}` are transformed, and its untransformed returns were not recorded"
        returns = raw
    kept = finite(returns.y)
    return [float(v) for v in kept[-max(FEWEST, len(kept) // 4) :]], ""


def beside(trace: Trace) -> list[Rung]:
    """Random and constant actions as rungs, from what was played beside the run."""
    found = trained_env(trace)
    rungs: list[Rung] = []
    if found is None:
        return rungs
    random = trace.get("baseline.random_return", found[0].id)
    if random is not None and len(random):
        rungs.append(Rung("random", "floor", _kept(finite(random.y))))
    constant = trace.get("baseline.constant_return", found[0].id)
    if constant is not None and len(constant):
        table = constant.y.reshape(len(constant), -1)
        for name, column in zip(constant.columns or map(str, range(table.shape[1])), table.T, strict=False):
            rungs.append(Rung(f"constant {name}", "constant", _kept(finite(column))))
    return [r for r in rungs if r.returns]


def _kept(values: Any) -> tuple[float, ...]:
    return tuple(float(v) for v in values[-MOST:])


def spec_of(trace: Trace) -> dict[str, Any] | None:
    """What another process needs to make the run's training environment; None where that is not known."""
    found = trained_env(trace)
    if found is None or not isinstance(found[0].info.get("spec"), dict):
        return None
    info = found[0].info
    return {**info["spec"], "max_episode_steps": info.get("max_episode_steps")}


def key(spec: Mapping[str, Any], path: Sequence[str]) -> str:
    """A file name for an environment: its id, arguments and length, and the source where it is the user's."""
    parts = [json.dumps({k: spec.get(k) for k in ("id", "entry_point", "kwargs", "max_episode_steps")}, sort_keys=True)]
    module = Path(*str(spec.get("entry_point")).partition(":")[0].split("."))
    files = [f for p in path for f in (Path(p, module).with_suffix(".py"), Path(p, module, "__init__.py"))]
    for file in files:
        if file.is_file():
            with suppress(OSError):
                parts.append(hashlib.sha256(file.read_bytes()).hexdigest())
            break
    stem = "".join(c if c.isalnum() or c in "-_" else "-" for c in str(spec.get("id")))[:60]
    return f"{stem}-{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:12]}.json"


def read(file: Path) -> tuple[Beside, float]:
    """Rungs kept in a file and the seconds of their search; nothing and 0 where it cannot be read."""
    try:
        held = json.loads(file.read_text("utf-8"))
        if held["format"] != FORMAT:
            return Beside(), 0.0
        rungs = tuple(rung_from_json(row) for row in held["rungs"])
        return Beside(rungs, str(held["missing"]), str(held["source"])), float(held["seconds"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Beside(), 0.0


def write(file: Path, found: Beside, seconds: float) -> None:
    """Replaces the file in one step; a disk that refuses is no reason to fail."""
    rows = [rung_to_json(replace(r, returns=r.returns[:MOST], facts={})) for r in found.rungs]
    held = {"format": FORMAT, "seconds": seconds, "source": found.source, "missing": found.missing, "rungs": rows}
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".ladder-", suffix=".json")
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(held, out, allow_nan=False, default=str)
        os.replace(name, file)


def searched(
    trace: Trace, kept_in: Path, python: str = "", cwd: str = "", path: Sequence[str] = (), seconds: float = SEARCH_S
) -> Beside:
    """Linear policies and planners of the run's environment: from `kept_in`, else searched within `seconds`.

    The search runs in a process of its own with the user's interpreter. Never raises for the environment's sake.
    """
    spec = spec_of(trace)
    found = trained_env(trace)
    if spec is None:
        name = f"`{found[0].name}`" if found else "the environment"
        return Beside(missing=f"{name} was not made by `gymnasium.make` from an importable class")
    file = kept_in / key(spec, path)
    earlier, had_s = read(file)
    wanted = min(seconds, SEARCH_S)
    if had_s and had_s >= ENOUGH * wanted:
        return earlier
    if wanted < LEAST_S:
        return earlier if had_s else Beside(missing=f"no time was left for a search; {later(spec)}")
    options = {"spec": spec, "quick": True, "path": list(path)}
    try:
        made = survey(str(spec["id"]), wanted, None, python or sys.executable, cwd=cwd or None, late_s=1.0, **options)
    except OSError as error:
        return Beside(missing=f"the search could not be started ({type(error).__name__})")
    rungs = tuple(r for r in made.ladder.rungs if r.whole and r.kind in ("floor", "linear", "greedy", "planner"))
    if not rungs:
        return earlier if had_s else Beside(missing=made.problem or f"none finished an episode; {later(spec)}")
    result = Beside(rungs, source=f"searched in {wanted:.0f} s")
    write(file, result, wanted)
    return result


def later(spec: Mapping[str, Any]) -> str:
    """How to have the ladder measured in full."""
    return f"`lifesigns env {spec.get('id')}` takes its time"


def placing(trace: Trace, found: Beside) -> Placing | None:
    """The run's place among random and constant actions of its trace and the rungs that were searched.

    None for a run without an environment or with dyes alone.
    """
    if trace.dyes_alone or not any(s.info.get("role") == "train" for s in trace.of_kind("env")):
        return None
    returns, why = last_returns(trace)
    rungs = [*beside(trace)]
    held = {r.method for r in rungs}
    rungs += [r for r in found.rungs if r.whole and r.method not in held]
    missing = () if any(r.kind not in ("floor", "constant") for r in rungs) else (_nothing_searched(trace, found),)
    if why:
        return Placing(f"Cannot be placed on the ladder: {why}.", rungs=_placed(rungs), missing=missing)
    where = place(returns, Ladder(tuple(rungs)), f"The mean return of its last {len(returns)} training episodes")
    note = _unknown_wrappers(trace)
    value = sum(returns) / len(returns) if returns else None
    sentence = where.sentence + (f" {note}" if note and where.standing != "cannot tell" else "")
    shown = _placed(rungs)
    return Placing(
        sentence, where.standing, where.below, where.above, value, len(returns), shown, missing, found.source
    )


def _nothing_searched(trace: Trace, found: Beside) -> str:
    spec = spec_of(trace)
    return f"linear policies and planners: {found.missing or (later(spec) if spec else 'not searched')}"


def _unknown_wrappers(trace: Trace) -> str:
    """The user's own wrappers may change rewards; the ladder plays the environment without them."""
    found = trained_env(trace)
    names = list(found[0].info.get("wrappers") or ())[:-1] if found else []
    unknown = list(dict.fromkeys(str(n) for n in names if n not in NEUTRAL))
    if found is None or not unknown:
        return ""
    return f"(The ladder is of the environment without {', '.join(f'`{n}`' for n in unknown[:3])}.)"


def _placed(rungs: Sequence[Rung]) -> tuple[PlacedRung, ...]:
    """Best first; of constant actions the best alone."""
    constants = [r for r in rungs if r.kind == "constant"]
    best = max(constants, key=lambda r: r.mean, default=None)
    shown = sorted((r for r in rungs if r.kind != "constant" or r is best), key=lambda r: -r.mean)
    return tuple(
        PlacedRung(r.method, r.kind, r.mean, *r.interval, len(r.returns), r.cpu_s, r.unfair)
        for r in shown
        if isfinite(r.mean)
    )
