"""Rule D801: the run becomes slower and slower."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    finite,
)

STRETCHES, LEAST_S = 10, 30.0
"""stretches of wall time, and seconds of training before they are compared; assumed."""
HALF, STEADY = 0.5, -0.8
"""last rate over the first, and rank correlation of the rates with time; assumed (catalogue D26 has −20 %)."""


class ThroughputFalls(Rule):
    """The run becomes slower and slower.

    What it detects
    ---------------
    Environment steps (without an environment, updates) per second have fallen to less than half of what they
    were, steadily.

    Why it matters
    --------------
    Something grows with time: a list that is never cleared, a buffer that is copied, a graph that is kept. It
    costs the rest of the run more than it has cost so far.

    How it decides
    --------------
    Rates over ten equal stretches of wall time after the first tenth; the last below half of the second, and
    a rank correlation with time below −0.8, over at least 30 s. A note.

    When it is wrong
    ----------------
    Training that begins after a phase of random actions is slower from then on: stretches before the first
    update are left out. Other programs on the machine.

    What to do
    ----------
    Profile a late stretch (`py-spy dump`); look for lists that grow, `torch.cat` onto what is kept, losses
    that are summed without `.item()`.

    References
    ----------
    Jones, Debugging RL (2021); Rahtz, Lessons learned reproducing a deep RL paper (2018).
    """

    code = "D801"
    since = "0.2"
    families = "any"
    status = "preview"
    reads = {"run.updates": 20}
    may_read = {"run.env_steps": 20}
    causes = {
        "resource-leak": Likelihood(0.60, source="judgement"),
        "any fault": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.05, source="judgement: shared machines")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        updates_done, steps = view["run.updates"], view.get("run.env_steps")
        begun = np.flatnonzero(updates_done.y > 0)
        one = steps if steps is not None and finite(steps.y).any() else updates_done
        if not len(begun):
            raise CannotTell("no update was made")
        start, end = float(updates_done.x[begun[0]]), float(one.x[-1])
        if end - start < LEAST_S:
            raise CannotTell(f"less than {LEAST_S:.0f} s of training")
        edges = np.linspace(start, end, STRETCHES + 2)[1:]
        rates = np.diff(np.interp(edges, one.x, one.y)) / np.diff(edges)
        if not rates[0] > 0:
            raise CannotTell("the clock does not advance")
        level = float(rates[-1] / rates[0])
        order = float(np.corrcoef(np.argsort(np.argsort(rates)), np.arange(STRETCHES))[0, 1])
        if level >= HALF or order > STEADY:
            return
        yield self.finding(
            view,
            f"{'environment steps' if one is steps else 'updates'} per second have fallen from {rates[0]:.3g} to "
            f"{rates[-1]:.3g}; the line is {HALF:.0%} of the former",
            "note",
            own_evidence(view, one, level, HALF),
        )

    def fires_on(self) -> Iterable[Case]:
        """A list that grows, in both clocks."""
        at = np.linspace(0, 600, 200)
        slower = 5000 * np.sqrt(at)
        yield case("updates", {"run.updates": (at, slower)})
        yield case("environment steps", {"run.updates": (at, slower), "run.env_steps": (at, 4 * slower)})

    def quiet_on(self) -> Iterable[Case]:
        """Steady, slower once, a little slower."""
        at = np.linspace(0, 600, 200)
        yield case("steady", {"run.updates": (at, at * 50)})
        yield case("slower once", {"run.updates": (at, np.where(at < 60, at * 90, 60 * 90 + (at - 60) * 30))})
        yield case("a little", {"run.updates": (at, at * 50 - at**2 * 0.01)})
