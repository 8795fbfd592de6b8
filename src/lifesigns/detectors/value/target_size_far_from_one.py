"""Rule D205: targets of the value function are far larger or smaller than networks learn well."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import later, own_evidence, training_returns
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    median,
)

SMALL, LARGE = 0.01, 100.0
"""size of a target; assumed (catalogue D07 has 0.1 and 10, which healthy CartPole and Pendulum runs leave)."""


class TargetSizeFarFromOne(Rule):
    """The targets of the value function are far larger, or far smaller, than what a network learns well.

    What it detects
    ---------------
    The targets in the batches of the value loss have sizes beyond 100, or below 0.01, through the second half
    of the run.

    Why it matters
    --------------
    A freshly initialised network puts out values around 1 and moves them by its learning rate. Targets of
    some hundreds take it long to reach, their errors swamp every other term of the loss, and a clipped
    gradient then says little but a direction.

    How it decides
    --------------
    Median over the second half of the sampled batches of the largest |target| in a batch: above 100 or below
    0.01. A note.

    When it is wrong
    ----------------
    Many tasks are learned with large values all the same (Pendulum's are in the hundreds), only more slowly.
    Targets that are normalised or categorical are not seen as they are.

    What to do
    ----------
    Scale rewards by a constant (or their running standard deviation), so that returns lie within about ±10;
    or lower the discount.

    References
    ----------
    Jones, Debugging RL (2021); Henderson et al., Deep reinforcement learning that matters (2018), on reward
    scale; Islam et al. (2017).
    """

    code = "D205"
    since = "0.2"
    per = "loss"
    families = "any with a value function and a squared or Huber loss"
    status = "preview"
    reads = {"loss.target_max_abs": 8}
    across = {"env.episode_return": 1}
    causes = {
        "value-estimates-diverge": Likelihood(0.60, source="judgement"),
        "any fault": Likelihood(0.10, source="judgement"),
    }
    false_alarm = Likelihood(0.30, source="judgement: Pendulum")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["loss.target_max_abs"]
        if training_returns(view) is None:
            raise CannotTell("no training episode was seen: the loss may be no value function's")
        level = median(later(one))
        if level != level:
            raise CannotTell("no finite target in the second half of the run")
        if SMALL <= level <= LARGE:
            return
        limit = LARGE if level > LARGE else SMALL
        yield self.finding(
            view,
            f"the largest target in a batch of the loss `{view.subject.name}` has a size of {level:.3g} (median "
            f"of the second half of the run); the line is {limit:g}",
            "note",
            own_evidence(view, one, level, limit),
        )

    def fires_on(self) -> Iterable[Case]:
        """Far too large, and far too small."""
        yield case("large", {"loss.target_max_abs": np.full(20, 4000.0), "env.episode_return": [1.0, 2.0]})
        yield case("small", {"loss.target_max_abs": np.full(20, 1e-4), "env.episode_return": [1.0, 2.0]})

    def quiet_on(self) -> Iterable[Case]:
        """About one, some tens, large only at first."""
        given = {"env.episode_return": [1.0, 2.0]}
        yield case("about one", {"loss.target_max_abs": np.full(20, 1.3), **given})
        yield case("some tens", {"loss.target_max_abs": np.full(20, 60.0), **given})
        yield case("at first", {"loss.target_max_abs": np.geomspace(1e4, 3.0, 40), **given})
