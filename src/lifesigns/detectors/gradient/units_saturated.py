"""Rule D309: the units of a tanh or sigmoid layer sit at the ends of their range."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.model import Evidence, Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import columns, finite, median

SATURATED = 0.9
"""share of outputs within 1 % of an end of the range, in the median sample; catalogue D53 has 0.5, which a
bang-bang policy of one action can reach."""
FEWEST = 5
"""samples of a layer; assumed."""


class UnitsSaturated(Rule):
    """Nearly all units of a tanh or sigmoid layer sit at the ends of their range.

    What it detects
    ---------------
    Layers of type Tanh or Sigmoid of which at least 90 % of the outputs lie at |tanh| ≥ 0.99, or outside
    0.01…0.99 for a sigmoid, in sampled training batches.

    Why it matters
    --------------
    There the function is flat: its derivative is below 0.02, so almost no gradient passes to what lies
    before it. A policy whose output layer is saturated takes bound actions whatever it sees.

    How it decides
    --------------
    The median share over all samples, at least 5, and that of the first and of the second half, are above
    0.9.

    When it is wrong
    ----------------
    A gate that has learned to be open or shut, and a task whose best actions lie at the bounds.

    What to do
    ----------
    Look at the scale of the layer before it: the initialisation of the last policy layer (a gain of 0.01 is
    usual), the scale of the inputs (D601), the learning rate (D305).

    References
    ----------
    Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks (2010);
    Irpan, Deep reinforcement learning doesn't work yet (2018), the Reacher that spins.
    """

    code = "D309"
    since = "0.1"
    families = "any with tanh, sigmoid or ReLU layers"
    per = "network"
    reads = {"layer.saturated_share": FEWEST}
    causes = {
        "policy-output-saturated": Likelihood(0.80, source="where the policy ends in a Tanh layer"),
        "observation-scale": Likelihood(0.35, source="large inputs saturate the first layer"),
        "learning-rate-too-high": Likelihood(0.25, source="judgement"),
        "any fault": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["layer.saturated_share"]
        layers = {name: kept for name, y in columns(one) if len(kept := finite(y)) >= FEWEST}
        if not layers:
            raise CannotTell("it has no Tanh or Sigmoid layer that was sampled often enough")
        full = {n: median(y) for n, y in layers.items() if all(median(h) > SATURATED for h in _halves(y))}
        if not full:
            return
        names = ", ".join(f"`{n}`" for n in list(full)[:4])
        yield self.finding(
            view,
            f"{max(full.values()):.0%} of the outputs of {names} in `{view.subject.name}` lie at the ends of "
            f"their range in the median sample; the line is {SATURATED:.0%}",
            "warning",
            [
                Evidence(one.name, view.subject.id, share, SATURATED, "share", one.clock, float(one.x[-1]), n)
                for n, share in list(full.items())[:12]
            ],
        )

    def fires_on(self) -> Iterable[Case]:
        """One layer of two, and all."""
        yield case("output layer", {"layer.saturated_share": [[0.1, 0.97]] * 8}, columns=("0", "2"))
        yield case("all", {"layer.saturated_share": np.full((8, 2), 0.99)}, columns=("0", "2"))

    def quiet_on(self) -> Iterable[Case]:
        """Few, many but not nearly all, and saturation that passes."""
        yield case("few", {"layer.saturated_share": np.full((8, 2), 0.05)}, columns=("0", "2"))
        yield case("bang-bang", {"layer.saturated_share": np.full((8, 1), 0.6)}, columns=("2",))
        passing = np.r_[np.ones(5), np.zeros(5)][:, None]
        yield case("only at first", {"layer.saturated_share": passing}, columns=("2",))


def _halves(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    half = len(values) // 2
    return values[:half], values[half:]
