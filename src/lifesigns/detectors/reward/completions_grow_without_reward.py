"""Rule D412: completions become longer while their reward stays."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence, thirds
from lifesigns.model import Finding
from lifesigns.rules import Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    median,
    trend,
)

CLEAR_Z, RISES_Z = 3.0, 2.0
"""z of the length's rise, at least, and of the reward's, at most; assumed."""
GREW = 1.5
"""ratio of the medians; assumed (catalogue L08)."""


class CompletionsGrowWithoutReward(Rule):
    """Completions become much longer while their reward does not rise.

    What it detects
    ---------------
    The mean length of completions has grown by half, and the mean reward has not.

    Why it matters
    --------------
    Length that pays nothing is drift: a loss that is normalised by length favours long wrong answers, or a
    reward model likes length.

    How it decides
    --------------
    Mann-Whitney tests of the last third against the first: z above 3 for the length with a median at least
    1.5 times as large, and below 2 for the reward, over at least 30 steps. A note.

    When it is wrong
    ----------------
    Reasoning tasks need longer answers before they pay.

    What to do
    ----------
    Look at the reward at equal length; use a loss without division by length (Dr. GRPO), a length penalty, or
    a limit.

    References
    ----------
    Singhal et al., A long way to go (2023); Liu et al., Understanding R1-Zero-like training (2025).
    """

    code = "D412"
    since = "0.2"
    families = "GRPO, RLOO, PPO on language models"
    reads = {"completions.length_mean": 30, "completions.reward_mean": 30}
    causes = {
        "reward-misspecified": Likelihood(0.50, source="judgement"),
        "any fault": Likelihood(0.04, source="judgement"),
    }
    false_alarm = Likelihood(0.03, source="judgement")
    status = "preview"

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        length, reward = view["completions.length_mean"], view["completions.reward_mean"]
        (before, after), up = thirds(length), trend(length.y)
        if not (up > CLEAR_Z and median(after) >= GREW * median(before) and trend(reward.y) < RISES_Z):
            return
        yield self.finding(
            view,
            f"completions grow from {median(before):.0f} to {median(after):.0f} tokens (medians of the first and "
            f"the last third) while their reward does not rise (z = {trend(reward.y):.1f})",
            "note",
            own_evidence(view, length, median(after), GREW * median(before)),
        )

    def fires_on(self) -> Iterable[Case]:
        """Twice as long, and longer while worse."""
        yield case(
            "twice",
            {"completions.length_mean": np.linspace(100, 250, 60), "completions.reward_mean": [0.4, 0.5, 0.45] * 20},
        )
        yield case(
            "worse",
            {
                "completions.length_mean": np.geomspace(50, 400, 60),
                "completions.reward_mean": np.linspace(0.5, 0.2, 60),
            },
        )

    def quiet_on(self) -> Iterable[Case]:
        """Longer and better, shorter, a little longer."""
        flat, up = [0.4, 0.5, 0.45] * 20, np.linspace(0, 1, 60)
        yield case("better", {"completions.length_mean": np.linspace(100, 250, 60), "completions.reward_mean": up})
        yield case("shorter", {"completions.length_mean": np.linspace(250, 100, 60), "completions.reward_mean": flat})
        yield case("a little", {"completions.length_mean": np.linspace(100, 130, 60), "completions.reward_mean": flat})
