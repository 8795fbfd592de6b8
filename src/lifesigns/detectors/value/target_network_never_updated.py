"""Rule D202: a target network keeps its first values while the online network learns."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.model import Evidence, Finding, Severity
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import finite

FEWEST_UPDATES = 100
"""optimiser steps of the online network before a still target means anything; assumed."""
PROVEN_UPDATES = 3000
"""optimiser steps; the default intervals of Stable-Baselines3 and Dopamine are 2,500 and 2,000 (their
documentation). Nature DQN's is 10,000."""


class TargetNetworkNeverUpdated(Rule):
    """The target network never changes while its online network does.

    What it detects
    ---------------
    The parameters of a target network are bit for bit the same at all samples of the run, while those of
    the network that it is a copy of change.

    Why it matters
    --------------
    The value function is fitted to targets made from random weights. It converges to one step of lookahead
    from noise and then stops improving.

    How it decides
    --------------
    The copy's change is exactly 0 at every sample and the online network's is not, over at least 100
    optimiser steps. An error from 3,000 steps on; below, a note, as a hard update may still be due.

    When it is wrong
    ----------------
    Runs shorter than a long interval (Nature DQN: 10,000 updates). A copy kept for another purpose, such as
    the best model so far or a frozen reference policy.

    What to do
    ----------
    Call the update of the target (`load_state_dict` or the Polyak step) inside the training loop, and check
    the modulo condition that guards it: counters that never meet it are the usual reason.

    References
    ----------
    Mnih et al., Human-level control through deep reinforcement learning (Nature 518, 2015); Lillicrap et
    al. (arXiv:1509.02971).
    """

    code = "D202"
    since = "0.1"
    families = "methods with a target network"
    per = "target"
    reads = {"target.change": 5, "target.online_change": 5}
    may_read = {"target.distance": 1}
    causes = {
        "target-network-not-updated": Likelihood(0.95, source="the definition of the cause"),
        "any fault": Likelihood(0.005, source="exact"),
    }
    false_alarm = Likelihood(0.005, source="judgement: runs shorter than the update interval")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        copy, online = view["target.change"], view["target.online_change"]
        if not finite(online.y).any():
            raise CannotTell("the online network did not change either")
        if not np.all(copy.y == 0):
            return
        moved = online.x[online.y > 0]
        span = float(moved[-1] - online.x[0]) if len(moved) else 0.0
        if span < FEWEST_UPDATES:
            raise CannotTell(f"only {span:.0f} updates were seen, {FEWEST_UPDATES} needed")
        proven = span >= PROVEN_UPDATES
        severity: Severity = "error" if proven else "note"
        yield self.finding(
            view,
            f"target network `{view.subject.name}` did not change at any of {len(copy)} samples over "
            f"{span:.0f} updates of its online network{_distance(view)}",
            severity,
            [Evidence("target.change", view.subject.id, 0.0, 0.0, "", copy.clock, float(copy.x[-1]))],
            exact=proven,
        )

    def fires_on(self) -> Iterable[Case]:
        """Over a long run, and over a short one."""
        for updates in (20_000, 500):
            yield case(
                f"{updates} updates",
                {
                    "target.change": np.zeros(30),
                    "target.online_change": np.ones(30),
                    "target.distance": np.linspace(0, 1.5, 30),
                },
                x=np.linspace(0, updates, 30),
            )

    def quiet_on(self) -> Iterable[Case]:
        """Hard updates, one hard update in the whole run, and a tiny τ."""
        x, online = np.linspace(0, 20_000, 30), {"target.online_change": np.ones(30)}
        yield case("hard updates", {"target.change": [0.0, 0.0, 1.0] * 10, **online}, x=x)
        yield case("one hard update", {"target.change": [*[0.0] * 29, 1.0], **online}, x=x)
        yield case("tiny τ", {"target.change": np.full(30, 1e-9), **online}, x=x)


def _distance(view: View) -> str:
    one = view.get("target.distance")
    kept = finite(one.y) if one is not None else np.zeros(0)
    return f"; their distance is now {kept[-1]:.0%} of the online network's norm" if len(kept) else ""
