"""UCT and iterated width, IW(1), by restoring states (P31).

Sources: Kocsis and Szepesvári 2006 (UCT), Guo et al. 2014 (UCT on Atari), Lipovetzky, Ramirez and Geffner 2015 (IW(1)
on the Atari RAM). On a stochastic environment UCT is open-loop: a node is an action sequence, and each simulation draws
chance anew from the root.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lifesigns.baselines.environment import layers
from lifesigns.baselines.planning import Played, episodes, needs_restore
from lifesigns.baselines.problem import Problem, Slice
from lifesigns.baselines.restore_simulators import AleState
from lifesigns.planner.ladder import Rung

DISCOUNT = 0.995
SIMULATIONS, DEPTH = 60, 30
MOST_FEATURES = 4096


@dataclass(slots=True)
class Node:
    """Statistics of an action sequence; `state` is kept where the environment is deterministic."""

    kids: dict[int, Node] = field(default_factory=dict[int, "Node"])
    visits: int = 0
    total: float = 0.0
    reward: float = 0.0
    over: bool = False
    state: Any = None


@dataclass
class Uct:
    """A search tree; `search` returns the best action from a saved state and keeps the branch that is taken."""

    problem: Problem
    rng: np.random.Generator
    simulations: int = SIMULATIONS
    depth: int = DEPTH
    exploration: float = 0.5
    loss: float = 0.0
    """Return that the end of an episode counts, in units of the largest return seen."""
    lives: Callable[[], int] | None = None
    scale: float = 1e-9
    root: Node = field(default_factory=Node)

    def search(self, state: Any) -> int:
        root = self.root if not self.problem.stochastic else Node()
        root.state = state
        for _ in range(self.simulations):
            self._simulate(root)
        means = {a: k.total / k.visits for a, k in root.kids.items()}
        best = [a for a, v in means.items() if v >= max(means.values()) - 1e-12]
        action = int(best[self.rng.integers(len(best))])
        kept = root.kids[action]
        self.root = Node() if kept.over else kept
        return action

    def _restore(self, state: Any) -> None:
        restore = self.problem.restore
        assert restore is not None
        restore.restore(state, self.rng if self.problem.stochastic and restore.chance else None)

    def _simulate(self, root: Node) -> None:
        keep = not self.problem.stochastic
        path: list[Node] = []
        node = root
        self._restore(root.state)
        while len(path) < self.depth and not node.over:
            action, fresh = self._choose(node)
            if keep and fresh and node is not root:
                self._restore(node.state)
            kid = node.kids.setdefault(action, Node())
            if fresh or not keep:
                kid.reward, kid.over = self._step(action)
                if keep:
                    kid.state = self._save(kid)
            path.append(kid)
            node = kid
            if fresh:
                break
        value = self._rollout(node, self.depth - len(path)) if not node.over else -self.loss * self.scale
        for one in reversed(path):
            value = one.reward + DISCOUNT * value
            one.visits += 1
            one.total += value
        root.visits += 1
        self.scale = max(self.scale, abs(value))

    def _save(self, kid: Node) -> Any:
        assert self.problem.restore is not None
        return None if kid.over else self.problem.restore.save()

    def _choose(self, node: Node) -> tuple[int, bool]:
        n = self.problem.actions.n
        if len(node.kids) < n:
            untried = [a for a in range(n) if a not in node.kids]
            return untried[int(self.rng.integers(len(untried)))], True
        log = math.log(max(sum(k.visits for k in node.kids.values()), 1))

        def bound(action: int) -> float:
            kid = node.kids[action]
            return kid.total / kid.visits / self.scale + self.exploration * math.sqrt(log / kid.visits)

        return max(range(n), key=bound), False

    def _step(self, action: int) -> tuple[float, bool]:
        """Reward, and whether the episode, or a life of an Atari game, is over."""
        before = self.lives() if self.lives is not None else 0
        _, reward, terminated, truncated = self.problem.world.step(self.problem.actions.decode(action))
        lost = self.lives is not None and self.lives() < before
        return reward, terminated or truncated or lost

    def _rollout(self, node: Node, steps: int) -> float:
        """Random actions from a fresh leaf: the world stands there already."""
        total, weight = 0.0, 1.0
        for _ in range(steps):
            reward, over = self._step(int(self.rng.integers(self.problem.actions.n)))
            total += weight * reward
            weight *= DISCOUNT
            if over:
                return total - weight * self.loss * self.scale
        return total


def sized(problem: Problem, limit: Slice, depth: int) -> int:
    """Simulations for which one episode fits into the slice, between 2 per action and 200."""
    typical = float(np.mean([len(s) for s in problem.random_streams])) if problem.random_streams else 200.0
    decisions = min(problem.world.horizon, max(4 * typical, 50))
    affordable = 0.5 * limit.seconds * problem.sps / (decisions * depth)
    return int(min(max(affordable, 2 * problem.actions.n, 20), 200))


def uct(
    problem: Problem, limit: Slice, simulations: int = 0, depth: int = DEPTH, **options: Any
) -> tuple[Rung, list[Played]]:
    """UCT with random rollouts to a fixed depth, the tree kept from one decision to the next.

    Losing a life of an Atari game counts as an end that costs as much as the largest return seen. `options` are those
    of `episodes`: most, most_steps.
    """
    if (no := cannot(problem, "UCT")) is not None:
        return no, []
    chosen = simulations or sized(problem, limit, depth)
    searches: dict[int, Uct] = {}
    lives = layers(problem.world.env)[-1].ale.lives if isinstance(problem.restore, AleState) else None

    def decide(_: Any, state: Any) -> int:
        if problem.world.age == 0 or not searches:
            searches[0] = Uct(problem, problem.rng(20), chosen, depth, loss=float(lives is not None), lives=lives)
        return searches[0].search(state)

    rung, played = episodes(problem, "UCT", "planner", decide, limit, **options)
    facts = {**rung.facts, "simulations": chosen, "depth": depth, "open_loop": float(problem.stochastic)}
    return replace(rung, facts=facts), played


def cannot(problem: Problem, method: str) -> Rung | None:
    """A blind rung where actions are continuous or the state cannot be restored; None where a tree can be searched."""
    if problem.actions.kind == "continuous":
        return Rung(method, "planner", blind="actions are continuous; MPPI plans there")
    return needs_restore(problem, method)


def iterated_width(problem: Problem, limit: Slice, nodes: int = 0) -> tuple[Rung, list[Played]]:
    """IW(1): breadth-first search that goes on only from states with a feature value not yet seen in this decision.

    Features are the bytes of the RAM in the Arcade Learning Environment, else the observation's components rounded to
    two digits. The first action of the path with the largest discounted return is taken; ties at random.
    """
    if (no := cannot(problem, "IW(1)")) is not None:
        return no, []
    seen = atoms(problem)
    if seen is None:
        return Rung("IW(1)", "planner", blind=problem.features.note or "too many features"), []
    chosen = nodes or DEPTH * sized(problem, limit, DEPTH)
    rng = problem.rng(21)

    def decide(_: Any, state: Any) -> int:
        return iw_decision(problem, state, seen, chosen, rng)

    rung, played = episodes(problem, "IW(1)", "planner", decide, limit)
    return replace(rung, facts={**rung.facts, "nodes": chosen}), played


Atoms = Callable[[Any], list[Any]]


def atoms(problem: Problem) -> Atoms | None:
    """Observation → its values; None where it has none."""
    base = layers(problem.world.env)[-1]
    if isinstance(problem.restore, AleState):
        return lambda _: base.ale.getRAM().tolist()
    of = problem.features.of
    return (lambda obs: np.round(of(obs), 2).tolist()) if 0 < problem.features.n <= MOST_FEATURES else None


def iw_decision(problem: Problem, state: Any, values_of: Atoms, nodes: int, rng: np.random.Generator) -> int:
    """The first action of the best path among at most `nodes` steps."""
    restore, world, n = problem.restore, problem.world, problem.actions.n
    assert restore is not None
    fresh = rng if problem.stochastic and restore.chance else None
    seen: set[tuple[int, Any]] = set()
    values = np.full(n, -np.inf)
    queue: deque[tuple[Any, int, float, float]] = deque([(state, -1, 0.0, 1.0)])
    while queue and nodes > 0:
        here, root_action, total, weight = queue.popleft()
        for action in rng.permutation(n):
            restore.restore(here, fresh)
            obs, reward, terminated, truncated = world.step(problem.actions.decode(int(action)))
            nodes -= 1
            first = int(action) if root_action < 0 else root_action
            value = total + weight * reward
            values[first] = max(values[first], value)
            new = {(i, v) for i, v in enumerate(values_of(obs))} - seen
            if new and not (terminated or truncated):
                seen |= new
                queue.append((restore.save(), first, value, weight * DISCOUNT))
    best = np.flatnonzero(values >= values.max() - 1e-12)
    return int(best[rng.integers(len(best))])
