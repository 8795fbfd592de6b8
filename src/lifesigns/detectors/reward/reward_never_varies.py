"""Rule D401: every reward and every return of the run is the same number."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.model import Evidence, Finding, Severity
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import constant, finite

WARNING_EPISODES = 200
"""finished episodes from which it is a warning; assumed (random actions on FrozenLake reach the goal in 1.4 %
of episodes, so that 200 episodes without it have a chance of 6 %)."""


class RewardNeverVaries(Rule):
    """Every reward of the run is the same number, and so is every return.

    What it detects
    ---------------
    The reward has no variance within episodes, and the return none between them: nothing tells good from
    bad.

    Why it matters
    --------------
    Policies are compared by their rewards. Where all are equal the only gradient is noise, and no optimiser
    setting can help: the reward was never seen, or it never reached the agent.

    How it decides
    --------------
    Smallest and largest reward are one number in all samples, and all returns are equal, over at least 10
    episodes. A note below 200 episodes and a warning from there on, as a rare reward may still come. An
    error where the rewards before the reward wrappers gave returns that do differ: then a wrapper removes
    the signal.

    When it is wrong
    ----------------
    Early in a sparse task: all the first episodes of MountainCar return −200. Runs that continue from a
    policy that has already solved a task with a fixed top score.

    What to do
    ----------
    Step the environment by hand with random actions and print the rewards, before and after each wrapper.
    If a random policy never finds a reward, shorten the task, shape the reward, or explore on purpose.

    References
    ----------
    Irpan, Deep reinforcement learning doesn't work yet (2018); Schulman, The nuts and bolts of deep RL
    research (2016).
    """

    code = "D401"
    since = "0.1"
    families = "any RL"
    per = "env"
    reads = {"env.episode_return": 10, "env.reward_min": 2, "env.reward_max": 2}
    may_read = {"env.episode_raw_return": 4}
    causes = {
        "reward-carries-no-signal": Likelihood(0.90, source="the definition of the cause"),
        "environment-ends-episodes-wrongly": Likelihood(0.15, source="judgement"),
        "too-little-training": Likelihood(0.03, source="sparse rewards"),
        "any fault": Likelihood(0.01, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement: sparse tasks early on")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        returns, low, high = view["env.episode_return"], view["env.reward_min"], view["env.reward_max"]
        rewards = finite(np.r_[low.y, high.y])
        if not len(rewards):
            raise CannotTell("no finite reward")
        if not (constant(returns.y) and constant(rewards)):
            return
        raw = view.get("env.episode_raw_return")
        known = finite(raw.y) if raw is not None else np.empty(0)  # of episodes that were read whole
        lost = len(known) > 1 and not constant(known)
        severity: Severity = "error" if lost else "warning" if len(returns) >= WARNING_EPISODES else "note"
        yield self.finding(
            view,
            f"every reward of `{view.subject.name}` is {rewards[0]:g}, and each of {len(returns)} recorded "
            f"episodes returns {returns.y.flat[0]:g}"
            + ("; before the reward wrappers the returns do differ" if lost else ""),
            severity,
            [Evidence(returns.name, view.subject.id, 0.0, 0.0, "variance", returns.clock, float(returns.x[-1]))],
            exact=lost,
        )

    def fires_on(self) -> Iterable[Case]:
        """A reward that is always 0, one that is always −1, and one that a wrapper clips away."""
        for reward, length in ((0.0, 50.0), (-1.0, 200.0)):
            yield case(
                f"always {reward:g}",
                {"env.episode_return": [reward * length] * 300, **_rewards(reward, reward)},
            )
        yield case(
            "clipped away",
            {
                "env.episode_return": [0.0] * 30,
                "env.episode_raw_return": np.arange(30.0),
                **_rewards(0.0, 0.0),
            },
        )
        some = np.where(np.arange(30) % 7 == 3, np.arange(30.0), np.nan)
        yield case(
            "clipped away, some episodes not read whole",
            {"env.episode_return": [0.0] * 30, "env.episode_raw_return": some, **_rewards(0.0, 0.0)},
        )

    def quiet_on(self) -> Iterable[Case]:
        """Survival with a constant reward, one success in many episodes, rewards with equal sums."""
        yield case("survival", {"env.episode_return": np.arange(30.0), **_rewards(1.0, 1.0)})
        yield case("one success", {"env.episode_return": [*[0.0] * 99, 1.0], **_rewards(0.0, 1.0)})
        yield case("equal sums", {"env.episode_return": [0.0] * 30, **_rewards(-1.0, 1.0)})


def _rewards(low: float, high: float) -> dict[str, list[float]]:
    return {"env.reward_min": [low] * 10, "env.reward_max": [high] * 10}
