"""Rule D102: a categorical policy stays uniform although updates are made and returns do not rise."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.policies import require_policy
from lifesigns.detectors.returns import CLOCKS, GOING, going_well, updates
from lifesigns.model import Evidence, Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import finite, first_share

UNIFORM = 0.98
"""share of ln(number of actions); assumed (catalogue D11, after Schulman and Jones)."""
WARM_UP = 0.25
"""share of the run's environment steps that is left out; assumed (catalogue D11)."""
LOW_QUANTILE = 0.1
"""nine of ten later samples must lie above the line; assumed."""
FEWEST_UPDATES = 100
"""optimiser steps before high entropy means anything; assumed."""
WARNING_UPDATES = 200
"""optimiser steps from which it is a warning; assumed (REINFORCE makes few)."""


class EntropyAtMaximum(Rule):
    """The policy is still as good as uniform after many updates, and returns do not rise.

    What it detects
    ---------------
    The relative entropy of a categorical policy stays above 0.98 after the first quarter of the run, while
    optimiser steps are made and the returns neither rise nor lie far above those of random actions.

    Why it matters
    --------------
    A policy that does not move away from uniform learns nothing: no gradient reaches it, its advantages
    carry no signal, an entropy bonus outweighs them, or the steps are too small.

    How it decides
    --------------
    The 10 % quantile of the relative entropy after the first quarter is above 0.98 and at least 100
    optimiser steps were counted. A warning from 200 steps on where returns are known not to rise; a note
    otherwise. Where returns rise the rule is quiet.

    When it is wrong
    ----------------
    Short runs with a small learning rate; hard exploration, where nothing has been found yet; games whose
    optimum is mixed.

    What to do
    ----------
    Check whether the policy's parameters move at all (D302, D303), then whether rewards vary (D401), then
    the weight of the entropy bonus against that of the policy loss.

    References
    ----------
    Schulman, The nuts and bolts of deep RL research (2016); Jones, Debugging RL, without the agonizing pain
    (2021).
    """

    code = "D102"
    since = "0.1"
    families = "policy gradient with discrete actions"
    per = "policy"
    reads = {"policy.relative_entropy": 20}
    across = {**GOING, **CLOCKS}
    causes = {
        "parameters-not-trained": Likelihood(0.85, source="a policy that is not trained keeps its initial entropy"),
        "gradient-path-broken": Likelihood(0.70, source="as above, where the policy's path is the broken one"),
        "entropy-bonus-dominates": Likelihood(0.90, source="the definition of the cause"),
        "reward-carries-no-signal": Likelihood(0.60, source="only the entropy bonus is left"),
        "learning-rate-too-low": Likelihood(0.60, source="judgement"),
        "too-little-training": Likelihood(0.08, source="judgement: a warning takes many updates"),
        "any fault": Likelihood(0.06, source="judgement"),
    }
    false_alarm = Likelihood(0.015, source="judgement: quiet wherever returns rise")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        require_policy(view)
        one, made = view["policy.relative_entropy"], updates(view)
        if made is None or made < FEWEST_UPDATES:
            raise CannotTell(
                f"{'no' if made is None else f'{made:.0f}'} optimiser steps counted, {FEWEST_UPDATES} needed"
            )
        later = finite(one.y[~first_share(one, WARM_UP)])
        if not len(later):
            raise CannotTell("no finite entropy after the first quarter of the run")
        low, well = float(np.quantile(later, LOW_QUANTILE)), going_well(view)
        if low <= UNIFORM or well:
            return
        yield self.finding(
            view,
            f"entropy of the policy `{view.subject.name}` stays above {low:.1%} of its maximum after the "
            f"first quarter of the run and {made:.0f} optimiser steps; the line is {UNIFORM:.0%}"
            + ("; returns do not rise" if well is False else ""),
            "warning" if well is False and made >= WARNING_UPDATES else "note",
            [
                Evidence(
                    "policy.relative_entropy",
                    view.subject.id,
                    low,
                    UNIFORM,
                    "share",
                    one.clock,
                    float(one.x[-1]),
                )
            ],
        )

    def fires_on(self) -> Iterable[Case]:
        """Uniform for thousands of updates, with and without returns."""
        made = {"run.updates": [0, 4000]}
        yield case(
            "never leaves uniform",
            {
                "policy.relative_entropy": np.full(40, 0.999),
                **made,
                "env.episode_return": [20.0, 22.0, 18.0] * 20,
            },
        )
        yield case("returns to uniform", {"policy.relative_entropy": [*[0.9] * 5, *[0.995] * 35], **made})

    def quiet_on(self) -> Iterable[Case]:
        """Entropy that falls, however slowly, and a policy that stays uniform but earns more and more."""
        made = {"run.updates": [0, 4000]}
        yield case("slow decline", {"policy.relative_entropy": np.linspace(1.0, 0.9, 40), **made})
        yield case(
            "returns rise",
            {
                "policy.relative_entropy": np.full(40, 0.99),
                **made,
                "env.episode_return": np.linspace(10, 100, 60),
            },
        )
        yield case("uniform only at the start", {"policy.relative_entropy": [*[1.0] * 10, *[0.7] * 30], **made})
