"""Rule D802: memory grows steadily to the end."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case

LEAST_S, LEAST_MB, GREW = 60.0, 200.0, 1.5
"""seconds of run, megabytes more, last over first; assumed (catalogue D65)."""


class MemoryGrows(Rule):
    """Memory grows steadily until the end of the run.

    What it detects
    ---------------
    The resident memory of the process has grown by more than half of what it was after start-up, and goes on
    growing in a straight line.

    Why it matters
    --------------
    A run that leaks is killed, usually late. The usual reason is a tensor that is kept with its graph.

    How it decides
    --------------
    Memory at each flush after the first quarter of at least 60 s: last over first above 1.5, at least 200 MB
    more, and a slope in the last quarter of at least half the mean slope (it does not level off). A note.

    When it is wrong
    ----------------
    Replay buffers that fill, page by page, until they are full.

    What to do
    ----------
    Keep numbers, not tensors (`loss.item()`); detach what is stored; limit every list.

    References
    ----------
    PyTorch's FAQ, on memory that grows; SageMaker Debugger's rule MemoryIncrease.
    """

    code = "D802"
    since = "0.2"
    families = "any"
    status = "preview"
    reads = {"run.memory_mb": 40}
    causes = {
        "resource-leak": Likelihood(0.80, source="the definition of the cause"),
        "any fault": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.05, source="judgement: replay buffers")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["run.memory_mb"]
        kept = one.y[len(one) // 4 :]
        if not np.isfinite(kept).all() or float(one.x[-1] - one.x[0]) < LEAST_S:
            raise CannotTell(f"less than {LEAST_S:.0f} s, or figures that are not finite")
        grown, late = float(kept[-1] - kept[0]), kept[-(len(kept) // 4) :]
        slope, last = grown / len(kept), float(late[-1] - late[0]) / len(late)
        if kept[-1] < GREW * kept[0] or grown < LEAST_MB or last < 0.5 * slope:
            return
        yield self.finding(
            view,
            f"the process has grown from {kept[0]:.0f} to {kept[-1]:.0f} MB after the first quarter of the run, "
            "and does not level off",
            "note",
            own_evidence(view, one, float(kept[-1]), GREW * float(kept[0])),
        )

    def fires_on(self) -> Iterable[Case]:
        """A leak, slow and fast."""
        yield case("slow", {"run.memory_mb": (np.arange(200.0), np.linspace(300, 1200, 200))})
        yield case("fast", {"run.memory_mb": (np.arange(100.0), np.geomspace(300, 9000, 100))})

    def quiet_on(self) -> Iterable[Case]:
        """Level, a buffer that fills, and a step."""
        yield case("level", {"run.memory_mb": (np.arange(200.0), np.full(200, 900.0))})
        yield case("fills", {"run.memory_mb": (np.arange(200.0), np.minimum(300 + 12 * np.arange(200.0), 1500))})
        yield case("step", {"run.memory_mb": (np.arange(200.0), np.r_[np.full(60, 300.0), np.full(140, 900.0)])})
