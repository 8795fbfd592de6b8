"""Rule D130: the chosen answers become less likely while the margin grows."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence, thirds
from lifesigns.model import Finding
from lifesigns.rules import Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    median,
    trend,
)

CLEAR_Z = 3.0
"""z of the last third against the first; assumed."""
FELL_TO = -5.0
"""implicit reward (β × log ratio); assumed (catalogue L23 has 10 % of the start's log-probability)."""


class ChosenAnswersBecomeUnlikely(Rule):
    """The chosen answers become less likely while the margin to the rejected ones grows.

    What it detects
    ---------------
    The log-probability of the preferred answers falls far below where it started, while the margin of the
    implicit rewards rises.

    Why it matters
    --------------
    Preference losses only see differences. Pushing both answers down, the worse one faster, is a solution,
    and the mass goes to answers that nobody compared.

    How it decides
    --------------
    Over at least 20 steps: the implicit reward of the chosen answers falls (z of the last third against the
    first below −3) to below −5, and the margin rises (z above 3). A note: a mild fall is normal.

    When it is wrong
    ----------------
    Some fall is normal in every run of DPO.

    What to do
    ----------
    Add the likelihood of the chosen answers to the loss, lower the learning rate or raise β, and evaluate
    generations, not margins.

    References
    ----------
    Razin et al., Unintentional unalignment (2024); Pal et al., Smaug (2024).
    """

    code = "D130"
    since = "0.2"
    families = "DPO and its relatives"
    reads = {"preference.chosen_reward": 30, "preference.margin": 30}
    causes = {
        "learning-rate-too-high": Likelihood(0.40, source="judgement"),
        "preference-data-or-reference-wrong": Likelihood(0.20, source="judgement"),
        "any fault": Likelihood(0.08, source="judgement"),
    }
    false_alarm = Likelihood(0.10, source="judgement: usual to some degree")
    status = "preview"

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one, margin = view["preference.chosen_reward"], view["preference.margin"]
        level = median(thirds(one)[1])
        if not (trend(one.y) < -CLEAR_Z and trend(margin.y) > CLEAR_Z and level < FELL_TO):
            return
        yield self.finding(
            view,
            f"the implicit reward of the chosen answers has fallen to {level:.3g} (median of the last third) "
            f"while the margin rises to {median(thirds(margin)[1]):.3g}; the line is {FELL_TO:g}",
            "note",
            own_evidence(view, one, level, FELL_TO),
        )

    def fires_on(self) -> Iterable[Case]:
        """A steady fall, and a sudden one."""
        yield case(
            "steady", {"preference.chosen_reward": np.linspace(0, -20, 60), "preference.margin": np.linspace(0, 15, 60)}
        )
        yield case(
            "sudden",
            {"preference.chosen_reward": [*[0.0] * 30, *[-12.0] * 40], "preference.margin": [*[0.5] * 30, *[8.0] * 40]},
        )

    def quiet_on(self) -> Iterable[Case]:
        """A mild fall, a rise, both fall."""
        up = np.linspace(0, 5, 60)
        yield case("mild", {"preference.chosen_reward": np.linspace(0, -1, 60), "preference.margin": up})
        yield case("rise", {"preference.chosen_reward": up, "preference.margin": up})
        yield case("both fall", {"preference.chosen_reward": np.linspace(0, -20, 60), "preference.margin": -up})
