"""Rule D319: the held-out loss rises while the training loss falls."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    finite,
)

ROSE, DOUBLED = 1.2, 2.0
"""held-out loss at the end over its lowest for a note, for a warning; assumed (catalogue D69)."""


class ValidationLossRises(Rule):
    """The held-out loss rises while the training loss goes on falling.

    What it detects
    ---------------
    The validation loss that the script logs has risen well above its lowest point, while the training loss
    falls.

    Why it matters
    --------------
    From the lowest point on the model learns the training set and no longer the task. If the held-out loss is
    bad from the first value on, the held-out data differ from the training data instead.

    How it decides
    --------------
    At least 6 validation losses: the mean of the last sixth above 1.2 times the lowest, which lies before the
    last third; and a training loss whose last third is below its middle third. A note from 1.2, a warning
    from 2 times.

    When it is wrong
    ----------------
    Calibration can get worse while accuracy still rises: look at the metric that counts.

    What to do
    ----------
    Stop at the lowest point, add data or regularisation; if it was never good, look at the split and the
    preprocessing.

    References
    ----------
    Goodfellow et al., Deep learning (2016), section 7.8; Karpathy, A recipe for training neural networks
    (2019).
    """

    code = "D319"
    since = "0.2"
    status = "preview"
    families = "supervised"
    reads = {"learner.validation_loss": 6}
    across = {"loss.value": 30}
    causes = {
        "overfits": Likelihood(0.85, source="the definition of the cause"),
        "any fault": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["learner.validation_loss"]
        kept = finite(one.y)
        losses = [finite(s.y) for _, s in view.across("loss.value")]
        train = max(losses, key=len, default=np.empty(0))
        if len(kept) < 6 or len(train) < 30:
            raise CannotTell("fewer than 6 finite validation losses, or no training loss")
        lowest, best = float(kept.min()), int(kept.argmin())
        end = float(kept[-max(len(kept) // 6, 1) :].mean())
        parts = np.array_split(train, 3)
        if not (lowest > 0 and end > ROSE * lowest and best < 2 * len(kept) // 3 and parts[2].mean() < parts[1].mean()):
            return
        yield self.finding(
            view,
            f"the validation loss is {end:.4g} at the end and was {lowest:.4g} at its lowest (value {best + 1} of "
            f"{len(kept)}), while the training loss falls from {parts[1].mean():.4g} to {parts[2].mean():.4g}",
            "warning" if end > DOUBLED * lowest else "note",
            own_evidence(view, one, end, ROSE * lowest),
        )

    def fires_on(self) -> Iterable[Case]:
        """A textbook case, and a mild one."""
        train = np.geomspace(2, 0.01, 300)
        yield case(
            "textbook",
            {"learner.validation_loss": np.r_[np.linspace(2, 1, 5), np.linspace(1, 3, 15)], "loss.value": train},
        )
        yield case(
            "mild",
            {"learner.validation_loss": np.r_[np.linspace(2, 1, 10), np.linspace(1, 1.4, 10)], "loss.value": train},
        )

    def quiet_on(self) -> Iterable[Case]:
        """Both fall, both rise, a flat end."""
        train = np.geomspace(2, 0.01, 300)
        yield case("both fall", {"learner.validation_loss": np.linspace(2, 1, 20), "loss.value": train})
        yield case(
            "both rise", {"learner.validation_loss": np.r_[1.0, np.linspace(1, 3, 15)], "loss.value": train[::-1]}
        )
        yield case(
            "flat", {"learner.validation_loss": np.r_[np.linspace(2, 1, 10), np.full(10, 1.05)], "loss.value": train}
        )
