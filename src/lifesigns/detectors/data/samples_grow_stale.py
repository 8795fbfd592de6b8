"""Rule D607: what is learned from is made by ever older policies."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence, thirds
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import median, trend

TIMES = 2.0
"""times the lag of the first third; assumed (catalogue D31: a slope above 0)."""
OLD = 4.0
"""updates; assumed."""
RISING_Z = 3.0
"""z of the last third against the first; assumed (p = 0.001)."""


class SamplesGrowStale(Rule):
    """What is learned from is made by ever older policies.

    What it detects
    ---------------
    The logged lag between the policy that acted and the one that learns grows over the run.

    Why it matters
    --------------
    On-policy methods assume that data are of the current policy. A lag that grows means that actors do not keep up
    or no longer get new weights, and that corrections by importance weights fail at some point.

    How it decides
    --------------
    Median of the last third of at least 30 logged values: more than twice that of the first third, above 4 updates,
    and a Mann-Whitney z above 3. A note.

    When it is wrong
    ----------------
    Asynchronous designs with a lag that is bounded by configuration and reached late.

    What to do
    ----------
    Broadcast weights more often, fewer actors for each learner, limit the queue, drop samples that are too old.

    References
    ----------
    Espeholt et al., IMPALA (2018), on policy lag; Petrenko et al., Sample Factory (2020).
    """

    code = "D607"
    since = "0.2"
    status = "preview"
    families = "asynchronous actors and learners whose lag is logged"
    reads = {"learner.policy_lag": 30}
    causes = {
        "sampler-trainer-mismatch": Likelihood(0.30, source="judgement"),
        "any fault": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.03, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["learner.policy_lag"]
        first, last = (median(part) for part in thirds(one))
        if last != last:
            raise CannotTell("no finite value")
        if last <= max(TIMES * first, OLD) or trend(one.y) <= RISING_Z:
            return
        yield self.finding(
            view,
            f"the policy that acts lags {last:.3g} updates behind the one that learns; in the first third of the run "
            f"it was {first:.3g}",
            "note",
            own_evidence(view, one, last, max(TIMES * first, OLD)),
        )

    def fires_on(self) -> Iterable[Case]:
        """Steadily, and from the middle on."""
        yield case("steadily", {"learner.policy_lag": np.linspace(1, 40, 90)})
        yield case("from the middle on", {"learner.policy_lag": np.r_[np.full(50, 2.0), np.linspace(2, 60, 60)]})

    def quiet_on(self) -> Iterable[Case]:
        """Steady, small, falls."""
        yield case("steady", {"learner.policy_lag": np.tile([6.0, 8.0, 7.0], 20)})
        yield case("small", {"learner.policy_lag": np.linspace(0.5, 3, 60)})
        yield case("falls", {"learner.policy_lag": np.linspace(30, 5, 60)})
