"""Rule D318: the loss has jumped up and not come back."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import no_environment, own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    finite,
)

WINDOWS = 20
"""windows of the run; assumed."""
JUMPED, DESTROYED = 3.0, 10.0
"""loss at the end over the loss at its best for a note, for a warning; assumed."""


class LossJumpsAndStaysUp(Rule):
    """The loss has jumped up by a large factor and not come back.

    What it detects
    ---------------
    From some step on the training loss is several times what it was before, until the end.

    Why it matters
    --------------
    A jump that heals is one bad batch. One that does not is a step that destroyed the parameters, or data
    that changed.

    How it decides
    --------------
    In runs without an environment: the lowest mean of a twentieth of the losses against the mean of the last
    twentieth; the latter is 3 times the former and above every loss-window in between the lowest and the
    jump. A note from 3 times, a warning from 10 times.

    When it is wrong
    ----------------
    A change of the loss or of the data on purpose (curriculum, new weights of terms).

    What to do
    ----------
    Go back to the checkpoint before the jump and skip the batches around it; clip gradients; lower the
    learning rate.

    References
    ----------
    Bekman, Machine learning engineering (2023), on loss spikes; Chowdhery et al., PaLM (2022), section 5.1.
    """

    code = "D318"
    since = "0.2"
    status = "preview"
    per = "loss"
    families = "supervised"
    reads = {"loss.value": 100}
    across = {"env.episode_return": 1, "run.env_steps": 1}
    causes = {
        "learning-rate-too-high": Likelihood(0.45, source="judgement"),
        "numerical-overflow": Likelihood(0.20, source="judgement"),
        "any fault": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["loss.value"]
        no_environment(view, "may rise")
        kept = finite(one.y)
        if len(kept) < 100:
            raise CannotTell("fewer than 100 finite losses")
        means = np.array([part.mean() for part in np.array_split(kept, WINDOWS)])
        if not means.min() > 0:
            raise CannotTell("the loss is not positive")
        times, best = float(means[-1] / means.min()), int(means.argmin())
        if (
            times < JUMPED
            or not (means[best + 1 :] >= means.min() * JUMPED).any()
            or float(np.median(means[-3:])) < JUMPED * means.min()
        ):
            return
        yield self.finding(
            view,
            f"the loss `{view.subject.name}` is {means[-1]:.4g} at the end, {times:.1f} times what it was at its "
            f"best ({means.min():.4g}); the line is {JUMPED:g} times",
            "warning" if times >= DESTROYED else "note",
            own_evidence(view, one, float(means[-1]), JUMPED * float(means.min())),
        )

    def fires_on(self) -> Iterable[Case]:
        """Destroyed by one step, and a slow divergence."""
        yield case("one step", {"loss.value": np.r_[np.geomspace(2, 0.1, 300), np.full(200, 2.5)]})
        yield case(
            "slow", {"loss.value": np.r_[np.geomspace(2, 0.2, 200), np.geomspace(0.2, 5, 300)], "run.env_steps": [0.0]}
        )

    def quiet_on(self) -> Iterable[Case]:
        """A spike that heals, a fall, and a small rise."""
        healed = np.geomspace(2, 0.1, 500)
        healed[300:310] = 8.0
        yield case("heals", {"loss.value": healed})
        yield case("fall", {"loss.value": np.geomspace(2, 0.1, 400)})
        yield case("small rise", {"loss.value": np.r_[np.linspace(1, 0.5, 300), np.linspace(0.5, 0.8, 200)]})
