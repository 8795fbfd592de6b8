"""Rule D117: SAC's entropy coefficient runs to an extreme."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence, thirds
from lifesigns.detectors.returns import GOING, going_well
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    median,
)

LOWEST, HIGHEST = 1e-4, 1e2
"""coefficient; assumed (catalogue D60)."""


class EntropyCoefficientRunsAway(Rule):
    """SAC's entropy coefficient has run to an extreme.

    What it detects
    ---------------
    The learned weight of the entropy (α) stays below 1e-4 or above 100 through the last third of the run.

    Why it matters
    --------------
    At one end nothing is left of exploration, at the other the reward is drowned by the entropy. Both come
    from a reward scale that does not fit, or from a target entropy that the policy cannot reach.

    How it decides
    --------------
    Median of the logged coefficient over the last third of at least 10 values, below 1e-4 or above 100. A
    note; a warning where returns do not rise.

    When it is wrong
    ----------------
    Very small rewards make a small coefficient right. A coefficient that is set by hand says nothing.

    What to do
    ----------
    Scale rewards to about 1 per step; check the sign of the temperature's loss and that the target entropy is
    minus the number of action components.

    References
    ----------
    Haarnoja et al., Soft actor-critic algorithms and applications (2018).
    """

    code = "D117"
    since = "0.2"
    status = "preview"
    families = "SAC, TQC, REDQ"
    reads = {"learner.entropy_coefficient": 10}
    across = GOING
    causes = {
        "objective-sign-flipped": Likelihood(0.20, source="the temperature's loss with the wrong sign"),
        "premature-determinism": Likelihood(0.20, source="judgement"),
        "entropy-bonus-dominates": Likelihood(0.60, source="the definition of the cause"),
        "any fault": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["learner.entropy_coefficient"]
        level = median(thirds(one)[1])
        if level != level:
            raise CannotTell("no finite coefficient in the last third of the run")
        if LOWEST <= level <= HIGHEST:
            return
        limit = LOWEST if level < LOWEST else HIGHEST
        yield self.finding(
            view,
            f"the entropy coefficient is {level:.3g} in the last third of the run; the line is {limit:g}",
            "warning" if going_well(view) is False else "note",
            own_evidence(view, one, level, limit),
        )

    def fires_on(self) -> Iterable[Case]:
        """Exploding, and vanishing."""
        yield case(
            "exploding",
            {"learner.entropy_coefficient": np.geomspace(1, 1e5, 40), "env.episode_return": [-1200.0, -1250.0] * 30},
        )
        yield case("vanishing", {"learner.entropy_coefficient": np.geomspace(1, 1e-9, 40)})

    def quiet_on(self) -> Iterable[Case]:
        """Usual, falling, and a fixed one."""
        yield case("usual", {"learner.entropy_coefficient": np.full(20, 0.2)})
        yield case("falling", {"learner.entropy_coefficient": np.geomspace(1, 2e-3, 40)})
        yield case("fixed", {"learner.entropy_coefficient": np.ones(20)})
