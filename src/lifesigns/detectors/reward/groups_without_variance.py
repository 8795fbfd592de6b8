"""Rule D410: most groups of completions have one reward and teach nothing."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import later, own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    finite,
    median,
)

HALF, NEARLY_ALL = 0.5, 0.9
"""share of groups for a note, for a warning; assumed (catalogue L01)."""


class GroupsWithoutVariance(Rule):
    """Most groups of completions have a single reward each, and teach nothing.

    What it detects
    ---------------
    In half of the groups or more all completions get the same reward, so that their advantages are 0.

    Why it matters
    --------------
    Group-relative methods learn from differences within a group. All wrong (a parser that rejects everything,
    a task too hard) and all right (too easy) both give none; at 1.0 the gradient is exactly 0.

    How it decides
    --------------
    Median of the logged share of groups without variance over the second half of at least 10 steps: above 0.5
    a note, above 0.9 a warning, 1.0 throughout an error: no step learned anything. The mean reward says
    whether all are wrong or all are right.

    When it is wrong
    ----------------
    Curricula that end in easy prompts. With rewards normalised over the batch the share says less.

    What to do
    ----------
    All 0: print ten completions with their rewards and look at the parser. All 1: harder prompts. Else: more
    completions a group, prompts of medium difficulty, dynamic sampling.

    References
    ----------
    Yu et al., DAPO (2025), section 3.2; TRL's documentation of `frac_reward_zero_std`.
    """

    code = "D410"
    since = "0.2"
    families = "GRPO, RLOO and other group-relative methods"
    reads = {"completions.zero_variance_share": 10}
    may_read = {"completions.reward_mean": 10}
    causes = {
        "reward-carries-no-signal": Likelihood(0.90, source="the definition of the cause"),
        "any fault": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["completions.zero_variance_share"]
        kept = later(one)
        if not len(kept):
            raise CannotTell("no finite share in the second half of the run")
        level = median(kept)
        if level <= HALF:
            return
        reward = view.get("completions.reward_mean")
        told = f"; the mean reward is {median(later(reward)):.3g}" if reward is not None else ""
        nothing = len(finite(one.y)) == len(one) and float(one.y.min()) >= 1.0
        yield self.finding(
            view,
            f"in {level:.0%} of the groups all completions have one reward (median of the second half of "
            f"{len(one)} steps){told}; the line is {HALF:.0%}",
            "error" if nothing else "warning" if level > NEARLY_ALL else "note",
            own_evidence(view, one, level, HALF),
            exact=nothing,
        )

    def fires_on(self) -> Iterable[Case]:
        """All groups always, and more and more of them."""
        yield case("all", {"completions.zero_variance_share": np.ones(20), "completions.reward_mean": np.zeros(20)})
        yield case("more and more", {"completions.zero_variance_share": np.linspace(0.1, 0.95, 40)})

    def quiet_on(self) -> Iterable[Case]:
        """A few, many at first, and a third."""
        yield case("a few", {"completions.zero_variance_share": np.full(20, 0.1)})
        yield case("at first", {"completions.zero_variance_share": np.linspace(1.0, 0.0, 40)})
        yield case("a third", {"completions.zero_variance_share": np.full(20, 0.33)})
