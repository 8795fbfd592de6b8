"""Rule D805: most of the run is over before the first gradient step."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case

LEAST_STEPS = 500.0
"""environment steps of the run before it means anything; assumed."""
HALF, NEARLY_ALL = 0.5, 0.8
"""share of the environment steps for a note, for a warning; assumed; 99 % of healthy runs stay below 0.46 (short runs
with large rollouts; benchmarks/atlas)."""


class LearningStartsLate(Rule):
    """Most of the run is over before the first gradient step.

    What it detects
    ---------------
    The first optimiser step comes after more than half of the environment steps of the whole run.

    Why it matters
    --------------
    Random actions fill the buffer for most of the budget, and learning has the rest. It is easy to do when a
    script with a long warm-up is run for a tenth of its usual length.

    How it decides
    --------------
    Environment steps at the first count of updates above 0, over those at the end: above 0.5 a note, above
    0.8 a warning, from 500 steps on. In a run that was cut short (by a time budget, say) always a note.

    When it is wrong
    ----------------
    A script that ends itself early on purpose.

    What to do
    ----------
    Lower the step at which learning starts to a few per cent of the budget, or run for longer.

    References
    ----------
    Stable-Baselines3's and CleanRL's documentation of `learning_starts`.
    """

    code = "D805"
    since = "0.2"
    families = "off-policy RL"
    whole_run = True
    reads = {"run.updates": 4, "run.env_steps": 4}
    causes = {
        "too-little-training": Likelihood(0.25, source="the cause by way of a warm-up"),
        "updates-never-made": Likelihood(0.60, source="a milder form of the cause"),
        "any fault": Likelihood(0.01, source="judgement"),
    }
    false_alarm = Likelihood(0.0058, "measured", "0 of 85 healthy runs, benchmarks/atlas")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        made, steps = view["run.updates"], view["run.env_steps"]
        begun = np.flatnonzero(made.y > 0)
        total = float(np.nanmax(steps.y)) if np.isfinite(steps.y).any() else 0.0
        if not len(begun) or not LEAST_STEPS <= total < float("inf"):
            raise CannotTell("no update was made, or too few environment steps")
        before = float(made.x[max(begun[0] - 1, 0)])
        at = float(np.interp(before, steps.x, steps.y))
        share = at / total
        if not share > HALF:
            return
        yield self.finding(
            view,
            f"the first optimiser step comes after {at:.0f} of {total:.0f} environment steps ({share:.0%}); the "
            f"line is {HALF:.0%}",
            "warning" if share > NEARLY_ALL else "note",
            own_evidence(view, made, share, HALF),
        )

    def fires_on(self) -> Iterable[Case]:
        """At nine tenths, and at two thirds."""
        at = np.arange(21.0)
        yield case("nine tenths", {"run.updates": (at, np.maximum(at - 18, 0) * 100), "run.env_steps": (at, at * 1000)})
        yield case("two thirds", {"run.updates": (at, np.maximum(at - 13, 0) * 100), "run.env_steps": (at, at * 1000)})

    def quiet_on(self) -> Iterable[Case]:
        """At once, after a tenth, after a third."""
        at = np.arange(21.0)
        for name, first in (("at once", 0), ("a tenth", 2), ("a third", 7)):
            yield case(name, {"run.updates": (at, np.maximum(at - first, 0) * 100), "run.env_steps": (at, at * 1000)})
