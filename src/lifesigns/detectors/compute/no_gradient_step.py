"""Rule D804: the run ended without a single gradient step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lifesigns.detectors.returns import updates
from lifesigns.model import Evidence, Finding, Location, Subject
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    finite,
)

LEAST_STEPS = 500.0
"""environment steps before it means anything; assumed."""


class NoGradientStep(Rule):
    """The run ended without a single gradient step.

    What it detects
    ---------------
    There is a network with trainable parameters and an environment that was stepped, and no optimiser ever
    made a step.

    Why it matters
    --------------
    Nothing was learned because nothing was trained: learning starts later than the run ends, the batch is
    never full, the training call sits behind a condition that never holds.

    How it decides
    --------------
    At least 500 environment steps, a network that the process made, and a count of optimiser steps that is 0
    to the end: a warning (a note where the run was cut short). Where `torch.load` read weights from a file it
    cannot tell.

    When it is wrong
    ----------------
    Scripts that only evaluate a model, and methods without gradients (evolution, random search over weights).

    What to do
    ----------
    Compare the step at which learning starts, the rollout length and the batch size with the total number of
    steps.

    References
    ----------
    Jones, Debugging RL (2021); Stable-Baselines3's documentation of `learning_starts`.
    """

    code = "D804"
    since = "0.2"
    per = "network"
    families = "any RL that trains by gradients"
    whole_run = True
    reads = {}
    across = {"run.updates": 1, "run.env_steps": 1}
    causes = {
        "updates-never-made": Likelihood(0.95, source="the definition of the cause"),
        "any fault": Likelihood(0.003, source="judgement"),
    }
    false_alarm = Likelihood(0.0056, "measured", "0 of 89 healthy runs, benchmarks/atlas")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        made, clocks = updates(view), [finite(s.y) for _, s in view.across("run.env_steps")]
        steps = max((float(c.max()) for c in clocks if len(c)), default=0.0)
        if made is None or steps < LEAST_STEPS:
            raise CannotTell(f"{steps:.0f} environment steps, {LEAST_STEPS:.0f} needed")
        if made > 0:
            return
        if view.subject.info.get("weights_read"):
            raise CannotTell("weights were read from a file: the script may be there to evaluate")
        one = view.across("run.updates")[0][1]
        yield self.finding(
            view,
            f"{steps:.0f} environment steps were made and not one optimiser step, although there is a network "
            f"`{view.subject.name}`",
            "warning",
            [Evidence(one.name, "run", 0.0, 1.0, "steps", one.clock, float(one.x[-1]))],
        )

    def fires_on(self) -> Iterable[Case]:
        """Learning starts too late, and a batch that is never full."""
        yield _run("starts too late", 20_000.0, 0.0)
        yield _run("never full", 800.0, 0.0)

    def quiet_on(self) -> Iterable[Case]:
        """One step, many, and few in a long run."""
        yield _run("one", 20_000.0, 1.0)
        yield _run("many", 20_000.0, 5_000.0)
        yield _run("few", 1e6, 10.0)


def _run(name: str, steps: float, made: float) -> Case:
    one = case(name, {"run.env_steps": [0.0, steps / 2, steps], "run.updates": [0.0, made, made]})
    return replace(
        one, trace=one.trace.with_series([], [Subject("network/0", "network", "q_network", Location("train.py", 1))])
    )
