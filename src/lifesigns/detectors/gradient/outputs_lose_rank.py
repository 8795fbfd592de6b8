"""Rule D321: the outputs of a hidden layer shrink to a few directions."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.returns import CLOCKS, GOING, going_well
from lifesigns.model import Evidence, Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import columns, finite, median

LOST = 0.25
"""effective rank at the end over that at the start; assumed (catalogue D51: half of the peak)."""
LOW = 0.05
"""share of the most that is possible; assumed (catalogue D51: a tenth)."""


class OutputsLoseRank(Rule):
    """The outputs of a hidden layer shrink to a few directions while training goes on.

    What it detects
    ---------------
    The effective rank of a layer's output over a batch falls to less than a quarter of what it was and below 5 % of
    what it could be.

    Why it matters
    --------------
    A layer whose outputs all lie along a few directions tells few inputs apart, and later targets cannot be fitted
    any more. Bootstrapped values are known to drive networks there.

    How it decides
    --------------
    Participation ratio (tr C)²/‖C‖² of the covariance C of at most 128 rows and units, over the most that rows
    and units allow. The median of the last third against that of the first, of at least 9 samples of a
    layer: below a quarter of it and below 0.05, while returns do not rise. A note.

    When it is wrong
    ----------------
    Tasks with few outputs, which need few directions: classifiers with two classes end at rank 1.

    What to do
    ----------
    Lower the learning rate, fewer updates for each step of the environment, layer normalisation, resets.

    References
    ----------
    Kumar et al., Implicit under-parameterization inhibits data-efficient deep RL (2021), which uses another rank
    (of 99 % of the singular values).
    """

    code = "D321"
    since = "0.2"
    status = "preview"
    families = "any RL"
    per = "network"
    reads = {"layer.effective_rank_share": 9}
    across = {**GOING, **CLOCKS}
    causes = {
        "network-loses-capacity": Likelihood(0.50, source="judgement"),
        "learning-rate-too-high": Likelihood(0.20, source="judgement"),
        "any fault": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.03, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["layer.effective_rank_share"]
        going = going_well(view)
        if going is None:
            raise CannotTell("no returns were seen: a classifier needs few directions")
        ranks = {name: kept for name, y in columns(one) if len(kept := finite(y)) >= 9}
        if not ranks:
            raise CannotTell("no layer has nine samples of its rank")
        lost = {name: (median(y[: len(y) // 3]), median(y[-(len(y) // 3) :])) for name, y in ranks.items()}
        lost = {name: (a, b) for name, (a, b) in lost.items() if b < LOST * a and b < LOW}
        if not lost or going:
            return
        name, (first, last) = min(lost.items(), key=lambda item: item[1][1])
        yield self.finding(
            view,
            f"the outputs of {len(lost)} of {len(ranks)} layers of `{view.subject.name}` lie along few directions: the "
            f"effective rank of `{name}` fell from {first:.0%} to {last:.1%} of what it could be",
            "note",
            [Evidence(one.name, view.subject.id, last, LOW, one.unit, one.clock, float(one.x[-1]), name)],
        )

    def fires_on(self) -> Iterable[Case]:
        """One layer, and two of three."""
        flat = {"env.episode_return": [10.0, 11.0] * 30}
        yield case("one", {"layer.effective_rank_share": np.geomspace(0.4, 0.01, 30)[:, None], **flat})
        steps = np.geomspace(0.3, 0.005, 30)
        yield case("two of three", {"layer.effective_rank_share": np.c_[steps, steps / 2, np.full(30, 0.2)], **flat})

    def quiet_on(self) -> Iterable[Case]:
        """Steady, low from the start, falls and the return rises."""
        flat = {"env.episode_return": [10.0, 11.0] * 30}
        yield case("steady", {"layer.effective_rank_share": np.full((30, 1), 0.2), **flat})
        yield case("low", {"layer.effective_rank_share": np.full((30, 1), 0.03), **flat})
        rising = {"env.episode_return": np.linspace(0, 100, 60)}
        yield case("rising", {"layer.effective_rank_share": np.geomspace(0.4, 0.01, 30)[:, None], **rising})
