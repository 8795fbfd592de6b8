"""Rule D417: most groups of completions have one reward and teach nothing."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import later, own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import median

MOST = 0.7
"""share of groups without variance; catalogue L20 (fewer than 30 % informative)."""


class FewGroupsInformative(Rule):
    """Most groups of completions have one reward each and teach nothing.

    What it detects
    ---------------
    More than 70 % of the groups hold completions that all got the same reward: their advantages are 0.

    Why it matters
    --------------
    The batch that counts is a third or less of the batch that is paid for, and the gradient is as noisy as that.
    Prompts are too hard (all wrong) or too easy (all right) for this model now.

    How it decides
    --------------
    Median of the logged share over the second half of at least 10 steps: above 0.7. A note, which says from the
    mean reward's place whether prompts look too easy or too hard where rewards lie in 0…1.

    When it is wrong
    ----------------
    Curricula that begin or end with easy prompts; advantages that are scaled by the batch.

    What to do
    ----------
    Drop prompts that the model always or never solves, sample anew until groups differ, larger groups, partial
    credit.

    References
    ----------
    Yu et al., DAPO (2025), dynamic sampling; TRL's documentation of `frac_reward_zero_std`.
    """

    code = "D417"
    since = "0.2"
    status = "preview"
    families = "GRPO, RLOO"
    reads = {"completions.zero_variance_share": 10}
    may_read = {"completions.reward_mean": 10}
    causes = {
        "reward-carries-no-signal": Likelihood(0.60, source="judgement"),
        "any fault": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.05, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one, rewards = view["completions.zero_variance_share"], view.get("completions.reward_mean")
        level = median(later(one))
        if level != level:
            raise CannotTell("no finite share in the second half of the run")
        if level <= MOST:
            return
        mean = median(later(rewards)) if rewards is not None else float("nan")
        side = "; prompts look too easy" if 0.8 < mean <= 1 else "; prompts look too hard" if 0 <= mean < 0.2 else ""
        yield self.finding(
            view,
            f"{level:.0%} of the groups have completions with one reward (median of the second half of {len(one)} "
            f"steps); the line is {MOST:.0%}{side}",
            "note",
            own_evidence(view, one, level, MOST),
        )

    def fires_on(self) -> Iterable[Case]:
        """Too hard, and too easy in the end."""
        zero = "completions.zero_variance_share"
        yield case("too hard", {zero: np.full(20, 0.9), "completions.reward_mean": np.full(20, 0.02)})
        yield case("too easy", {zero: np.linspace(0.1, 1, 40), "completions.reward_mean": np.linspace(0.4, 0.97, 40)})

    def quiet_on(self) -> Iterable[Case]:
        """Few, half, many at first."""
        yield case("few", {"completions.zero_variance_share": np.full(20, 0.1)})
        yield case("half", {"completions.zero_variance_share": np.full(20, 0.5)})
        yield case("at first", {"completions.zero_variance_share": np.linspace(0.95, 0.2, 40)})
