"""Rule D204: targets of time-limit steps in sampled batches are the bare reward."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.model import Evidence, Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import constant, finite

FEWEST_BARE = 3
"""rows, so that a coincidence of two floating-point numbers is out of the question; assumed."""
FEWEST_BATCHES = 2
"""batches with such a row: before its first update a zero-initialised network bootstraps with 0; assumed."""
FEWEST_EXPECTED = 3.0
"""time-limit rows expected in the batches that were looked at, before their absence means anything;
assumed."""


class TimeLimitTargetNotBootstrapped(Rule):
    """The target of a transition that a time limit cut off is its bare reward.

    What it detects
    ---------------
    In sampled batches, rows of the target are equal to the bare reward of a step at which a time limit cut
    an episode off, and to that of no step that truly ended one. The value of what follows was masked away.

    Why it matters
    --------------
    The agent is told that the world ends at an instant that it cannot see. On Pendulum with a learned
    Q-function this slip alone took successful runs from 37 of 40 to 25 of 40.

    How it decides
    --------------
    At least 3 such rows in at least 2 batches; exact, as floating-point targets do not equal rewards by
    chance. It is clear only if at least 3 time-limit rows are expected among those looked at.

    When it is wrong
    ----------------
    Where the limit is part of the task and the remaining time is observed, the bare reward is right. Where
    all rewards are equal (CartPole) a time-limit step cannot be told from a terminated one, and the rule is
    blind.

    What to do
    ----------
    Store `terminated`, not `terminated or truncated`, as the mask of the bootstrap; with vector
    environments also store the true last observation, not the first of the next episode.

    References
    ----------
    Pardo et al., Time limits in reinforcement learning (arXiv:1712.00378); Gymnasium's documentation of
    `terminated` and `truncated`.
    """

    code = "D204"
    since = "0.1"
    families = "value-based and off-policy actor-critic"
    per = "loss"
    reads = {"bootstrap.bare_rows": 3, "bootstrap.rows": 3}
    across = {
        "env.episode_truncated": 1,
        "env.episode_length": 1,
        "env.reward_min": 1,
        "env.reward_max": 1,
    }
    causes = {
        "time-limit-treated-as-terminal": Likelihood(0.80, source="off-policy share of the cause, judgement"),
        "any fault": Likelihood(0.02, source="many scripts have this defect beside another"),
    }
    false_alarm = Likelihood(0.002, source="exact")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["bootstrap.bare_rows"]
        bare, rows = finite(one.y), finite(view["bootstrap.rows"].y)
        found, batches = float(bare.sum()), int((bare > 0).sum())
        if found >= FEWEST_BARE and batches >= FEWEST_BATCHES:
            yield self.finding(
                view,
                f"{found:.0f} of {rows.sum():.0f} sampled targets of `{view.subject.name}`, in {batches} "
                "batches, equal the bare reward of a step at which a time limit cut the episode off",
                "error",
                [Evidence(one.name, view.subject.id, found, 0.0, "rows", one.clock, float(one.x[-1]))],
                exact=True,
            )
        elif _one_reward(view):
            raise CannotTell("all rewards are equal, so that a time-limit step looks like a terminated one")
        elif _expected_rows(view, float(rows.sum())) < FEWEST_EXPECTED:
            raise CannotTell("too few time-limit steps are expected in the batches that were looked at")

    def fires_on(self) -> Iterable[Case]:
        """A few rows in each batch, and rows in two batches only."""
        yield case("in each batch", {"bootstrap.bare_rows": [1.0, 2.0, 0.0, 1.0], "bootstrap.rows": [256.0] * 4})
        yield case("in two", {"bootstrap.bare_rows": [0.0, 2.0, 0.0, 1.0], "bootstrap.rows": [128.0] * 4})

    def quiet_on(self) -> Iterable[Case]:
        """No such row, one coincidence, and a first update of a network that is still zero."""
        limits = {"env.episode_truncated": [1.0] * 20, "env.episode_length": [200.0] * 20}
        rows = {"bootstrap.rows": [256.0] * 20, **limits}
        yield case("none", {"bootstrap.bare_rows": [0.0] * 20, **rows})
        yield case("one coincidence", {"bootstrap.bare_rows": [*[0.0] * 19, 1.0], **rows})
        yield case("zero-initialised", {"bootstrap.bare_rows": [5.0, *[0.0] * 19], **rows})


def _expected_rows(view: View, rows: float) -> float:
    cut = sum(float(np.sum(finite(s.y))) for _, s in view.across("env.episode_truncated"))
    steps = sum(float(np.sum(finite(s.y))) for _, s in view.across("env.episode_length"))
    return rows * cut / steps if steps > 0 else 0.0


def _one_reward(view: View) -> bool:
    known = [s.y for name in ("env.reward_min", "env.reward_max") for _, s in view.across(name)]
    return bool(known) and constant(np.concatenate(known))
