"""Rule D403: returns that the agent sees order episodes differently from the raw ones."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    constant,
)

ALIKE, UNLIKE = 0.8, 0.3
"""rank correlation for a note, for a warning; assumed (catalogue D38 has 0.9)."""


class RewardWrapperLosesTheOrder(Rule):
    """The returns that the agent sees do not order episodes as the environment's own returns do.

    What it detects
    ---------------
    The rank correlation between the returns after the reward wrappers and those before them is low.

    Why it matters
    --------------
    Clipping and normalising are meant to leave the order of episodes alone. Where they do not, the agent
    optimises something else than what is reported.

    How it decides
    --------------
    Spearman correlation over at least 40 episodes with both returns, where both vary: below 0.8 a note, below
    0.3 a warning.

    When it is wrong
    ----------------
    Normalisation by a running deviation changes scale over time, so that early and late episodes are not
    comparable: only the last half is used. Atari's sign clipping is usual.

    What to do
    ----------
    Clip less, scale instead of clipping, and look at two episodes that swapped places.

    References
    ----------
    Mnih et al. (2015) on clipped rewards; van Hasselt et al., Learning values across many orders of magnitude
    (2016).
    """

    code = "D403"
    since = "0.2"
    per = "env"
    families = "any RL with reward wrappers"
    reads = {"env.episode_return": 40, "env.episode_raw_return": 40}
    causes = {
        "reward-misspecified": Likelihood(0.30, source="judgement"),
        "reward-carries-no-signal": Likelihood(0.40, source="what a wrapper takes away"),
        "any fault": Likelihood(0.01, source="judgement"),
    }
    false_alarm = Likelihood(0.0079, "measured", "0 of 62 healthy runs, benchmarks/atlas")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        seen, raw = view["env.episode_return"], view["env.episode_raw_return"]
        _, here, there = np.intersect1d(seen.x, raw.x, return_indices=True)
        pairs = np.c_[seen.y[here], raw.y[there]]
        pairs = pairs[np.isfinite(pairs).all(axis=1)]
        pairs = pairs[len(pairs) // 2 :]
        if len(pairs) < 20 or constant(pairs[:, 0]) or constant(pairs[:, 1]):
            raise CannotTell(
                "fewer than 20 episodes with both returns in the second half of the run, or returns that are all equal"
            )
        rank = [np.argsort(np.argsort(pairs[:, i])) for i in (0, 1)]
        level = float(np.corrcoef(rank[0], rank[1])[0, 1])
        if level >= ALIKE:
            return
        yield self.finding(
            view,
            f"the rank correlation of the returns that the agent sees in `{view.subject.name}` with the "
            f"environment's own is {level:.2f} over {len(pairs)} episodes; the line is {ALIKE:g}",
            "warning" if level < UNLIKE else "note",
            own_evidence(view, raw, level, ALIKE),
        )

    def fires_on(self) -> Iterable[Case]:
        """Clipped to a sign that does not follow, and reversed."""
        rng = np.random.default_rng(0)
        raw = rng.normal(0, 1, 200)
        yield case("unrelated", {"env.episode_return": rng.normal(0, 1, 200), "env.episode_raw_return": raw})
        yield case("reversed", {"env.episode_return": -raw, "env.episode_raw_return": raw})

    def quiet_on(self) -> Iterable[Case]:
        """Scaled, clipped a little, and alike."""
        rng = np.random.default_rng(1)
        raw = rng.normal(0, 1, 200)
        yield case("scaled", {"env.episode_return": raw * 0.01, "env.episode_raw_return": raw})
        yield case("clipped", {"env.episode_return": np.clip(raw, -1.5, 1.5), "env.episode_raw_return": raw})
        yield case("alike", {"env.episode_return": raw, "env.episode_raw_return": raw})
