"""Rule D808: the accelerator waits for most of the run."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import later, own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import median

IDLE = 0.1
"""median share of the time in which the GPU was busy; catalogue D66 (SageMaker Debugger's rules have 0.1 beside a busy
processor, and 0.7 for the 95 % quantile)."""
BUSY_CPU = 0.9
"""cores; the same."""


class AcceleratorIdle(Rule):
    """The accelerator is idle for most of the run while the processor is busy.

    What it detects
    ---------------
    The GPU works less than a tenth of the time, and the process uses a whole processor core.

    Why it matters
    --------------
    The run is as fast as its Python code: small networks and single environments are faster without the GPU.

    How it decides
    --------------
    Medians after the first fifth of at least 20 samples, one a second: GPU below 0.1, processor above 0.9 cores. A
    note.

    When it is wrong
    ----------------
    GPUs that are shared are counted for all their users.

    What to do
    ----------
    Larger batches, more parallel environments, data loaders with workers; or leave the GPU to others.

    References
    ----------
    SageMaker Debugger's rules on CPU and GPU bottlenecks; PyTorch's `torch.cuda.utilization`.
    """

    code = "D808"
    since = "0.2"
    status = "preview"
    families = "any on an NVIDIA GPU, with pynvml"
    reads = {"run.gpu_share": 20, "run.cpu_share": 20}
    causes = {
        "resource-leak": Likelihood(0.02, source="judgement"),
        "any fault": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.02, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["run.gpu_share"]
        share, cores = median(later(one, 0.2)), median(later(view["run.cpu_share"], 0.2))
        if share != share or cores != cores:
            raise CannotTell("no finite figures")
        if share >= IDLE or cores <= BUSY_CPU:
            return
        yield self.finding(
            view,
            f"the GPU is busy {share:.0%} of the time while the process uses {cores:.2g} processor cores (medians)",
            "note",
            own_evidence(view, one, share, IDLE),
        )

    def fires_on(self) -> Iterable[Case]:
        """Idle, and idle after the start."""
        yield case("idle", {"run.gpu_share": np.full(40, 0.03), "run.cpu_share": np.full(40, 1.0)})
        yield case("later", {"run.gpu_share": np.r_[np.ones(6), np.full(40, 0.05)], "run.cpu_share": np.ones(46)})

    def quiet_on(self) -> Iterable[Case]:
        """Busy, a third, both wait."""
        yield case("busy", {"run.gpu_share": np.full(40, 0.95), "run.cpu_share": np.ones(40)})
        yield case("a third", {"run.gpu_share": np.full(40, 0.3), "run.cpu_share": np.ones(40)})
        yield case("both wait", {"run.gpu_share": np.full(40, 0.02), "run.cpu_share": np.full(40, 0.2)})
