"""Rule D113: returns have fallen far from their own peak."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence, smoothed
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    finite,
    mann_whitney,
)

FELL = 0.5
"""share of the gain that is lost; measured on 1,800 healthy curves (benchmarks/atlas)."""
CLEAR_Z = 3.29
"""z of the best window against the last, p = 0.0005; assumed: the best of 40 windows is not a random one."""


class ReturnFallsFromItsPeak(Rule):
    """Returns have fallen far from the best that this run has reached.

    What it detects
    ---------------
    The mean return of the last episodes lies far below the highest mean that a window of the same size
    reached, measured against what the run had gained by then.

    Why it matters
    --------------
    A run that was good and is no longer has lost something: a learning rate that is too high for the later
    phase, a buffer that forgot, a network that cannot learn any more. The last checkpoint is not the best
    one.

    How it decides
    --------------
    Smoothed over windows of a twentieth of the episodes: (peak − end) / (peak − start), where the start is
    the random policy's mean if known, else the first window's, and the peak window is clearly above the last
    one (Mann-Whitney z beyond 3.29). A note above 0.5, a warning never: of 1,800
    healthy Atari curves 6 % end like this (9 % above 0.25), of 25 MuJoCo curves none (benchmarks/atlas).

    When it is wrong
    ----------------
    Healthy value-based runs do this often. Exploration that rises again, tasks that get harder.

    What to do
    ----------
    Keep the best checkpoint by evaluation. Lower the learning rate towards the end, use more target
    smoothing, or a larger buffer.

    References
    ----------
    Measured on the public curves of Dopamine (Castro et al. 2018), see benchmarks/atlas.
    """

    code = "D113"
    since = "0.2"
    per = "env"
    families = "any RL"
    reads = {"env.episode_return": 100}
    may_read = {"baseline.random_return": 20}
    causes = {
        "learning-rate-too-high": Likelihood(0.35, source="judgement"),
        "value-estimates-diverge": Likelihood(0.35, source="judgement"),
        "network-loses-capacity": Likelihood(0.50, source="judgement"),
        "any fault": Likelihood(0.12, source="judgement"),
    }
    false_alarm = Likelihood(0.061, "measured", "1,800 public Atari curves, benchmarks/atlas")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one, random = view["env.episode_return"], view.get("baseline.random_return")
        values = finite(one.y)
        means = smoothed(values)
        if len(means) < 5:
            raise CannotTell("fewer than five windows of finite returns")
        start = float(finite(random.y).mean()) if random is not None and len(finite(random.y)) else float(means[0])
        best, width = int(np.argmax(means)), max(len(values) // 20, 10)
        step = max(width // 2, 1)
        gain = float(means[best]) - start
        if best == len(means) - 1 or not gain > 0:
            return
        lost = (float(means[best]) - float(means[-1])) / gain
        z, _ = mann_whitney(values[best * step : best * step + width], values[-width:])
        if not (lost > FELL and z > CLEAR_Z):
            return
        yield self.finding(
            view,
            f"returns in `{view.subject.name}` fell from a mean of {means[best]:.4g} (best of {len(means)} "
            f"windows) to {means[-1]:.4g} at the end: {lost:.0%} of the gain is lost; the line is {FELL:.0%}",
            "note",
            own_evidence(view, one, float(means[-1]), float(means[best]) - FELL * gain),
        )

    def fires_on(self) -> Iterable[Case]:
        """A collapse, and a slow decline."""
        rng = np.random.default_rng(0)
        yield case(
            "collapse",
            {"env.episode_return": np.r_[np.linspace(10, 200, 200), np.full(200, 15.0)] + rng.normal(0, 5, 400)},
        )
        yield case(
            "slow decline",
            {"env.episode_return": np.r_[np.linspace(0, 100, 100), np.linspace(100, 20, 200)] + rng.normal(0, 5, 300)},
        )

    def quiet_on(self) -> Iterable[Case]:
        """Rising, noise around a level, and a dip that heals."""
        rng = np.random.default_rng(1)
        yield case("rising", {"env.episode_return": np.linspace(0, 100, 300) + rng.normal(0, 5, 300)})
        yield case("level", {"env.episode_return": rng.normal(20, 10, 400)})
        dip = np.r_[np.linspace(0, 100, 200), np.full(50, 30.0), np.full(150, 95.0)]
        yield case("dip", {"env.episode_return": dip + rng.normal(0, 5, 400)})
