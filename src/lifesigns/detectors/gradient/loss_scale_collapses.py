"""Rule D322: the loss scale of mixed precision collapses."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence, thirds
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import median

COLLAPSED = 1.0
"""loss scale; catalogue D76 (below 1 the scaling makes underflow worse, not better)."""


class LossScaleCollapses(Rule):
    """The loss scale of mixed precision falls below 1.

    What it detects
    ---------------
    The gradient scaler halves its scale at each overflow, and has halved it to less than 1.

    Why it matters
    --------------
    Each overflow is a step that was skipped. A scale that keeps falling means that the gradients are not finite
    whatever the scale: the cause lies in the forward pass (a division by 0, an exponential in half precision), and
    the optimiser stands still while the loop goes on.

    How it decides
    --------------
    The scale, read once a second or as it was logged: the median of the last third of at least 3 samples is below 1. A
    warning.

    When it is wrong
    ----------------
    Never seen; a scaler that is given a small first scale on purpose.

    What to do
    ----------
    Find the first operation that is not finite (`torch.autograd.set_detect_anomaly`), keep it in 32 bits, or use
    bfloat16, which needs no scaler.

    References
    ----------
    Micikevicius et al., Mixed precision training (2018); PyTorch's documentation of `torch.amp.GradScaler`.
    """

    code = "D322"
    since = "0.2"
    status = "preview"
    families = "any in mixed precision"
    reads = {"precision.loss_scale": 3}
    causes = {
        "numerical-overflow": Likelihood(0.60, source="judgement"),
        "any fault": Likelihood(0.01, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["precision.loss_scale"]
        level = median(thirds(one)[1])
        if level != level:
            raise CannotTell("no finite loss scale in the last third of the run")
        if level >= COLLAPSED:
            return
        yield self.finding(
            view,
            f"the loss scale has fallen to {level:.2g} (from {one.y[0]:.3g}): each halving is an overflow and a step "
            "that was skipped",
            "warning",
            own_evidence(view, one, level, COLLAPSED),
        )

    def fires_on(self) -> Iterable[Case]:
        """Halved at each step, and late."""
        yield case("at each step", {"precision.loss_scale": 2.0 ** np.arange(16, -20, -1)})
        yield case("late", {"precision.loss_scale": np.r_[np.full(10, 65536.0), np.full(10, 1e-6)]})

    def quiet_on(self) -> Iterable[Case]:
        """Steady, settles, grows."""
        yield case("steady", {"precision.loss_scale": np.full(20, 65536.0)})
        yield case("settles", {"precision.loss_scale": [65536.0, 32768.0, *[1024.0] * 20]})
        yield case("grows", {"precision.loss_scale": 2.0 ** np.arange(10, 20)})
