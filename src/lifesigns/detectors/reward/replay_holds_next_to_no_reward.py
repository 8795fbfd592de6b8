"""Rule D414: next to no transition in the replay buffer has a reward that stands out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import everywhere, own_evidence
from lifesigns.detectors.returns import CLOCKS, GOING, going_well
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import constant, finite, median

FEW = 0.001
"""share of the transitions; catalogue D47."""
FEWEST = 5_000
"""transitions in the buffer; assumed (0.1 % of them are five)."""


class ReplayHoldsNextToNoReward(Rule):
    """Next to no transition in the replay buffer has a reward that stands out.

    What it detects
    ---------------
    Fewer than one in a thousand transitions in the buffer has a reward other than the usual one, although such rewards
    were met.

    Why it matters
    --------------
    A batch of 256 then holds no such transition three times out of four. The reward was found, and is drowned: the
    value function is trained on nothing else.

    How it decides
    --------------
    Share of rewards other than the median one among at most 4,096 evenly spaced transitions, over the last third of
    the run: its median is below 0.001 with at least 5,000 transitions, rewards of the run do differ, and returns
    do not rise. A note.

    When it is wrong
    ----------------
    Tasks whose reward is the same at each step and whose goal is to end early or late (MountainCar, CartPole): their
    rewards never differ, and it cannot tell. Prioritised sampling finds the few.

    What to do
    ----------
    Keep successful episodes in a buffer of their own, sample by priority, relabel goals (HER), shape the reward.

    References
    ----------
    Schaul et al., Prioritized experience replay (2016); Andrychowicz et al., Hindsight experience replay (2017).
    """

    code = "D414"
    since = "0.2"
    status = "preview"
    families = "replay buffers of Stable-Baselines3"
    reads = {"replay.size": 3, "replay.reward_differs_share": 3}
    across = {"env.reward_min": 1, "env.reward_max": 1, **GOING, **CLOCKS}
    causes = {
        "reward-carries-no-signal": Likelihood(0.40, source="judgement"),
        "any fault": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.03, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one, size = view["replay.reward_differs_share"], finite(view["replay.size"].y)
        rewards = everywhere(view, "env.reward_min", "env.reward_max")
        if not len(rewards) or constant(rewards):
            raise CannotTell("the rewards of the run do not differ")
        if not len(size) or size.max() < FEWEST:
            raise CannotTell(f"fewer than {FEWEST:,} transitions")
        level = median(one.y[-max(len(one) // 3, 1) :])
        if level != level:
            raise CannotTell("no finite share")
        if level >= FEW or going_well(view):
            return
        yield self.finding(
            view,
            f"{level:.2%} of the {size[-1]:,.0f} transitions in the replay buffer have a reward other than the usual "
            f"one; the line is {FEW:.1%}",
            "note",
            own_evidence(view, one, level, FEW),
        )

    def fires_on(self) -> Iterable[Case]:
        """Few, and fewer and fewer."""
        yield _held("few", np.full(10, 0.0005))
        yield _held("fewer and fewer", np.geomspace(0.01, 0.0002, 30))

    def quiet_on(self) -> Iterable[Case]:
        """Enough, dense rewards, more and more."""
        yield _held("enough", np.full(10, 0.01))
        yield _held("dense", np.full(10, 0.99))
        yield _held("more and more", np.geomspace(0.0002, 0.02, 30))


def _held(name: str, share: np.ndarray) -> Case:
    rewards = {"env.reward_min": [0.0] * 5, "env.reward_max": [0.0, 1.0] * 3}
    return case(
        name, {"replay.size": np.linspace(1e3, 2e4, len(share)), "replay.reward_differs_share": share, **rewards}
    )
