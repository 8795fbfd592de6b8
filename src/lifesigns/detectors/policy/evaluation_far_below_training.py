"""Rule D115: evaluation earns far less than training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from lifesigns.detectors.returns import recent
from lifesigns.model import Evidence, Finding, Subject
from lifesigns.model.series import series
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    Array,
    finite,
    mann_whitney,
    median,
)

GAP, WIDE = 0.3, 0.6
"""share of the range of the training returns (5 % to 95 % quantile) for a note, for a warning; assumed."""
CLEAR_Z = 4.0
"""z of the evaluation's returns against those of training; assumed."""


class EvaluationFarBelowTraining(Rule):
    """The evaluation environment gives far lower returns than the training environment at the same time.

    What it detects
    ---------------
    The last evaluation episodes earn clearly less than the training episodes of the same stretch of the run,
    although evaluation usually takes the better, deterministic actions.

    Why it matters
    --------------
    A gap in this direction is a difference between the two set-ups: observations normalised with other
    statistics, another wrapper, dropout or batch normalisation in the wrong mode, a policy whose mean is not
    what it learned to sample.

    How it decides
    --------------
    The last evaluation episodes (at least 10) against the last quarter of the training episodes: Mann-Whitney
    z beyond 4, and a difference of medians above 30 % of the range that the training returns have covered. A
    note below 60 %, a warning above.

    When it is wrong
    ----------------
    Policies whose optimum is random. Rewards that training normalises or shapes (the returns are then in
    other units), for which the raw return is compared if it is there.

    What to do
    ----------
    Evaluate with the training environment's own wrappers and statistics, frozen; put the network in
    evaluation mode; compare deterministic with sampled actions.

    References
    ----------
    Raffin et al., Stable-Baselines3 (2021), on evaluation environments; Huang et al. (2022).
    """

    code = "D115"
    since = "0.2"
    status = "preview"
    families = "any RL with evaluation episodes"
    reads = {}
    across = {"env.episode_return": 10, "env.episode_raw_return": 10}
    causes = {
        "evaluation-differs": Likelihood(0.80, source="the definition of the cause"),
        "any fault": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        names = ("env.episode_raw_return", "env.episode_return")
        raw = {n: [(s, one) for s, one in view.across(n) if len(finite(one.y)) >= 10] for n in names}
        found = next((f for f in raw.values() if {s.info.get("role") == "eval" for s, _ in f} == {True, False}), None)
        if found is None:
            raise CannotTell("returns of training and of evaluation, 10 episodes each, are not both there")
        trained = max((o for s, o in found if s.info.get("role") != "eval"), key=len)
        subject, evaluated = max(((s, o) for s, o in found if s.info.get("role") == "eval"), key=lambda f: len(f[1]))
        own, held = recent(trained.y), finite(evaluated.y)[-max(10, len(evaluated) // 3) :]
        covered = float(np.ptp(np.quantile(finite(trained.y), [0.05, 0.95])))
        gap = median(own) - median(held)
        if mann_whitney(held, own)[0] > -CLEAR_Z or not covered or gap <= GAP * covered:
            return
        yield self.finding(
            view,
            f"the last {len(held)} evaluation episodes return {median(held):.4g} (median), the last {len(own)} of "
            f"training {median(own):.4g}: the gap is {gap / covered:.0%} of the range of the training returns; "
            f"the line is {GAP:.0%}",
            "warning" if gap > WIDE * covered else "note",
            [
                Evidence(
                    evaluated.name,
                    subject.id,
                    median(held),
                    median(own) - GAP * covered,
                    "reward",
                    evaluated.clock,
                    float(evaluated.x[-1]),
                )
            ],
            about=subject,
        )

    def fires_on(self) -> Iterable[Case]:
        """An evaluation that fails, and one that is much worse."""
        rng = np.random.default_rng(0)
        yield _both("fails", np.linspace(10, 500, 200), np.full(30, 9.0))
        yield _both("much worse", np.linspace(0, 100, 200) + rng.normal(0, 3, 200), rng.normal(45, 5, 40))

    def quiet_on(self) -> Iterable[Case]:
        """Better, alike, and a little worse."""
        rng = np.random.default_rng(1)
        yield _both("better", np.linspace(0, 300, 200), np.full(20, 490.0))
        yield _both("alike", rng.normal(100, 20, 200), rng.normal(100, 20, 30))
        yield _both("a little worse", np.linspace(0, 100, 200), rng.normal(85, 5, 20))


def _both(name: str, trained: Array, evaluated: Array) -> Case:
    one = case(name, {"env.episode_return": trained}, info={"role": "train"})
    other = series("env.episode_return", "env_step", evaluated, subject="env/1", unit="reward")
    return replace(
        one, trace=one.trace.with_series([other], [Subject("env/1", "env", "eval_env", None, {"role": "eval"})])
    )
