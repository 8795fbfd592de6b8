"""Rule D210: the advantages of rollouts lie to one side of 0 before they are normalised."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import later, own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import median

ASIDE = 1.0
"""|mean| over standard deviation of the advantages; assumed (catalogue D15 has 0.3; see benchmarks/atlas)."""


class AdvantagesOffCentre(Rule):
    """The advantages of rollouts lie to one side of 0 before they are normalised.

    What it detects
    ---------------
    The mean advantage of a rollout is as large as its standard deviation, for the whole second half of the run.

    Why it matters
    --------------
    An advantage is what an action earns beyond what was expected. If nearly all are on one side, the expectation
    is wrong everywhere: the value function does not follow the returns. Normalising the advantages hides it.

    How it decides
    --------------
    |mean| / standard deviation of the advantages of each sampled rollout, as the buffer computed them: the median
    over the second half of at least 10 rollouts is above 1. A note.

    When it is wrong
    ----------------
    Very short rollouts of dense rewards, where the value function lags behind a policy that improves fast.

    What to do
    ----------
    Look at the value loss and at the scale of the returns: scale the rewards, raise the weight or the learning
    rate of the value loss, check that targets are not detached from the right observations.

    References
    ----------
    Jones, Debugging RL, without the agonizing pain (2021); Schulman et al., High-dimensional continuous control
    using generalized advantage estimation (2016).
    """

    code = "D210"
    since = "0.2"
    status = "preview"
    families = "PPO, A2C, TRPO of Stable-Baselines3"
    reads = {"rollout.advantage_mean": 10, "rollout.advantage_std": 10}
    causes = {
        "value-learns-nothing": Likelihood(0.50, source="judgement"),
        "any fault": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.02, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        mean, std = view["rollout.advantage_mean"], view["rollout.advantage_std"]
        points = min(len(mean), len(std))
        ratio = np.abs(mean.y[:points]) / np.where(std.y[:points] > 0, std.y[:points], np.nan)
        level = median(ratio[points // 2 :])
        if level != level:
            raise CannotTell("the advantages have no spread in the second half of the run")
        if level <= ASIDE:
            return
        side = "above" if median(later(mean)) > 0 else "below"
        yield self.finding(
            view,
            f"the mean advantage of a rollout is {level:.2g} standard deviations {side} 0 (median of the second half "
            f"of {points} rollouts); the line is {ASIDE:g}",
            "note",
            own_evidence(view, mean, level, ASIDE),
        )

    def fires_on(self) -> Iterable[Case]:
        """All positive, and all negative."""
        yield _rollouts("positive", np.full(20, 30.0), np.full(20, 10.0))
        yield _rollouts("negative", np.full(40, -4.0), np.full(40, 2.0))

    def quiet_on(self) -> Iterable[Case]:
        """Around 0, off at first, a little aside."""
        yield _rollouts("around 0", np.tile([0.3, -0.4], 15), np.ones(30))
        yield _rollouts("at first", np.linspace(9, 0, 30), np.full(30, 5.0))
        yield _rollouts("a little", np.full(30, 0.5), np.ones(30))


def _rollouts(name: str, mean: np.ndarray, std: np.ndarray) -> Case:
    return case(name, {"rollout.advantage_mean": mean, "rollout.advantage_std": std})
