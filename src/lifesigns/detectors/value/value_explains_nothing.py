"""Rule D208: the explained variance of the value function does not leave 0."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import later, own_evidence, training_returns
from lifesigns.detectors.returns import GOING, going_well
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    constant,
    median,
)

NOTHING = 0.0
"""explained variance: what predicting the mean has; by definition."""
WORSE = -0.5
"""below it a warning; assumed."""


class ValueExplainsNothing(Rule):
    """The value function explains nothing of the returns after many updates.

    What it detects
    ---------------
    The explained variance that the script logs stays at or below 0 through the second half of the run, while
    returns differ.

    Why it matters
    --------------
    A value function that predicts no better than the mean leaves the advantages as noisy as the returns. It
    is often the first sign of targets that are wrong or of observations that carry nothing.

    How it decides
    --------------
    Median of the logged explained variance over the second half of at least 20 updates at or below 0, and
    returns that are not all equal. A note; a warning below −0.5 where returns do not rise.

    When it is wrong
    ----------------
    Before the first reward there is nothing to explain. Rewards that depend on chance alone. Very short runs.

    What to do
    ----------
    Check that value targets and observations belong together (D-rules of values, `lifesigns dye`), that the
    value head gets a gradient (D303), and the scale of the targets (D205).

    References
    ----------
    Schulman, The nuts and bolts of deep RL research (2016); Jones, Debugging RL (2021).
    """

    code = "D208"
    since = "0.2"
    status = "preview"
    families = "on-policy actor-critic"
    reads = {"learner.explained_variance": 20}
    across = GOING
    causes = {
        "value-learns-nothing": Likelihood(0.70, source="the definition of the cause"),
        "observation-scale": Likelihood(0.20, source="judgement"),
        "batch-misaligned": Likelihood(0.40, source="judgement"),
        "any fault": Likelihood(0.08, source="judgement"),
    }
    false_alarm = Likelihood(0.03, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one, returns = view["learner.explained_variance"], training_returns(view)
        if returns is not None and constant(returns.y):
            raise CannotTell("all returns are equal: there is no variance to explain")
        kept = later(one)
        if not len(kept):
            raise CannotTell("no finite explained variance in the second half of the run")
        level = median(kept)
        if level > NOTHING:
            return
        yield self.finding(
            view,
            f"the value function explains {level:.2f} of the variance of the returns (median of the second half "
            f"of {len(one)} updates); the line is {NOTHING:g}",
            "warning" if level < WORSE and going_well(view) is False else "note",
            own_evidence(view, one, level, NOTHING),
        )

    def fires_on(self) -> Iterable[Case]:
        """Nothing, and worse than nothing."""
        yield case("nothing", {"learner.explained_variance": np.full(40, -0.002)})
        yield case("worse", {"learner.explained_variance": np.full(40, -1.4), "env.episode_return": [20.0, 22.0] * 30})

    def quiet_on(self) -> Iterable[Case]:
        """Something, most, and nothing only at first."""
        yield case("something", {"learner.explained_variance": np.full(40, 0.1)})
        yield case("most", {"learner.explained_variance": np.full(40, 0.9)})
        yield case("at first", {"learner.explained_variance": np.linspace(-1.0, 0.8, 60)})
