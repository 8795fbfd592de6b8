"""Rule D123: sampler and trainer give the same tokens different probabilities."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import later, own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    median,
)

APART_NATS, FAR_NATS = 0.05, 0.2
"""mean |difference| of log-probabilities for a note, for a warning; assumed (catalogue L06 has 0.02 to 0.05)."""
OFF, FAR_OFF = 1 / 0.9, 1.4
"""mean ratio or its inverse for a note, for a warning; assumed (catalogue L06)."""


class SamplerDiffersFromTrainer(Rule):
    """Sampler and trainer give the same tokens different probabilities.

    What it detects
    ---------------
    The mean difference of the log-probabilities that the sampler and the trainer compute for the same tokens,
    or the mean importance ratio between them, is far from what it must be.

    Why it matters
    --------------
    Data that look on-policy are not. Small differences bias every gradient, large ones make training collapse
    without a sign in the reward.

    How it decides
    --------------
    Median over the second half of at least 10 steps: a mean |difference| above 0.05 nats, or a mean ratio
    outside 0.9 to 1.1. A note; a warning from 0.2 nats, or a ratio outside 0.7 to 1.4.

    When it is wrong
    ----------------
    Mixture-of-experts models route differently and differ more. Corrections by importance sampling make up
    for part of it.

    What to do
    ----------
    Use one precision in both, pass the same weights and chat template, turn off prefix caching to compare; or
    correct by truncated importance sampling.

    References
    ----------
    Yao et al. (2025); TRL's documentation of `sampling/sampling_logp_difference`.
    """

    code = "D123"
    since = "0.2"
    status = "preview"
    families = "RL on language models with a separate sampler"
    reads = {"completions.sampler_difference": 10, "completions.importance_ratio": 10}
    causes = {
        "sampler-trainer-mismatch": Likelihood(0.90, source="the definition of the cause"),
        "any fault": Likelihood(0.01, source="judgement"),
    }
    false_alarm = Likelihood(0.02, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one, ratios = view["completions.sampler_difference"], view["completions.importance_ratio"]
        apart, ratio = median(later(one)), median(later(ratios))
        if apart != apart or ratio != ratio:
            raise CannotTell("no finite difference or ratio in the second half of the run")
        off = max(ratio, 1 / ratio) if ratio > 0 else float("inf")
        if apart <= APART_NATS and off <= OFF:
            return
        yield self.finding(
            view,
            f"the log-probabilities of sampler and trainer differ by {apart:.3g} nats, their mean ratio is "
            f"{ratio:.3g} (medians of the second half of {len(one)} steps); the lines are {APART_NATS:g} nats and "
            f"{1 / OFF:.2f} to {OFF:.2f}",
            "warning" if apart > FAR_NATS or off > FAR_OFF else "note",
            own_evidence(view, one, apart, APART_NATS),
        )

    def fires_on(self) -> Iterable[Case]:
        """Another precision, and stale weights."""
        yield case(
            "precision",
            {"completions.sampler_difference": np.full(20, 0.09), "completions.importance_ratio": np.full(20, 0.98)},
        )
        yield case(
            "stale",
            {
                "completions.sampler_difference": np.linspace(0.01, 0.6, 40),
                "completions.importance_ratio": np.linspace(1.0, 0.46, 40),
            },
        )

    def quiet_on(self) -> Iterable[Case]:
        """Close, one odd step, apart only at first."""
        yield case(
            "close",
            {"completions.sampler_difference": np.full(20, 0.004), "completions.importance_ratio": np.full(20, 1.001)},
        )
        yield case(
            "one step",
            {
                "completions.sampler_difference": [*[0.004] * 15, 0.9, *[0.004] * 15],
                "completions.importance_ratio": np.ones(31),
            },
        )
        yield case(
            "at first",
            {
                "completions.sampler_difference": np.geomspace(0.2, 0.002, 40),
                "completions.importance_ratio": np.ones(40),
            },
        )
