"""Rule D506: observations are normalised in training and not in evaluation, or the other way round."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lifesigns.model import Evidence, Finding, Subject
from lifesigns.model.series import series
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case

NORMALISERS = ("NormalizeObservation", "VecNormalize")
"""Wrappers that normalise observations by running statistics (Gymnasium, Stable-Baselines3)."""


class EvaluationObservedOtherwise(Rule):
    """Observations are normalised in training and not in evaluation, or the other way round.

    What it detects
    ---------------
    One of the two environments has a wrapper that normalises observations by running statistics, the other has none.

    Why it matters
    --------------
    A policy that was trained on normalised observations sees something else when they are not normalised. The
    evaluation then measures the set-up, not the policy.

    How it decides
    --------------
    By the wrappers of the training and the evaluation environments that the recorder saw: `NormalizeObservation`,
    `VecNormalize` (unless it normalises rewards alone). A warning.

    When it is wrong
    ----------------
    Evaluation loops that normalise by hand before they ask the policy (`vec_env.normalize_obs(obs)`).

    What to do
    ----------
    Evaluate through the training environment's normaliser with its statistics frozen, and save them with the model.

    References
    ----------
    Raffin et al., Stable-Baselines3 (2021), on `VecNormalize`; Huang et al., The 37 implementation details of PPO
    (2022).
    """

    code = "D506"
    since = "0.2"
    status = "preview"
    families = "any RL with an evaluation environment"
    reads = {}
    across = {"env.episode_return": 1}
    causes = {
        "evaluation-differs": Likelihood(0.50, source="judgement"),
        "any fault": Likelihood(0.01, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        found = [(s, one, n) for s, one in view.across("env.episode_return") if (n := _normalised(s)) is not None]
        trained = max((f for f in found if f[0].info.get("role") != "eval"), key=lambda f: len(f[1]), default=None)
        held = [f for f in found if f[0].info.get("role") == "eval"]
        if trained is None or not held:
            raise CannotTell("the wrappers of a training and of an evaluation environment are not both known")
        for subject, one, normalised in held:
            if normalised == trained[2]:
                continue
            which = ("training", "evaluation") if trained[2] else ("evaluation", "training")
            yield self.finding(
                view,
                f"observations are normalised in {which[0]} and not in {which[1]}: `{trained[0].name}` trains, "
                f"`{subject.name}` evaluates ({len(one)} episodes)",
                "warning",
                [Evidence(one.name, subject.id, float(normalised), float(trained[2]), "normalised", one.clock, None)],
                about=subject,
            )
            return

    def fires_on(self) -> Iterable[Case]:
        """Raw in evaluation, and normalised in evaluation alone."""
        yield _both("raw", ["VecNormalize", "DummyVecEnv"], ["TimeLimit", "PendulumEnv"])
        yield _both("evaluation alone", ["TimeLimit"], ["NormalizeObservation", "TimeLimit"])

    def quiet_on(self) -> Iterable[Case]:
        """Neither, both, rewards alone."""
        yield _both("neither", ["TimeLimit"], ["TimeLimit"])
        yield _both("both", ["NormalizeObservation"], ["VecNormalize"])
        yield _both("rewards alone", ["VecNormalize"], ["TimeLimit"], normalises_observations=False)


def _normalised(subject: Subject) -> bool | None:
    """Whether an environment normalises observations; None where its wrappers are not known."""
    wrappers = subject.info.get("wrappers")
    if not isinstance(wrappers, (list, tuple)) or not wrappers:
        return None
    return subject.info.get("normalises_observations", True) is True and any(w in NORMALISERS for w in wrappers)


def _both(name: str, trained: list[str], evaluated: list[str], **info: Any) -> Case:
    one = case(name, {"env.episode_return": [1.0, 2.0]}, info={"role": "train", "wrappers": trained, **info})
    held = series("env.episode_return", "env_step", [1.0, 2.0], subject="env/1", unit="reward")
    other = Subject("env/1", "env", "eval_env", None, {"role": "eval", "wrappers": evaluated})
    return replace(one, trace=one.trace.with_series([held], [other]))
