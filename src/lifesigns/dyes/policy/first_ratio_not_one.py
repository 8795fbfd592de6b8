"""Rule Y104: the importance ratio of the first minibatch is not 1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lifesigns.dyes.base import DyeRule, count, dye_case, listed, number
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View

LEAST_SHARE = 0.01
"""share of rows that are off by more than 0.0002; assumed."""
ERROR_DISTANCE = 1e-2
"""distance of a ratio from 1 from which it is an error; assumed (batched and single calls differ by 1e-6)."""


class FirstRatioNotOne(DyeRule):
    """Before any update, the importance ratio of the new to the old policy is not 1.

    What it detects
    ---------------
    The first ratio that an update computes, the exponential of new minus old log-probability, holds numbers other than
    1. No parameter has changed between the two log-probabilities, so they must be the same.

    Why it matters
    --------------
    The ratio corrects for a policy that has moved. One that is off before anything has moved is computed from other
    observations, other actions, other distributions or other rows than were acted on: the clip then cuts at random.

    How it decides
    --------------
    In an undyed run, the first exponential of a difference of which one side needs no gradient, before the first
    backward call; if that is 1, the same after the second rollout (a memory that is not empty any more, rows of the
    rollout before). It fires where more than 1 % of the rows are off by more than 0.0002; an error where one is off by
    more than 0.01. The line is where a network first puts out something else on an observation than when it was acted
    on, if one does.

    When it is wrong
    ----------------
    Networks that differ between acting and learning on purpose: dropout, batch normalisation in training mode, a
    separate inference engine (vLLM) or other precision for sampling. A ratio to a reference policy that is frozen from
    the start of another training. Methods that learn from earlier rollouts on purpose.

    What to do
    ----------
    Compute both log-probabilities of one stored step by hand. Look for actions clipped or rescaled between sampling and
    storing, a tanh correction on one side only, a recurrent state that is not restored, shapes [N, 1] against [N], a
    sum over action dimensions on one side only.

    References
    ----------
    Schulman et al., Proximal policy optimization (2017), section 3; Huang et al., The 37 implementation details of
    PPO (2022).
    """

    code = "Y104"
    since = "0.2"
    dye = "first-ratio"
    causes = {
        "wrong-importance-ratio": Likelihood(0.95, source="the definition of the cause"),
        "scored-action-differs": Likelihood(0.6, source="another action has another probability, judgement"),
        "memory-crosses-episodes": Likelihood(0.3, source="recurrent states that are not restored, judgement"),
        "rows-mixed": Likelihood(0.2, source="[N, 1] against [N], judgement"),
        "batch-misaligned": Likelihood(0.2, source="actions beside other observations, judgement"),
    }
    false_alarm = Likelihood(0.01, source="dropout and engines of their own for sampling, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        facts = self.facts(view)
        rows, largest, share = count(facts, "rows"), number(facts, "largest"), number(facts, "share")
        if largest != largest or share != share:
            raise CannotTell("the ratio is not a number")
        if share <= LEAST_SHARE:
            yield from self._second(view, facts)
            return
        shapes = listed(facts, "broadcast")
        beside = f"; the log-probabilities have shapes {' and '.join(map(str, shapes))}" if shapes else ""
        message = (
            f"before any update {share:.0%} of {rows} importance ratios differ from 1 by more than 0.0002, "
            f"at most by {largest:.3g}{beside}"
        )
        severity = "error" if largest > ERROR_DISTANCE else "warning"
        yield self.found(view, message, severity, largest, 0.0, series="dye.ratio_distance", unit="")

    def _second(self, view: View, facts: Mapping[str, Any]) -> Iterable[Finding]:
        """The same after the second rollout, where the first could not show it."""
        share, largest = number(facts, "second_share", 0.0), number(facts, "second_largest", 0.0)
        if not share > LEAST_SHARE or largest != largest:
            return
        old = number(facts, "second_old", 0.0)
        beside = f"; {old:.0%} of the rows are those of the rollout before" if old > LEAST_SHARE else ""
        message = (
            f"in the first minibatch after the second rollout {share:.0%} of {count(facts, 'second_rows', 0)} "
            f"importance ratios differ from 1 by more than 0.0002, at most by {largest:.3g}, though nothing was "
            f"learned since{beside}"
        )
        severity = "error" if largest > ERROR_DISTANCE else "warning"
        yield self.found(view, message, severity, largest, 0.0, series="dye.ratio_distance", unit="")

    def fires_on(self) -> Iterable[Case]:
        """Far off, slightly off, and off by shapes."""
        yield dye_case("far", self.dye, {"rows": 64, "largest": 0.7, "share": 1.0})
        yield dye_case("slightly", self.dye, {"rows": 64, "largest": 0.005, "share": 0.5})
        shapes = {"broadcast": [[64, 1], [64]]}
        yield dye_case("shapes", self.dye, {"rows": 4096, "largest": 2.0, "share": 0.98, **shapes})
        one = {"rows": 64, "largest": 0.0, "share": 0.0, "second_rows": 64, "second_old": 0.0}
        yield dye_case("second", self.dye, {**one, "second_largest": 0.2, "second_share": 0.3})
        yield dye_case("old rows", self.dye, {**one, "second_largest": 0.4, "second_share": 0.5, "second_old": 0.5})

    def quiet_on(self) -> Iterable[Case]:
        """Exactly 1, rounding, and a single row in many."""
        yield dye_case("one", self.dye, {"rows": 64, "largest": 0.0, "share": 0.0})
        yield dye_case("rounding", self.dye, {"rows": 64, "largest": 4e-7, "share": 0.0})
        yield dye_case("a row in many", self.dye, {"rows": 1000, "largest": 0.002, "share": 0.001})
        one = {"rows": 64, "largest": 0.0, "share": 0.0, "second_rows": 64, "second_old": 0.0}
        yield dye_case("second", self.dye, {**one, "second_largest": 3e-6, "second_share": 0.0})
