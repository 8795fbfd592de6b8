"""How healthy public runs went on that stood where this run stands; see `lifesigns.curves.outlook`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

import numpy as np

from lifesigns.curves.outlook import GOOD, outlook
from lifesigns.curves.reference import reference_of
from lifesigns.model import Series, Trace
from lifesigns.stats.samples import finite

BUDGET_FLAG = re.compile(r"^--?(total[-_]?(time)?steps|num[-_]?(time|env)?[-_]?steps|timesteps|max[-_]?steps)$")
"""arguments of scripts that state the number of environment steps."""
RECENT = 20
"""episodes at the end over which the return is averaged; assumed."""


def outlook_of(trace: Trace) -> str:
    """A sentence for a run below half of its environment's reference with some of its budget left; else nothing.

    Needs the returns of a training environment, those of random actions in it, and a reference that is bundled.
    """
    found = [
        (s, trace.subjects[s.subject])
        for s in trace.named("env.episode_return")
        if s.subject in trace.subjects and trace.subjects[s.subject].info.get("role") != "eval"
    ]
    if not found:
        return ""
    returns, env = max(found, key=lambda f: len(f[0]))
    random = trace.get("baseline.random_return", returns.subject)
    known = reference_of(str(env.info.get("id") or ""))
    own, chance = _recent(returns), finite(random.y) if random is not None else np.empty(0)
    if known is None or not len(own) or not len(chance):
        return ""
    start = float(chance.mean())
    if not known.score > start:
        return ""
    steps, budget, whose = _budget(trace, known.env_steps)
    progress = (float(own.mean()) - start) / (known.score - start)
    told = outlook(progress, steps / budget) if budget > 0 and progress < GOOD else None
    if told is None:
        return ""
    return f"{told.sentence()} Reference: {known.score:.4g}, {known.source}; budget: {budget:,.0f} steps, {whose}."


def _recent(one: Series) -> np.ndarray[Any, np.dtype[np.float64]]:
    return finite(one.y)[-RECENT:]


def _budget(trace: Trace, usual: float) -> tuple[float, float, str]:
    """(environment steps done, those of the budget, whose budget): the script's own if it was cut off before."""
    steps = max((float(f.max()) for s in trace.named("run.env_steps") if len(f := finite(s.y))), default=0.0)
    given = _given(cast("Sequence[object]", trace.meta.get("argv") or ()))
    if given and trace.cut_short and steps < given:
        return steps, given, "this run's own"
    return steps, usual, "the usual one for this environment"


def _given(argv: Sequence[object]) -> float:
    """The number after an argument that states the number of steps; 0 without one."""
    words = [part for word in argv for part in str(word).split("=", 1)]
    for flag, value in pairwise(words):
        if BUDGET_FLAG.match(flag):
            try:
                return float(value.replace("_", ""))
            except ValueError:
                return 0.0
    return 0.0
