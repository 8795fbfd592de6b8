"""Rule D305: each update changes the weights by a large share of themselves."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.update_sizes import UNIT, first_update, update_sizes
from lifesigns.model import Evidence, Finding, Severity
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case

NOTE, WARNING, ERROR = -1.5, -1.0, -0.7
"""log10(‖Δθ‖/‖θ‖). −1.5 is the catalogue's line (D24, after Karpathy). The others are arithmetic: Adam with a
learning rate of 0.01 reaches −0.86 in a 64×64 layer with PyTorch's default weights if all gradients keep
their sign, and about −1.5 where they do not."""
FIRST_WARNING, FIRST_ERROR = -0.4, 0.0
"""the same for the first sampled step alone; arithmetic: Adam's first step moves each element by the learning
rate, which is −0.86 in the layer above. Measured: −1.9 to −1.3 in four healthy scripts, 0.1 in PPO with a
rate of 0.25."""
UNCORRECTED = {"RMSprop": 1.0}
"""by how much the lines of a first step are higher for an optimiser whose mean of squares starts at 0, uncorrected:
PyTorch's RMSprop with its default alpha of 0.99 moves each element by 10 learning rates at first; arithmetic."""
BURST_WARNING, BURST_ERROR = -1.0, -0.4
"""the same for five samples on end, anywhere in the run; at 10 % and 40 % a step. Measured: at most −1.32 over the
optimisers of the correct scripts of benchmarks/detection; −0.84 in a transformer with a rate of 0.3, whose
weights grow so much by it that later updates look calm."""


class UpdatesTooLarge(Rule):
    """Each optimiser step changes the weights by a large share of their own size.

    What it detects
    ---------------
    The typical ratio ‖Δθ‖/‖θ‖ over the weights of an optimiser is above 3 % throughout the run.

    Why it matters
    --------------
    About 0.1 % is usual. Where a tenth of a network changes in a step, what it knew is gone after ten: the
    loss jumps, units die and policies collapse.

    How it decides
    --------------
    Median over samples of log10(‖Δθ‖/‖θ‖), then the median over weights (biases, scalars and weights near 0
    left out), in both halves of the run. A note above −1.5, a warning above −1.0, an error above −0.7. Five
    samples on end above −1.0 are a warning, above −0.4 an error, and a first sampled step above −0.4 is a
    warning and one above 0 an error: weights that were blown up look calm afterwards (RMSprop's first step is
    tenfold by itself, so its lines are). With fewer than ten samples the first step is judged alone.

    When it is wrong
    ----------------
    Small networks trained by Adam with a rate of 0.01 lie near −1.3 (a note). Runs of a few dozen steps
    have nothing but a beginning. Optimisers that replace weights on purpose.

    What to do
    ----------
    Lower the learning rate by 10 and see whether the ratio follows. If gradients are large rather than the
    rate, look at the scale of rewards, targets and observations, and whether gradients are cleared (D307).

    References
    ----------
    Karpathy, A recipe for training neural networks (2019), and CS231n's notes on the ratio of updates to
    weights; Kingma and Ba, Adam (arXiv:1412.6980), section 2.1, on the size of its steps.
    """

    code = "D305"
    since = "0.1"
    families = "any trained by gradients"
    per = "optimizer"
    reads = {"optimizer.update_norm": 1, "optimizer.parameter_norm": 1}
    causes = {
        "learning-rate-too-high": Likelihood(0.80, source="judgement"),
        "gradients-accumulate": Likelihood(0.15, source="judgement"),
        "observation-scale": Likelihood(0.10, source="judgement"),
        "any fault": Likelihood(0.07, source="judgement"),
    }
    false_alarm = Likelihood(0.03, source="judgement; fired on 0 of 40 correct runs (benchmarks/detection)")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding; of a run with a few samples the first step is judged alone."""
        severity: Severity
        early = UNCORRECTED.get(str(view.subject.info.get("class")), 0.0)
        first_warning, first_error = FIRST_WARNING + early, FIRST_ERROR + early
        try:
            sizes = update_sizes(view)
        except CannotTell:
            level, weights = first_update(view)
            if level <= first_warning:
                raise
            line, one = _line(level, first_warning, first_error), view["optimizer.update_norm"]
            severity = "error" if line == first_error else "warning"
            shown = Evidence(one.name, view.subject.id, level, line, UNIT, one.clock, float(one.x[0]))
            yield self._told(view, "the first step", level, line, weights, severity, [shown])
            return
        level, line = sizes.low, _line(sizes.low, NOTE, WARNING, ERROR)
        severity = "error" if line == ERROR else "warning" if line == WARNING else "note"
        step = "a step"
        if sizes.start > first_warning and severity != "error":
            level, line = sizes.start, _line(sizes.start, first_warning, first_error)
            severity, step = "error" if line == first_error else "warning", "the first sampled step"
        if sizes.burst > BURST_WARNING and severity == "note":
            level, line = sizes.burst, _line(sizes.burst, BURST_WARNING, BURST_ERROR)
            severity, step = "error" if line == BURST_ERROR else "warning", "for a while, a step"
        if level > line:
            yield self._told(view, step, level, line, sizes.weights, severity, sizes.evidence(view, level, line))

    def _told(
        self,
        view: View,
        step: str,
        level: float,
        line: float,
        weights: int,
        severity: Severity,
        evidence: Iterable[Evidence],
    ) -> Finding:
        text = (
            f"{step} of optimiser `{view.subject.name}` changes its weights by {10**level:.1%} of their norm "
            f"(middle of {weights} weights); the line is {10**line:.1%}, and 0.1 % is usual"
        )
        return self.finding(view, text, severity, evidence)

    def fires_on(self) -> Iterable[Case]:
        """By far, by a little, and only at first, after which the weights are huge."""
        grown = np.geomspace(1, 100, 20)[:, None] * [1, 1]
        yield case(
            "first samples",
            {"optimizer.update_norm": np.full((20, 2), 0.5), "optimizer.parameter_norm": grown},
            columns=_NAMES,
        )
        nan = np.full((3, 2), np.nan)
        yield case(
            "few steps",
            {"optimizer.update_norm": [[1.4, 1.3], [0.9, 0.8], *nan], "optimizer.parameter_norm": np.ones((5, 2))},
            columns=_NAMES,
        )
        once = np.full((20, 2), 1e-3)
        once[0] = 1.3
        yield case(
            "first step",
            {"optimizer.update_norm": once, "optimizer.parameter_norm": np.ones((20, 2))},
            columns=_NAMES,
        )
        for ratio in (0.5, 0.15):
            yield case(
                f"{ratio:.0%}",
                {
                    "optimizer.update_norm": np.full((20, 2), ratio),
                    "optimizer.parameter_norm": np.ones((20, 2)),
                },
                columns=_NAMES,
            )

    def quiet_on(self) -> Iterable[Case]:
        """The usual size, a large start, and large updates of biases and of weights near 0."""
        ones = {"optimizer.parameter_norm": np.ones((20, 2))}
        yield case("usual", {"optimizer.update_norm": np.full((20, 2), 1e-3), **ones}, columns=_NAMES)
        yield case(
            "large at first",
            {"optimizer.update_norm": np.geomspace(0.15, 1e-4, 20)[:, None] * [1, 1], **ones},
            columns=_NAMES,
        )
        yield case(
            "RMSprop begins with ten learning rates",
            {"optimizer.update_norm": np.array([0.5, *[0.02] * 19])[:, None] * [1, 1], **ones},
            columns=_NAMES,
            info={"class": "RMSprop"},
        )
        yield case(
            "biases",
            {"optimizer.update_norm": [[1e-3, 0.9]] * 20, **ones},
            columns=("actor.0.weight", "actor.0.bias"),
        )
        yield case(
            "near 0",
            {"optimizer.update_norm": np.full((20, 2), 1e-4), "optimizer.parameter_norm": [[1.0, 1e-4]] * 20},
            columns=_NAMES,
        )


def _line(level: float, *lines: float) -> float:
    """The highest of the ascending lines that the level is above; the lowest where it is above none."""
    return max((line for line in lines if level > line), default=lines[0])


_NAMES = ("actor.0.weight", "actor.2.weight")
