"""Rule D803: more and more files stay open."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case

MORE, ALMOST = 50.0, 500.0
"""files more for a note, files open for a warning; assumed (the usual limit is 1,024)."""


class FilesStayOpen(Rule):
    """More and more files stay open.

    What it detects
    ---------------
    The number of open files of the process grows steadily through the run.

    Why it matters
    --------------
    A process may hold about a thousand. Then opening the next one fails, usually in a place that has nothing
    to do with the leak.

    How it decides
    --------------
    Open file descriptors at each flush: at least 50 more at the end than after the first quarter, and never
    fewer than before in nine of ten flushes. A note; a warning above 500.

    When it is wrong
    ----------------
    Runs that start their workers one by one.

    What to do
    ----------
    Close writers, videos and environments; use `with`; make one summary writer, not one per episode.

    References
    ----------
    The Linux manual pages, getrlimit(2).
    """

    code = "D803"
    since = "0.2"
    families = "any"
    reads = {"run.open_files": 20}
    causes = {
        "resource-leak": Likelihood(0.80, source="the definition of the cause"),
        "any fault": Likelihood(0.003, source="judgement"),
    }
    false_alarm = Likelihood(0.0139, "measured", "0 of 35 healthy runs, benchmarks/atlas")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["run.open_files"]
        kept = one.y[len(one) // 4 :]
        if not np.isfinite(kept).all():
            raise CannotTell("the number of open files is not finite")
        more = float(kept[-1] - kept[0])
        if more < MORE or float((np.diff(kept) >= 0).mean()) < 0.9:
            return
        yield self.finding(
            view,
            f"{kept[-1]:.0f} files are open at the end and {kept[0]:.0f} were after the first quarter of the run; "
            f"the line is {MORE:.0f} more",
            "warning" if kept[-1] > ALMOST else "note",
            own_evidence(view, one, float(kept[-1]), float(kept[0]) + MORE),
        )

    def fires_on(self) -> Iterable[Case]:
        """One an episode, and one a flush."""
        yield case("one an episode", {"run.open_files": np.linspace(10, 900, 60)})
        yield case("one a flush", {"run.open_files": np.arange(10.0, 110.0)})

    def quiet_on(self) -> Iterable[Case]:
        """Level, workers at the start, up and down."""
        yield case("level", {"run.open_files": np.full(60, 12.0)})
        yield case("workers", {"run.open_files": np.r_[np.linspace(10, 90, 10), np.full(50, 90.0)]})
        yield case("up and down", {"run.open_files": np.tile([10.0, 80.0], 30)})
