"""The stages of `lifesigns env` in order, each with its share of the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lifesigns.baselines import measures, pace, variance
from lifesigns.baselines.environment import EnvironmentProblem, World
from lifesigns.baselines.fidelity import Checked, choose
from lifesigns.baselines.film import film
from lifesigns.baselines.learner_speed import learner_speed
from lifesigns.baselines.methods import (
    bandit,
    cloning,
    equilibrium,
    evolution,
    fixed,
    gorp,
    ilqr,
    linear,
    lqr,
    mppi,
    open_loop,
    rollout_iw,
    tabular,
    tree_search,
)
from lifesigns.baselines.planning import Played
from lifesigns.baselines.problem import Problem, Slice
from lifesigns.baselines.spaces import actions, features
from lifesigns.baselines.user_pair import user_pair
from lifesigns.planner.ladder import Rung, rung_to_json
from lifesigns.planner.prior import usual_score
from lifesigns.planner.properties import Property, property_to_json


@dataclass
class Found:
    """What a stage sends to the parent."""

    rungs: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    properties: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    extra: dict[str, Any] = field(default_factory=dict[str, Any])


class Bench:
    """The problem, the time, and what stages leave for later ones."""

    def __init__(self, world: World, request: dict[str, Any]) -> None:
        self.world = world
        self.request = request
        self.until = time.monotonic() + float(request["until"]) - time.time()
        space = world.env.action_space
        space.seed(int(request.get("seed", 0)))
        self.problem = Problem(
            world, actions(space), features(world.env.observation_space), seed=int(request.get("seed", 0))
        )
        self.problem.target, self.target_source = sufficient(world, request.get("target"))
        self._begun = (time.monotonic(), time.process_time())
        self.played: dict[str, list[Played]] = {}
        self.means: dict[str, float] = {}

    @property
    def left(self) -> float:
        return max(self.until - time.monotonic(), 0.0)

    @property
    def cpu_share(self) -> float:
        """The part of a core that this process has had so far."""
        wall, cpu = self._begun
        return (time.process_time() - cpu) / max(time.monotonic() - wall, 1e-9)

    def slice(self, seconds: float) -> Slice:
        return Slice(self.world, seconds)

    def note(self, rungs: list[Rung]) -> Found:
        for rung in rungs:
            if rung.whole:
                self.means[rung.method] = rung.mean
        filled = [_said(r) for r in rungs]
        return Found(rungs=[rung_to_json(r) for r in filled])


def sufficient(world: World, named: float | None) -> tuple[float | None, str]:
    """The score that is enough and who says so: the user, the environment's registration, tuned algorithms."""
    if named is not None:
        return float(named), "named by you"
    threshold = getattr(world.spec, "reward_threshold", None)
    if threshold is not None and np.isfinite(threshold):
        return float(threshold), "the threshold that the environment registers"
    usual = usual_score(getattr(world.spec, "id", None) or world.name)
    return usual if usual is not None else (None, "")


def _said(rung: Rung) -> Rung:
    """A rung without returns and without a reason ran out of time."""
    from dataclasses import replace

    return rung if rung.returns or rung.blind else replace(rung, blind="no episode ended within its share of the time")


@dataclass(frozen=True)
class Stage:
    """Name, share of the time that is left (by weight), what it does, and whether it applies.

    `late`: whether that is only known once the stages before it have run. `quick`: the weight in a short search that
    places a run; 0 where the stage is not part of it.
    """

    name: str
    weight: float
    run: Callable[[Bench, float], Found]
    fits: Callable[[Bench], bool] = lambda _: True
    late: bool = False
    quick: float = 0.0


def _random(bench: Bench, seconds: float) -> Found:
    speed = pace.speed(bench.problem)
    rung = fixed.random(bench.problem, bench.slice(seconds))
    found = bench.note([rung])
    rows = [*speed, *measures.rewards(bench.problem), measures.shape(bench.problem)]
    rows += [measures.step_seconds(bench.world.env), *measures.self_play(bench.world.env)]
    found.properties = [property_to_json(p) for p in rows]
    return found


def _second(bench: Bench, seconds: float) -> Found:
    rows = pace.beside(bench.problem, bench.request, bench.slice(seconds))
    return Found(properties=[property_to_json(p) for p in rows])


def _variance(bench: Bench, seconds: float) -> Found:
    rows = variance.shares(bench.problem, bench.slice(seconds))
    return Found(properties=[property_to_json(p) for p in rows])


def _learner(bench: Bench, seconds: float) -> Found:
    return Found(extra={"learner": learner_speed(bench.problem, bench.slice(seconds), bench.cpu_share)})


def _trap(bench: Bench, seconds: float) -> Found:
    del seconds
    return Found(properties=[property_to_json(measures.trap(*measures.early_ends(bench.problem)))])


def _metric(bench: Bench, seconds: float) -> Found:
    del seconds
    return Found(properties=[property_to_json(p) for p in measures.true_metric(bench.world.scored)])


def _constants(bench: Bench, seconds: float) -> Found:
    limit = bench.slice(seconds)
    rungs = [fixed.sticky(bench.problem, limit.part(0.25)), *fixed.constants(bench.problem, limit)]
    return bench.note(rungs)


def _restore(bench: Bench, seconds: float) -> Found:
    pair = user_pair(bench.request.get("restore", ""))
    checked = Checked(None, ("turned off",)) if bench.request.get("no_restore") else choose(bench.world, pair)
    bench.problem.restore = checked.adapter
    if checked.adapter is None:
        bench.problem.no_restore = "the state cannot be restored: " + "; ".join(checked.refused)
    return Found(properties=[property_to_json(p) for p in measures.restorable(bench.problem, checked)])


def _dynamics(bench: Bench, seconds: float) -> Found:
    limit = bench.slice(seconds)
    rows = [measures.chance(bench.problem, limit.part(0.3)), *measures.consequences(bench.problem, limit.part(0.5))]
    rows += [measures.history(bench.problem, limit.part(0.5)), measures.time_scale(bench.problem, limit)]
    return Found(properties=[property_to_json(p) for p in rows])


def _equilibrium(bench: Bench, seconds: float) -> Found:
    rung, row = equilibrium.cfr(bench.problem, bench.slice(seconds))
    found = bench.note([rung])
    found.properties = [property_to_json(row)]
    return found


def _random_weights(bench: Bench, seconds: float) -> Found:
    rung = linear.random_weights(bench.problem, bench.slice(seconds))
    found = bench.note([rung])
    if "pic" in rung.facts:
        text = (
            f"random linear policies differ: they control {rung.facts['pic']:.2f} nats of the return (PIC), "
            f"{100 * rung.facts['variance_between']:.0f} % of its variance"
        )
        found.properties = [property_to_json(Property("information", float(rung.facts["pic"]), text))]
    return found


def _linear(method: Callable[[Problem, Slice], Rung]) -> Callable[[Bench, float], Found]:
    return lambda bench, seconds: bench.note([method(bench.problem, bench.slice(seconds))])


def _planned(method: Callable[..., tuple[Rung, list[Played]]], **options: Any) -> Callable[[Bench, float], Found]:
    def run(bench: Bench, seconds: float) -> Found:
        rung, played = method(bench.problem, bench.slice(seconds), **options)
        bench.played[rung.method] = played
        found = bench.note([rung])
        if rung.method == "GORP k=1" and "tie_rate" in rung.facts:
            share = float(rung.facts["tie_rate"])
            text = f"in {100 * share:.0f} % of decisions all actions look the same to random rollouts"
            found.properties = [property_to_json(Property("tie_rate", share, text))]
        if rung.facts.get("sweep"):
            found.extra = {"sweep": rung.facts["sweep"], "sweep_steps": rung.facts["sweep_steps"]}
        return found

    return run


def _cloned(bench: Bench, seconds: float) -> Found:
    whole = {m: [p for p in played if p.whole] for m, played in bench.played.items()}
    best = max((m for m in whole if whole[m]), key=lambda m: bench.means.get(m, -np.inf))
    return bench.note([cloning.clone(bench.problem, bench.slice(seconds), best, whole[best])])


def _filmed(bench: Bench, seconds: float) -> Found:
    """The best planner's first episode and random actions, as animations."""
    limit = bench.slice(seconds)
    shown: dict[str, Played | None] = {"random": None}
    planned = {m: p for m, p in bench.played.items() if p}
    if planned:
        best = max(planned, key=lambda m: bench.means.get(m, -np.inf))
        shown[best] = planned[best][0]
    films, missing = {}, ""
    for method, played in shown.items():
        gif, why = film(bench.problem, played, bench.request, limit)
        films |= {method: gif} if gif else {}
        missing = why or missing
    return Found(extra={"films": films, "no_film": missing})


def _linear_fits(bench: Bench) -> bool:
    return bench.problem.features.n > 0 and bool(bench.problem.actions.kind)


def _hidden_game(bench: Bench) -> bool:
    return any(p.name == "equilibrium" and p.value for p in measures.self_play(bench.world.env))


def _discrete(bench: Bench) -> bool:
    return bench.problem.actions.kind == "discrete"


def _continuous(bench: Bench) -> bool:
    return bench.problem.actions.kind == "continuous"


def _solved(bench: Bench, method: str) -> bool:
    target = bench.problem.target
    return target is not None and bench.means.get(method, -np.inf) >= target


def _was_planned(bench: Bench) -> bool:
    return _linear_fits(bench) and any(p.whole for played in bench.played.values() for p in played)


STAGES = (
    Stage("random", 0.08, _random, quick=0.1),
    Stage("constant actions", 0.06, _constants, lambda b: bool(b.problem.actions.kind)),
    Stage("restore", 0.04, _restore, quick=0.05),
    Stage("dynamics", 0.08, _dynamics),
    Stage("variance", 0.04, _variance),
    Stage("second process", 0.14, _second),
    Stage("early ends", 0.01, _trap),
    Stage("tabular", 0.12, lambda b, s: b.note([tabular.value_iteration(b.problem, b.slice(s))]), _discrete),
    Stage("CFR", 0.5, _equilibrium, _hidden_game),
    Stage("MPPI", 1.6, _planned(mppi.mppi), _continuous, quick=0.4),
    Stage("random weights", 0.12, _random_weights, _linear_fits),
    Stage("CEM", 0.12, _linear(linear.cross_entropy), _linear_fits, quick=0.4),
    Stage("CMA-ES", 0.06, _linear(evolution.cma_es), lambda b: _linear_fits(b) and not _solved(b, "linear, CEM")),
    Stage("ARS", 0.06, _linear(linear.random_search), lambda b: _linear_fits(b) and not _solved(b, "linear, CEM")),
    Stage("bandit", 0.03, lambda b, s: b.note([bandit.myopic(b.problem, b.slice(s))]), _linear_fits),
    Stage("open loop", 0.05, lambda b, s: b.note(open_loop.open_loop(b.problem, b.slice(s)))),
    Stage("LQR", 0.04, lambda b, s: b.note([lqr.lqr(b.problem, b.slice(s))]), _linear_fits, quick=0.05),
    Stage("true metric", 0.01, _metric),
    Stage("GORP", 0.3, _planned(gorp.gorp), quick=0.2),
    Stage("GORP k=2", 0.08, _planned(gorp.gorp, k=2), lambda b: _discrete(b) and not _solved(b, "GORP k=1")),
    Stage("UCT", 0.22, _planned(tree_search.uct), _discrete, quick=0.2),
    Stage("IW(1)", 0.08, _planned(tree_search.iterated_width), _discrete),
    Stage("rollout IW(1)", 0.08, _planned(rollout_iw.rollout_iw), _discrete),
    Stage("iLQR", 0.1, lambda b, s: b.note([ilqr.ilqr(b.problem, b.slice(s))]), _continuous),
    Stage("cloning", 0.1, _cloned, _was_planned, True),
    Stage("film", 0.1, _filmed, lambda b: bool(b.request.get("film")) and bool(b.problem.actions.kind)),
    Stage("learner speed", 0.1, _learner, _linear_fits),
)

__all__ = ["STAGES", "Bench", "EnvironmentProblem", "Found", "Stage"]
