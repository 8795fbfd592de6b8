"""Rule D105: returns are clearly below those of random actions."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.standing import ACROSS, MAY_READ, READS, standing
from lifesigns.model import Finding
from lifesigns.rules import Case, Likelihood, Rule, View, case


class ReturnBelowRandom(Rule):
    """The recent returns are clearly below those of random actions.

    What it detects
    ---------------
    The last quarter of the episodes (at least 20) earns less than uniformly random actions earn in the same
    environment.

    Why it matters
    --------------
    Doing worse than random takes a policy that has changed, in the wrong direction or to one constant
    action. More training does not cure a sign that is flipped.

    How it decides
    --------------
    Mann-Whitney test with tie correction against at least 20 random episodes: one-sided p < 0.0005, and
    fewer than 35 % of pairs in favour of the agent. A warning if fewer than 5 % are, 10,000 environment
    steps (100,000 with continuous actions) after the first update, from 100 episodes on, and if returns do
    not rise; else a note. The best constant action is given for comparison: a return equal to that of a
    constant action is a policy that has become constant.

    When it is wrong
    ----------------
    Value-based agents often pass through a constant greedy policy early: a healthy DQN on CartPole earns 9
    to 10 for a while, where random actions earn 22. Rewards that change with time make returns
    incomparable.

    What to do
    ----------
    Check the sign of every loss and of the reward, what `terminated` means to the update, and that the
    action that is scored is the action that was taken.

    References
    ----------
    Irpan, Deep reinforcement learning doesn't work yet (2018); Mann and Whitney (1947).
    """

    code = "D105"
    since = "0.1"
    families = "any RL"
    per = "env"
    reads = READS
    may_read = MAY_READ
    across = ACROSS
    causes = {
        "objective-sign-flipped": Likelihood(0.80, source="judgement: climbs the wrong way"),
        "premature-determinism": Likelihood(0.50, source="one constant action is often worse than random"),
        "policy-output-saturated": Likelihood(0.50, source="judgement"),
        "learning-rate-too-high": Likelihood(0.40, source="judgement"),
        "target-network-not-updated": Likelihood(0.25, source="judgement"),
        "numerical-overflow": Likelihood(0.40, source="argmax over NaN is a constant action"),
        "parameters-not-trained": Likelihood(0.15, source="an untrained greedy policy is often constant"),
        "gradient-path-broken": Likelihood(0.20, source="as above"),
        "observation-scale": Likelihood(0.20, source="judgement"),
        "too-little-training": Likelihood(0.15, source="greedy policies early on"),
        "any fault": Likelihood(0.10, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement: healthy value-based runs that are still short")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        now = standing(view)
        if now.is_below:
            yield self.finding(
                view,
                now.sentence(view.subject.name, "below those of random actions"),
                now.severity,
                now.evidence(view),
            )

    def fires_on(self) -> Iterable[Case]:
        """A constant action on CartPole, and a pendulum that is driven the wrong way."""
        rng = np.random.default_rng(0)
        yield case(
            "one constant action",
            {
                "env.episode_return": rng.normal(9.4, 0.7, 200),
                "baseline.random_return": rng.geometric(1 / 22, 50) + 8.0,
                "run.env_steps": [0, 1e3, 2e3, 4e4],
                "run.updates": [0, 0, 100, 4e3],
            },
        )
        yield case(
            "wrong way",
            {
                "env.episode_return": rng.normal(-1600, 80, 40),
                "baseline.random_return": rng.normal(-1200, 150, 40),
            },
        )

    def quiet_on(self) -> Iterable[Case]:
        """Like random, ε-greedy just below random, and below random only at first."""
        rng = np.random.default_rng(1)
        random = {"baseline.random_return": rng.normal(22, 10, 50)}
        yield case("like random", {"env.episode_return": rng.normal(22, 10, 100), **random})
        yield case("a little below", {"env.episode_return": rng.normal(20, 10, 400), **random})
        yield case("early greedy policy", {"env.episode_return": [*[9.4] * 60, *[200.0] * 60], **random})
