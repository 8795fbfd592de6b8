"""Rule D212: the value of an episode's last state says nothing of its last reward."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence, thirds
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import median

UNRELATED = 0.1
"""correlation; assumed (catalogue D34: about 0)."""
FOLLOWS = 0.5
"""explained variance from which the value function is fine elsewhere; assumed."""


class LastRewardNotInValue(Rule):
    """The value of an episode's last state says nothing of its last reward, although it follows returns elsewhere.

    What it detects
    ---------------
    Over recent episodes the value of the state in which the last action was taken is not correlated with the
    reward of that action, while the explained variance of the value function is good.

    Why it matters
    --------------
    The last reward is the easiest to predict: nothing comes after it. A value function that follows the returns
    and misses this one is told something else at the end of an episode: a terminal mask that is wrong, or a last
    transition that is dropped or paired with the next episode.

    How it decides
    --------------
    Correlation over the last 256 ends of episodes (at least 16), in at least 5 samples: the median of the last third is
    below 0.1 while the logged explained variance's is above 0.5. A note.

    When it is wrong
    ----------------
    Last rewards that differ by chance alone. Tasks whose last reward is no different from the others.

    What to do
    ----------
    Print the last three transitions of one episode as the learner sees them: observation, reward, mask, target.

    References
    ----------
    Jones, Debugging RL, without the agonizing pain (2021), terminal correlation.
    """

    code = "D212"
    since = "0.2"
    status = "preview"
    families = "PPO, A2C, TRPO of Stable-Baselines3"
    reads = {"rollout.terminal_correlation": 5, "learner.explained_variance": 5}
    causes = {
        "credit-crosses-episodes": Likelihood(0.30, source="judgement"),
        "any fault": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.05, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["rollout.terminal_correlation"]
        level, explained = median(thirds(one)[1]), median(thirds(view["learner.explained_variance"])[1])
        if level != level or explained != explained:
            raise CannotTell("no finite value in the last third of the run")
        if abs(level) >= UNRELATED or explained <= FOLLOWS:
            return
        yield self.finding(
            view,
            f"the value of the last state of an episode is not correlated with the last reward (r = {level:.2f}), "
            f"while the value function explains {explained:.0%} of the variance of returns",
            "note",
            own_evidence(view, one, level, UNRELATED),
        )

    def fires_on(self) -> Iterable[Case]:
        """None at all, and lost on the way."""
        good = {"learner.explained_variance": np.full(30, 0.9)}
        yield case("none", {"rollout.terminal_correlation": np.tile([0.05, -0.04], 10), **good})
        yield case("lost", {"rollout.terminal_correlation": np.r_[np.full(10, 0.6), np.zeros(20)], **good})

    def quiet_on(self) -> Iterable[Case]:
        """Correlated, a value function that follows nothing, some."""
        good = {"learner.explained_variance": np.full(30, 0.9)}
        yield case("correlated", {"rollout.terminal_correlation": np.full(20, 0.8), **good})
        yield case(
            "follows nothing",
            {"rollout.terminal_correlation": np.zeros(20), "learner.explained_variance": np.zeros(30)},
        )
        yield case("some", {"rollout.terminal_correlation": np.full(20, 0.3), **good})
