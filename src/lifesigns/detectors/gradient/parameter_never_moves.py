"""Rule D302: parameters that get gradients are bit for bit the same after every optimiser step."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.parameter_names import modules
from lifesigns.model import Evidence, Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import Array, columns

FEWEST_STEPS = 3
"""steps with a gradient; the catalogue's D02 asks for 2, a third guards against a warm-up that starts at
0."""


class ParameterNeverMoves(Rule):
    """The optimiser steps, gradients arrive, and the parameters stay what they were.

    What it detects
    ---------------
    Parameters whose change is exactly 0 at every sampled step of their optimiser although they have
    gradients. Parameters without any gradient are D303's.

    Why it matters
    --------------
    What does not move does not learn. The loss of other parts may still fall, and the run looks alive.

    How it decides
    --------------
    ‖Δθ‖ is exactly 0 at all samples, with a gradient that is not 0 in at least 3 of them. The message says
    whether it is all parameters of the optimiser or some, and whether its learning rate was 0.

    When it is wrong
    ----------------
    A parameter group frozen on purpose with a learning rate of 0, or a warm-up whose first stage at 0 is
    longer than the run that was seen.

    What to do
    ----------
    If all stand still: the learning rate (a scheduler that ended or never began), steps smaller than the
    resolution of the number format, or parameters overwritten after the step. If some do: their group's
    learning rate.

    References
    ----------
    Amazon SageMaker Debugger, built-in rule UnchangedTensor; PyTorch documentation of `torch.optim`.
    """

    code = "D302"
    since = "0.1"
    families = "any trained by gradients"
    per = "optimizer"
    reads = {"optimizer.update_norm": 5}
    may_read = {"optimizer.gradient_norm": 5, "optimizer.learning_rate": 1}
    causes = {
        "parameters-not-trained": Likelihood(0.40, source="judgement; parameters left out show in D304"),
        "learning-rate-too-low": Likelihood(0.20, source="a rate of 0, or steps below float32's resolution"),
        "any fault": Likelihood(0.004, source="exact"),
    }
    false_alarm = Likelihood(0.002, source="exact")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one, gradients = view["optimizer.update_norm"], _gradients(view)
        known = {name: y for name, y in columns(one) if gradients is None or name in gradients}
        reached = {
            name: y
            for name, y in known.items()
            if gradients is None or int((gradients[name] != 0).sum()) >= FEWEST_STEPS
        }
        if not reached:
            raise CannotTell("no parameter had a gradient at three sampled steps")
        still = [name for name, y in reached.items() if bool(np.all(y == 0))]
        if not still:
            return
        name = view.subject.name
        message = (
            f"no parameter that optimiser `{name}` holds has moved"
            if len(still) == len(reached)
            else f"{len(still)} of {len(reached)} parameters that optimiser `{name}` holds have never moved, "
            f"in {modules(still)},"
        )
        yield self.finding(
            view,
            f"{message} at any of {len(one)} sampled steps, although they have gradients{_rate(view)}",
            "error",
            [Evidence(one.name, view.subject.id, 0.0, 0.0, "", one.clock, float(one.x[-1]), n) for n in still[:12]],
            exact=True,
        )

    def fires_on(self) -> Iterable[Case]:
        """All parameters, and one of two."""
        given = {"optimizer.gradient_norm": np.ones((8, 2))}
        yield case(
            "learning rate 0",
            {"optimizer.update_norm": np.zeros((8, 2)), **given, "optimizer.learning_rate": np.zeros(8)},
            columns=_NAMES,
        )
        yield case("one of two", {"optimizer.update_norm": [[0.0, 0.1]] * 8, **given}, columns=_NAMES)

    def quiet_on(self) -> Iterable[Case]:
        """Moving, warming up from 0, and standing still for want of a gradient."""
        yield case("moving", {"optimizer.update_norm": np.full((8, 2), 1e-9)}, columns=_NAMES)
        yield case(
            "warm-up from 0",
            {
                "optimizer.update_norm": np.linspace(0, 1, 8)[:, None] * [1, 1],
                "optimizer.gradient_norm": np.ones((8, 2)),
            },
            columns=_NAMES,
        )
        yield case(
            "no gradient",
            {"optimizer.update_norm": [[0.0, 0.1]] * 8, "optimizer.gradient_norm": [[0.0, 1.0]] * 8},
            columns=_NAMES,
        )


def _gradients(view: View) -> dict[str, Array] | None:
    one = view.get("optimizer.gradient_norm")
    return dict(columns(one)) if one is not None else None


def _rate(view: View) -> str:
    one = view.get("optimizer.learning_rate")
    return "; its learning rate is 0" if one is not None and bool(np.all(one.y == 0)) else ""


_NAMES = ("actor.0.weight", "critic.0.weight")
