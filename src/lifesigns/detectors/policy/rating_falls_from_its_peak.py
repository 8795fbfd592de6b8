"""Rule D119: the rating in self-play falls far below its own peak."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence, smoothed
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import finite

FALLEN = 100.0
"""Elo; by arithmetic the present policy then wins 36 % against that of the peak (catalogue D50: below 45 % is 35)."""
ROSE = 50.0
"""Elo above the start that a peak must be; assumed."""


class RatingFallsFromItsPeak(Rule):
    """The rating in self-play has fallen far below its own peak.

    What it detects
    ---------------
    The Elo rating rose and then lost 100 points or more by the end of the run.

    Why it matters
    --------------
    A policy that loses to its own past has forgotten something: players go round in circles instead of getting
    better.

    How it decides
    --------------
    Means over windows of a twentieth of at least 40 logged ratings: the last one is 100 below the highest, which was 50
    above the first. A note.

    When it is wrong
    ----------------
    Ratings against a pool that grows stronger, where standing still looks like falling.

    What to do
    ----------
    Keep more earlier versions in the pool of opponents and play against them for longer.

    References
    ----------
    Bansal et al., Emergent complexity via multi-agent competition (2018); ML-Agents' documentation of self-play.
    """

    code = "D119"
    since = "0.2"
    status = "preview"
    families = "self-play with a logged Elo rating"
    per = "env"
    reads = {"env.elo": 40}
    causes = {
        "learning-rate-too-high": Likelihood(0.10, source="judgement"),
        "any fault": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.05, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["env.elo"]
        levels = smoothed(finite(one.y), 2)
        if len(levels) < 3:
            raise CannotTell("fewer than 40 finite ratings")
        peak, last = float(levels.max()), float(levels[-1])
        if peak - levels[0] < ROSE or peak - last <= FALLEN:
            return
        yield self.finding(
            view,
            f"the rating fell from {peak:.0f} to {last:.0f}: against its own best self it would win "
            f"{1 / (1 + 10 ** ((peak - last) / 400)):.0%} of the games",
            "note",
            own_evidence(view, one, last, peak - FALLEN),
        )

    def fires_on(self) -> Iterable[Case]:
        """A hill, and a cliff."""
        yield case("a hill", {"env.elo": np.r_[np.linspace(1200, 1500, 50), np.linspace(1500, 1250, 50)]})
        yield case("a cliff", {"env.elo": np.r_[np.linspace(1200, 1600, 80), np.full(20, 1300.0)]})

    def quiet_on(self) -> Iterable[Case]:
        """Rises, wavers, never rose."""
        yield case("rises", {"env.elo": np.linspace(1200, 1700, 100)})
        yield case("wavers", {"env.elo": 1300 + 40 * np.sin(np.arange(100) / 5)})
        yield case("never rose", {"env.elo": np.linspace(1200, 900, 100)})
