"""Rule D122: the entropy of the tokens rises while the reward falls."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    median,
    trend,
)

DOUBLED = 2.0
"""ratio of the medians; assumed (catalogue L05)."""
FALLS_Z = -3.0
"""z of the reward's last third against its first; assumed."""


class TokenEntropyExplodes(Rule):
    """The entropy of the sampled tokens has doubled while the reward fell.

    What it detects
    ---------------
    The logged entropy of a language model under training is more than twice what it was, and the reward is
    lower than before.

    Why it matters
    --------------
    The model is coming apart: its samples turn into noise. It follows steps that are too large, or a sampler
    that is not the model that is trained.

    How it decides
    --------------
    Median entropy of the last fifth of at least 30 steps above 2 times that of the first, and a reward whose
    last third is below its first (z below −3). A warning.

    When it is wrong
    ----------------
    A temperature that was changed during the run.

    What to do
    ----------
    Go back to the last good checkpoint; lower the learning rate; compare the sampler's log-probabilities with
    the trainer's (D123).

    References
    ----------
    Yao et al., Your efficient RL framework secretly brings you off-policy RL training (2025).
    """

    code = "D122"
    since = "0.2"
    families = "GRPO, RLOO, PPO on language models"
    reads = {"learner.entropy": 30, "completions.reward_mean": 30}
    causes = {
        "learning-rate-too-high": Likelihood(0.50, source="judgement"),
        "sampler-trainer-mismatch": Likelihood(0.40, source="judgement"),
        "objective-sign-flipped": Likelihood(0.40, source="judgement"),
        "any fault": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement")
    status = "preview"

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one, reward = view["learner.entropy"], view["completions.reward_mean"]
        parts = np.array_split(one.y, 5)
        first, last = median(parts[0]), median(parts[4])
        if not first > 0:
            raise CannotTell("no positive entropy at the start")
        if not last > DOUBLED * first or trend(reward.y) > FALLS_Z:
            return
        yield self.finding(
            view,
            f"the entropy of the tokens is {last:.3g} nats in the last fifth of the run, {last / first:.1f} times "
            f"that in the first, and the reward has fallen (z = {trend(reward.y):.1f})",
            "warning",
            own_evidence(view, one, last, DOUBLED * first),
        )

    def fires_on(self) -> Iterable[Case]:
        """A breakdown, sudden and slow."""
        yield case(
            "sudden",
            {"learner.entropy": [*[0.4] * 40, *[5.0] * 30], "completions.reward_mean": [*[0.5] * 40, *[0.0] * 30]},
        )
        yield case(
            "slow",
            {"learner.entropy": np.geomspace(0.3, 3.0, 60), "completions.reward_mean": np.linspace(0.6, 0.1, 60)},
        )

    def quiet_on(self) -> Iterable[Case]:
        """A fall, a rise with a rising reward, a small rise."""
        up, down = np.linspace(0, 1, 60), np.linspace(1, 0, 60)
        yield case("fall", {"learner.entropy": np.linspace(1, 0.3, 60), "completions.reward_mean": down})
        yield case("rising reward", {"learner.entropy": np.geomspace(0.3, 3.0, 60), "completions.reward_mean": up})
        yield case("small", {"learner.entropy": np.linspace(1, 1.4, 60), "completions.reward_mean": down})
