"""Rule D107: the policy moves far in each update, by the KL divergence that was logged."""

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

LARGE_NATS = 0.05
"""nats; assumed (catalogue D12; Spinning Up stops an update at 1.5 × 0.01)."""
HUGE_NATS = 0.5
"""nats from which it is a warning; assumed."""


class KlTooLarge(Rule):
    """The policy moves far in each update: the logged KL divergence is large for good.

    What it detects
    ---------------
    The KL divergence between the policy before and after an update, as the script logs it, stays high through
    the second half of the run.

    Why it matters
    --------------
    Policy-gradient methods of the PPO and TRPO kind are sound for small steps. Where each update moves the
    policy far, the data are stale before they are used, and returns fall apart.

    How it decides
    --------------
    Median of the logged KL over the second half of at least 10 updates: above 0.05 nats a note, above 0.5 a
    warning where returns do not rise. Spinning Up stops an update at 0.015; the line here is the largest that
    healthy runs of the atlas keep to.

    When it is wrong
    ----------------
    Estimators differ (k1, k2, k3) and so do units. Continuous policies with a small standard deviation have
    large KL for small moves. It says nothing of replay methods, which log none.

    What to do
    ----------
    Lower the learning rate or the number of epochs, or stop an update early at a target KL. If the KL is
    large already in the first epoch, old and new log-probabilities are computed differently.

    References
    ----------
    Schulman et al., Proximal policy optimization (2017); Achiam, Spinning Up (2018); Jones, Debugging RL
    (2021).
    """

    code = "D107"
    since = "0.2"
    status = "preview"
    families = "PPO, TRPO and what logs a KL divergence of an update"
    reads = {"learner.kl": 10}
    across = GOING
    causes = {
        "learning-rate-too-high": Likelihood(0.45, source="large steps move the policy far"),
        "wrong-importance-ratio": Likelihood(0.40, source="judgement"),
        "numerical-overflow": Likelihood(0.20, source="judgement"),
        "any fault": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["learner.kl"]
        kept = later(one)
        if not len(kept):
            raise CannotTell("no finite KL in the second half of the run")
        level = median(kept)
        if level <= LARGE_NATS:
            return
        yield self.finding(
            view,
            f"the logged KL of an update is {level:.3g} nats (median of the second half of {len(one)} updates); "
            f"the line is {LARGE_NATS:g}",
            "warning" if level > HUGE_NATS and going_well(view) is False else "note",
            own_evidence(view, one, level, LARGE_NATS),
        )

    def fires_on(self) -> Iterable[Case]:
        """Too large throughout, and growing."""
        yield case("large throughout", {"learner.kl": np.full(20, 0.9), "env.episode_return": [20.0, 22.0] * 30})
        yield case("growing", {"learner.kl": np.geomspace(1e-3, 3.0, 40)})

    def quiet_on(self) -> Iterable[Case]:
        """Usual sizes, one spike, large only at first."""
        yield case("usual", {"learner.kl": np.full(20, 0.012)})
        yield case("one spike", {"learner.kl": [*[0.01] * 15, 3.0, *[0.01] * 15]})
        yield case("large at first", {"learner.kl": np.geomspace(0.5, 1e-3, 40)})
