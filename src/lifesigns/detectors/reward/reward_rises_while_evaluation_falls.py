"""Rule D416: the reward of completions rises while that of held-out prompts falls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding, Subject
from lifesigns.model.series import series
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import Array, finite, trend

RISING_Z = 3.0
"""z of the last third of the training reward against the first; assumed."""
FALLEN = 0.1
"""fall from its peak, as a share of what it had risen, or of its size; assumed."""
EVALS = 6
"""evaluations; catalogue D28."""


class RewardRisesWhileEvaluationFalls(Rule):
    """The reward of completions rises while that of the evaluation has fallen from its peak.

    What it detects
    ---------------
    The mean training reward goes up to the end; the evaluation's went up, peaked, and came down for the last third of
    the evaluations.

    Why it matters
    --------------
    Past the peak of a proxy, more of it buys less of what was meant: the policy has found what the reward model
    scores and nobody wants, or fits the training prompts alone.

    How it decides
    --------------
    At least 6 evaluations and 20 training steps: training reward rises (Mann-Whitney z above 3), the mean of the last
    third of the evaluations lies below the highest by more than 10 % of the range of the evaluations and by more than
    two standard deviations of the last third. A note, with the square root of the KL to the reference if it is logged.

    When it is wrong
    ----------------
    Evaluations on few prompts, which swing by themselves.

    What to do
    ----------
    Stop at the peak; a stronger penalty on the KL, an ensemble of reward models, fresh prompts.

    References
    ----------
    Gao et al., Scaling laws for reward model overoptimization (2023).
    """

    code = "D416"
    since = "0.2"
    status = "preview"
    families = "GRPO, RLOO, PPO on language models with evaluation"
    reads = {"completions.reward_mean": 20}
    may_read = {"completions.reference_kl": 5}
    across = {"env.mean_return": EVALS}
    causes = {
        "reward-misspecified": Likelihood(0.60, source="judgement"),
        "any fault": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.05, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one, kl = view["completions.reward_mean"], view.get("completions.reference_kl")
        evaluated = [s.y for subject, s in view.across("env.mean_return") if subject.info.get("role") == "eval"]
        held = finite(evaluated[0]) if evaluated else np.empty(0)
        if len(held) < EVALS:
            raise CannotTell(f"fewer than {EVALS} rewards of an evaluation were logged")
        last = held[-(len(held) // 3) :]
        fall, spread = float(held.max() - last.mean()), float(np.ptp(held))
        if trend(one.y) <= RISING_Z or not fall > max(FALLEN * spread, 2 * float(last.std())):
            return
        if int(held.argmax()) >= len(held) - len(last):
            return
        far = f", √KL {np.sqrt(max(float(finite(kl.y)[-1]), 0.0)):.2g}" if kl is not None and len(finite(kl.y)) else ""
        yield self.finding(
            view,
            f"the training reward rises to the end; that of the evaluation has fallen from {held.max():.4g} to "
            f"{last.mean():.4g} (mean of the last {len(last)} of {len(held)}{far})",
            "note",
            own_evidence(view, one, float(last.mean()), float(held.max())),
        )

    def fires_on(self) -> Iterable[Case]:
        """A peak in the middle, and a slow fall."""
        yield _both("peak", np.r_[np.linspace(0, 1, 6), np.linspace(1, 0.2, 8)])
        yield _both("slow fall", np.linspace(0.9, 0.6, 20))

    def quiet_on(self) -> Iterable[Case]:
        """Both rise, a plateau, the peak is the end."""
        yield _both("both", np.linspace(0, 1, 12))
        yield _both("plateau", np.r_[np.linspace(0, 1, 6), np.tile([1.0, 0.97], 6)])
        yield _both("at the end", np.r_[np.linspace(0, 0.5, 10), [0.7, 0.8, 0.9]])


def _both(name: str, evaluated: Array) -> Case:
    one = case(name, {"completions.reward_mean": np.linspace(0, 1, 60)})
    subject = Subject("env/logged-evaluation", "env", "evaluation", None, {"logged": True, "role": "eval"})
    other = series("env.mean_return", "env_step", evaluated, subject=subject.id, unit="reward")
    return replace(one, trace=one.trace.with_series([other], [subject]))
