"""Rule D116: single episodes are far better than the mean, which does not rise."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence, thirds
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    mann_whitney,
)

APART = 0.75
"""(best − mean) / (best − worst); assumed (catalogue D29 has 0.6)."""
RISES_Z = 2.0
"""z of the last third against the first; assumed."""


class BestEpisodesNeverConsolidate(Rule):
    """Single episodes are far better than the mean, and the mean does not rise towards them.

    What it detects
    ---------------
    The best recent episode lies far above the mean of its neighbours, again and again, while the mean stays
    where it is.

    Why it matters
    --------------
    The agent finds good behaviour and does not learn it: too little signal in each batch, steps that undo
    each other, or luck in the environment that no policy controls.

    How it decides
    --------------
    Over the last third of at least 60 episodes: (best − mean) / (best − worst) above 0.75, and no trend of
    the returns. Always a note.

    When it is wrong
    ----------------
    Heavy-tailed tasks, in which luck makes the best episodes. It is why this check is not more than a note.

    What to do
    ----------
    Use larger batches, look at whether advantages tell these episodes apart, and at how much of the return
    luck decides (several runs of one policy).

    References
    ----------
    Schulman, The nuts and bolts of deep RL research (2016), on minimum and maximum returns.
    """

    code = "D116"
    since = "0.2"
    per = "env"
    families = "any RL"
    status = "preview"
    reads = {"env.episode_return": 60}
    causes = {
        "learning-rate-too-low": Likelihood(0.20, source="judgement"),
        "too-little-training": Likelihood(0.20, source="judgement"),
        "any fault": Likelihood(0.15, source="judgement"),
    }
    false_alarm = Likelihood(0.15, source="judgement: heavy-tailed tasks")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["env.episode_return"]
        first, last = thirds(one)
        if len(last) < 20:
            raise CannotTell("fewer than 20 finite returns in the last third of the run")
        best, worst, mean = float(last.max()), float(last.min()), float(last.mean())
        apart = (best - mean) / (best - worst) if best > worst else 0.0
        if not apart > APART or mann_whitney(last, first)[0] > RISES_Z:
            return
        yield self.finding(
            view,
            f"the best of the last {len(last)} episodes in `{view.subject.name}` returns {best:.4g}, their mean "
            f"is {mean:.4g} and the worst {worst:.4g}; the mean does not rise",
            "note",
            own_evidence(view, one, apart, APART),
        )

    def fires_on(self) -> Iterable[Case]:
        """Rare good episodes, and one in ten."""
        yield case("rare", {"env.episode_return": [*[0.0] * 19, 10.0] * 5})
        yield case("one in ten", {"env.episode_return": [*[1.0, 1.5, 1.2] * 3, 40.0] * 10})

    def quiet_on(self) -> Iterable[Case]:
        """Even spread, a rising mean, and a constant."""
        yield case("even", {"env.episode_return": np.tile(np.linspace(0, 10, 11), 10)})
        yield case("rising", {"env.episode_return": np.linspace(0, 10, 100)})
        yield case("constant", {"env.episode_return": np.zeros(90)})
