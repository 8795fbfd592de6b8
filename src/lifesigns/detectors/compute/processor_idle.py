"""Rule D806: the process waits most of the time."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import later, own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case

THIRD = 0.3
"""processor time over wall time; assumed (catalogue D66)."""


class ProcessorIdle(Rule):
    """The process waits most of the time.

    What it detects
    ---------------
    The process uses less than a third of one processor core over the run.

    Why it matters
    --------------
    It waits: for a device, for a disk, for a network, for other processes. Training that waits is slower than
    it needs to be, whatever else is right.

    How it decides
    --------------
    Mean of processor time over wall time, flush by flush, after the first fifth: below 0.3. A note.

    When it is wrong
    ----------------
    Work that is done by a device or by worker processes: then waiting is right. Other programs that take the
    processor.

    What to do
    ----------
    Look where it waits (`py-spy dump`): larger batches for a device, workers for environments, data in
    memory.

    References
    ----------
    SageMaker Debugger's rules on CPU and GPU bottlenecks.
    """

    code = "D806"
    since = "0.2"
    families = "any on a processor alone"
    status = "preview"
    reads = {"run.cpu_share": 30}
    causes = {
        "resource-leak": Likelihood(0.05, source="judgement"),
        "any fault": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.05, source="judgement: shared machines")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["run.cpu_share"]
        kept = later(one, 0.2)
        if len(kept) < 20:
            raise CannotTell("fewer than 20 samples")
        level = float(kept.mean())
        if level >= THIRD:
            return
        yield self.finding(
            view,
            f"the process used {level:.0%} of one processor core over the run; the line is {THIRD:.0%}",
            "note",
            own_evidence(view, one, level, THIRD),
        )

    def fires_on(self) -> Iterable[Case]:
        """Waiting, and waiting from the middle on."""
        yield case("waiting", {"run.cpu_share": np.full(60, 0.1)})
        yield case("later", {"run.cpu_share": np.r_[np.ones(15), np.full(60, 0.05)]})

    def quiet_on(self) -> Iterable[Case]:
        """Busy, several threads, half."""
        for name, share in (("busy", 0.98), ("threads", 3.5), ("half", 0.5)):
            yield case(name, {"run.cpu_share": np.full(60, share)})
