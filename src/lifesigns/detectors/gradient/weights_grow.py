"""Rule D314: the weights have grown by a large factor."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.detectors.parameter_names import is_weight
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    columns,
    finite,
    median,
)

GROWN = 10.0
"""ratio of norms; assumed (catalogue D55); 99 % of healthy runs stay below 4.7 (benchmarks/atlas)."""
SMALLEST = 1e-3
"""‖θ‖ below which a weight has no scale yet; assumed."""


class WeightsGrow(Rule):
    """The weights have grown by a large factor during the run.

    What it detects
    ---------------
    The norm of typical weights at the end is ten times what it was at the start.

    Why it matters
    --------------
    Weights that keep growing make the same learning rate an ever smaller relative step, saturate units, and
    go with the loss of the ability to learn anything new.

    How it decides
    --------------
    For each weight of an optimiser the ratio of the median norm of the last tenth of the samples to that of
    the first tenth; the median ratio over weights is above 10. A note.

    When it is wrong
    ----------------
    Layers that are initialised near 0 on purpose grow by a large factor at once (they are left out by the
    median).

    What to do
    ----------
    Add weight decay or normalisation layers; lower the learning rate.

    References
    ----------
    Lyle et al., Understanding plasticity in neural networks (2023); Dohare et al., Loss of plasticity in deep
    continual learning (2024).
    """

    code = "D314"
    since = "0.2"
    per = "optimizer"
    families = "any"
    reads = {"optimizer.parameter_norm": 20}
    causes = {
        "learning-rate-too-high": Likelihood(0.15, source="0 of 2 gallery cases, benchmarks/peers; judgement"),
        "network-loses-capacity": Likelihood(0.40, source="judgement"),
        "gradients-accumulate": Likelihood(0.20, source="judgement"),
        "any fault": Likelihood(0.01, source="judgement"),
    }
    false_alarm = Likelihood(0.0051, "measured", "0 of 98 healthy runs, benchmarks/atlas")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["optimizer.parameter_norm"]
        tenth = max(len(one) // 10, 2)
        ratios = finite(
            [
                median(y[-tenth:]) / median(y[:tenth])
                for name, y in columns(one)
                if is_weight(name) and median(y[:tenth]) > SMALLEST
            ]
        )
        if not len(ratios):
            raise CannotTell("no weight of some size was seen")
        level = median(ratios)
        if level <= GROWN:
            return
        yield self.finding(
            view,
            f"the weights of `{view.subject.name}` are {level:.3g} times as large at the end as at the start "
            f"(median of {len(ratios)} weights); the line is {GROWN:g}",
            "note",
            own_evidence(view, one, level, GROWN),
        )

    def fires_on(self) -> Iterable[Case]:
        """Steady growth, and a jump."""
        yield case(
            "steady",
            {"optimizer.parameter_norm": np.geomspace(1, 100, 40)[:, None] * np.ones(3)},
            columns=("0.weight", "1.weight", "2.weight"),
        )
        yield case(
            "jump", {"optimizer.parameter_norm": np.r_[np.ones(20), np.full(20, 60.0)][:, None]}, columns=("0.weight",)
        )

    def quiet_on(self) -> Iterable[Case]:
        """A factor of two, one layer of three, and a small start."""
        yield case("two", {"optimizer.parameter_norm": np.linspace(1, 2, 40)[:, None]}, columns=("0.weight",))
        yield case(
            "one of three",
            {"optimizer.parameter_norm": np.c_[np.ones(40), np.ones(40), np.geomspace(0.1, 20, 40)]},
            columns=("0.weight", "1.weight", "2.weight"),
        )
        yield case(
            "biases",
            {"optimizer.parameter_norm": np.c_[np.ones(40), np.geomspace(0.01, 20, 40)]},
            columns=("0.weight", "0.bias"),
        )
