"""Rule D312: the learning rate is 0 long before the run ends."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case

NEXT_TO_NOTHING = 1e-3
"""share of the largest learning rate; assumed."""
LONG, LONGER = 0.25, 0.5
"""share of the updates for a note, for a warning; assumed."""


class LearningRateZeroBeforeTheEnd(Rule):
    """The learning rate has fallen to 0, or next to it, long before the run ends.

    What it detects
    ---------------
    A learning rate that started higher is below a thousandth of its largest value for more than the last
    quarter of the updates.

    Why it matters
    --------------
    From there on nothing is learned. Most often the schedule counts in another unit (epochs, environment
    steps) than the one it is stepped in.

    How it decides
    --------------
    Learning rate at each sampled step of an optimiser: the updates after its last value above a thousandth of
    the largest one make up more than a quarter of all. A note; a warning above half.

    When it is wrong
    ----------------
    Runs that are continued on purpose after their schedule has ended.

    What to do
    ----------
    Compare the length that the schedule is given with the number of times it is stepped.

    References
    ----------
    Hugging Face Transformers documentation, on schedulers; Loshchilov and Hutter, SGDR (2017).
    """

    code = "D312"
    since = "0.2"
    per = "optimizer"
    families = "any with a schedule of the learning rate"
    reads = {"optimizer.learning_rate": 20}
    causes = {
        "learning-rate-too-low": Likelihood(0.20, source="the cause by way of its schedule"),
        "parameters-not-trained": Likelihood(0.25, source="a rate of 0 trains nothing"),
        "any fault": Likelihood(0.01, source="judgement"),
    }
    false_alarm = Likelihood(0.0051, "measured", "0 of 98 healthy runs, benchmarks/atlas")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["optimizer.learning_rate"]
        kept = np.where(np.isfinite(one.y), one.y, 0.0)
        top = float(kept.max())
        if not top > 0:
            raise CannotTell("no learning rate above 0 was seen")
        last = int(np.flatnonzero(kept > NEXT_TO_NOTHING * top)[-1])
        span = float(one.x[-1] - one.x[0])
        share = float(one.x[-1] - one.x[last]) / span if span > 0 else 0.0
        if share <= LONG:
            return
        yield self.finding(
            view,
            f"the learning rate of `{view.subject.name}` is below {NEXT_TO_NOTHING:g} of its largest value "
            f"({top:.3g}) for the last {share:.0%} of the updates; the line is {LONG:.0%}",
            "warning" if share > LONGER else "note",
            own_evidence(view, one, float(kept[-1]), NEXT_TO_NOTHING * top),
        )

    def fires_on(self) -> Iterable[Case]:
        """A schedule ten times too short, and one that ends at half."""
        yield case("too short", {"optimizer.learning_rate": np.r_[np.linspace(1e-3, 0, 10), np.zeros(90)]})
        yield case("at half", {"optimizer.learning_rate": np.r_[np.linspace(1e-3, 0, 50), np.zeros(50)]})

    def quiet_on(self) -> Iterable[Case]:
        """To the end, constant, and to a floor."""
        yield case("to the end", {"optimizer.learning_rate": np.linspace(1e-3, 0, 100)})
        yield case("constant", {"optimizer.learning_rate": np.full(50, 3e-4)})
        yield case("floor", {"optimizer.learning_rate": np.r_[np.linspace(1e-3, 1e-5, 20), np.full(80, 1e-5)]})
