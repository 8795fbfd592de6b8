"""CMA-ES on linear policies, by the library `cma` (the extra `search`).

Source: Hansen and Ostermeier 2001, "Completely derandomized self-adaptation in evolution strategies". Unlike the plain
cross-entropy method it learns how parameters depend on each other.
"""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from typing import Any

import numpy as np

from lifesigns.baselines.methods.linear import better_of, returns_of, standard_form
from lifesigns.baselines.problem import Problem, Slice, finish
from lifesigns.planner.ladder import Rung

METHOD, SPREAD = "linear, CMA-ES", 1.0
MOST_PARAMETERS = 2000
"""The covariance of more parameters takes longer than the episodes."""


def cma_es(problem: Problem, limit: Slice) -> Rung:
    """CMA-ES with its default population on standardised features; the mean of the distribution is played."""
    if importlib.util.find_spec("cma") is None:
        return Rung(
            METHOD, "linear", blind='the package `cma` is not installed here; `pip install "lifesigns[search]"`'
        )
    form = standard_form(problem)
    if form.size > MOST_PARAMETERS or form.size < 2:
        return Rung(METHOD, "linear", blind=f"{form.size} parameters; CMA-ES takes 2 to {MOST_PARAMETERS}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cma: Any = importlib.import_module("cma")
        options = {"seed": problem.seed + 1, "verbose": -9, "verb_log": 0, "verb_disp": 0}
        search, rounds = limit.part(0.75), 0
        strategy = cma.CMAEvolutionStrategy(np.zeros(form.size), SPREAD, options)
        best: tuple[float, Any] = (-np.inf, np.zeros(form.size))
        while not search.over and not strategy.stop():
            thetas = strategy.ask()
            seeds = range(2 * rounds, 2 * rounds + 2)
            scores: list[float] = []
            for theta in thetas:
                returns = returns_of(problem, form.policy(np.asarray(theta)), seeds, search.until)
                if len(returns) < len(seeds):
                    break
                scores.append(float(np.mean(returns)))
            if len(scores) < len(thetas):
                break
            strategy.tell(thetas, [-s for s in scores])
            rounds += 1
            best = max(best, (max(scores), thetas[int(np.argmax(scores))]), key=lambda pair: pair[0])
            if problem.target is not None and np.median(scores) >= problem.target and rounds >= 5:
                break
        mean = np.asarray(strategy.mean)
    if not rounds:
        return finish(Rung(METHOD, "linear", blind=f"one round did not fit into {limit.seconds:.1f} s"), limit)
    policies = [form.policy(mean), form.policy(np.asarray(best[1]))]
    return better_of(problem, limit, METHOD, policies, {"rounds": rounds, "population": int(strategy.popsize)})
