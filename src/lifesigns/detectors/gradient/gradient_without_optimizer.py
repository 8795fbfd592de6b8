"""Rule D304: trainable parameters get gradients, and no optimiser holds them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.parameter_names import modules
from lifesigns.model import Evidence, Finding, Severity
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import columns, median

REPEATEDLY = 3
"""samples with such a gradient; assumed (the catalogue's D03 asks for 3)."""
MOSTLY = 0.5
"""share of the samples with such a gradient; assumed."""


class GradientWithoutOptimizer(Rule):
    """Parameters get gradients again and again, and no optimiser holds them.

    What it detects
    ---------------
    Trainable parameters (`requires_grad`) whose `.grad` is not 0 although none of the run's optimisers was
    given them.

    Why it matters
    --------------
    They take part in the loss and keep their initial values: a module that was left out of the optimiser, a
    parameter list made before a layer was added or replaced, a module in a plain Python list.

    How it decides
    --------------
    The norm of gradients without an owner is above 0 at no fewer than 3 samples and at half of them. A note
    where the network is a target copy (gradients leak into it, but it is not meant to be stepped), or where
    its values were loaded from a state dict or a checkpoint: leaving it out of the optimiser is then a common
    way to freeze it.

    When it is wrong
    ----------------
    Layers initialised at random and frozen by leaving them out of the optimiser: it works, and
    `requires_grad_(False)` says it better and is cheaper. Parameters that are stepped by hand beside an
    optimiser. A discriminator's or critic's own optimiser that is only made later in the run.

    What to do
    ----------
    Give the optimiser `network.parameters()` after the network is complete, keep submodules in
    `nn.ModuleList`, and compare the number of parameters in its groups with the network's.

    References
    ----------
    PyTorch documentation of `torch.optim` (constructing it) and of `torch.nn.ModuleList`.
    """

    code = "D304"
    since = "0.1"
    families = "any trained by gradients"
    per = "network"
    reads = {"network.unowned_gradient_norm": 5}
    across = {"optimizer.update_norm": 1, "target.distance": 1, "optimizer.gradient_norm": 1}
    causes = {
        "parameters-not-trained": Likelihood(0.85, source="the definition of the cause"),
        "gradient-path-broken": Likelihood(0.005, source="what is cut off gets no gradient"),
        "any fault": Likelihood(0.01, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement: freezing by leaving out")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["network.unowned_gradient_norm"]
        if not view.across("optimizer.update_norm"):
            raise CannotTell("no optimiser was seen: parameters may be stepped by hand")
        least = max(REPEATEDLY, MOSTLY * len(one))
        owned_by_none = {name: y for name, y in columns(one) if int((y > 0).sum()) >= least}
        if not owned_by_none:
            return
        name, names = view.subject.name, [n for n in owned_by_none if n]
        excuse = _excuse(view)
        severity: Severity = "note" if excuse else "error"
        what = f"parameters of `{name}`" + (f" in {modules(names)}" if names else "")
        norm = max(median(y) for y in owned_by_none.values())
        yield self.finding(
            view,
            f"{what} get gradients (‖g‖ about {norm:.2g}) at {len(one)} samples, and no optimiser holds them{excuse}",
            severity,
            [
                Evidence(one.name, view.subject.id, median(y), 0.0, "", one.clock, float(one.x[-1]), n)
                for n, y in list(owned_by_none.items())[:12]
            ],
            exact=not excuse,
        )

    def fires_on(self) -> Iterable[Case]:
        """A whole module, and one of two."""
        stepped = {"optimizer.update_norm": np.ones((8, 3))}
        yield case("one parameter", {"network.unowned_gradient_norm": np.ones((8, 1)), **stepped})
        yield case(
            "one of two",
            {"network.unowned_gradient_norm": [[0.0, 0.3]] * 8, **stepped},
            columns=("trunk.0.weight", "head.weight"),
        )

    def quiet_on(self) -> Iterable[Case]:
        """No such gradient, one at the start, and a few now and then."""
        stepped = {"optimizer.update_norm": np.ones((8, 3))}
        yield case("none", {"network.unowned_gradient_norm": np.zeros((8, 1)), **stepped})
        yield case(
            "before the optimiser is made",
            {"network.unowned_gradient_norm": [[1.0], *[[0.0]] * 7], **stepped},
        )
        yield case("now and then", {"network.unowned_gradient_norm": [[1.0], [0.0], [0.0], [0.0]] * 4, **stepped})


def _excuse(view: View) -> str:
    if _is_target_copy(view):
        return "; it is a target copy"
    if view.subject.info.get("loaded"):
        return "; it was loaded from a checkpoint and may be frozen on purpose"
    return ""


def _is_target_copy(view: View) -> bool:
    """Whether it is paired with an online network that does get gradients, so that they are not mixed up."""
    pairs = [s.info for s, _ in view.across("target.distance") if s.info.get("copy") == view.subject.id]
    holders = [(s.info.get("networks") or (), one) for s, one in view.across("optimizer.gradient_norm")]
    mixed_up = any(pair.get("online") in held and not np.any(one.y > 0) for pair in pairs for held, one in holders)
    return bool(pairs) and not mixed_up
