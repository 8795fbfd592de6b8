"""Linear policies: random weight guessing, the cross-entropy method, augmented random search.

action = argmax (or clipped tanh) of W·x + b on the features x of the observation. Sources: Oller et al. 2020 (random
weights), Szita and Lőrincz 2006 (CEM), Mania et al. 2018 (ARS v2-t).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifesigns.baselines.problem import FIT_SEED, Policy, Problem, Slice, evaluate, finish, play
from lifesigns.planner.ladder import Rung, share_interval

SCREEN, CONFIRM = 3, 17
"""Episodes of a random policy, and those added where the first reach the target."""
ELITE = 0.2
POPULATION = 24
KEPT = 12
"""Random policies whose returns are kept episode by episode for variance and information."""


@dataclass
class LinearForm:
    """How a parameter vector becomes a policy."""

    problem: Problem
    shift: NDArray[np.float64]
    scale: NDArray[np.float64]
    bias: bool = True

    @property
    def rows(self) -> int:
        return self.problem.actions.n

    @property
    def size(self) -> int:
        return self.rows * (self.problem.features.n + int(self.bias))

    def policy(self, theta: NDArray[np.float64]) -> Policy:
        features, actions = self.problem.features.of, self.problem.actions
        split = self.rows * self.problem.features.n
        weights = theta[:split].reshape(self.rows, -1) / self.scale
        offset = (theta[split:] if self.bias else np.zeros(self.rows)) - weights @ self.shift
        decode = actions.decode
        if actions.kind == "discrete":
            return lambda obs: decode(int((weights @ features(obs) + offset).argmax()))
        return lambda obs: decode(np.tanh(weights @ features(obs) + offset))


def plain_form(problem: Problem) -> LinearForm:
    """Raw features without bias, as in Oller et al."""
    n = problem.features.n
    return LinearForm(problem, np.zeros(n), np.ones(n), bias=False)


def standard_form(problem: Problem, steps: int = 400) -> LinearForm:
    """Features standardised by a stretch of random play."""
    world, seen = problem.world, []
    obs = world.reset(seed=FIT_SEED)
    episode = 0
    for _ in range(steps):
        seen.append(problem.features.of(obs))
        obs, _, terminated, truncated = world.step(world.env.action_space.sample())
        if terminated or truncated:
            episode += 1
            obs = world.reset(seed=FIT_SEED + episode)
    table = np.array(seen)
    return LinearForm(problem, table.mean(0), np.maximum(table.std(0), 1e-3))


def random_weights(problem: Problem, limit: Slice, most: int = 1000, confirm: int = CONFIRM) -> Rung:
    """Random weights, screened on a few episodes; the share that reaches the target is what a benchmark is worth.

    The best policy is played again on fresh seeds, so that the maximum over many does not flatter it.
    """
    method, kind = "linear, random weights", "linear"
    form, rng = plain_form(problem), problem.rng(2)
    search = limit.part(0.75)
    scores: list[float] = []
    table: list[list[float]] = []
    best: tuple[float, NDArray[np.float64]] = (-np.inf, np.zeros(form.size))
    solved, first = 0, -1
    while len(scores) < most and not search.over:
        theta = rng.normal(size=form.size)
        policy = form.policy(theta)
        returns = returns_of(problem, policy, range(SCREEN), search.until)
        if len(returns) < SCREEN:
            break
        if problem.target is not None and np.mean(returns) >= problem.target:
            returns += returns_of(problem, policy, range(SCREEN, SCREEN + confirm), search.until)
            if np.mean(returns) >= problem.target:
                solved += 1
                first = len(scores) if first < 0 else first
        scores.append(float(np.mean(returns)))
        table.append(returns[:SCREEN])
        if scores[-1] > best[0] or (scores[-1] == best[0] and len(returns) > SCREEN):
            best = (scores[-1], theta)
    if not scores:
        return finish(Rung(method, kind, blind=f"{SCREEN} episodes did not fit into {limit.seconds:.1f} s"), limit)
    facts: dict[str, Any] = {"policies": len(scores), "best_in_search": best[0], **information(np.array(table))}
    if problem.target is not None:
        low, high = share_interval(solved, len(scores))
        facts |= {"solved_share": solved / len(scores), "solved_low": low, "solved_high": high, "first_solved": first}
    return finish(Rung(method, kind, evaluate(problem, form.policy(best[1]), limit), facts=facts), limit)


def returns_of(problem: Problem, policy: Policy, seeds: range, until: float) -> list[float]:
    found: list[float] = []
    for i in seeds:
        done = play(problem.world, policy, FIT_SEED + i, until)
        if done is None:
            break
        found.append(done[0])
    return found


def information(table: NDArray[np.float64], bins: int = 100) -> dict[str, float]:
    """How much of the return random policies control: policy information capacity (PIC) in nats, the optimality
    variant (POIC) maximised over temperature (Furuta et al. 2021), and the share of variance between policies.

    `table` is [policy, episode].
    """
    if len(table) < 10 or table.max() == table.min():
        return {"pic": 0.0, "poic": 0.0, "variance_between": 0.0}
    counts, edges = np.histogram(table.ravel(), bins)
    inside = np.mean([_entropy(np.histogram(row, edges)[0] / len(row)) for row in table])
    pic = _entropy(counts / counts.sum()) - float(inside)
    poic = 0.0
    span = max(float(table.max() - table.min()), 1e-9)
    for temperature in span * np.logspace(-3, 2, 40):
        p = np.exp((table - table.max()) / temperature)
        poic = max(poic, float(_binary(p.mean()) - np.mean(_binary(p.mean(1)))))
    return {"pic": float(pic), "poic": poic, "variance_between": float(table.mean(1).var() / table.var())}


def _entropy(p: NDArray[np.float64]) -> float:
    kept = p[p > 0]
    return float(-(kept * np.log(kept)).sum())


def _binary(p: Any) -> Any:
    q = np.clip(p, 1e-12, 1 - 1e-12)
    return -(q * np.log(q) + (1 - q) * np.log(1 - q))


def cross_entropy(problem: Problem, limit: Slice) -> Rung:
    """CEM on the parameters; the mean of the last elite is played."""
    form, rng = standard_form(problem), problem.rng(3)
    mean, deviation = np.zeros(form.size), np.ones(form.size)
    search = limit.part(0.75)
    rounds, best = 0, (-np.inf, mean)
    while not search.over and deviation.max() > 0.02:
        thetas = mean + deviation * rng.normal(size=(POPULATION, form.size))
        scores: list[float] = []
        seeds = range(3 * rounds, 3 * rounds + 2)
        for theta in thetas:
            returns = returns_of(problem, form.policy(theta), seeds, search.until)
            if len(returns) < len(seeds):
                break
            scores.append(float(np.mean(returns)))
        if len(scores) < POPULATION:
            break
        elite = thetas[np.argsort(scores)[::-1][: max(int(ELITE * POPULATION), 2)]]
        mean, deviation = elite.mean(0), elite.std(0) + 0.3 * 0.85**rounds
        rounds += 1
        best = max(best, (max(scores), thetas[int(np.argmax(scores))]), key=lambda pair: pair[0])
        if problem.target is not None and np.mean(np.sort(scores)[-5:]) >= problem.target and rounds >= 5:
            break
    if not rounds:
        return finish(Rung("linear, CEM", "linear", blind=f"one round did not fit into {limit.seconds:.1f} s"), limit)
    return better_of(problem, limit, "linear, CEM", [form.policy(mean), form.policy(best[1])], {"rounds": rounds})


def random_search(problem: Problem, limit: Slice) -> Rung:
    """ARS: steps along differences of returns of mirrored perturbations, scaled by their deviation."""
    form, rng = standard_form(problem), problem.rng(4)
    theta = np.zeros(form.size)
    search = limit.part(0.75)
    directions, top, rate, noise = 8, 4, 0.1, 0.2
    rounds, best = 0, (-np.inf, theta)
    while not search.over:
        deltas = rng.normal(size=(directions, form.size))
        pairs: list[tuple[float, float]] = []
        for delta in deltas:
            two = [
                returns_of(problem, form.policy(theta + s * noise * delta), range(rounds, rounds + 1), search.until)
                for s in (1, -1)
            ]
            if not (two[0] and two[1]):
                break
            pairs.append((two[0][0], two[1][0]))
        if len(pairs) < directions:
            break
        scores = np.array(pairs)
        chosen = np.argsort(scores.max(1))[::-1][:top]
        spread = max(float(scores[chosen].std()), 1e-6)
        theta = theta + rate / (top * spread) * ((scores[chosen, 0] - scores[chosen, 1]) @ deltas[chosen])
        rounds += 1
        best = max(best, (float(scores.max()), theta), key=lambda pair: pair[0])
    if not rounds:
        return finish(Rung("linear, ARS", "linear", blind=f"one round did not fit into {limit.seconds:.1f} s"), limit)
    return better_of(problem, limit, "linear, ARS", [form.policy(theta), form.policy(best[1])], {"rounds": rounds})


def better_of(problem: Problem, limit: Slice, method: str, policies: list[Policy], facts: dict[str, Any]) -> Rung:
    """The policy that is better on a few fitting seeds, played on the evaluation seeds."""
    tried = [np.mean(returns_of(problem, p, range(900, 903), limit.until) or [-np.inf]) for p in policies]
    return finish(Rung(method, "linear", evaluate(problem, policies[int(np.argmax(tried))], limit), facts=facts), limit)
