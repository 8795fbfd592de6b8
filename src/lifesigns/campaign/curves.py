"""The one curve of a run that it is judged by: its evaluation returns, its training returns, or its loss."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lifesigns.model import Series, Trace
from lifesigns.model.roles import with_roles

Array = NDArray[np.float64]

FEWEST_EVALUATIONS = 5
"""different steps with evaluations, over at least half of the run, from which they are a curve of their own."""
FINAL_SHARE = 0.1
"""last share of a run's steps whose mean is its final score; at least the last value."""
NO_CLOCK = ""
"""of a single final score"""
CLOCK_NAMES = {
    "env_step": "environment steps",
    "update": "updates",
    "backward": "backward calls",
    "episode": "episodes",
    "wall": "seconds",
    "logged": "logged steps",
    "rank": "points",
}


@dataclass(frozen=True)
class Metric:
    """What a curve holds: a name for the user, and whether more of it is better."""

    name: str
    higher_is_better: bool = True


EVALUATION = Metric("evaluation return")
TRAINING = Metric("training return")
MEAN_RETURN = Metric("mean return as logged")
SUCCESS = Metric("success rate")
VALIDATION_LOSS = Metric("validation loss", higher_is_better=False)
LOSS = Metric("training loss", higher_is_better=False)
ORDER = (EVALUATION, TRAINING, MEAN_RETURN, SUCCESS, VALIDATION_LOSS, LOSS)
"""Which metric is taken where a run has several: the first that all runs have."""


@dataclass(frozen=True)
class Curve:
    """`y` [n] against `x` [n] (steps of `clock`, never falling); NaN and ±inf are values."""

    x: Array
    y: Array
    clock: str = "env_step"

    def __len__(self) -> int:
        return len(self.x)

    @property
    def end(self) -> float:
        """The last step; 0 without any."""
        return float(self.x[-1]) if len(self.x) else 0.0

    def until(self, step: float) -> Curve:
        """The part up to and at `step`."""
        kept = self.x <= step
        return Curve(self.x[kept], self.y[kept], self.clock)

    def final(self, share: float = FINAL_SHARE) -> float:
        """Mean of the last `share` of its steps; NaN where that holds a value that is not finite, or nothing."""
        if not len(self.x):
            return float("nan")
        start = min(self.end - share * (self.end - min(float(self.x[0]), 0.0)), float(self.x[-1]))
        last = self.y[self.x >= start]
        return float(last.mean()) if np.isfinite(last).all() else float("nan")


def curves_of(trace: Trace, series: str = "") -> dict[Metric, Curve]:
    """Every curve that a run has, by metric; with `series`, that series alone (`log.` may be left out)."""
    trace = with_roles(trace)
    if series:
        named = [s for name in (series, f"log.{series}") for s in trace.named(name)]
        lower = "loss" in series.lower() or "error" in series.lower()
        return _curve(Metric(series, not lower), named)
    returns = [_raw(trace, s) for s in trace.named("env.episode_return")]
    evaluated = _curve(EVALUATION, (s for s in returns if _is_evaluation(trace, s)))
    means = trace.named("env.mean_return")
    evaluated = evaluated or _curve(EVALUATION, (s for s in means if _is_evaluation(trace, s)))
    found = {
        **(evaluated if all(_is_curve(c, trace) for c in evaluated.values()) else {}),
        **_curve(TRAINING, (s for s in returns if not _is_evaluation(trace, s))),
        **_curve(MEAN_RETURN, (s for s in means if not _is_evaluation(trace, s))),
        **_curve(SUCCESS, trace.named("env.success_rate")),
        **_curve(VALIDATION_LOSS, trace.named("learner.validation_loss")),
        **_curve(LOSS, _longest(s for s in trace.named("loss.value") if s.y.ndim == 1)),
    }
    if not found:
        found = evaluated
    return found


def common_metric(runs: Sequence[dict[Metric, Curve]]) -> Metric | None:
    """The first metric, in the order of preference, that all runs with any curve have."""
    having = [r for r in runs if r]
    known = [*ORDER, *(m for r in having for m in r)]
    return next((m for m in known if having and all(m in r for r in having)), None)


def _curve(metric: Metric, found: Iterable[Series]) -> dict[Metric, Curve]:
    """The points of all series (of parallel environments, of workers) in the order of their steps."""
    series = [s for s in found if s.y.ndim == 1 and len(s)]
    if not series:
        return {}
    x, y = np.concatenate([s.x for s in series]), np.concatenate([s.y for s in series])
    kept = np.isfinite(x)
    order = np.argsort(x[kept], kind="stable")
    return {metric: Curve(x[kept][order], y[kept][order], series[0].clock)}


def _longest(found: Iterable[Series]) -> list[Series]:
    return sorted(found, key=len)[-1:]


def _raw(trace: Trace, one: Series) -> Series:
    """The returns before reward wrappers, where they were read for every episode."""
    raw = trace.get("env.episode_raw_return", one.subject)
    return raw if raw is not None and len(raw) == len(one) else one


def _is_evaluation(trace: Trace, one: Series) -> bool:
    subject = trace.subjects.get(one.subject)
    return subject is not None and subject.info.get("role") == "eval"


def _is_curve(one: Curve, trace: Trace) -> bool:
    steps = np.unique(one.x)
    ends = [float(s.y[-1]) for s in trace.named("run.env_steps") if len(s)] or [one.end]
    return len(steps) >= FEWEST_EVALUATIONS and float(steps[-1] - steps[0]) >= 0.5 * max(ends)
