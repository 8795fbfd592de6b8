"""Rule D132: the first preference loss is not ln 2: policy and reference differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding, Subject
from lifesigns.model.series import series
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case

LN2 = 0.6931
"""−log σ(0)."""
AWAY = 0.05
"""distance of loss and margin; assumed (catalogue L25 has 0.02)."""


class FirstPreferenceLossIsNotLn2(Rule):
    """The first preference loss is not ln 2: the policy does not start as the reference.

    What it detects
    ---------------
    The first logged loss of a DPO run differs from ln 2 = 0.693, and the first margin from 0.

    Why it matters
    --------------
    Before the first update policy and reference are the same model, all log ratios are 0, and the loss is
    −log σ(0) = ln 2 whatever the data. If not, the two models differ: an adapter, dropout, another precision
    or template.

    How it decides
    --------------
    The first logged loss is more than 0.05 away from ln 2 and the first margin more than 0.05 from 0, at a
    logged step of at most 2. A warning.

    When it is wrong
    ----------------
    Losses other than the sigmoid one; logging that averages over many first steps (it is then blind, as the
    first step is above 2); label smoothing.

    What to do
    ----------
    Compute the log-probabilities of one batch with both models and compare; turn dropout off; check which
    adapter is active in the reference pass.

    References
    ----------
    Rafailov et al. (2023), equation 7, at π = π_ref.
    """

    code = "D132"
    since = "0.2"
    families = "DPO with the sigmoid loss"
    reads = {"preference.margin": 2}
    across = {"loss.value": 1}
    causes = {
        "preference-data-or-reference-wrong": Likelihood(0.60, source="judgement"),
        "any fault": Likelihood(0.003, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement")
    status = "preview"

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        margin, losses = view["preference.margin"], [s for _, s in view.across("loss.value") if s.clock != "backward"]
        if not losses or len(margin) < 2:
            raise CannotTell("no logged loss beside the margin")
        one = losses[0]
        spacing = float(margin.x[1] - margin.x[0])
        if not spacing > 0 or not (np.isfinite(one.y[0]) and np.isfinite(margin.y[0])):
            raise CannotTell("the first loss or margin is not finite")
        away = abs(float(one.y[0]) - LN2)
        if away <= AWAY or abs(float(margin.y[0])) <= AWAY:
            return
        yield self.finding(
            view,
            f"the first logged loss is {one.y[0]:.3f} and the first margin {margin.y[0]:.3f}; for a policy that "
            f"starts as its reference they are {LN2:.3f} and 0",
            "warning",
            own_evidence(view, margin, float(margin.y[0]), AWAY),
        )

    def fires_on(self) -> Iterable[Case]:
        """An adapter that is active, and dropout."""
        yield _first("adapter", 0.41, 0.8)
        yield _first("dropout", 0.90, -0.3)

    def quiet_on(self) -> Iterable[Case]:
        """Equal models, nearly equal, a margin of 0."""
        yield _first("equal", LN2, 0.0)
        yield _first("nearly", 0.71, 0.02)
        yield _first("other loss", 1.2, 0.0)


def _first(name: str, loss: float, margin: float) -> Case:
    one = case(name, {"preference.margin": [margin, margin + 0.1, margin + 0.2]})
    logged = series("loss.value", "logged", [loss, 0.6, 0.5], subject="loss/logged")
    return replace(one, trace=one.trace.with_series([logged], [Subject("loss/logged", "loss", "loss")]))
