"""Rule D315: more and more units of hidden layers put out next to nothing."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.detectors.returns import GOING, going_well
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    columns,
    median,
)

MANY, GROWN_BY = 0.5, 0.25
"""share of units at the end, and its rise; assumed (catalogue D52 has 0.25 and any growth); 99 % of healthy runs stay
below 0.20 (benchmarks/atlas)."""


class DormantUnitsGrow(Rule):
    """More and more units of the hidden layers put out next to nothing.

    What it detects
    ---------------
    The share of units whose mean output is at most a fortieth of their layer's mean has risen to more than
    half, from a much lower one at the start.

    Why it matters
    --------------
    Dormant units do not take part: the network is smaller than it looks and learns new things badly. It
    happens in long runs, with large learning rates and moving targets.

    How it decides
    --------------
    Mean share of dormant units over the layers that have activations, in the last third of the samples: above
    0.5, and by at least 0.25 higher than in the first third. A note; a warning where returns do not rise.

    When it is wrong
    ----------------
    A network much larger than the task needs. The first layer for inputs with many constant components.

    What to do
    ----------
    Lower the learning rate, reset dormant units now and then (ReDo), use layer normalisation.

    References
    ----------
    Sokar et al., The dormant neuron phenomenon in deep reinforcement learning (2023), with τ = 0.025.
    """

    code = "D315"
    since = "0.2"
    per = "network"
    families = "any"
    reads = {"layer.dormant_share": 9}
    across = GOING
    causes = {
        "network-loses-capacity": Likelihood(0.70, source="the definition of the cause"),
        "learning-rate-too-high": Likelihood(0.10, source="0 of 2 gallery cases, benchmarks/peers; judgement"),
        "any fault": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.0106, "measured", "0 of 46 healthy runs, benchmarks/atlas")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["layer.dormant_share"]
        third = len(one) // 3
        pairs = [(median(y[:third]), median(y[-third:])) for _, y in columns(one)]
        pairs = [p for p in pairs if p[0] == p[0] and p[1] == p[1]]
        if not pairs:
            raise CannotTell("no layer's output had rows enough")
        before, after = (float(np.mean([p[i] for p in pairs])) for i in (0, 1))
        if after <= MANY or after - before < GROWN_BY:
            return
        yield self.finding(
            view,
            f"{after:.0%} of the units of `{view.subject.name}` are dormant in the last third of the run (mean of "
            f"{len(pairs)} layers), {before:.0%} in the first; the line is {MANY:.0%}",
            "warning" if going_well(view) is False else "note",
            own_evidence(view, one, after, MANY),
        )

    def fires_on(self) -> Iterable[Case]:
        """Steady growth, and a sudden one."""
        yield case("steady", {"layer.dormant_share": np.linspace(0, 0.9, 30)[:, None] * np.ones(2)})
        yield case("sudden", {"layer.dormant_share": np.r_[np.full(15, 0.1), np.full(15, 0.8)][:, None]})

    def quiet_on(self) -> Iterable[Case]:
        """Few, many from the start on, and a layer without rows."""
        yield case("few", {"layer.dormant_share": np.full((30, 2), 0.1)})
        yield case("from the start", {"layer.dormant_share": np.full((30, 1), 0.7)})
        yield case("one layer", {"layer.dormant_share": np.c_[np.full(30, np.nan), np.linspace(0, 0.2, 30)]})
