"""Rule D106: the standard deviation of a Gaussian policy drifts to zero early in the run."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.policies import require_policy
from lifesigns.detectors.returns import GOING, going_well
from lifesigns.model import Evidence, Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import columns, finite, first_share, median

NARROW = 0.01
"""standard deviation, in units of the policy's own output; assumed (healthy SAC and PPO keep 0.1 and
more)."""
FALLEN_TO = 0.05
"""share of the first standard deviation that is left; assumed."""
EARLY = 0.25
"""share of the run's environment steps; assumed (catalogue D11)."""
FEWEST_EARLY = 4
"""samples in that share, of which the later half must lie below the line; assumed."""


class GaussianStdCollapse(Rule):
    """The standard deviation of a Gaussian policy drifts to zero before a quarter of the run is over.

    What it detects
    ---------------
    Every component of the policy's standard deviation falls below 0.01 and below a twentieth of its first
    value within the first quarter of the environment steps, and stays there.

    Why it matters
    --------------
    Without noise in its actions a stochastic policy stops exploring, and the log-probabilities of nearby
    actions become so steep that a single update can ruin it.

    How it decides
    --------------
    The largest component's median over the later half of the first quarter, and over the rest of the run. A
    note where returns rise or are far above those of random actions, or were not seen; a warning otherwise.

    When it is wrong
    ----------------
    Actions measured in very small units. A schedule that lowers the noise on purpose.

    What to do
    ----------
    Check the sign of the entropy bonus and the learning rate; for SAC check the target entropy (minus the
    number of action components by default) and that the temperature is updated.

    References
    ----------
    Haarnoja et al., Soft actor-critic algorithms and applications (arXiv:1812.05905), section 5; Jones,
    Debugging RL, without the agonizing pain (2021).
    """

    code = "D106"
    since = "0.1"
    families = "policy gradient with a Gaussian policy"
    per = "policy"
    reads = {"policy.std": 20}
    across = GOING
    causes = {
        "premature-determinism": Likelihood(0.70, source="the definition of the cause, continuous form"),
        "learning-rate-too-high": Likelihood(0.20, source="judgement"),
        "objective-sign-flipped": Likelihood(0.25, source="a flipped entropy bonus narrows the policy"),
        "any fault": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        require_policy(view)
        one = view["policy.std"]
        early = np.flatnonzero(first_share(one, EARLY))
        if len(early) < FEWEST_EARLY:
            raise CannotTell(f"{len(early)} samples in the first quarter of the run, {FEWEST_EARLY} needed")
        start = early[len(early) // 2]
        parts = [y for _, y in columns(one) if len(finite(y[start:]))]
        if not parts:
            raise CannotTell("no finite standard deviation")
        level = max(max(median(y[start : early[-1] + 1]), median(y[start:])) for y in parts)
        fallen = all(median(y[start:]) < FALLEN_TO * median(y[:1]) for y in parts)
        if not (level < NARROW and fallen):
            return
        at = float(one.x[start])
        yield self.finding(
            view,
            f"standard deviation of the policy `{view.subject.name}` is {level:.2g} by environment step "
            f"{at:.0f} and stays there, from {median(one.y[0]):.2g} at first; the line is {NARROW:g}",
            "warning" if going_well(view) is False else "note",
            [Evidence("policy.std", view.subject.id, level, NARROW, "", one.clock, at)],
        )

    def fires_on(self) -> Iterable[Case]:
        """Falls at once, in one and in three components."""
        stuck = {"env.episode_return": [-1200.0, -1250.0] * 30}
        yield case("one component", {"policy.std": [[1.0], [0.3], [0.05], *[[0.002]] * 37], **stuck})
        yield case("three components", {"policy.std": [[0.6] * 3, [0.1] * 3, *[[1e-4] * 3] * 38]})

    def quiet_on(self) -> Iterable[Case]:
        """Healthy curves, one narrow component of two, and a policy that is narrow from the start."""
        yield case("slow decline", {"policy.std": np.linspace(1.0, 0.1, 40)[:, None]})
        yield case("one component of two", {"policy.std": [[1.0, 1.0], *[[0.5, 1e-3]] * 39]})
        yield case("narrow by choice", {"policy.std": np.full((40, 1), 0.005)})
