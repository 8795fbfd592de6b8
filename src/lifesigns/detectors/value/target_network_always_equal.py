"""Rule D203: a target network is the same as its online network, or within an update of it, at all times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import nan

import numpy as np

from lifesigns.model import Evidence, Finding, Series, Severity
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import Array, median

CLOSE_UPDATES = 1.5
"""distance in typical updates; arithmetic: a copy made at each step is 1 update behind when it is looked at
after the step, a Polyak average with τ = 0.995 as well, with τ = 0.05 it is 3 to 20 and with τ = 0.005 it is
10 to 200."""
SHORT_INTERVAL = 10
"""updates; samples that lie a multiple of this or less apart cannot hide a copy interval that is sensible;
assumed."""
FEWEST_MOVED = 5
"""samples before which the online network had changed; assumed."""


class TargetNetworkAlwaysEqual(Rule):
    """The target network equals its online network, or is within an update of it, at every sample.

    What it detects
    ---------------
    The distance between a network and its target copy is exactly 0 at every sample, or typically no more
    than what a single update changes, although the network is trained. Either both names hold the same
    object (`target = q`), the copy is made at every step, or τ and 1 − τ are exchanged.

    Why it matters
    --------------
    A target that moves with the estimate is no target: bootstrapped values chase themselves, and learning
    becomes unstable or diverges. This is what target networks were introduced against.

    How it decides
    --------------
    Distance 0 at all samples while the online network changes: an error, and exact, if both are one object
    or the gaps between the samples have no common divisor. Otherwise the median distance against the median
    relative update of the optimiser that holds the online network: a warning below 1.5 updates. A note
    where all samples lie a multiple of more than 10 updates apart, as copies made at such an interval look
    the same.

    When it is wrong
    ----------------
    A second handle on the same network, kept for convenience. Methods that need no target network copy it
    for nothing. Some methods (CrossQ, streaming TD) work without the delay on purpose.

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
    families = "methods with a target network"
    per = "target"
    reads = {"target.distance": FEWEST_MOVED, "target.online_change": FEWEST_MOVED}
    across = {"optimizer.update_norm": 5, "optimizer.parameter_norm": 5}
    causes = {
        "target-network-copied-every-step": Likelihood(0.95, source="the definition of the cause"),
        "any fault": Likelihood(0.005, source="near exact"),
    }
    false_alarm = Likelihood(0.004, source="judgement: copies of other purpose")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        distance = _while_moving(view["target.distance"], view["target.online_change"])
        same, updates = bool(np.all(distance.y == 0)), _updates_apart(view, distance)
        if not (same or updates < CLOSE_UPDATES):
            return
        name, gap = view.subject.name, _common_gap(distance)
        aliased = bool(view.subject.info.get("aliased"))
        exact = same and (aliased or gap == 1)
        severity: Severity = "error" if exact else "warning" if gap <= SHORT_INTERVAL else "note"
        what = "equals its online network" if same else f"is typically {updates:.1f} updates from its online network"
        yield self.finding(
            view,
            f"target network `{name}` {what} at {len(distance)} samples while that network changes"
            + ("; both are one object" if aliased else _apart(gap)),
            severity,
            [
                Evidence(
                    "target.distance",
                    view.subject.id,
                    median(distance.y),
                    0.0 if same else None,
                    "share",
                    distance.clock,
                    float(distance.x[-1]),
                )
            ],
            exact=exact,
        )

    def fires_on(self) -> Iterable[Case]:
        """One object under two names, τ = 1, samples in step with a possible copy, and τ = 0.995."""
        same = {"target.distance": np.zeros(8), "target.online_change": np.ones(8)}
        yield case("one object", same, info={"aliased": True})
        yield case("τ = 1", same, x=np.array([0, 3, 8, 10, 17, 21, 30, 31]))
        yield case("samples in step", same, x=np.arange(8) * 16)
        yield case(
            "τ = 0.995",
            {"target.distance": np.full(8, 0.0101), "target.online_change": np.ones(8), **_STEPS},
            info=_HELD,
        )

    def quiet_on(self) -> Iterable[Case]:
        """Equal at first, equal after each hard update, and Polyak averages fast and slow."""
        online = {"target.online_change": np.ones(8)}
        yield case("equal at first only", {"target.distance": [0.0, *np.linspace(0.01, 0.1, 7)], **online})
        yield case("hard updates", {"target.distance": [0.0, 0.01] * 4, **online})
        yield case("τ = 0.05", {"target.distance": np.full(8, 0.033), **online, **_STEPS}, info=_HELD)
        yield case("τ = 0.005", {"target.distance": np.full(8, 0.1), **online, **_STEPS}, info=_HELD)


def _while_moving(distance: Series, online: Series) -> Series:
    """The samples before which the online network had changed. Raises `CannotTell` where they are too few."""
    moved = np.isin(distance.x, online.x[online.y > 0])
    if moved.sum() < FEWEST_MOVED:
        raise CannotTell(f"the online network had changed at {int(moved.sum())} samples, {FEWEST_MOVED} needed")
    return replace(distance, x=distance.x[moved], y=distance.y[moved])


def _common_gap(one: Series) -> int:
    gaps = np.diff(np.unique(np.round(one.x))).astype(np.int64)
    return int(np.gcd.reduce(gaps)) if len(gaps) else 0


def _apart(gap: int) -> str:
    return f"; all samples lie a multiple of {gap} updates apart" if gap > 1 else ""


def _updates_apart(view: View, distance: Series) -> float:
    """Median distance in updates of the optimiser that holds the online network; NaN where it is not known.

    The optimiser counts its own steps, the target those of all; they are matched by their share of the run.
    """
    held = view.subject.info.get("online")
    norms = {s.id: one for s, one in view.across("optimizer.parameter_norm")}
    for subject, update in view.across("optimizer.update_norm"):
        if held is not None and held in (subject.info.get("networks") or ()) and subject.id in norms:
            norm = norms[subject.id]
            shares = _totals(update) / np.interp(update.x, norm.x, _totals(norm))
            return median(distance.y / np.interp(_progress(distance), _progress(update), shares))
    return nan


def _progress(one: Series) -> Array:
    return one.x / max(float(np.abs(one.x).max()), 1.0)


def _totals(one: Series) -> Array:
    """‖·‖ of all columns together at each sample, shape [n]."""
    return np.sqrt(np.square(one.y.reshape(len(one), -1)).sum(axis=1))


_STEPS = {"optimizer.update_norm": np.full((8, 2), 0.01), "optimizer.parameter_norm": np.ones((8, 2))}
_HELD = {"online": "network/0", "networks": ["network/0"]}
