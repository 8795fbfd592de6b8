"""Rule D125: the policy has left its reference, and the reward has not risen."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence, thirds
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import median, trend

TIMES, LEFT_NATS = 10.0, 0.1
"""times the divergence of the first third, and nats; assumed (catalogue D61: a fall of 30 % of what was imitated)."""
RISES_Z = 1.64
"""z of the reward's last third against its first; assumed (one-sided p = 0.05)."""


class ReferenceLeftBeforeRewardRises(Rule):
    """The policy has moved far from its reference, and the reward has not risen.

    What it detects
    ---------------
    The divergence from the reference model has grown tenfold over the run while the mean reward stands where it
    was.

    Why it matters
    --------------
    Distance from the prior is what is paid for reward. Paid for nothing it is forgetting: what the model could do
    before is lost at random.

    How it decides
    --------------
    Median KL of the last third of at least 30 steps: above 0.1 nats and ten times that of the first third; reward: the
    last third is not above the first (Mann-Whitney z below 1.64). A note.

    When it is wrong
    ----------------
    Rewards that are normalised by their running mean, which cannot rise.

    What to do
    ----------
    Look at the advantages: do they differ within a group? Lower the learning rate, raise β.

    References
    ----------
    Ziegler et al., Fine-tuning language models from human preferences (2019), on the KL penalty.
    """

    code = "D125"
    since = "0.2"
    status = "preview"
    families = "GRPO, RLOO, PPO on language models"
    reads = {"completions.reference_kl": 30, "completions.reward_mean": 30}
    causes = {
        "learning-rate-too-high": Likelihood(0.40, source="judgement"),
        "reward-carries-no-signal": Likelihood(0.20, source="judgement"),
        "any fault": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.03, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["completions.reference_kl"]
        first, last = (median(part) for part in thirds(one))
        if last != last:
            raise CannotTell("no finite divergence in the last third of the run")
        z = trend(view["completions.reward_mean"].y)
        if last <= max(LEFT_NATS, TIMES * first) or z >= RISES_Z:
            return
        yield self.finding(
            view,
            f"the divergence from the reference grew from {first:.3g} to {last:.3g} nats (medians of the first and "
            f"last third), and the reward has not risen (z = {z:.1f})",
            "note",
            own_evidence(view, one, last, max(LEFT_NATS, TIMES * first)),
        )

    def fires_on(self) -> Iterable[Case]:
        """For nothing, and for less than nothing."""
        yield _both("for nothing", np.geomspace(1e-3, 2, 60), np.tile([0.3, 0.25, 0.35], 20))
        yield _both("for less", np.geomspace(1e-3, 5, 60), np.linspace(0.5, 0.1, 60))

    def quiet_on(self) -> Iterable[Case]:
        """For a reward, near, steady."""
        rng = np.random.default_rng(1)
        yield _both("for a reward", np.geomspace(1e-3, 2, 60), np.linspace(0.1, 0.9, 60))
        yield _both("near", np.geomspace(1e-4, 0.05, 60), rng.normal(0.3, 0.05, 60))
        yield _both("steady", np.full(60, 0.5), rng.normal(0.3, 0.05, 60))


def _both(name: str, kl: np.ndarray, reward: np.ndarray) -> Case:
    return case(name, {"completions.reference_kl": kl, "completions.reward_mean": reward})
