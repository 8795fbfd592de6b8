"""Rule D307: gradients are never cleared, so each step sees the sum of all of them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.model import Evidence, Finding, Series, Severity
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import Array, columns, finite, median

GROWTH = 3.0
"""median gradient norm after the first quarter of the samples, over the first one; assumed. A sum of n
independent gradients grows like √n, and like n where they agree."""


class GradientsAccumulate(Rule):
    """Gradients are never cleared between steps, so each step uses the sum of all gradients so far.

    What it detects
    ---------------
    No step of the optimiser found its gradients cleared since the last one, although backward ran and
    gradients are there.

    Why it matters
    --------------
    PyTorch adds gradients up. Without clearing, old batches are stepped on for ever: it acts like momentum
    of 1, the steps overshoot, swing and often diverge.

    How it decides
    --------------
    No step was preceded by a call of `zero_grad`, of the optimiser or of a module, at any sample, and each
    by a backward call that left gradients. An error where the gradient norm also grew to three times its
    first value, as sums do; a note otherwise, as gradients can be cleared by hand (`p.grad = None`).

    When it is wrong
    ----------------
    Gradients cleared by hand in a run whose gradients grow for another reason. Where gradients are clipped
    the sum does not grow, and the defect is no more than a note.

    What to do
    ----------
    Call `optimizer.zero_grad()` once for each step, before `backward()`. With several optimisers, each
    clears its own.

    References
    ----------
    PyTorch documentation of `torch.optim.Optimizer.zero_grad`.
    """

    code = "D307"
    since = "0.1"
    families = "any trained by gradients"
    per = "optimizer"
    reads = {
        "optimizer.zero_grads_per_step": 5,
        "optimizer.backwards_per_step": 5,
        "optimizer.gradient_norm": 5,
    }
    may_read = {"optimizer.gradient_present": 5}
    causes = {
        "gradients-accumulate": Likelihood(0.97, source="the definition of the cause"),
        "any fault": Likelihood(0.002, source="exact"),
    }
    false_alarm = Likelihood(0.003, source="judgement: gradients cleared out of sight")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding; what came before the first step was not counted yet."""
        cleared, backwards = view["optimizer.zero_grads_per_step"], view["optimizer.backwards_per_step"]
        if not np.all(backwards.y[1:] > 0):
            raise CannotTell("steps were made without a backward call")
        present, norms = view.get("optimizer.gradient_present"), _total(view["optimizer.gradient_norm"])
        if (present is not None and not np.any(present.y > 0)) or not np.any(norms > 0):
            raise CannotTell("there are no gradients")
        if not np.all(cleared.y == 0):
            return
        growth = _growth(norms)
        severity: Severity = "error" if growth >= GROWTH else "note"
        yield self.finding(
            view,
            f"gradients of optimiser `{view.subject.name}` were not cleared before any of {len(cleared)} "
            f"sampled steps; their norm is {growth:.1f} times what it was at first",
            severity,
            [Evidence(cleared.name, view.subject.id, 0.0, 1.0, "calls", cleared.clock, float(cleared.x[-1]))],
            exact=severity == "error",
        )

    def fires_on(self) -> Iterable[Case]:
        """Gradients that add up, and gradients that swing."""
        never = {"optimizer.zero_grads_per_step": np.zeros(20), "optimizer.backwards_per_step": np.ones(20)}
        yield case("growing", {**never, "optimizer.gradient_norm": np.linspace(1, 20, 20)[:, None]})
        yield case("swinging", {**never, "optimizer.gradient_norm": [[1.0], [0.5]] * 10})

    def quiet_on(self) -> Iterable[Case]:
        """Cleared at each step, after each four backwards, and two times a step."""
        for name, clear, backward in (
            ("each step", 1.0, 1.0),
            ("accumulation over 4", 1.0, 4.0),
            ("twice", 2.0, 1.0),
        ):
            yield case(
                name,
                {
                    "optimizer.zero_grads_per_step": np.full(20, clear),
                    "optimizer.backwards_per_step": np.full(20, backward),
                    "optimizer.gradient_norm": np.linspace(1, 20, 20)[:, None],
                },
            )


def _total(one: Series) -> Array:
    with np.errstate(all="ignore"):
        return np.sqrt(sum((y**2 for _, y in columns(one)), start=np.zeros(len(one))))


def _growth(norms: Array) -> float:
    kept = finite(norms)
    kept = kept[kept > 0]
    return median(kept[max(1, len(kept) // 4) :]) / float(kept[0]) if len(kept) > 1 else 1.0
