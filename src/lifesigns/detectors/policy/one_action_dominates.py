"""Rule D110: one discrete action is nearly the only one taken."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    columns,
    median,
)

DOMINATES = 0.95
"""share of the actions; assumed (catalogue D44, after RLExplorer)."""


class OneActionDominates(Rule):
    """One discrete action is nearly the only one that is taken.

    What it detects
    ---------------
    In the second half of the run one of the discrete actions makes up more than 95 % of all that are taken.

    Why it matters
    --------------
    An agent that always does the same thing does not react to what it sees and does not explore. It is what a
    collapsed policy and a greedy policy over equal values look like from outside.

    How it decides
    --------------
    Median share of the most frequent action over the second half of at least 8 samples, above 0.95. Always a
    note: in one of the healthy runs of the atlas an action is rightly that frequent.

    When it is wrong
    ----------------
    Some tasks have one action that is nearly always right (waiting, for instance).

    What to do
    ----------
    Look at the entropy (D101), at the scale of observations (D601), and at whether the output depends on the
    input at all (D602).

    References
    ----------
    Bouchoucha et al., RLExplorer (2024), on action stagnation; Jones, Debugging RL (2021).
    """

    code = "D110"
    since = "0.2"
    per = "env"
    families = "any with discrete actions"
    reads = {"env.action_share": 8}
    causes = {
        "premature-determinism": Likelihood(0.60, source="the definition of the cause, seen from outside"),
        "objective-sign-flipped": Likelihood(0.25, source="judgement"),
        "learning-rate-too-high": Likelihood(0.15, source="judgement"),
        "observation-scale": Likelihood(0.15, source="judgement"),
        "numerical-overflow": Likelihood(0.30, source="argmax over NaN is a constant action"),
        "any fault": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.0603, "measured", "3 of 57 healthy runs, benchmarks/atlas")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["env.action_share"]
        half = one.y[len(one) // 2 :]
        levels = {name: median(y[len(one) // 2 :]) for name, y in columns(one)}
        levels = {name: v for name, v in levels.items() if v == v}
        if len(levels) < 2 or not len(half):
            raise CannotTell("fewer than two actions were counted in the second half of the run")
        name = max(levels, key=lambda k: levels[k])
        level = levels[name]
        if level <= DOMINATES:
            return
        yield self.finding(
            view,
            f"action {name} makes up {level:.1%} of the actions in `{view.subject.name}` in the second half of "
            f"the run; the line is {DOMINATES:.0%}",
            "note",
            own_evidence(view, one, level, DOMINATES, name),
        )

    def fires_on(self) -> Iterable[Case]:
        """One action throughout, and from the middle on."""
        yield case("one action", {"env.action_share": [[0.998, 0.002]] * 20, "env.episode_return": [9.0, 10.0] * 40})
        yield case("from the middle on", {"env.action_share": [*[[0.4, 0.6]] * 10, *[[0.01, 0.99]] * 14]})

    def quiet_on(self) -> Iterable[Case]:
        """Even shares, a favourite, and one action only at first."""
        yield case("even", {"env.action_share": [[0.5, 0.5]] * 20})
        yield case("favourite", {"env.action_share": [[0.9, 0.05, 0.05]] * 20})
        yield case("at first", {"env.action_share": [*[[1.0, 0.0]] * 8, *[[0.5, 0.5]] * 12]})
