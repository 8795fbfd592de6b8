"""Rule D121: the entropy of the tokens falls far before the reward stops rising."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    finite,
    mann_whitney,
    median,
)

FELL_TO, NOTHING_LEFT = 0.3, 0.05
"""share of the entropy at the start for a note, for a warning; assumed (catalogue L04)."""
RISES_Z = 2.0
"""z of the reward's last third against its middle third; assumed."""


class TokenEntropyCollapses(Rule):
    """The entropy of the sampled tokens has collapsed.

    What it detects
    ---------------
    The logged entropy of a language model under training has fallen to less than a third of what it was, and
    the reward no longer rises.

    Why it matters
    --------------
    Reward is bought with entropy. Once it is spent all completions of a group are alike, their advantages
    vanish, and the reward stays where it is.

    How it decides
    --------------
    Median of the last fifth of at least 30 steps below 30 % of that of the first fifth, and no rise of the
    reward from the middle third to the last (z below 2). A note; a warning below 5 %.

    When it is wrong
    ----------------
    Tasks that have been solved end deterministic, rightly.

    What to do
    ----------
    Raise the upper clip range, lower the learning rate, keep the temperature at 1; look at pass@k beside
    pass@1.

    References
    ----------
    Cui et al., The entropy mechanism of reinforcement learning for reasoning language models (2025); Yu et
    al., DAPO (2025).
    """

    code = "D121"
    since = "0.2"
    families = "GRPO, RLOO, PPO on language models"
    reads = {"learner.entropy": 30, "completions.reward_mean": 30}
    causes = {
        "premature-determinism": Likelihood(0.80, source="the definition of the cause"),
        "learning-rate-too-high": Likelihood(0.30, source="judgement"),
        "any fault": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.05, source="judgement: solved tasks")
    status = "preview"

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one, reward = view["learner.entropy"], view["completions.reward_mean"]
        parts = np.array_split(one.y, 5)
        first, last = median(parts[0]), median(parts[4])
        if not first > 0:
            raise CannotTell("no positive entropy at the start")
        gains = np.array_split(finite(reward.y), 3)
        if not last < FELL_TO * first or mann_whitney(gains[2], gains[1])[0] > RISES_Z:
            return
        yield self.finding(
            view,
            f"the entropy of the tokens is {last:.3g} nats in the last fifth of the run, {last / first:.0%} of "
            f"that in the first; the line is {FELL_TO:.0%}; the reward no longer rises",
            "warning" if last < NOTHING_LEFT * first else "note",
            own_evidence(view, one, last, FELL_TO * first),
        )

    def fires_on(self) -> Iterable[Case]:
        """An exponential fall, and a fall by three quarters."""
        flat = np.r_[np.linspace(0, 0.5, 20), np.full(40, 0.5)]
        yield case("exponential", {"learner.entropy": np.geomspace(1.0, 0.005, 60), "completions.reward_mean": flat})
        yield case("three quarters", {"learner.entropy": np.linspace(1.0, 0.2, 60), "completions.reward_mean": flat})

    def quiet_on(self) -> Iterable[Case]:
        """A reward that rises, a fall by half, and none."""
        up, flat = np.linspace(0, 1, 60), np.full(60, 0.5)
        yield case("reward rises", {"learner.entropy": np.geomspace(1.0, 0.1, 60), "completions.reward_mean": up})
        yield case("half", {"learner.entropy": np.linspace(1.0, 0.5, 60), "completions.reward_mean": flat})
        yield case("none", {"learner.entropy": np.full(60, 0.6), "completions.reward_mean": flat})
