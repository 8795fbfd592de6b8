"""Rule D114: returns are those of one constant action."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence, recent_and_random
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    columns,
    finite,
    mann_whitney,
    median,
)

NEAR = 0.03
"""relative distance of the medians; assumed (catalogue D33)."""
DIFFERS_Z, ALIKE_Z = 3.0, 2.0
"""|z| against random actions, at least, and against the constant action, at most; assumed."""


class ReturnOfAConstantAction(Rule):
    """The returns are those of always taking one and the same action, and stay there.

    What it detects
    ---------------
    The recent returns cannot be told from those of one constant action, and can be told from those of random
    actions, and they do not rise.

    Why it matters
    --------------
    It names the local optimum: standing still, always pushing left. The policy has become a constant,
    whatever its loss says.

    How it decides
    --------------
    Median of the recent returns (the last quarter, at least 20 episodes) within 3 % of the mean of a constant
    action's, Mann-Whitney |z| below 2 against these and above 3 against random actions, and no trend. A note.

    When it is wrong
    ----------------
    Coincidence: different behaviour can earn the same. Tasks in which the best policy is constant.

    What to do
    ----------
    Watch one episode. If the policy is the constant action, see the rules on entropy, on saturation and on
    the scale of observations.

    References
    ----------
    Henderson et al., Deep reinforcement learning that matters (2018), on the Swimmer's local optimum; Irpan
    (2018).
    """

    code = "D114"
    since = "0.2"
    per = "env"
    families = "any RL"
    reads = {"env.episode_return": 60, "baseline.constant_return": 5, "baseline.random_return": 20}
    causes = {
        "premature-determinism": Likelihood(0.50, source="judgement"),
        "policy-output-saturated": Likelihood(0.45, source="judgement"),
        "objective-sign-flipped": Likelihood(0.25, source="judgement"),
        "learning-rate-too-high": Likelihood(0.25, source="judgement"),
        "any fault": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.0242, "measured", "1 of 61 healthy runs, benchmarks/atlas")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one, constants = view["env.episode_return"], view["baseline.constant_return"]
        kept, random = recent_and_random(view)
        if len(kept) < 20 or len(random) < 20:
            raise CannotTell("fewer than 20 finite returns of the agent or of random actions")
        if (
            abs(mann_whitney(kept, random)[0]) < DIFFERS_Z
            or mann_whitney(kept[len(kept) // 2 :], kept[: len(kept) // 2])[0] > ALIKE_Z
        ):
            return
        for name, y in columns(constants):
            own = finite(y)
            if (
                len(own) < 5
                or abs(median(kept) - float(own.mean())) > NEAR * abs(float(own.mean()))
                or abs(mann_whitney(kept, own)[0]) > ALIKE_Z
            ):
                continue
            yield self.finding(
                view,
                f"the median return of the last {len(kept)} episodes in `{view.subject.name}`, "
                f"{median(kept):.4g}, is that of the constant action {name} ({own.mean():.4g}); random actions "
                f"get {random.mean():.4g}",
                "note",
                own_evidence(view, one, median(kept), float(own.mean())),
            )
            return

    def fires_on(self) -> Iterable[Case]:
        """CartPole pushed one way, and standing still."""
        rng = np.random.default_rng(0)
        pushed = rng.choice([8.0, 9.0, 10.0], (30, 2))
        yield case(
            "pushed one way",
            {
                "env.episode_return": rng.choice([8.0, 9.0, 10.0], 120),
                "baseline.constant_return": pushed,
                "baseline.random_return": rng.normal(22, 8, 40),
            },
        )
        yield case(
            "standing still",
            {
                "env.episode_return": np.full(80, 1000.0),
                "baseline.constant_return": np.full((20, 1), 1000.0),
                "baseline.random_return": rng.normal(300, 90, 40),
            },
        )

    def quiet_on(self) -> Iterable[Case]:
        """Better than constants, random returns, rising ones."""
        rng = np.random.default_rng(1)
        given = {
            "baseline.constant_return": rng.choice([8.0, 9.0, 10.0], (30, 2)),
            "baseline.random_return": rng.normal(22, 8, 40),
        }
        yield case("better", {"env.episode_return": rng.normal(60, 9, 100), **given})
        yield case("random", {"env.episode_return": rng.normal(22, 8, 100), **given})
        yield case("rising", {"env.episode_return": np.linspace(9, 14, 100), **given})
