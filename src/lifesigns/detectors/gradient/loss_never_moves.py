"""Rule D316: the loss stays where it started."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import no_environment, own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    finite,
)

STAYED = 0.01
"""relative fall; assumed (catalogue D70)."""
EVEN = 0.05
"""spread over the mean below which it is a warning; assumed."""


class LossNeverMoves(Rule):
    """The loss of a run without an environment stays where it started.

    What it detects
    ---------------
    The training loss of the last third of the run is no lower than that of its first hundredth, and hardly
    varies.

    Why it matters
    --------------
    A loss that does not move from the start is not a plateau: nothing is learned. A plateau that comes later
    has other reasons.

    How it decides
    --------------
    Relative fall from the mean of the first hundredth of the losses (at least 5) to that of the last third
    below 1 %, over at least 100 steps, in runs without an environment. A note; a warning with a spread below
    5 % of the mean.

    When it is wrong
    ----------------
    Warm-up phases longer than the run. Losses that are at their minimum from the start, as in fine-tuning.

    What to do
    ----------
    Overfit one batch; see D302 and D303 for parameters without gradient, and the learning rate.

    References
    ----------
    Zhang et al., AutoTrainer (2021); Karpathy, A recipe for training neural networks (2019).
    """

    code = "D316"
    since = "0.2"
    status = "preview"
    per = "loss"
    families = "supervised"
    reads = {"loss.value": 100}
    across = {"env.episode_return": 1, "run.env_steps": 1}
    causes = {
        "parameters-not-trained": Likelihood(0.50, source="judgement"),
        "gradient-path-broken": Likelihood(0.50, source="judgement"),
        "learning-rate-too-low": Likelihood(0.60, source="judgement"),
        "labels-not-learned": Likelihood(0.20, source="judgement"),
        "any fault": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["loss.value"]
        no_environment(view, "need not fall")
        kept = finite(one.y)
        if len(kept) < 100:
            raise CannotTell("fewer than 100 finite losses")
        start, last = float(kept[: max(len(kept) // 100, 5)].mean()), kept[-(len(kept) // 3) :]
        if not start > 0:
            raise CannotTell("the loss can be negative: how far it fell is not a share of it")
        fall = 1.0 - float(last.mean()) / start
        if abs(fall) >= STAYED:
            return
        spread = float(last.std()) / start
        yield self.finding(
            view,
            f"the loss `{view.subject.name}` is {last.mean():.4g} in the last third of the run and was "
            f"{start:.4g} at the start: it fell by {fall:.1%}; the line is {STAYED:.0%}",
            "warning" if spread < EVEN else "note",
            own_evidence(view, one, float(last.mean()), (1 - STAYED) * start),
        )

    def fires_on(self) -> Iterable[Case]:
        """At ln 10, and noisy about its start."""
        yield case("at ln 10", {"loss.value": 2.3026 + 0.004 * np.sin(np.arange(400))})
        yield case("noisy", {"loss.value": [0.95, 1.05, 1.0] * 300, "run.env_steps": [0.0, 0.0]})

    def quiet_on(self) -> Iterable[Case]:
        """Falls at once, falls late, and rises."""
        yield case("at once", {"loss.value": 2.3 * np.exp(-np.arange(400) / 40)})
        yield case("late", {"loss.value": np.r_[np.full(200, 2.3), np.linspace(2.3, 1.0, 300)]})
        yield case("rises", {"loss.value": np.linspace(1, 2, 300)})
