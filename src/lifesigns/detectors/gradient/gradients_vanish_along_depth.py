"""Rule D313: gradients shrink by orders of magnitude from the last layers to the first."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.detectors.parameter_names import is_weight
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    median,
    shared,
)

VANISHED = 1e-5
"""ratio of relative gradients; assumed (catalogue D54 has 1e-3 for adjacent layers)."""


class GradientsVanishAlongDepth(Rule):
    """Gradients shrink by orders of magnitude from the last layers to the first.

    What it detects
    ---------------
    The gradient of the first weights of a network, relative to their size, is a small part of that of the
    last ones.

    Why it matters
    --------------
    Layers whose gradient is that small hardly learn, whatever the loss says. Saturated units, bad initial
    scales and long chains of layers without shortcuts do this.

    How it decides
    --------------
    Median over the samples of ‖g‖/‖θ‖ for each weight of an optimiser with at least four of them; the first
    weight's below 1e-5 of the largest. A note.

    When it is wrong
    ----------------
    Adam rescales each parameter, which makes up for much of it. Embeddings and frozen parts have small
    gradients by nature.

    What to do
    ----------
    Use ReLU-like units, normalisation or shortcuts, and an initialisation for the depth at hand.

    References
    ----------
    Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks (2010); Zhang
    et al., BTTackler (2024), for the rule's form.
    """

    code = "D313"
    since = "0.2"
    per = "optimizer"
    families = "any deep network"
    reads = {"optimizer.gradient_norm": 8, "optimizer.parameter_norm": 8}
    causes = {
        "gradient-path-broken": Likelihood(0.15, source="judgement"),
        "observation-scale": Likelihood(0.20, source="saturated first layers"),
        "any fault": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.0072, "measured", "0 of 68 healthy runs, benchmarks/atlas")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        sizes = [
            (name, median(gradient / norm))
            for name, gradient, norm in shared(view["optimizer.gradient_norm"], view["optimizer.parameter_norm"])
            if is_weight(name) and median(norm) > 0
        ]
        sizes = [(name, size) for name, size in sizes if size == size]
        if len(sizes) < 4:
            raise CannotTell("fewer than four weights with a gradient")
        (name, first), top = sizes[0], max(size for _, size in sizes)
        if not 0 < first < VANISHED * top:
            return
        yield self.finding(
            view,
            f"the relative gradient of `{name}`, the first weight of `{view.subject.name}`, is {first:.2g}, that "
            f"of the largest {top:.2g}; the line is {VANISHED:g} of it",
            "note",
            own_evidence(view, view["optimizer.gradient_norm"], first, VANISHED * top, name),
        )

    def fires_on(self) -> Iterable[Case]:
        """Ten layers of sigmoids, and one that blocks."""
        names = tuple(f"{i}.weight" for i in range(6))
        yield case(
            "sigmoids",
            {
                "optimizer.gradient_norm": np.tile(10.0 ** -np.arange(7, 1, -1.0), (20, 1)),
                "optimizer.parameter_norm": np.ones((20, 6)),
            },
            columns=names,
        )
        yield case(
            "blocked",
            {
                "optimizer.gradient_norm": np.tile([1e-9, 0.1, 0.1, 0.1, 0.1, 0.1], (20, 1)),
                "optimizer.parameter_norm": np.ones((20, 6)),
            },
            columns=names,
        )

    def quiet_on(self) -> Iterable[Case]:
        """Even, a hundredth, and two weights only of which one has none."""
        names = tuple(f"{i}.weight" for i in range(6))
        yield case(
            "even",
            {"optimizer.gradient_norm": np.full((20, 6), 0.1), "optimizer.parameter_norm": np.ones((20, 6))},
            columns=names,
        )
        yield case(
            "a hundredth",
            {
                "optimizer.gradient_norm": np.tile([1e-3, 0.1, 0.1, 0.1, 0.1, 0.1], (20, 1)),
                "optimizer.parameter_norm": np.ones((20, 6)),
            },
            columns=names,
        )
        yield case(
            "zero",
            {
                "optimizer.gradient_norm": np.tile([0.0, 0.1, 0.1, 0.1, 0.1, 0.1], (20, 1)),
                "optimizer.parameter_norm": np.ones((20, 6)),
            },
            columns=names,
        )
