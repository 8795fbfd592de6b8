"""Rule D306: updates hardly change the weights."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.update_sizes import READS, update_sizes
from lifesigns.model import Finding, Severity
from lifesigns.rules import Case, Likelihood, Rule, View, case

NOTE, WARNING = -5.0, -6.0
"""log10(‖Δθ‖/‖θ‖). −5 is the catalogue's line (D24, after Karpathy); −6 is assumed: a million steps to change
a weight by its own size, and ten times the resolution of float32."""


class UpdatesTooSmall(Rule):
    """Optimiser steps change the weights by less than one part in a hundred thousand.

    What it detects
    ---------------
    The typical ratio ‖Δθ‖/‖θ‖ over the weights of an optimiser is below 0.001 % throughout the run.

    Why it matters
    --------------
    About 0.1 % is usual. At a hundredth of that, a run of ordinary length ends where it began, and looks
    like a bug.

    How it decides
    --------------
    Median over samples of log10(‖Δθ‖/‖θ‖), then the median over weights (biases, scalars and weights near 0
    left out), in both halves of the run; updates of exactly 0 are D302's. A note below −5, a warning below
    −6.

    When it is wrong
    ----------------
    Fine-tuning with tiny rates is meant to move little. A run that starts from a converged model has small
    gradients, and with plain SGD small updates.

    What to do
    ----------
    Print the learning rate that is really used (a scheduler counted in the wrong unit is the usual reason),
    then the scale of the loss: a mean over too many elements, or rewards scaled to almost nothing.

    References
    ----------
    Karpathy, A recipe for training neural networks (2019), and CS231n's notes on the ratio of updates to
    weights.
    """

    code = "D306"
    since = "0.1"
    families = "any trained by gradients"
    per = "optimizer"
    reads = READS
    causes = {
        "learning-rate-too-low": Likelihood(0.80, source="judgement"),
        "reward-carries-no-signal": Likelihood(0.10, source="judgement"),
        "any fault": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.015, source="judgement: notes for fine-tuning")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        sizes = update_sizes(view)
        level = sizes.high
        if not level < NOTE:
            return
        severity: Severity = "warning" if level < WARNING else "note"
        line = WARNING if severity == "warning" else NOTE
        yield self.finding(
            view,
            f"a step of optimiser `{view.subject.name}` changes its weights by {10**level:.1e} of their norm "
            f"(median over {sizes.weights} weights); the line is {10**line:.0e}, and 1e-03 is usual",
            severity,
            sizes.evidence(view, level, line),
        )

    def fires_on(self) -> Iterable[Case]:
        """By far, and by a little."""
        for ratio in (1e-8, 5e-6):
            yield case(
                f"{ratio:.0e}",
                {
                    "optimizer.update_norm": np.full((20, 2), ratio),
                    "optimizer.parameter_norm": np.ones((20, 2)),
                },
                columns=_NAMES,
            )

    def quiet_on(self) -> Iterable[Case]:
        """The usual size, a rate that is annealed to 0, and one that warms up."""
        ones = {"optimizer.parameter_norm": np.ones((20, 2))}
        yield case("usual", {"optimizer.update_norm": np.full((20, 2), 1e-3), **ones}, columns=_NAMES)
        yield case(
            "annealed",
            {"optimizer.update_norm": np.geomspace(1e-3, 1e-9, 20)[:, None] * [1, 1], **ones},
            columns=_NAMES,
        )
        yield case(
            "warm-up",
            {"optimizer.update_norm": np.linspace(0, 1e-3, 20)[:, None] * [1, 1], **ones},
            columns=_NAMES,
        )


_NAMES = ("actor.0.weight", "actor.2.weight")
