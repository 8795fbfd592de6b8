"""Rule Y502: what was observed when a time limit cut an episode off changes nothing that is learned."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, count, dye_case, unanswered
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View

FEWEST_ENDS = 2
"""truncated ends; assumed (the last one of a rollout may not have been learned from)."""

LOST_SHARE, FEWEST_TARGETS = 0.2, 4
"""share of ended targets that may be silent where both kinds of end are treated alike, and how many there must be;
assumed (units of a network that are off). Where the kinds are told apart, those count that answer to neither, and some
must answer (else the reward stands in another row)."""


class TruncatedEndNotBootstrapped(DyeRule):
    """The last observation of an episode that was cut off changes nothing that is learned.

    What it detects
    ---------------
    Observations returned with `truncated=True` were replaced by others, and no gradient changed, although the method
    bootstraps from the values of next observations elsewhere.

    Why it matters
    --------------
    The agent is told that the world ends at an instant that it cannot see. On Pendulum with a learned Q-function this
    slip alone took successful runs from 37 of 40 to 25 of 40.

    How it decides
    --------------
    Two runs, bit for bit the same but for those observations (episodes are made to end early, in both); at least 2
    were replaced. A third run returns `terminated` in place of `truncated`: whether anything changes then says whether
    the script tells the two kinds of end apart at all. Where nothing is bootstrapped it cannot tell.

    When it is wrong
    ----------------
    Where the limit is part of the task and the remaining time is observed, nothing has to be valued. A method whose
    targets never use the last state's value (Monte Carlo returns with a baseline) is not judged where it is recognised.

    What to do
    ----------
    Mask the bootstrap with `terminated` only. In vector environments the last observation is in `infos["final_obs"]`
    (same-step autoreset), not in the observation that `step` returns; in Stable-Baselines3 it is in
    `infos[i]["terminal_observation"]` with `TimeLimit.truncated`.

    References
    ----------
    Pardo et al., Time limits in reinforcement learning (arXiv:1712.00378); Gymnasium's documentation of
    `terminated` and `truncated`.
    """

    code = "Y502"
    since = "0.2"
    dye = "truncated-end"
    causes = {
        "time-limit-treated-as-terminal": Likelihood(0.95, source="the definition of the cause"),
        "next-episode-as-next-state": Likelihood(0.7, source="the next episode's start stands in its place, judgement"),
    }
    false_alarm = Likelihood(0.01, source="limits that are part of the task; the defect itself is common, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        facts = self.facts(view)
        if not facts.get("bootstraps") and not facts.get("never_bootstrapped"):
            raise CannotTell("nothing is bootstrapped from the value of a next observation")
        ended, lost = count(facts, "ended_targets", 0), count(facts, "ended_lost", 0)
        told_apart = bool(facts.get("kind_matters"))
        if told_apart:
            lost = count(facts, "ended_silent", 0)
        if _lost(ended, lost, told_apart) and not facts.get("through_statistics"):
            message = (
                f"{lost} of {ended} targets that hold the last reward of a truncated episode do not answer to its last "
                f"observation{_and_kind(facts.get('kind_matters'))}"
            )
            yield self.found(view, message, "error", lost / ended, 0.0, series="dye.lost_share", unit="share")
            return
        if not unanswered(facts, FEWEST_ENDS):
            if facts.get("through_statistics"):
                raise CannotTell("observations of truncated ends enter running statistics of the observations")
            return
        planted, gradients = count(facts, "planted"), count(facts, "gradients")
        message = (
            f"other last observations of {planted} truncated episodes changed none of {gradients} gradients"
            f"{_kind(facts.get('kind_matters'))}"
        )
        if not facts.get("bootstraps"):
            message += "; the line that would value them, in a branch on the end of an episode, never ran"
        yield self.found(view, message, "error", 0.0, None)

    def fires_on(self) -> Iterable[Case]:
        """Ends told apart, not told apart, and unknown."""
        seen = {"planted": 20, "gradients": 32, "gradients_touched": 0, "largest_effect": 0.0, "bootstraps": True}
        yield dye_case("one kind of end", self.dye, {**seen, "kind_matters": False})
        yield dye_case("told apart", self.dye, {**seen, "kind_matters": True})
        some = {**seen, "gradients_touched": 9, "ended_targets": 12, "ended_lost": 8, "kind_matters": False}
        yield dye_case("some of the targets", self.dye, some)
        apart = {**some, "kind_matters": True, "ended_silent": 6}
        yield dye_case("some of the targets, told apart", self.dye, apart)
        never = {**seen, "bootstraps": False, "never_bootstrapped": "Sequential#1", "kind_matters": False}
        yield dye_case("a branch never taken", self.dye, never)
        yield dye_case("not known", self.dye, {**seen, "kind_blind": "there was no time"})

    def quiet_on(self) -> Iterable[Case]:
        """Bootstrapped everywhere, in one gradient, and whatever the kind."""
        seen = {"planted": 20, "gradients": 32, "gradients_touched": 32, "largest_effect": 0.3, "bootstraps": True}
        yield dye_case("bootstrapped", self.dye, {**seen, "kind_matters": True}, effects=(0.3, 0.1))
        yield dye_case("one gradient", self.dye, {**seen, "gradients_touched": 1})
        yield dye_case("any end", self.dye, {**seen, "kind_matters": False})
        elsewhere = {"kind_matters": True, "ended_targets": 8, "ended_lost": 8, "ended_silent": 8}
        yield dye_case("rewards in other rows", self.dye, {**seen, **elsewhere})


def _lost(ended: int, lost: int, told_apart: bool) -> bool:
    if told_apart:  # some answer: the reward does not stand in another row throughout
        return ended > lost > LOST_SHARE * ended and ended >= FEWEST_TARGETS
    return lost >= ended >= FEWEST_ENDS or (ended >= FEWEST_TARGETS and lost > LOST_SHARE * ended)


def _and_kind(matters: object) -> str:
    return ", nor to the kind of its end, as the others do" if matters else _kind(matters)


def _kind(matters: object) -> str:
    if matters is None:
        return ""
    if matters:
        return "; returned as `terminated` they do change some, so the two kinds of end are told apart"
    return ", nor does returning `terminated` in place of `truncated`: both ends are treated alike"
