"""Rule D402: one term makes up nearly all of the reward."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    columns,
    median,
)

NEARLY_ALL = 0.95
"""share of the size of all terms; assumed (catalogue D27 has 0.9)."""


class OneRewardTermDominates(Rule):
    """One term of the reward makes up nearly all of it.

    What it detects
    ---------------
    The environment tells the terms of its reward, and one of them is, in size, more than 95 % of their sum in
    the second half of the run.

    Why it matters
    --------------
    What the agent optimises is that term. If it is the alive bonus or the control cost, the task that the
    reward was meant for hardly counts.

    How it decides
    --------------
    Mean |term| over the sampled steps of the second half, for the `reward_…` entries of the infos; the
    largest one's share of their sum. Above 95 % a note, with its name. Whether it is the wrong term is not
    decided.

    When it is wrong
    ----------------
    Terms that are meant to dominate. Rare success terms that are small in the mean and large when they count.

    What to do
    ----------
    Read the name: if it is not the goal, change the weights, and compare the terms of a good and a bad
    episode.

    References
    ----------
    Irpan, Deep reinforcement learning doesn't work yet (2018), on shaped rewards; Popov et al., Data-
    efficient deep reinforcement learning for dexterous manipulation (2017).
    """

    code = "D402"
    since = "0.2"
    per = "env"
    families = "any RL, where infos have `reward_…` entries"
    status = "preview"
    reads = {"env.reward_term_abs": 4}
    causes = {
        "reward-misspecified": Likelihood(0.40, source="judgement"),
        "any fault": Likelihood(0.08, source="judgement"),
    }
    false_alarm = Likelihood(0.15, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["env.reward_term_abs"]
        sizes = {name: median(y[len(one) // 2 :]) for name, y in columns(one)}
        sizes = {name: size for name, size in sizes.items() if size == size}
        total = sum(sizes.values())
        if len(sizes) < 2 or not 0 < total < float("inf"):
            raise CannotTell("fewer than two terms of the reward were seen")
        name = max(sizes, key=lambda k: sizes[k])
        share = sizes[name] / total
        if share <= NEARLY_ALL:
            return
        yield self.finding(
            view,
            f"`{name}` makes up {share:.0%} of the size of the reward's {len(sizes)} terms in "
            f"`{view.subject.name}`; the line is {NEARLY_ALL:.0%}",
            "note",
            own_evidence(view, one, share, NEARLY_ALL, name),
        )

    def fires_on(self) -> Iterable[Case]:
        """An alive bonus, and a control cost that grows."""
        names = ("reward_forward", "reward_ctrl", "reward_survive")
        yield case("alive bonus", {"env.reward_term_abs": [[0.01, 0.002, 1.0]] * 12}, columns=names)
        yield case(
            "control cost",
            {"env.reward_term_abs": np.c_[np.full(20, 0.1), np.geomspace(0.01, 50, 20), np.full(20, 0.1)]},
            columns=names,
        )

    def quiet_on(self) -> Iterable[Case]:
        """Even terms, four fifths, dominance only at first."""
        names = ("reward_forward", "reward_ctrl", "reward_survive")
        yield case("even", {"env.reward_term_abs": [[1.0, 0.5, 1.0]] * 12}, columns=names)
        yield case("four fifths", {"env.reward_term_abs": [[4.0, 0.5, 0.5]] * 12}, columns=names)
        yield case("at first", {"env.reward_term_abs": [*[[0.0, 0.0, 1.0]] * 6, *[[2.0, 0.5, 1.0]] * 8]}, columns=names)
