"""Rule D602: a network puts out the same for every row of a batch."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.detectors.returns import GOING, going_well
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    finite,
    median,
    shared,
)

ALIKE = 1e-4
"""standard deviation over rows / root mean square; assumed; 99 % of healthy runs lie above 5e-4 (benchmarks/atlas)."""


class OutputIgnoresInput(Rule):
    """A network puts out the same for every row of its batches.

    What it detects
    ---------------
    The output of the last layer of a network hardly differs between the rows of a batch, while its inputs do.

    Why it matters
    --------------
    A policy or value function that does not depend on what it sees can only learn a constant. Dead units,
    inputs that are swamped by one large component, and a bias that has run away do this.

    How it decides
    --------------
    Standard deviation over the rows, mean over the units, relative to the root mean square of the last
    layer's output: below 1e-4 in the median of the second half of the samples, and inputs whose standard
    deviation is not 0. A note; a warning where returns do not rise.

    When it is wrong
    ----------------
    Value functions of tasks in which all states are worth the same. A last layer that is initialised to 0
    puts out 0 for everything at first.

    What to do
    ----------
    Look at the scale of the observations (D601), at dead units (D309), and at whether the right tensor is
    passed in.

    References
    ----------
    Slav Ivanov, 37 reasons why your neural network is not working (2017); Karpathy (2019).
    """

    code = "D602"
    since = "0.2"
    per = "network"
    families = "any"
    reads = {"layer.output_row_std": 8, "layer.output_rms": 8, "network.input_std": 4}
    across = GOING
    causes = {
        "observation-scale": Likelihood(0.10, source="0 of 2 gallery cases, benchmarks/peers; judgement"),
        "gradient-path-broken": Likelihood(0.05, source="judgement"),
        "learning-rate-too-high": Likelihood(0.20, source="dead units after one large step; 1 of 2 gallery cases"),
        "observation-ignored": Likelihood(0.40, source="judgement"),
        "any fault": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.0109, "measured", "0 of 45 healthy runs, benchmarks/atlas")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        spread, size = view["layer.output_row_std"], view["layer.output_rms"]
        half = len(spread) // 2
        kept = [(n, median(s[half:]), median(r[half:])) for n, s, r in shared(spread, size)]
        kept = [(n, s / r) for n, s, r in kept if s == s and r > 0]
        if not kept or not finite(view["network.input_std"].y).any():
            raise CannotTell("no layer's output had rows enough, or all inputs were alike")
        name, level = kept[-1]
        if level >= ALIKE:
            return
        yield self.finding(
            view,
            f"the output of `{name}`, the last layer of `{view.subject.name}`, differs between rows by "
            f"{level:.1g} of its size; the line is {ALIKE:g}",
            "warning" if going_well(view) is False else "note",
            own_evidence(view, spread, level, ALIKE, name),
        )

    def fires_on(self) -> Iterable[Case]:
        """A constant output, and one that has become constant."""
        given = {"layer.output_rms": np.ones((20, 2)), "network.input_std": np.ones((20, 4))}
        yield case("constant", {"layer.output_row_std": np.c_[np.full(20, 0.5), np.full(20, 1e-7)], **given})
        yield case(
            "become constant",
            {"layer.output_row_std": np.c_[np.full(20, 0.5), np.r_[np.full(8, 0.3), np.zeros(12)]], **given},
        )

    def quiet_on(self) -> Iterable[Case]:
        """Varied, little, and constant only at first."""
        given = {"layer.output_rms": np.ones((20, 2)), "network.input_std": np.ones((20, 4))}
        yield case("varied", {"layer.output_row_std": np.full((20, 2), 0.4), **given})
        yield case("little", {"layer.output_row_std": np.full((20, 2), 0.01), **given})
        yield case(
            "at first", {"layer.output_row_std": np.c_[np.full(20, 0.5), np.r_[np.zeros(8), np.full(12, 0.3)]], **given}
        )
