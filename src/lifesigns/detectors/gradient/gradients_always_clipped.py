"""Rule D310: every gradient is clipped to a small part of its norm."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import later, own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    median,
)

NEARLY_ALL = 0.95
"""share of updates; assumed (catalogue D23 has 0.9)."""
TIMES = 10.0
"""median norm over the limit; assumed."""


class GradientsAlwaysClipped(Rule):
    """Nearly every gradient is clipped, to a small part of its norm.

    What it detects
    ---------------
    The gradient's norm before clipping is above the limit in nearly all updates, and typically ten times as
    large.

    Why it matters
    --------------
    With clipping at every step the learning rate no longer decides the step, the limit does: large and small
    errors move the parameters alike. The limit hides a scale that does not fit.

    How it decides
    --------------
    Share of updates whose norm exceeds the limit that `clip_grad_norm_` was given, over the second half of at
    least 20: above 95 %, with a median norm of at least 10 times the limit. A note.

    When it is wrong
    ----------------
    Adam divides the scale out again, so that many runs do well like this; PPO's default limit of 0.5 is
    exceeded often.

    What to do
    ----------
    Scale rewards or the loss, average over the batch instead of summing, or raise the limit to about the
    median norm.

    References
    ----------
    Pascanu et al., On the difficulty of training recurrent neural networks (2013); Andrychowicz et al., What
    matters in on-policy reinforcement learning? (2021).
    """

    code = "D310"
    since = "0.2"
    families = "any that clips gradients by norm"
    reads = {"gradient.total_norm": 20}
    needs_events = ("gradient_clip",)
    causes = {
        "learning-rate-too-low": Likelihood(0.10, source="judgement"),
        "gradients-accumulate": Likelihood(0.50, source="sums of gradients are large"),
        "observation-scale": Likelihood(0.20, source="judgement"),
        "any fault": Likelihood(0.15, source="judgement"),
    }
    false_alarm = Likelihood(0.15, source="judgement")
    status = "preview"

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        told = [e.data.get("max_norm") for e in view.events("gradient_clip")]
        limits = {float(x) for x in told if isinstance(x, int | float) and 0 < x < float("inf")}
        if len(limits) != 1:
            raise CannotTell("the limit of clipping is not known, or there are several")
        limit, kept = next(iter(limits)), later(view["gradient.total_norm"])
        if not len(kept):
            raise CannotTell("no finite gradient norm in the second half of the run")
        share, level = float((kept > limit).mean()), median(kept)
        if share <= NEARLY_ALL or level < TIMES * limit:
            return
        yield self.finding(
            view,
            f"{share:.0%} of the gradients of the second half of the run are clipped to {limit:g}; their median "
            f"norm is {level:.3g}; the line is {TIMES:g} times the limit",
            "note",
            own_evidence(view, view["gradient.total_norm"], level, TIMES * limit),
        )

    def fires_on(self) -> Iterable[Case]:
        """A hundred times the limit, and growing beyond it."""
        clip = (("gradient_clip", {"max_norm": 0.5}),)
        yield case("far above", {"gradient.total_norm": np.full(40, 60.0)}, events=clip)
        yield case("growing", {"gradient.total_norm": np.geomspace(0.1, 100.0, 60)}, events=clip)

    def quiet_on(self) -> Iterable[Case]:
        """Below the limit, above it now and then, a little above it."""
        clip = (("gradient_clip", {"max_norm": 0.5}),)
        yield case("below", {"gradient.total_norm": np.full(40, 0.2)}, events=clip)
        yield case("now and then", {"gradient.total_norm": [0.1, 0.2, 30.0] * 20}, events=clip)
        yield case("a little above", {"gradient.total_norm": np.full(40, 1.4)}, events=clip)
