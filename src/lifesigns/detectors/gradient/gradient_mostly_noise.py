"""Rule D320: the gradient of a batch is nearly all noise."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.detectors.returns import CLOCKS, GOING, going_well
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case

NOISY = 100.0
"""noise scale over batch size; assumed (catalogue D57 has 10; see benchmarks/atlas)."""
MOSTLY = 0.9
"""share of the samples that must be above the line; assumed."""


class GradientMostlyNoise(Rule):
    """The gradient of a batch is nearly all noise: the batch is far smaller than the gradient noise scale.

    What it detects
    ---------------
    The variance of the gradient between batches is over 100 times its squared mean, as Adam's own averages tell.

    Why it matters
    --------------
    Below the noise scale a batch twice as large is worth twice as many steps; far below it, steps are mostly a
    random walk, which the learning rate has to average out. It is also how a loss without any signal looks.

    How it decides
    --------------
    tr(Σ)/(B‖G‖²) from bias-corrected first and second moments (the first averages about 1/(1 − β₁) batches, the
    second the squares of single ones), where the run trains without an environment or its return does not rise:
    above 100, or without any signal left, in 90 % of at least 10 samples. A note.

    When it is wrong
    ----------------
    At the end of training, where the mean gradient goes to 0. Reinforcement learning is noisy by nature. Gradients
    whose size changes within a thousand steps mislead the second average.

    What to do
    ----------
    Take larger batches or more environments, lower the learning rate, and make sure that inputs and targets of a
    batch belong together: shuffled labels look like this.

    References
    ----------
    McCandlish et al., An empirical model of large-batch training (2018), the simple noise scale.
    """

    code = "D320"
    since = "0.2"
    status = "preview"
    families = "any that trains with Adam"
    per = "optimizer"
    reads = {"optimizer.gradient_noise_ratio": 10}
    across = {**GOING, **CLOCKS}
    causes = {
        "learning-rate-too-high": Likelihood(0.20, source="judgement"),
        "labels-not-learned": Likelihood(0.30, source="judgement"),
        "any fault": Likelihood(0.10, source="judgement"),
    }
    false_alarm = Likelihood(0.10, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["optimizer.gradient_noise_ratio"]
        kept = one.y[~np.isnan(one.y)]
        if len(kept) < 10:
            raise CannotTell("fewer than 10 samples")
        noisy = float((kept > NOISY).mean())
        if noisy < MOSTLY or going_well(view):
            return
        level = float(np.median(np.minimum(kept, 1e12)))
        yield self.finding(
            view,
            f"the gradients of `{view.subject.name}` are nearly all noise: the noise scale is above {NOISY:g} batch "
            f"sizes in {noisy:.0%} of {len(kept)} samples",
            "note",
            own_evidence(view, one, level, NOISY),
        )

    def fires_on(self) -> Iterable[Case]:
        """Much noise, no signal at all."""
        yield case("noise", {"optimizer.gradient_noise_ratio": np.full(20, 500.0)})
        yield case("no signal", {"optimizer.gradient_noise_ratio": [float("inf"), 300.0] * 10})

    def quiet_on(self) -> Iterable[Case]:
        """A usual share, at the end, now and then."""
        yield case("usual", {"optimizer.gradient_noise_ratio": np.full(20, 5.0)})
        yield case("at the end", {"optimizer.gradient_noise_ratio": np.geomspace(1, 1e4, 20)})
        yield case("now and then", {"optimizer.gradient_noise_ratio": [2.0, 900.0] * 10})
