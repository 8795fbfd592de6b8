"""Rule D104: returns cannot be told apart from those of random actions."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.standing import ACROSS, MAY_READ, READS, standing
from lifesigns.model import Finding
from lifesigns.rules import Case, Likelihood, Rule, View, case


class ReturnWithinRandomBand(Rule):
    """The recent returns cannot be told apart from those of random actions.

    What it detects
    ---------------
    The last quarter of the episodes (at least 20) earns what uniformly random actions earn in the same
    environment.

    Why it matters
    --------------
    Nothing that helps has been learned yet. "Somewhat better than at the start" is easily an accident; "not
    better than random" is a measurement.

    How it decides
    --------------
    Mann-Whitney test with tie correction against at least 20 random episodes: neither above (one-sided p <
    0.01) nor clearly below (p < 0.0005 and P(higher) < 0.35, see D105). A warning after 20,000 environment
    steps since the first update (100,000 with other than discrete actions) and 100 episodes if returns do not
    rise; a note before.

    When it is wrong
    ----------------
    Learning may simply be slow: of healthy Atari runs below 5 % of human level at 10 million frames a third
    still end above 50 %. In a trivial environment random actions are as good as any. A reward wrapper that
    changes with time makes returns incomparable.

    What to do
    ----------
    See which other rules fired. If none did, see whether rewards were ever different (D401), and run a
    short probe on a tiny environment to clear the code before buying more steps.

    References
    ----------
    Karpathy, A recipe for training neural networks (2019); Mann and Whitney (1947); Castro et al., Dopamine
    (arXiv:1812.06110), for the public curves behind the figure above.
    """

    code = "D104"
    since = "0.1"
    families = "any RL"
    per = "env"
    reads = READS
    may_read = MAY_READ
    across = ACROSS
    causes = {
        "parameters-not-trained": Likelihood(0.80, source="an untrained policy acts at random or constantly"),
        "gradient-path-broken": Likelihood(0.60, source="as above, where the policy's path is the broken one"),
        "reward-carries-no-signal": Likelihood(0.80, source="judgement"),
        "entropy-bonus-dominates": Likelihood(0.75, source="judgement"),
        "learning-rate-too-low": Likelihood(0.70, source="judgement"),
        "too-little-training": Likelihood(0.35, source="judgement: a warning takes many steps"),
        "learning-rate-too-high": Likelihood(0.40, source="judgement"),
        "observation-scale": Likelihood(0.40, source="judgement"),
        "policy-output-saturated": Likelihood(0.30, source="judgement"),
        "premature-determinism": Likelihood(0.25, source="judgement"),
        "objective-sign-flipped": Likelihood(0.15, source="falls below random instead"),
        "target-network-not-updated": Likelihood(0.35, source="judgement"),
        "numerical-overflow": Likelihood(0.40, source="judgement"),
        "any fault": Likelihood(0.25, source="judgement"),
    }
    false_alarm = Likelihood(0.05, source="judgement: healthy runs that are still short")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        now = standing(view)
        if now.is_above or now.is_below:
            return
        yield self.finding(
            view,
            now.sentence(view.subject.name, "not told apart from those of random actions"),
            now.severity,
            now.evidence(view),
        )

    def fires_on(self) -> Iterable[Case]:
        """Like random, and exactly like random."""
        rng = np.random.default_rng(0)
        yield case(
            "CartPole, untrained",
            {
                "env.episode_return": rng.geometric(1 / 22, 200),
                "baseline.random_return": rng.geometric(1 / 22, 50),
                "baseline.constant_return": np.full((10, 2), 9.4),
                "run.env_steps": [0, 1e3, 2e3, 4e4],
                "run.updates": [0, 0, 100, 4e3],
            },
        )
        yield case(
            "the time limit, always",
            {"env.episode_return": [-200.0] * 40, "baseline.random_return": [-200.0] * 50},
        )

    def quiet_on(self) -> Iterable[Case]:
        """Above random, a little and a lot; below random."""
        rng = np.random.default_rng(1)
        random = {"baseline.random_return": rng.normal(22, 10, 50)}
        yield case("solved", {"env.episode_return": [*rng.normal(22, 10, 50), *[500.0] * 150], **random})
        yield case("a little above", {"env.episode_return": rng.normal(35, 15, 200), **random})
        yield case("below", {"env.episode_return": rng.normal(9.4, 0.7, 200), **random})
