"""A comparison as strict JSON: NaN and the infinities are the strings "nan", "inf" and "-inf"."""

from __future__ import annotations

import math
from typing import Any

from lifesigns.compare.pairs import Pair
from lifesigns.compare.scores import ArmScores
from lifesigns.compare.summary import ArmSummary
from lifesigns.compare.verdict import Comparison
from lifesigns.stats.interval import Interval

SCHEMA = 1


def number(value: float) -> float | str:
    """A number as strict JSON may hold it."""
    if math.isfinite(value):
        return float(value)
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def to_json(found: Comparison) -> dict[str, Any]:
    """The whole answer as a dict for `json.dumps(..., allow_nan=False)`."""
    scores = found.scores
    return {
        "schema": SCHEMA,
        "outcome": found.outcome,
        "winner": found.winner or None,
        "headline": found.headline,
        "sentences": list(found.sentences),
        "notes": list(scores.notes),
        "metric": scores.metric.name,
        "higher_is_better": scores.metric.higher_is_better,
        "tasks": list(scores.tasks),
        "steps": [number(s) for s in scores.steps],
        "clock": scores.clock,
        "normalisation": scores.normalisation or None,
        "success_line": None if scores.line != scores.line else number(scores.line),
        "success_line_from": scores.line_from or None,
        "arms": [_arm(s, a) for s, a in zip(found.summaries, scores.arms, strict=True)],
        "pairs": [pair_to_json(p) for p in found.pairs],
        "luck_of_the_best": None if found.curse is None else number(found.curse.luck),
    }


def _interval(one: Interval | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "estimate": number(one.estimate),
        "low": number(one.low),
        "high": number(one.high),
        "level": one.level,
        "method": one.method,
    }


def _arm(summary: ArmSummary, scores: ArmScores) -> dict[str, Any]:
    return {
        "name": summary.name,
        "runs": summary.runs,
        "seeds": list(scores.seeds) if any(scores.seeds) else None,
        "scores": [[number(float(v)) for v in row] for row in scores.raw],
        "failed": [[bool(v) for v in row] for row in scores.failed],
        "mean": number(summary.mean),
        "mean_interval": _interval(summary.mean_interval),
        "iqm": _interval(summary.iqm),
        "failure_rate": _interval(summary.failures),
        "area_under_curve": _interval(summary.area),
        "steps_to_line": _interval(summary.to_line),
        "lost_since_peak": None if summary.lost_since_peak is None else number(summary.lost_since_peak),
    }


def pair_to_json(one: Pair) -> dict[str, Any]:
    """One pair of arms."""
    test, more = one.test, one.more
    return {
        "ahead": one.ahead,
        "behind": one.behind,
        "different": one.different,
        "refusal": one.refusal or None,
        "p": None if test is None else number(one.p),
        "p_uncorrected": None if test is None else number(test.p),
        "least_p": None if test is None else number(test.least_p),
        "test": None if test is None else test.method,
        "exact": None if test is None else test.exact,
        "alpha": one.alpha,
        "probability_of_improvement": _interval(one.improvement),
        "difference_of_iqm": _interval(one.difference),
        "shared_seeds": one.shared,
        "wins_on_shared_seeds": one.wins,
        "opposite_with_five_seeds": None if one.opposite is None else number(one.opposite),
        "more_seeds": None if more is None else {"low": more[0], "high": more[1], "power": 0.8},
        "failure_rates_p": None if one.failures is None else number(one.failures.p),
        "equivalence_p": None if one.equivalence is None else number(one.equivalence.p),
    }
