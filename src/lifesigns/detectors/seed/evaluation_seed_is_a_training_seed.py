"""Rule D701: the evaluation environment is reset with a seed of the training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lifesigns.model import Event, Evidence, Finding, Subject
from lifesigns.model.series import series
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case


class EvaluationSeedIsATrainingSeed(Rule):
    """The evaluation environment is reset with a seed that training was reset with.

    What it detects
    ---------------
    A seed given to `reset` of the evaluation environment is among those given to that of the training environment.

    Why it matters
    --------------
    With one seed both begin in the same state, and in procedural environments in the same level. The score is then of
    what was trained on, not of what is new.

    How it decides
    --------------
    By the seeds themselves; a vector environment given one number s seeds its parts with s, s+1, …. A note.

    When it is wrong
    ----------------
    Environments with one fixed start: the seed changes nothing.

    What to do
    ----------
    Give the evaluation a seed far from those of training (seed + 10,000).

    References
    ----------
    Zhang et al., A study on overfitting in deep reinforcement learning (2018); Cobbe et al., Quantifying
    generalization in reinforcement learning (2019).
    """

    code = "D701"
    since = "0.2"
    status = "preview"
    families = "any RL with an evaluation environment"
    reads = {}
    across = {"env.episode_return": 1}
    needs_events = ("seed",)
    causes = {
        "evaluation-differs": Likelihood(0.02, source="judgement"),
        "any fault": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.02, source="judgement: a fixed start makes it harmless")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        subjects = {s.id: (s, one) for s, one in view.across("env.episode_return")}
        seeds: dict[bool, dict[int, Subject]] = {True: {}, False: {}}
        for event in view.events("seed"):
            if event.subject in subjects:
                subject = subjects[event.subject][0]
                for seed in _seeds(event.data.get("seed"), subject.info.get("num_envs")):
                    seeds[subject.info.get("role") == "eval"].setdefault(seed, subject)
        if not seeds[True] or not seeds[False]:
            raise CannotTell("seeds of training and of evaluation resets are not both there")
        both = sorted(seeds[True].keys() & seeds[False].keys())
        if not both:
            return
        subject = seeds[True][both[0]]
        one = subjects[subject.id][1]
        yield self.finding(
            view,
            f"`{subject.name}` is reset with the seed {both[0]} for evaluation, which training was reset with as well"
            + (f" ({len(both)} seeds in common)" if len(both) > 1 else ""),
            "note",
            [Evidence(one.name, subject.id, float(len(both)), 0.0, "seeds", one.clock, float(one.x[-1]))],
            about=subject,
        )

    def fires_on(self) -> Iterable[Case]:
        """The same number, and one of a list."""
        yield _resets("the same", 1, 1)
        yield _resets("of a list", [3, 4, 5], 4)

    def quiet_on(self) -> Iterable[Case]:
        """Far away, next to it, two lists."""
        yield _resets("far away", 1, 10_001)
        yield _resets("next to it", 1, 2)
        yield _resets("two lists", [1, 2, 3], [101, 102])


def _seeds(given: Any, parts: Any) -> list[int]:
    if type(given) is int:
        many = parts if type(parts) is int and 1 < parts <= 4096 else 1
        return list(range(given, given + many))
    return [s for s in given if type(s) is int] if isinstance(given, list) else []


def _resets(name: str, trained: Any, evaluated: Any) -> Case:
    one = case(name, {"env.episode_return": [1.0, 2.0]}, info={"role": "train"})
    held = series("env.episode_return", "env_step", [1.0, 2.0], subject="env/1", unit="reward")
    trace = one.trace.with_series([held], [Subject("env/1", "env", "eval_env", None, {"role": "eval"})])
    events = (
        Event("seed", "env/0", {"what": "env.reset", "seed": trained}),
        Event("seed", "env/1", {"what": "env.reset", "seed": evaluated}),
    )
    return replace(one, trace=replace(trace, events=events))
