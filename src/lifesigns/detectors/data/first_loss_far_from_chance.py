"""Rule D603: the first cross-entropy is far from that of a guess."""

from __future__ import annotations

from collections.abc import Iterable
from math import log

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import finite

LOW, HIGH = 0.5, 2.0
"""times ln C; assumed (catalogue D67 has 0.7 and 1.4 for mean losses; one batch varies more)."""


class FirstLossFarFromChance(Rule):
    """The first cross-entropy of a fresh network is far from ln C, that of a guess among C classes.

    What it detects
    ---------------
    Before the first optimiser step, of weights that nothing was loaded into, the mean −log p of the targets is less
    than half or more than twice ln C.

    Why it matters
    --------------
    A fresh network knows nothing: its best guess costs ln C. Less means that the answer leaks into the input, that the
    network is not fresh, or that the loss is not given log-probabilities; more, that the outputs are far too
    large at the start.

    How it decides
    --------------
    The cross-entropy is computed from what the graph of the first backward calls holds, so that scaling, summing and
    weighting of the loss do not matter. Below 0.5 ln C a warning, above 2 ln C a note.

    When it is wrong
    ----------------
    A last layer whose bias is set to the class frequencies on purpose. Pretrained weights that were set by other
    means than `load_state_dict`.

    What to do
    ----------
    Print one batch: inputs, targets, and the softmax of the outputs. `cross_entropy` takes logits, `nll_loss`
    log-probabilities.

    References
    ----------
    Karpathy, A recipe for training neural networks (2019), "verify loss at init"; Stanford CS231n.
    """

    code = "D603"
    since = "0.2"
    status = "preview"
    families = "classification and language models"
    per = "loss"
    reads = {"loss.initial_cross_entropy": 1, "loss.classes": 1}
    causes = {
        "numerical-overflow": Likelihood(0.05, source="judgement"),
        "observation-scale": Likelihood(0.20, source="large inputs make large outputs"),
        "loss-does-not-fit": Likelihood(0.30, source="judgement"),
        "any fault": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one, classes = finite(view["loss.initial_cross_entropy"].y), finite(view["loss.classes"].y)
        if not len(one) or not len(classes) or classes[0] < 2:
            raise CannotTell("no finite cross-entropy before the first step, or a single class")
        guess = log(classes[0])
        ratio = float(one[0]) / guess
        if LOW <= ratio <= HIGH:
            return
        yield self.finding(
            view,
            f"the first cross-entropy is {one[0]:.3g} nats, {ratio:.2g} times that of a guess among {classes[0]:.0f} "
            f"classes (ln C = {guess:.3g})",
            "warning" if ratio < LOW else "note",
            own_evidence(view, view["loss.initial_cross_entropy"], float(one[0]), guess),
        )

    def fires_on(self) -> Iterable[Case]:
        """A leak, probabilities in the place of their logarithms, huge outputs."""
        yield _first("a leak", 0.2, 10)
        yield _first("probabilities", -0.1, 10)
        yield _first("huge outputs", 46.0, 10)

    def quiet_on(self) -> Iterable[Case]:
        """A guess, a small batch, two classes."""
        yield _first("a guess", 2.31, 10)
        yield _first("a small batch", 3.4, 10)
        yield _first("two classes", 0.72, 2)


def _first(name: str, nats: float, classes: float) -> Case:
    return case(name, {"loss.initial_cross_entropy": [nats], "loss.classes": [classes] * 3})
