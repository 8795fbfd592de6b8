"""Rule D127: exploration finds nothing new any more, and no reward was met yet."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import constant, finite, median

NOTHING = 0.01
"""share of sampled observations in cells not seen before; assumed (catalogue D45: decays to 0)."""
EPISODES = 50
"""episodes; assumed."""


class NothingNewBeforeFirstReward(Rule):
    """Exploration finds nothing new any more, and no reward was met yet.

    What it detects
    ---------------
    All returns and rewards of the run are equal, and the observations of its second half are nearly all ones that were
    seen before.

    Why it matters
    --------------
    More of the same will not help: the policy walks about in a part of the environment that holds no reward.

    How it decides
    --------------
    Sampled observations are sorted into cells of half a standard deviation. Over the second half of at least 10
    samples the median share of new cells is below 1 %, and at least 50 episodes all have one return and one reward. A
    note.

    When it is wrong
    ----------------
    Where the reward depends on something that is not observed.

    What to do
    ----------
    Start episodes elsewhere, lengthen actions (repeat them), more noise, a bonus for what is new; see what random
    play reaches with `lifesigns env`.

    References
    ----------
    Bellemare et al., Unifying count-based exploration and intrinsic motivation (2016); Schulman, The nuts and bolts of
    deep RL research (2016), on state visitation.
    """

    code = "D127"
    since = "0.2"
    status = "preview"
    families = "any RL"
    per = "env"
    reads = {
        "env.new_observation_share": 10,
        "env.episode_return": EPISODES,
        "env.reward_min": 2,
        "env.reward_max": 2,
    }
    causes = {
        "reward-carries-no-signal": Likelihood(0.50, source="judgement"),
        "premature-determinism": Likelihood(0.10, source="judgement"),
        "any fault": Likelihood(0.01, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["env.new_observation_share"]
        level = median(one.y[len(one) // 2 :])
        if level != level:
            raise CannotTell("no finite share in the second half of the run")
        rewards = finite(np.r_[view["env.reward_min"].y, view["env.reward_max"].y])
        if level >= NOTHING or not (constant(view["env.episode_return"].y) and len(rewards) and constant(rewards)):
            return
        yield self.finding(
            view,
            f"{level:.1%} of the observations of `{view.subject.name}` are new in the second half of the run, and none "
            f"of {len(view['env.episode_return'])} episodes has met another reward than {rewards[0]:g}",
            "note",
            own_evidence(view, one, level, NOTHING),
        )

    def fires_on(self) -> Iterable[Case]:
        """No reward, and a penalty that is always the same."""
        yield _seen("no reward", np.geomspace(0.8, 1e-4, 40), np.zeros(80), 0.0)
        yield _seen("a penalty", np.r_[np.full(5, 0.3), np.zeros(30)], np.full(80, -200.0), -1.0)

    def quiet_on(self) -> Iterable[Case]:
        """Still new, a reward was met, lengths that differ."""
        yield _seen("still new", np.full(40, 0.2), np.zeros(80), 0.0)
        yield _seen("a reward", np.geomspace(0.8, 1e-4, 40), np.r_[np.zeros(79), 1.0], 0.0, 1.0)
        yield _seen("lengths", np.geomspace(0.8, 1e-4, 40), -np.arange(80.0), -1.0)


def _seen(name: str, share: np.ndarray, returns: np.ndarray, low: float, high: float | None = None) -> Case:
    return case(
        name,
        {
            "env.new_observation_share": share,
            "env.episode_return": returns,
            "env.reward_min": [low] * 10,
            "env.reward_max": [low if high is None else high] * 10,
        },
    )
