"""Rule D118: one side of a game wins nearly all of it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import finite

ONE_SIDED = 0.8
"""win rate; catalogue D49."""
IN_A_ROW = 5
"""last values of the series; assumed."""


class OneSideWins(Rule):
    """One side of a game against itself or a co-trained player wins nearly all of it.

    What it detects
    ---------------
    The logged win rate is above 0.8, or below 0.2, at the end of the run and stays there.

    Why it matters
    --------------
    In self-play both sides are meant to learn from each other. A side that wins nearly always teaches the
    other nothing and meets nothing new: it fits the weakness of the one opponent it has.

    How it decides
    --------------
    The last 5 of at least 10 logged win rates are all above 0.8 or all below 0.2. A note.

    When it is wrong
    ----------------
    Games that favour one side; opponents that are fixed and meant to be beaten.

    What to do
    ----------
    Train the weaker side alone for a while, play against earlier versions of both sides, match players of like
    strength.

    References
    ----------
    Bansal et al., Emergent complexity via multi-agent competition (2018), on opponents that are sampled from the past.
    """

    code = "D118"
    since = "0.2"
    status = "preview"
    families = "self-play and co-training, with a logged win rate"
    per = "env"
    reads = {"env.win_rate": 10}
    causes = {
        "reward-misspecified": Likelihood(0.10, source="judgement"),
        "any fault": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.05, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["env.win_rate"]
        last = finite(one.y)[-IN_A_ROW:]
        if len(last) < IN_A_ROW:
            raise CannotTell("fewer than five finite win rates")
        if not (last.min() > ONE_SIDED or last.max() < 1 - ONE_SIDED):
            return
        level = float(last.mean())
        yield self.finding(
            view,
            f"one side wins {max(level, 1 - level):.0%} of the games in the last {IN_A_ROW} values of the win rate; "
            f"the line is {ONE_SIDED:.0%}",
            "note",
            own_evidence(view, one, level, ONE_SIDED),
        )

    def fires_on(self) -> Iterable[Case]:
        """This side, and the other."""
        yield case("this side", {"env.win_rate": np.linspace(0.5, 0.98, 60)})
        yield case("the other", {"env.win_rate": np.linspace(0.5, 0.05, 60)})

    def quiet_on(self) -> Iterable[Case]:
        """Even, swinging, one-sided for a while."""
        yield case("even", {"env.win_rate": np.full(20, 0.55)})
        yield case("swinging", {"env.win_rate": np.tile([0.9, 0.3], 15)})
        yield case("for a while", {"env.win_rate": np.r_[np.full(20, 0.95), np.full(10, 0.6)]})
