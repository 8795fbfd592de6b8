"""Rule D503: the parallel environments end their episodes in the same steps."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import Array, finite

TOGETHER = 0.8
"""share of the environments that end in one step; assumed (catalogue D32 has a χ² test)."""


class ResetsCluster(Rule):
    """The parallel environments end their episodes in the same steps.

    What it detects
    ---------------
    Most episodes of a vector environment end together with most of the others, throughout the run.

    Why it matters
    --------------
    Parallel environments are there to give a batch of unrelated states. If all are in the same phase of their
    episodes, a batch holds only beginnings, or only ends, and the value function forgets the rest.

    How it decides
    --------------
    Episodes that end within one vector step (environment steps no further apart than the number of
    environments) are one event. In the second half of the run the median event, weighted by episodes, holds
    at least 80 % of the environments (at least 4 of them). A note.

    When it is wrong
    ----------------
    Tasks with a fixed horizon and no early end do this by nature; it can be harmful there too, and is said as
    such.

    What to do
    ----------
    Start the environments at random times (a random number of steps at the first reset), or use a rollout
    length that is not a divisor of the episode's.

    References
    ----------
    Jones, Debugging RL (2021), on mixing times and staggered starts; Hwangbo et al. (2019).
    """

    code = "D503"
    since = "0.2"
    per = "env"
    families = "any RL with parallel environments"
    status = "preview"
    reads = {"env.episode_length": 40}
    causes = {
        "environments-identical": Likelihood(0.60, source="judgement"),
        "any fault": Likelihood(0.06, source="judgement"),
    }
    false_alarm = Likelihood(0.20, source="judgement: fixed horizons")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one, count = view["env.episode_length"], view.subject.info.get("num_envs")
        if not isinstance(count, int | float) or isinstance(count, bool) or count < 4:
            raise CannotTell("fewer than four parallel environments")
        half, steps = len(one) // 2, float(finite(one.y[1:]).sum())
        ends = one.x[half:]
        if not steps > 0 or not len(ends):
            raise CannotTell("no episode ended in the second half of the run")
        sizes = _events(ends, float(count) * float(one.x[-1] - one.x[0]) / steps)
        level = float(np.median(sizes)) / float(count)
        if level < TOGETHER:
            return
        yield self.finding(
            view,
            f"half of the episodes of `{view.subject.name}` end together with those of at least {level:.0%} of "
            f"its {count:.0f} environments; the line is {TOGETHER:.0%}",
            "note",
            own_evidence(view, one, level, TOGETHER),
        )

    def fires_on(self) -> Iterable[Case]:
        """All at once, and nearly all."""
        ends = np.repeat(np.arange(1, 13) * 1600.0, 8) + np.tile(np.arange(8.0), 12)
        yield case("all at once", {"env.episode_length": (ends, np.full(96, 200.0))}, info={"num_envs": 8})
        ends = np.repeat(np.arange(1, 31) * 800.0, 4) + np.tile(np.arange(4.0), 30)
        yield case("of four", {"env.episode_length": (ends, np.full(120, 200.0))}, info={"num_envs": 4})

    def quiet_on(self) -> Iterable[Case]:
        """Spread, pairs, and two environments."""
        rng = np.random.default_rng(0)
        yield case(
            "spread",
            {"env.episode_length": (np.cumsum(rng.integers(20, 400, 100)).astype(float), rng.integers(20, 400, 100))},
            info={"num_envs": 8},
        )
        ends = np.repeat(np.arange(1, 61) * 400.0, 2) + np.tile(np.arange(2.0), 60)
        yield case("pairs", {"env.episode_length": (ends, np.full(120, 200.0))}, info={"num_envs": 8})
        yield case(
            "one by one", {"env.episode_length": (np.arange(100) * 57.0, np.full(100, 200.0))}, info={"num_envs": 4}
        )


def _events(ends: Array, window: float) -> Array:
    """For each end, how many lie within one `window` with it, counted from the first of them."""
    sizes: list[int] = []
    start, count = 0.0, 0
    for at in ends.tolist():
        if count and at - start < window:
            count += 1
        else:
            sizes += [count] * count
            start, count = at, 1
    return np.array([*sizes, *[count] * count], dtype=np.float64)
