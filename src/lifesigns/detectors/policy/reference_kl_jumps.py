"""Rule D120: the divergence from the reference model jumps."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    median,
)

TIMES, LEAST_NATS, HUGE_NATS = 10.0, 0.5, 5.0
"""ratio of the medians, and nats for a note, for a warning; assumed (catalogue L03)."""


class ReferenceKlJumps(Rule):
    """The KL divergence from the reference model has jumped, or grows without end.

    What it detects
    ---------------
    The logged KL to the reference model is, at the end, many times what it was in the early part of the run,
    and large.

    Why it matters
    --------------
    The policy has left the region in which the reward was made or learned. Scores that still rise there are
    often not worth it.

    How it decides
    --------------
    Median of the last fifth of at least 20 steps above 10 times that of the second fifth, and above 0.5 nats.
    A note; a warning above 5 nats. Without a logged KL (a coefficient of 0) it is not measured.

    When it is wrong
    ----------------
    Long runs are meant to leave the reference. Sums over tokens are larger than means over them: the unit is
    the logger's.

    What to do
    ----------
    Raise the coefficient or lower the learning rate; compare samples from before and after.

    References
    ----------
    Gao et al., Scaling laws for reward model overoptimization (2023); TRL's documentation of `kl`.
    """

    code = "D120"
    since = "0.2"
    families = "GRPO, RLOO, PPO on language models"
    reads = {"completions.reference_kl": 20}
    causes = {
        "learning-rate-too-high": Likelihood(0.40, source="judgement"),
        "reward-misspecified": Likelihood(0.30, source="judgement"),
        "sampler-trainer-mismatch": Likelihood(0.20, source="judgement"),
        "any fault": Likelihood(0.04, source="judgement"),
    }
    false_alarm = Likelihood(0.05, source="judgement")
    status = "preview"

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["completions.reference_kl"]
        parts = np.array_split(one.y, 5)
        early, late = median(parts[1]), median(parts[4])
        if not (late > LEAST_NATS and late > TIMES * max(early, 0.0)):
            return
        yield self.finding(
            view,
            f"the KL to the reference model is {late:.3g} nats in the last fifth of the run and was {early:.3g} "
            f"in the second; the line is {TIMES:g} times",
            "warning" if late > HUGE_NATS else "note",
            own_evidence(view, one, late, max(TIMES * early, LEAST_NATS)),
        )

    def fires_on(self) -> Iterable[Case]:
        """A jump, and exponential growth."""
        yield case("jump", {"completions.reference_kl": [*[0.02] * 60, *[9.0] * 30]})
        yield case("growth", {"completions.reference_kl": np.geomspace(1e-3, 3.0, 80)})

    def quiet_on(self) -> Iterable[Case]:
        """Slow growth, small values, one spike."""
        yield case("slow", {"completions.reference_kl": np.linspace(0.2, 1.0, 60)})
        yield case("small", {"completions.reference_kl": np.geomspace(1e-5, 0.05, 60)})
        yield case("spike", {"completions.reference_kl": [*[0.1] * 40, 50.0, *[0.1] * 40]})
