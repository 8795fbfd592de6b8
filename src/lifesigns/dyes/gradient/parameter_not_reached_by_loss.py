"""Rule Y301: parameters of an optimiser that no gradient reaches."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

from lifesigns.dyes.base import DyeRule, count, dye_case, listed, named, spot
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View

FEWEST_STEPS = 8
"""optimiser steps; assumed (a policy that is delayed, as TD3's, or a head used by turns has few)."""
ERROR_SHARE = 0.5
"""share of the tensors, or of the numbers in them, from which it is an error; assumed."""
SHOWN = 3


class ParameterNotReachedByLoss(DyeRule):
    """Parameters that an optimiser holds get no gradient, or one that is exactly zero, at every step.

    What it detects
    ---------------
    At each step of an optimiser the gradient of some of its parameters was absent or zero in every bit.

    Why it matters
    --------------
    The optimiser steps and those parameters stay as they were drawn. Losses still fall where the rest can make up for
    it, so curves do not show it.

    How it decides
    --------------
    Looked up in an undyed run, at every step of the stretch that was run; at least 8 steps. It is a fact about that
    stretch. An error where half of the optimiser's tensors, or of the numbers in them, are not reached; else a warning.

    When it is wrong
    ----------------
    Parameters frozen on purpose that are still handed to the optimiser; heads and experts that are used later or by
    turns; units that are dead from the start (weight and bias of one layer before a ReLU); a loss that is exactly 0 in
    the whole stretch (no reward yet).

    What to do
    ----------
    After one `loss.backward()` print the names of the parameters whose `.grad` is None or 0. Look for `.detach()`,
    `.data`, `.item()`, `torch.no_grad()`, a new tensor made from numbers, a layer that is built and not called, an
    output that the loss does not use.

    References
    ----------
    PyTorch, autograd mechanics.
    """

    code = "Y301"
    since = "0.2"
    dye = "unreached-parameters"
    causes = {
        "gradient-path-broken": Likelihood(0.9, source="the definition of the cause"),
        "parameters-not-trained": Likelihood(0.05, source="what is in no optimiser is not looked at, judgement"),
        "labels-not-learned": Likelihood(0.1, source="a loss without the network in it, judgement"),
        "policy-output-saturated": Likelihood(0.4, source="a flat tanh passes no gradient, as for D303"),
        "reward-carries-no-signal": Likelihood(0.2, source="advantages of exactly 0, as for D303"),
    }
    false_alarm = Likelihood(0.01, source="frozen parameters, heads used later, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """One finding for each optimiser with such parameters."""
        facts = self.facts(view)
        optimizers = named(facts, "optimizers")
        judged = [n for n in optimizers if count(named(optimizers, n), "steps", 0) >= FEWEST_STEPS]
        if not judged:
            raise CannotTell(f"no optimiser took {FEWEST_STEPS} steps before the run was stopped")
        for name in judged:
            seen = named(optimizers, name)
            never = sorted({i for i in listed(seen, "never") if isinstance(i, int) and i >= 0})
            if not never:
                continue
            total, shapes = count(seen, "parameters", len(never)), listed(seen, "shapes")
            share = max(len(never) / max(total, 1), _numbers(shapes, never) / max(_numbers(shapes), 1))
            message = (
                f"{len(never)} of {total} parameter tensors of `{name}` got no gradient, or exactly zero, at each of "
                f"{count(seen, 'steps')} steps ({_which(never, shapes, listed(seen, 'names'))})"
            )
            severity = "error" if share >= ERROR_SHARE else "warning"
            where = spot(named(facts, "lines").get(name))
            yield self.found(view, message, severity, share, 0.0, series="dye.unreached_share", location=where)

    def fires_on(self) -> Iterable[Case]:
        """A head, all of them, and one large tensor."""
        seen = {"parameters": 6, "never": [4, 5], "shapes": [[64, 4], [64], [64, 64], [64], [2, 64], [2]], "steps": 40}
        lines = {"lines": {"Adam#0": {"file": "train.py", "line": 80}}}
        yield dye_case("head", self.dye, {"optimizers": {"Adam#0": seen}, **lines})
        yield dye_case("all", self.dye, {"optimizers": {"Adam#0": {**seen, "never": [0, 1, 2, 3, 4, 5]}}})
        yield dye_case("large", self.dye, {"optimizers": {"Adam#0": {**seen, "never": [2], "names": ["a", "b", "c"]}}})

    def quiet_on(self) -> Iterable[Case]:
        """All reached, one optimiser with few steps beside one with many, and no parameters."""
        seen = {"parameters": 2, "never": [], "shapes": [[2, 4], [2]], "steps": 40}
        yield dye_case("all reached", self.dye, {"optimizers": {"Adam#0": seen}})
        few = {**seen, "never": [1], "steps": 3}
        yield dye_case("few steps of one", self.dye, {"optimizers": {"Adam#0": seen, "Adam#1": few}})
        yield dye_case("empty", self.dye, {"optimizers": {"SGD#0": {"parameters": 0, "never": [], "steps": 9}}})


def _numbers(shapes: list[Any], which: Iterable[int] | None = None) -> int:
    """How many numbers the tensors hold; those of some indices, or all."""
    chosen = range(len(shapes)) if which is None else [i for i in which if i < len(shapes)]
    return sum(prod(shapes[i]) for i in chosen if _is_shape(shapes[i]))


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, list | tuple) and all(isinstance(n, int) for n in shape)


def _which(never: list[int], shapes: list[Any], names: list[Any]) -> str:
    """`head.weight of shape 2×64, number 5 of shape 2`."""
    found: list[str] = []
    for i in never[:SHOWN]:
        shape = shapes[i] if i < len(shapes) and _is_shape(shapes[i]) else None
        name = f"`{names[i]}`" if i < len(names) and names[i] else f"number {i}"
        found.append(name if shape is None else f"{name} of shape {'×'.join(map(str, shape)) or '1'}")
    more = f" and {len(never) - SHOWN} more" if len(never) > SHOWN else ""
    return ", ".join(found) + more
