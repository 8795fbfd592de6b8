"""Rule D311: single gradients are far larger than usual."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import later, own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    median,
)

TIMES = 100.0
"""largest norm over the median; assumed (catalogue D23 has 10, which healthy runs exceed)."""


class GradientSpikes(Rule):
    """Single gradients are far larger than usual, late in the run.

    What it detects
    ---------------
    In the second half of the run the gradient's norm now and then exceeds a hundred times its median.

    Why it matters
    --------------
    One such step can undo thousands of others. It points at a batch that is not like the others, at a
    division by a small number, or at a loss without bound.

    How it decides
    --------------
    Among at least 50 norms of the second half of the run, some lie above 100 times the median of that half. A
    note.

    When it is wrong
    ----------------
    Sparse rewards make most gradients small and a few large by nature.

    What to do
    ----------
    Clip the gradient's norm; look at the batch that made the spike; use a Huber loss instead of a squared
    one.

    References
    ----------
    Pascanu et al. (2013); Zhang et al., Why gradient clipping accelerates training (2020).
    """

    code = "D311"
    since = "0.2"
    families = "any that logs or clips the gradient's norm"
    reads = {"gradient.total_norm": 100}
    status = "preview"
    causes = {
        "learning-rate-too-high": Likelihood(0.30, source="judgement"),
        "numerical-overflow": Likelihood(0.40, source="judgement"),
        "any fault": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.05, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["gradient.total_norm"]
        kept = later(one)
        if len(kept) < 50:
            raise CannotTell("fewer than 50 finite gradient norms in the second half of the run")
        usual, most = median(kept), float(kept.max())
        if not most > TIMES * usual > 0:
            return
        yield self.finding(
            view,
            f"the largest gradient norm of the second half of the run is {most:.3g}, {most / usual:.0f} times the "
            f"median ({usual:.3g}); the line is {TIMES:g} times",
            "note",
            own_evidence(view, one, most, TIMES * usual),
        )

    def fires_on(self) -> Iterable[Case]:
        """One spike, and several."""
        yield case("one", {"gradient.total_norm": [*[1.0] * 150, 4000.0, *[1.0] * 20]})
        yield case("several", {"gradient.total_norm": [*[0.01, 0.02] * 70, 50.0, *[0.01] * 20, 80.0]})

    def quiet_on(self) -> Iterable[Case]:
        """Usual spread, a spike at first, steady growth."""
        rng = np.random.default_rng(0)
        yield case("usual", {"gradient.total_norm": rng.lognormal(0, 0.8, 400)})
        yield case("at first", {"gradient.total_norm": [5000.0, *[1.0] * 200]})
        yield case("growth", {"gradient.total_norm": np.geomspace(0.01, 10, 300)})
