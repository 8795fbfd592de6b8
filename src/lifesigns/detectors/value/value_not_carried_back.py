"""Rule D213: the value knows of the last reward in the last state only, not in the one before."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import median, shared

GAP = 0.5
"""difference of the two correlations; catalogue D35."""


class ValueNotCarriedBack(Rule):
    """The value knows of the last reward in the last state, and not in the state before.

    What it detects
    ---------------
    The last reward of an episode is correlated with the value of its last state, and much less with that of the
    state one step earlier.

    Why it matters
    --------------
    Bootstrapping carries what is known at the end back step by step. If it gets lost within one step, the discount
    is near 0, the next value is masked or taken from another state, or the value of the next state is not used.

    How it decides
    --------------
    Correlations over the last 256 ends of episodes (at least 16), at the same 5 or more samples: the median over
    the second half of the difference is above 0.5. A note.

    When it is wrong
    ----------------
    Very short episodes, and last rewards that cannot be known one step earlier (a coin that is tossed last).

    What to do
    ----------
    Check the discount, the mask and which observation the bootstrap value is taken from.

    References
    ----------
    Jones, Debugging RL, without the agonizing pain (2021), penultimate correlation.
    """

    code = "D213"
    since = "0.2"
    status = "preview"
    families = "PPO, A2C, TRPO of Stable-Baselines3"
    reads = {"rollout.terminal_correlation": 5, "rollout.penultimate_correlation": 5}
    causes = {
        "credit-crosses-episodes": Likelihood(0.20, source="judgement"),
        "any fault": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.03, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        last, before = view["rollout.terminal_correlation"], view["rollout.penultimate_correlation"]
        pairs = shared(last, before)
        gap = next((a - b for _, a, b in pairs), np.empty(0))
        level = median(gap[len(gap) // 2 :])
        if level != level:
            raise CannotTell("the two correlations were not sampled together")
        if level <= GAP:
            return
        yield self.finding(
            view,
            f"the last reward is correlated with the value of the last state by {level:.2f} more than with that of the "
            f"state before; the line is {GAP:g}",
            "note",
            own_evidence(view, last, level, GAP),
        )

    def fires_on(self) -> Iterable[Case]:
        """Lost within a step, from the middle on."""
        yield _both("lost", np.full(20, 0.9), np.full(20, 0.1))
        yield _both("from the middle on", np.full(20, 0.8), np.r_[np.full(8, 0.7), np.full(12, 0.0)])

    def quiet_on(self) -> Iterable[Case]:
        """Carried back, neither, the other way round."""
        yield _both("carried back", np.full(20, 0.9), np.full(20, 0.8))
        yield _both("neither", np.full(20, 0.1), np.zeros(20))
        yield _both("the other way round", np.full(20, 0.2), np.full(20, 0.9))


def _both(name: str, last: np.ndarray, before: np.ndarray) -> Case:
    return case(name, {"rollout.terminal_correlation": last, "rollout.penultimate_correlation": before})
