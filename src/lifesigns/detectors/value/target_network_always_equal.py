"""Rule D203: a target network is the same as its online network at all times."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.statistics import finite
from lifesigns.model import Evidence, Finding, Series, Severity
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case


class TargetNetworkAlwaysEqual(Rule):
    """The target network equals its online network at every sample while the online network changes.

    What it detects
    ---------------
    The distance between a network and its target copy is exactly 0 at every sample, although the network is
    trained. Either both names hold the same object (`target = q`), or the copy is made at every step (τ =
    1).

    Why it matters
    --------------
    A target that moves with the estimate is no target: bootstrapped values chase themselves, and learning
    becomes unstable or diverges. This is what target networks were introduced against.

    How it decides
    --------------
    Distance 0 at all samples while the online network changes. Exact if both are one object, or if the
    samples cannot all fall right after a copy because the gaps between them have no common divisor. A note
    otherwise: copies made every k updates look the same to samples taken every k updates.

    When it is wrong
    ----------------
    A second handle on the same network, kept for convenience. Methods that need no target network copy it
    for nothing.

    What to do
    ----------
    Make the copy with `copy.deepcopy` or a second constructor and `load_state_dict`; check τ (0.005, not
    0.995) and the direction of the Polyak average.

    References
    ----------
    Mnih et al., Human-level control through deep reinforcement learning (Nature 518, 2015); Lillicrap et
    al. (arXiv:1509.02971).
    """

    code = "D203"
    since = "0.1"
    per = "target"
    reads = {"target.distance": 5, "target.online_change": 5}
    causes = {
        "target-network-copied-every-step": Likelihood(0.95, source="the definition of the cause"),
        "any fault": Likelihood(0.005, source="exact"),
    }
    false_alarm = Likelihood(0.004, source="judgement: copies of other purpose")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        distance, online = view["target.distance"], view["target.online_change"]
        if not finite(online.y).any():
            raise CannotTell("the online network did not change")
        if not np.all(distance.y == 0):
            return
        aliased = bool(view.subject.info.get("aliased"))
        gap = _common_gap(distance)
        severity: Severity = "error" if aliased or gap == 1 else "note"
        how = (
            "both are one object"
            if aliased
            else "the gaps between the samples have no common divisor"
            if gap == 1
            else f"all samples lie a multiple of {gap} updates apart, as copies may"
        )
        yield self.finding(
            view,
            f"target network `{view.subject.name}` equals its online network at all {len(distance)} samples "
            f"while that network changes; {how}",
            severity,
            [
                Evidence(
                    "target.distance",
                    view.subject.id,
                    0.0,
                    0.0,
                    "share",
                    distance.clock,
                    float(distance.x[-1]),
                )
            ],
            exact=severity == "error",
        )

    def fires_on(self) -> Iterable[Case]:
        """One object under two names, τ = 1 and samples in step with a possible copy."""
        same = {"target.distance": np.zeros(8), "target.online_change": np.ones(8)}
        yield case("one object", same, info={"aliased": True})
        yield case("τ = 1", same, x=np.array([0, 3, 8, 10, 17, 21, 30, 31]))
        yield case("samples in step", same, x=np.arange(8) * 16)

    def quiet_on(self) -> Iterable[Case]:
        """Equal at first, equal after each hard update, and a fast Polyak average."""
        online = {"target.online_change": np.ones(8)}
        yield case("equal at first only", {"target.distance": [0.0, *np.linspace(0.01, 0.1, 7)], **online})
        yield case("hard updates", {"target.distance": [0.0, 0.01] * 4, **online})
        yield case("large τ", {"target.distance": np.full(8, 1e-7), **online})


def _common_gap(one: Series) -> int:
    gaps = np.diff(np.unique(np.round(one.x))).astype(np.int64)
    return int(np.gcd.reduce(gaps)) if len(gaps) else 0
