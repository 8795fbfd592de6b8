"""Rule D131: the accuracy on preference pairs stays at chance."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import later, own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    median,
)

CHANCE = (0.45, 0.55)
"""accuracy; assumed (catalogue L24)."""
LONG = 100
"""logged steps from which it is a warning; assumed."""


class PreferencesNeverLearned(Rule):
    """The accuracy on the training pairs stays at chance.

    What it detects
    ---------------
    The share of training pairs in which the chosen answer is ahead stays near one half through the second
    half of the run.

    Why it matters
    --------------
    Even memorising the pairs would raise it. Where it does not rise, the labels carry nothing, chosen and
    rejected are swapped at random, or the policy is not trained.

    How it decides
    --------------
    Median of the logged accuracy over the second half of at least 20 steps between 0.45 and 0.55. A note; a
    warning from 100 steps on.

    When it is wrong
    ----------------
    The first steps, at which policy and reference are the same. Very small learning rates.

    What to do
    ----------
    Print five pairs with their labels as the loss sees them; train on ten pairs until the accuracy is 1.

    References
    ----------
    Rafailov et al., Direct preference optimization (2023); TRL's documentation of `rewards/accuracies`.
    """

    code = "D131"
    since = "0.2"
    status = "preview"
    families = "DPO and its relatives, reward models"
    reads = {"preference.accuracy": 20}
    causes = {
        "preference-data-or-reference-wrong": Likelihood(0.80, source="the definition of the cause"),
        "learning-rate-too-low": Likelihood(0.40, source="judgement"),
        "parameters-not-trained": Likelihood(0.40, source="judgement"),
        "any fault": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.02, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["preference.accuracy"]
        level = median(later(one))
        if level != level:
            raise CannotTell("no finite accuracy in the second half of the run")
        if not CHANCE[0] <= level <= CHANCE[1]:
            return
        yield self.finding(
            view,
            f"the accuracy on the training pairs is {level:.2f} (median of the second half of {len(one)} steps), "
            "chance is 0.5",
            "warning" if len(one) >= LONG else "note",
            own_evidence(view, one, level, CHANCE[1]),
        )

    def fires_on(self) -> Iterable[Case]:
        """Swapped labels, and a run of length."""
        rng = np.random.default_rng(0)
        yield case("swapped", {"preference.accuracy": rng.binomial(32, 0.5, 150) / 32})
        yield case("short", {"preference.accuracy": np.full(24, 0.5)})

    def quiet_on(self) -> Iterable[Case]:
        """Learns, learns slowly, always wrong."""
        yield case("learns", {"preference.accuracy": np.linspace(0.5, 0.9, 60)})
        yield case("slowly", {"preference.accuracy": np.linspace(0.5, 0.66, 60)})
        yield case("wrong", {"preference.accuracy": np.full(60, 0.2)})
