"""Rule D303: parameters that an optimiser steps never get a gradient."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.parameter_names import modules
from lifesigns.model import Evidence, Finding, Severity
from lifesigns.rules import Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import columns, constant

UNUSED_SHARE = 0.1
"""share of an optimiser's parameters that may have no `.grad`, as unused heads do, before it is an error;
assumed."""
FEWEST_EPISODES = 5
"""finished episodes with one and the same return, from which a gradient of 0 is put down to the return;
assumed."""


class GradientNeverArrives(Rule):
    """Parameters are handed to an optimiser, and no gradient ever reaches them.

    What it detects
    ---------------
    Parameters for which `.grad` is missing, or exactly 0, at every sampled step of the optimiser that holds
    them.

    Why it matters
    --------------
    The path from the loss to these parameters is broken: a `.detach()`, `.item()`, `no_grad` or NumPy in
    between, a layer whose output is not used, or a layer that is dead.

    How it decides
    --------------
    The gradient norm is exactly 0 at all samples, of which there are at least 5. If fewer than 10 % of the
    parameters lack a `.grad` it is a note, as unused heads are common. It is also a note if there is a plain
    reason: a gradient of exactly 0 everywhere while all returns so far are the same; or parameters without a
    `.grad` whose norm changes all the same, so that something other than the optimiser trains them (the
    natural-gradient step of TRPO).

    When it is wrong
    ----------------
    Heads that belong to another phase of training. A network held by two optimisers of which one is for
    another loss.

    What to do
    ----------
    Print `p.grad` after `backward()` for the named modules, and walk from the loss back to them looking for
    the cut. If `.grad` is there but 0, look for a dead ReLU layer, a mask of zeros or advantages of zero.

    References
    ----------
    PyTorch documentation, Autograd mechanics; Karpathy, A recipe for training neural networks (2019).
    """

    code = "D303"
    since = "0.1"
    families = "any trained by gradients"
    per = "optimizer"
    reads = {"optimizer.gradient_norm": 5}
    may_read = {"optimizer.gradient_present": 5, "optimizer.parameter_norm": 5}
    across = {"env.episode_return": FEWEST_EPISODES}
    causes = {
        "gradient-path-broken": Likelihood(0.90, source="the definition of the cause"),
        "parameters-not-trained": Likelihood(0.35, source="the optimiser holds a network that was replaced"),
        "reward-carries-no-signal": Likelihood(0.20, source="advantages of exactly 0"),
        "policy-output-saturated": Likelihood(0.40, source="a flat tanh passes no gradient"),
        "observation-scale": Likelihood(0.05, source="saturated or dead layers"),
        "numerical-overflow": Likelihood(0.03, source="saturated or dead layers"),
        "any fault": Likelihood(0.004, source="exact"),
    }
    false_alarm = Likelihood(0.01, source="judgement: unused heads (a note)")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["optimizer.gradient_norm"]
        total = [name for name, _ in columns(one)]
        without = [name for name, y in columns(one) if bool(np.all(y == 0))]
        if not without:
            return
        absent, excused = self._absent(view, without), self._excused(view, without, total)
        severity: Severity = "note" if excused else "error"
        name, many = view.subject.name, len(without)
        message = (
            f"no parameter that optimiser `{name}` holds"
            if many == len(total)
            else f"{many} of {len(total)} parameters that optimiser `{name}` holds, in {modules(without)}:"
        )
        kind = "has a `.grad`" if absent else "has a gradient other than 0"
        message += f" {kind}" if many == len(total) else f" none {kind}"
        yield self.finding(
            view,
            f"{message} at any of {len(one)} sampled steps{excused}",
            severity,
            [Evidence(one.name, view.subject.id, 0.0, 0.0, "", one.clock, float(one.x[-1]), n) for n in without[:12]],
            exact=not excused,
        )

    def _absent(self, view: View, names: list[str]) -> bool:
        present = view.get("optimizer.gradient_present")
        seen = dict(columns(present)) if present is not None else {}
        return bool(seen) and all(name in seen and not np.any(seen[name] > 0) for name in names)

    def _excused(self, view: View, without: list[str], total: list[str]) -> str:
        absent = self._absent(view, without)
        if absent and len(without) < UNUSED_SHARE * len(total):
            return "; unused heads look like this"
        if absent and self._moves(view, without):
            return "; something other than this optimiser changes them"
        returns = [one.y for _, one in view.across("env.episode_return")]
        if not absent and len(without) == len(total) and returns and all(constant(y) for y in returns):
            return "; all returns so far are the same"
        return ""

    def _moves(self, view: View, names: list[str]) -> bool:
        """Whether the parameters change although an optimiser without a gradient for them cannot do it."""
        norms = view.get("optimizer.parameter_norm")
        seen = dict(columns(norms)) if norms is not None else {}
        return all(name in seen and not constant(seen[name]) for name in names)

    def fires_on(self) -> Iterable[Case]:
        """All, one of two without `.grad`, and one of two with a `.grad` of zeros."""
        yield case(
            "all",
            {"optimizer.gradient_norm": np.zeros((8, 2)), "optimizer.gradient_present": np.zeros((8, 2))},
            columns=_NAMES,
        )
        yield case(
            "detached actor",
            {"optimizer.gradient_norm": [[0.0, 1.0]] * 8, "optimizer.gradient_present": [[0.0, 1.0]] * 8},
            columns=_NAMES,
        )
        yield case(
            "zeros",
            {"optimizer.gradient_norm": [[0.0, 1.0]] * 8, "optimizer.gradient_present": np.ones((8, 2))},
            columns=_NAMES,
        )

    def quiet_on(self) -> Iterable[Case]:
        """Gradients that are small, that come late, and that are missing now and then."""
        yield case("tiny", {"optimizer.gradient_norm": np.full((8, 2), 1e-30)}, columns=_NAMES)
        yield case("late", {"optimizer.gradient_norm": [*[[0.0, 1.0]] * 7, [0.1, 1.0]]}, columns=_NAMES)
        yield case("alternating losses", {"optimizer.gradient_norm": [[0.0, 1.0], [1.0, 0.0]] * 4}, columns=_NAMES)


_NAMES = ("actor.0.weight", "critic.0.weight")
