"""Rule D109: no ratio is ever clipped and the KL divergence is 0."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import later, own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    median,
)

STILL_NATS = 1e-6
"""nats; assumed (catalogue D12 has 1e-5; healthy runs near the end of a schedule lie just below it)."""


class PolicyNeverLeavesItsStart(Rule):
    """No ratio is ever clipped and the KL divergence of updates is as good as 0: the policy does not move.

    What it detects
    ---------------
    In every update of the second half of the run the clip fraction is exactly 0 and the logged KL divergence
    is below 1e-6 nats.

    Why it matters
    --------------
    A policy that does not move in an update is not trained: its loss has no gradient, its learning rate is
    next to 0, or the new log-probability is the old one.

    How it decides
    --------------
    All clip fractions of the second half are 0 and the median |KL| is below 1e-6 nats, over at least 10
    updates. Always a note: the rules on parameters say why.

    When it is wrong
    ----------------
    One epoch of one whole batch gives ratios of exactly 1 by design; schedules end at a rate of 0.

    What to do
    ----------
    Look at D303 and D308: do the policy's parameters get a gradient, and do they move? Then at the learning
    rate that is really used.

    References
    ----------
    Schulman, The nuts and bolts of deep RL research (2016); Jones, Debugging RL (2021).
    """

    code = "D109"
    since = "0.2"
    status = "preview"
    families = "PPO and its relatives"
    reads = {"learner.clip_fraction": 10, "learner.kl": 10}
    causes = {
        "gradient-path-broken": Likelihood(0.45, source="a policy without gradient stays where it is"),
        "parameters-not-trained": Likelihood(0.40, source="as above"),
        "learning-rate-too-low": Likelihood(0.40, source="judgement"),
        "any fault": Likelihood(0.01, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        share, moved = later(view["learner.clip_fraction"]), later(view["learner.kl"])
        if not len(share) or not len(moved):
            raise CannotTell("no finite value in the second half of the run")
        level = median(np.abs(moved))
        if share.any() or level >= STILL_NATS:
            return
        yield self.finding(
            view,
            f"no ratio is clipped in the second half of the run, and the KL of an update is {level:.2g} nats; the "
            f"line is {STILL_NATS:g}",
            "note",
            own_evidence(view, view["learner.kl"], level, STILL_NATS),
        )

    def fires_on(self) -> Iterable[Case]:
        """A policy without gradient, and a rate that has become 0."""
        yield case("no gradient", {"learner.clip_fraction": np.zeros(20), "learner.kl": np.zeros(20)})
        yield case(
            "rate became 0",
            {
                "learner.clip_fraction": np.r_[np.full(10, 0.1), np.zeros(30)],
                "learner.kl": np.r_[np.full(10, 0.01), np.full(30, 1e-9)],
            },
        )

    def quiet_on(self) -> Iterable[Case]:
        """Small steps, no clipping but movement, and clipping."""
        yield case("small steps", {"learner.clip_fraction": np.zeros(20), "learner.kl": np.full(20, 1e-4)})
        yield case("one ratio", {"learner.clip_fraction": np.r_[np.zeros(19), 0.01], "learner.kl": np.zeros(20)})
        yield case("usual", {"learner.clip_fraction": np.full(20, 0.1), "learner.kl": np.full(20, 0.01)})
