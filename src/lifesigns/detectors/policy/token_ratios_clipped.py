"""Rule D124: a large share of the token ratios is clipped."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import later, own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    median,
)

MANY, MOST = 0.2, 0.5
"""share of the ratios for a note, for a warning; assumed (catalogue L07)."""


class TokenRatiosClipped(Rule):
    """A large share of the tokens' probability ratios is clipped.

    What it detects
    ---------------
    The shares of ratios that are clipped below and above, as the trainer logs them, together exceed a fifth
    in the second half of the run.

    Why it matters
    --------------
    Clipped tokens teach nothing. Where many are clipped the policy moves too far for one batch, or the data
    are older than the method assumes; if nearly all clipping is on one side, one half of the lesson is lost.

    How it decides
    --------------
    Sum of the medians of the two logged shares over the second half of at least 10 steps, above 0.2: a note;
    above 0.5 a warning.

    When it is wrong
    ----------------
    Several epochs over each batch clip more by design.

    What to do
    ----------
    Lower the learning rate or the number of epochs over a batch; sample with fresher weights; set the two
    clip limits apart.

    References
    ----------
    Yu et al., DAPO (2025), section 3.1; TRL's documentation of `clip_ratio`.
    """

    code = "D124"
    since = "0.2"
    families = "GRPO, RLOO, PPO on language models"
    reads = {"completions.clipped_low_share": 10, "completions.clipped_high_share": 10}
    causes = {
        "learning-rate-too-high": Likelihood(0.40, source="judgement"),
        "sampler-trainer-mismatch": Likelihood(0.40, source="judgement"),
        "any fault": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.02, source="judgement")
    status = "preview"

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        low, high = view["completions.clipped_low_share"], view["completions.clipped_high_share"]
        level = median(later(low)) + median(later(high))
        if level != level:
            raise CannotTell("no finite share in the second half of the run")
        if level <= MANY:
            return
        yield self.finding(
            view,
            f"{level:.0%} of the token ratios are clipped in the second half of the run ({median(later(low)):.0%} "
            f"below, {median(later(high)):.0%} above); the line is {MANY:.0%}",
            "warning" if level > MOST else "note",
            own_evidence(view, high, level, MANY),
        )

    def fires_on(self) -> Iterable[Case]:
        """On both sides, and on one."""
        yield case(
            "both",
            {"completions.clipped_low_share": np.full(20, 0.3), "completions.clipped_high_share": np.full(20, 0.3)},
        )
        yield case(
            "one",
            {"completions.clipped_low_share": np.zeros(20), "completions.clipped_high_share": np.linspace(0, 0.6, 20)},
        )

    def quiet_on(self) -> Iterable[Case]:
        """Usual, none, many only at first."""
        yield case(
            "usual",
            {"completions.clipped_low_share": np.full(20, 0.04), "completions.clipped_high_share": np.full(20, 0.05)},
        )
        yield case(
            "none", {"completions.clipped_low_share": np.zeros(20), "completions.clipped_high_share": np.zeros(20)}
        )
        yield case(
            "at first",
            {
                "completions.clipped_low_share": np.linspace(0.4, 0, 40),
                "completions.clipped_high_share": np.linspace(0.4, 0, 40),
            },
        )
