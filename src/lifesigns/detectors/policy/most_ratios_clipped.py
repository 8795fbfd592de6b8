"""Rule D108: most probability ratios lie outside the clip range."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import later, own_evidence
from lifesigns.detectors.returns import GOING, going_well
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    median,
)

MOST = 0.5
"""share of ratios; assumed (catalogue D13)."""
NEARLY_ALL = 0.8
"""share from which it is a warning; assumed."""


class MostRatiosClipped(Rule):
    """Most probability ratios of PPO's updates lie outside the clip range.

    What it detects
    ---------------
    The logged clip fraction stays above one half through the second half of the run.

    Why it matters
    --------------
    A ratio outside the clip range has no gradient. Where most are outside, most of each batch teaches
    nothing, and the policy has moved further than the method is meant for.

    How it decides
    --------------
    Median of the logged clip fraction over the second half of at least 10 updates, above 0.5: a note; a
    warning above 0.8 where returns do not rise.

    When it is wrong
    ----------------
    The clip range may shrink to 0 by a schedule, which clips everything at the end by design.

    What to do
    ----------
    Lower the learning rate or the number of epochs. If it is high in the first update already, check that old
    log-probabilities are computed as the new ones.

    References
    ----------
    Huang et al., The 37 implementation details of proximal policy optimization (2022); Schulman et al.
    (2017).
    """

    code = "D108"
    since = "0.2"
    status = "preview"
    families = "PPO and its relatives"
    reads = {"learner.clip_fraction": 10}
    across = GOING
    causes = {
        "learning-rate-too-high": Likelihood(0.40, source="large steps leave the clip range"),
        "wrong-importance-ratio": Likelihood(0.50, source="judgement"),
        "any fault": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["learner.clip_fraction"]
        level = median(later(one))
        if level != level:
            raise CannotTell("no finite clip fraction in the second half of the run")
        if level <= MOST:
            return
        yield self.finding(
            view,
            f"{level:.0%} of the ratios are clipped (median of the second half of {len(one)} updates); the line "
            f"is {MOST:.0%}",
            "warning" if level > NEARLY_ALL and going_well(view) is False else "note",
            own_evidence(view, one, level, MOST),
        )

    def fires_on(self) -> Iterable[Case]:
        """Nearly all, and by and by."""
        yield case("nearly all", {"learner.clip_fraction": np.full(20, 0.93), "env.episode_return": [20.0, 22.0] * 30})
        yield case("by and by", {"learner.clip_fraction": np.linspace(0.1, 0.9, 40)})

    def quiet_on(self) -> Iterable[Case]:
        """Usual shares, none, and many only at first."""
        yield case("usual", {"learner.clip_fraction": np.full(20, 0.15)})
        yield case("none", {"learner.clip_fraction": np.zeros(20)})
        yield case("at first", {"learner.clip_fraction": np.linspace(0.8, 0.05, 40)})
