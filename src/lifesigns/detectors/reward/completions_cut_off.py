"""Rule D413: many completions are cut off before their end."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence, thirds
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    median,
)

MANY, MOST = 0.25, 0.5
"""share of completions for a note, for a warning; assumed (catalogue L09 has 0.1 and 0.5)."""


class CompletionsCutOff(Rule):
    """Many completions are cut off by the length limit before they end.

    What it detects
    ---------------
    More than a quarter of the completions reach the limit without an end token.

    Why it matters
    --------------
    A cut-off answer usually gets no reward, whatever it would have said, and teaches to be short rather than
    right.

    How it decides
    --------------
    Median of the logged share over the last third of at least 10 steps: above 0.25 a note, above 0.5 a
    warning.

    When it is wrong
    ----------------
    Base models early in a run never stop by themselves.

    What to do
    ----------
    Raise the limit, check that the end token is the one the template uses, and mask cut-off completions in
    the loss.

    References
    ----------
    Yu et al., DAPO (2025), overlong reward shaping; TRL's documentation of `completions/clipped_ratio`.
    """

    code = "D413"
    since = "0.2"
    status = "preview"
    families = "GRPO, RLOO, PPO on language models"
    reads = {"completions.truncated_share": 10}
    causes = {
        "completion-limit-too-short": Likelihood(0.90, source="the definition of the cause"),
        "any fault": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.03, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["completions.truncated_share"]
        level = median(thirds(one)[1])
        if level != level:
            raise CannotTell("no finite share in the last third of the run")
        if level <= MANY:
            return
        yield self.finding(
            view,
            f"{level:.0%} of the completions are cut off by the length limit (median of the second half of "
            f"{len(one)} steps); the line is {MANY:.0%}",
            "warning" if level > MOST else "note",
            own_evidence(view, one, level, MANY),
        )

    def fires_on(self) -> Iterable[Case]:
        """Most of them, and more and more."""
        yield case("most", {"completions.truncated_share": np.full(20, 0.8)})
        yield case("more and more", {"completions.truncated_share": np.linspace(0, 0.6, 40)})

    def quiet_on(self) -> Iterable[Case]:
        """Few, none, many at first."""
        yield case("few", {"completions.truncated_share": np.full(20, 0.08)})
        yield case("none", {"completions.truncated_share": np.zeros(20)})
        yield case("at first", {"completions.truncated_share": np.linspace(0.9, 0, 40)})
