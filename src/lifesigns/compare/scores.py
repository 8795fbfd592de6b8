"""Lays the arms' runs side by side: the step up to which all reach, one score for each run and task, who failed.

Every choice that changes a number is written down in `notes`: what was cut, carried forward, left out, normalised.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lifesigns.campaign.curves import CLOCK_NAMES, NO_CLOCK, Curve, Metric
from lifesigns.compare.arms import Arm, CompareError, Field, Run
from lifesigns.stats.normalised import NormalisationWarning, human_normalised
from lifesigns.stats.spread import two_groups

Array = NDArray[np.float64]
Normalise = Literal["", "atari-human", "range"]

REACH = 0.8
"""A run that ends before this share of the median run of its arm does not shorten the comparison; its last score is
carried forward. Assumed."""
LONGER = 1.1
"""Longest run over the common step from which the cut is told; below it is the end of an episode or a rollout."""
LEAST_FOR_LINE = 6
"""runs of an arm from which two groups of its scores give a line between failed and good"""
SEED = 0
"""of simulated p-values"""


@dataclass(frozen=True)
class ArmScores:
    """An arm's scores: `oriented` [run, task], more is better, normalised where there are several tasks; `raw` the
    same as measured; `failed` [run, task]; curves [task][run], cut at the common step."""

    name: str
    oriented: Array
    raw: Array
    failed: NDArray[np.bool_]
    seeds: tuple[str, ...]
    curves: tuple[tuple[Curve, ...], ...]

    @property
    def runs(self) -> int:
        """Runs of each task."""
        return len(self.raw)


@dataclass(frozen=True)
class Scores:
    """All arms over the same tasks, at the same step. `line` parts failed from good runs; NaN where there is none."""

    arms: tuple[ArmScores, ...]
    tasks: tuple[str, ...]
    metric: Metric
    steps: tuple[float, ...]
    clock: str
    line: float
    line_from: str
    normalisation: str
    notes: tuple[str, ...]

    @property
    def has_curves(self) -> bool:
        """Whether runs are more than one score."""
        return all(len(c) > 1 for arm in self.arms for task in arm.curves for c in task)


def lay_out(
    field: Field, *, success_at: float | None = None, at: float | None = None, normalise: Normalise = ""
) -> Scores:
    """The scores of all arms. `at` is the step to compare at (the last that all reach, if None).

    Raises CompareError where the arms share no task, or reach no common step.
    """
    notes = list(field.notes)
    tasks = _common_tasks(field, notes)
    steps = tuple(_common_step(field, task, at, notes) for task in tasks)
    curves = [c for arm in field.arms for run in arm.runs if (c := run.curve(field.metric)) is not None]
    clocks = {c.clock for c in curves} - {NO_CLOCK}
    if len(clocks) > 1:
        named = ", ".join(sorted(CLOCK_NAMES[c] for c in clocks))
        notes.append(f"Steps are counted in different clocks ({named}): check that they are the same.")
    arms = [_arm(arm, field.metric, tasks, steps, notes) for arm in field.arms]
    raws = [arm.raw for arm in arms]
    worst = [_worst([r[:, t] for r in raws], field.metric) for t in range(len(tasks))]
    line, line_from = _line(arms, field.metric, success_at, len(tasks))
    done = [_finished(arm, worst, line, field.metric, notes) for arm in arms]
    oriented, how = _oriented([a.raw for a in done], tasks, field.metric, normalise, notes)
    made = tuple(ArmScores(a.name, o, a.raw, a.failed, a.seeds, a.curves) for a, o in zip(done, oriented, strict=True))
    clock = CLOCK_NAMES[next(iter(clocks), "logged")]
    return Scores(made, tasks, field.metric, steps, clock, line, line_from, how, tuple(dict.fromkeys(notes)))


def _common_tasks(field: Field, notes: list[str]) -> tuple[str, ...]:
    tasks = tuple(t for t in field.arms[0].tasks if all(t in arm.tasks for arm in field.arms))
    every = dict.fromkeys(t for arm in field.arms for t in arm.tasks)
    if not tasks:
        raise CompareError(f"the arms have no task in common ({', '.join(every)})")
    if len(tasks) < len(every):
        notes.append(f"Left out, since not every arm has them: {', '.join(t for t in every if t not in tasks)}.")
    return tasks


def _curves(arm: Arm, task: str, metric: Metric) -> list[tuple[Run, Curve]]:
    """The runs of a task with their curves; one without any has an empty curve."""
    nothing = Curve(np.empty(0), np.empty(0))
    return [(run, run.curve(metric) or nothing) for run in arm.runs if run.task == task]


def _common_step(field: Field, task: str, at: float | None, notes: list[str]) -> float:
    """The last step that every arm's runs reach, short ones aside."""
    ends: list[float] = []
    longest: list[float] = []
    final_only = [arm for arm in field.arms if _final_only(arm, task, field.metric)]
    for arm in field.arms:
        if arm in final_only and len(final_only) < len(field.arms):
            notes.append(f"{arm.name} has final scores only: set against the final scores of the others.")
        if arm in final_only:
            continue
        own = np.array([c.end for run, c in _curves(arm, task, field.metric) if not run.broken and len(c)])
        if not len(own):
            own = np.array([c.end for _, c in _curves(arm, task, field.metric) if len(c)])
        if not len(own):
            what = f"{field.metric.name}{_of(task)}"
            raise CompareError(f"no run of `{arm.name}` has a {what}; leave it out, or name a series with --metric")
        whole = own[own >= REACH * float(np.median(own))]
        ends.append(float(whole.min()))
        longest.append(float(own.max()))
    if not ends:
        return float("inf")
    reach = min(ends)
    if at is not None and at > reach:
        notes.append(f"Not every arm reaches step {at:,.0f}; compared at {reach:,.0f}.")
    step = min(reach, at) if at is not None else reach
    if max(longest) > LONGER * step:
        with_curves = [arm for arm in field.arms if arm not in final_only]
        listed = ", ".join(f"{arm.name} {end:,.0f}" for arm, end in zip(with_curves, longest, strict=True))
        notes.append(f"Runs have different lengths (longest: {listed}); all are compared at {step:,.0f}{_of(task)}.")
    return step


def _final_only(arm: Arm, task: str, metric: Metric) -> bool:
    """Whether each of its runs is one score without a step."""
    curves = [c for _, c in _curves(arm, task, metric)]
    return bool(curves) and all(len(c) == 1 and c.clock == NO_CLOCK for c in curves)


def _of(task: str) -> str:
    return f" on {task}" if task else ""


@dataclass(frozen=True)
class _Raw:
    name: str
    raw: Array
    failed: NDArray[np.bool_]
    seeds: tuple[str, ...]
    curves: tuple[tuple[Curve, ...], ...]


def _arm(arm: Arm, metric: Metric, tasks: Sequence[str], steps: Sequence[float], notes: list[str]) -> _Raw:
    """The arm's runs as rows: the same seed in each task where seeds are known, else in their order."""
    by_task = [_curves(arm, task, metric) for task in tasks]
    seeds = _rows(arm, by_task, tasks, notes)
    columns: list[list[tuple[Run, Curve]]] = []
    for found in by_task:
        named = {run.seed: (run, c) for run, c in found}
        columns.append(
            [named[s] for s in seeds] if all(s in named for s in seeds) and any(seeds) else found[: len(seeds)]
        )
    raw = np.array([[c.until(step).final() for _, c in col] for col, step in zip(columns, steps, strict=True)]).T
    broken = np.array([[bool(run.broken) for run, _ in col] for col in columns]).T
    for task, step, column in zip(tasks, steps, columns, strict=True):
        _say_short(arm, task, step, column, notes)
    cut = tuple(tuple(c.until(s) for _, c in col) for col, s in zip(columns, steps, strict=True))
    return _Raw(arm.name, raw.reshape(len(seeds), len(tasks)), broken.reshape(raw.shape), tuple(seeds), cut)


def _rows(
    arm: Arm, by_task: Sequence[Sequence[tuple[Run, Curve]]], tasks: Sequence[str], notes: list[str]
) -> list[str]:
    """The seeds of the rows (empty where unknown); those that lack a task are left out."""
    names = [[run.seed for run, _ in found] for found in by_task]
    known = all(all(n) and len(set(n)) == len(n) for n in names)
    if known:
        shared = [s for s in names[0] if all(s in n for n in names)]
        lost = {s for n in names for s in n} - set(shared)
        if lost and shared:
            notes.append(f"{arm.name}: seeds {', '.join(sorted(lost))} lack a task and are left out.")
        if shared:
            return shared
    size = min(len(n) for n in names)
    if any(len(n) > size for n in names):
        notes.append(f"{arm.name}: tasks have different numbers of runs; the first {size} of each are taken.")
    return [n if known else "" for n in names[0][:size]]


def _say_short(arm: Arm, task: str, step: float, column: Sequence[tuple[Run, Curve]], notes: list[str]) -> None:
    broken: dict[str, list[str]] = {}
    for number, (run, curve) in enumerate(column):
        one = run.seed or f"{number + 1}"
        who = f"{arm.name} {f'seed {run.seed}' if run.seed else f'run {number + 1}'}{_of(task)}"
        if run.broken:
            broken.setdefault(run.broken, []).append(str(one))
        elif len(curve) and curve.clock != NO_CLOCK and curve.end < REACH * step:
            notes.append(f"{who} ends at {curve.end:,.0f} of {step:,.0f}: its last score is carried forward.")
        elif not len(curve):
            notes.append(f"{who} has no score: it counts as failed; leave it out if it was never run.")
    kind = "seed" if any(run.seed for run, _ in column) else "run"
    for why, which in broken.items():
        many = len(which) > 1
        listed = f"{kind}{'s' if many else ''} {', '.join(which)}{_of(task)}"
        counts = "They count as failed, with their last scores" if many else "It counts as failed, with its last score"
        notes.append(f"{arm.name} {listed}: {why}. {counts}.")


def _worst(columns: Sequence[Array], metric: Metric) -> float:
    """The worst finite score of a task over all arms; 0 where there is none."""
    values = np.concatenate(columns)
    kept = values[np.isfinite(values)]
    return float((kept.min() if metric.higher_is_better else kept.max()) if len(kept) else 0.0)


def _line(arms: Sequence[_Raw], metric: Metric, success_at: float | None, tasks: int) -> tuple[float, str]:
    """Where failed and good runs part, and where that is from."""
    if success_at is not None:
        return success_at, "--success-at"
    sign = 1.0 if metric.higher_is_better else -1.0
    kept = [arm.raw[np.isfinite(arm.raw)] for arm in arms]
    if tasks > 1 or any(arm.failed.any() for arm in arms) or not all(len(k) for k in kept):
        return float("nan"), ""
    groups = [
        (found.p, arm.name, found.cut)
        for arm, k in zip(arms, kept, strict=True)
        if len(k) >= LEAST_FOR_LINE and (found := two_groups(k, rng=np.random.default_rng(SEED))).bimodal
    ]
    if not groups:
        return float("nan"), ""
    _, name, cut = min(groups)
    if any(bool((sign * k < sign * cut).all()) for k in kept):
        return float("nan"), ""  # an arm that is wholly below may be worse without failing
    return cut, f"the scores of {name} fall into two groups there"


def _finished(arm: _Raw, worst: Sequence[float], line: float, metric: Metric, notes: list[str]) -> _Raw:
    """Scores that are not finite become the worst of all; who failed."""
    bad = ~np.isfinite(arm.raw)
    for row, column in zip(*np.nonzero(bad), strict=True):
        if len(arm.curves[int(column)][int(row)]):
            who = f"seed {arm.seeds[int(row)]}" if arm.seeds[int(row)] else f"run {int(row) + 1}"
            notes.append(f"{arm.name} {who} ended not finite: it counts as failed, with the worst score of all.")
    raw = np.where(bad, np.asarray(worst)[None, :], arm.raw)
    below = raw < line if metric.higher_is_better else raw > line
    return _Raw(
        arm.name, raw, arm.failed | bad | (below if np.isfinite(line) else np.zeros_like(bad)), arm.seeds, arm.curves
    )


def _oriented(
    raws: Sequence[Array], tasks: Sequence[str], metric: Metric, normalise: Normalise, notes: list[str]
) -> tuple[list[Array], str]:
    """Scores of which more is better, on one scale where there are several tasks; and how they were normalised."""
    sign = 1.0 if metric.higher_is_better else -1.0
    if normalise == "atari-human":
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", NormalisationWarning)
            try:
                scaled = [human_normalised(r, list(tasks)) for r in raws]
            except ValueError as error:
                raise CompareError(f"{error} (with --normalise atari-human)") from error
        notes += [f"Normalisation: {w.message}" for w in caught]
        return scaled, "human-normalised (random 0, human 1; table of dqn_zoo)"
    if normalise != "range" and len(tasks) == 1:
        return [sign * r for r in raws], ""
    pool = np.concatenate(raws)
    low, high = pool.min(axis=0), pool.max(axis=0)
    width = np.where(high > low, high - low, 1.0)
    if normalise != "range":
        notes.append(
            f"Normalisation: scores of {len(tasks)} tasks are on {len(tasks)} scales; each is put on 0…1 between the "
            "lowest and the highest score of all arms, which depends on the arms. --normalise atari-human does not."
        )
    scaled = [(r - low) / width for r in raws]
    return ([s if sign > 0 else 1.0 - s for s in scaled]), "each task from 0 (lowest of all arms) to 1 (highest)"
