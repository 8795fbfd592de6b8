"""Rule D317: the loss goes up and down by a large part of itself."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import later, no_environment, own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case

WINDOWS = 50
"""windows of the second half; assumed."""
SWINGS = 0.5
"""mean |difference of neighbouring windows| over the mean; assumed."""


class LossOscillates(Rule):
    """The loss goes up and down by a large part of itself and does not settle.

    What it detects
    ---------------
    In the second half of the run the smoothed loss swings between its neighbours by more than its own size,
    as much as in the first half.

    Why it matters
    --------------
    Steps that overshoot: the loss of one batch after the other is thrown from side to side. A smaller
    learning rate or a larger batch calms it.

    How it decides
    --------------
    In runs without an environment: losses averaged over windows of a fiftieth of the second half; mean
    |difference of neighbours| over the mean loss above 0.5. A note.

    When it is wrong
    ----------------
    Tiny batches; losses near 0, whose relative swings are large without harm.

    What to do
    ----------
    Divide the learning rate by 3 to 10, or multiply the batch size.

    References
    ----------
    Zhang et al., AutoTrainer (2021); Zhang et al., BTTackler (2024), rules on oscillating loss.
    """

    code = "D317"
    since = "0.2"
    status = "preview"
    per = "loss"
    families = "supervised"
    reads = {"loss.value": 200}
    across = {"env.episode_return": 1, "run.env_steps": 1}
    causes = {
        "learning-rate-too-high": Likelihood(0.45, source="judgement"),
        "gradients-accumulate": Likelihood(0.30, source="judgement"),
        "any fault": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["loss.value"]
        no_environment(view, "need not settle")
        kept = later(one)
        if len(kept) < 100:
            raise CannotTell("fewer than 100 finite losses in the second half of the run")
        means = np.array([part.mean() for part in np.array_split(kept, WINDOWS)])
        if not means.mean() > 0:
            raise CannotTell("the loss is not positive")
        swing = float(np.abs(np.diff(means)).mean() / means.mean())
        if swing <= SWINGS:
            return
        yield self.finding(
            view,
            f"the loss `{view.subject.name}` swings by {swing:.0%} of itself from one fiftieth of the second half "
            f"of the run to the next; the line is {SWINGS:.0%}",
            "note",
            own_evidence(view, one, swing, SWINGS),
        )

    def fires_on(self) -> Iterable[Case]:
        """Up and down, and in bursts."""
        swings = np.tile(np.r_[np.full(20, 0.1), np.full(20, 2.0)], 50)
        yield case("up and down", {"loss.value": swings, "run.env_steps": [0.0, 0.0]})
        yield case(
            "bursts",
            {
                "loss.value": np.tile(np.r_[np.full(90, 0.1), np.full(10, 50.0)], 20)
                * np.repeat(np.random.default_rng(0).lognormal(0, 1.5, 40), 50)
            },
        )

    def quiet_on(self) -> Iterable[Case]:
        """Calm, noisy batches, and a fall."""
        rng = np.random.default_rng(1)
        yield case("calm", {"loss.value": np.full(400, 0.3)})
        yield case("noisy batches", {"loss.value": rng.lognormal(0, 0.5, 5000)})
        yield case("fall", {"loss.value": np.geomspace(2, 0.001, 2000)})
