"""Rollout IW(1): the any-time form of iterated width, by rollouts instead of breadth first (P31).

Source: Bandres, Bonet and Geffner 2018, "Planning with pixels in (almost) real time".
A rollout goes on while each state
makes some feature true at a smaller depth than before; states that do not are labelled solved, and so are states of
which all children are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lifesigns.baselines.methods.tree_search import DEPTH, DISCOUNT, Atoms, atoms, cannot, sized
from lifesigns.baselines.planning import Played, episodes
from lifesigns.baselines.problem import Problem, Slice
from lifesigns.planner.ladder import Rung

METHOD = "rollout IW(1)"


@dataclass(slots=True)
class Node:
    """A state that was reached, with the value of the path to it."""

    state: Any
    depth: int
    value: float
    parent: Node | None = None
    atoms: tuple[Any, ...] = ()
    kids: dict[int, Node] = field(default_factory=dict[int, "Node"])
    solved: bool = False


def rollout_iw(problem: Problem, limit: Slice, nodes: int = 0) -> tuple[Rung, list[Played]]:
    """Each decision: the first action of the path with the largest discounted return; ties at random."""
    if (no := cannot(problem, METHOD)) is not None:
        return no, []
    values_of = atoms(problem)
    if values_of is None:
        return Rung(METHOD, "planner", blind=problem.features.note or "too many features"), []
    chosen = nodes or DEPTH * sized(problem, limit, DEPTH)
    rng = problem.rng(22)

    def decide(_: Any, state: Any) -> int:
        return decision(problem, state, values_of, chosen, rng)

    rung, played = episodes(problem, METHOD, "planner", decide, limit)
    return replace(rung, facts={**rung.facts, "nodes": chosen}), played


def decision(problem: Problem, state: Any, values_of: Atoms, nodes: int, rng: np.random.Generator) -> int:
    """One decision with at most `nodes` steps of the environment."""
    restore, n = problem.restore, problem.actions.n
    assert restore is not None
    fresh = rng if problem.stochastic and restore.chance else None
    root, best = Node(state, 0, 0.0), np.full(n, -np.inf)
    least: dict[tuple[int, Any], int] = {}
    left = nodes
    while left > 0 and not root.solved:
        node, first = root, -1
        while left > 0:
            action = int(rng.choice([a for a in range(n) if a not in node.kids or not node.kids[a].solved]))
            first = action if first < 0 else first
            kid = node.kids.get(action)
            if kid is None:
                kid, left = _grown(problem, node, action, values_of, fresh), left - 1
                best[first] = max(best[first], kid.value)
            if kid.solved or not _novel(kid, least):
                _solve(kid, n)
                break
            node = kid
    top = np.flatnonzero(best >= best.max() - 1e-12)
    return int(top[rng.integers(len(top))])


def _grown(problem: Problem, node: Node, action: int, values_of: Atoms, fresh: np.random.Generator | None) -> Node:
    """The child of a node, solved where the episode ends there."""
    assert problem.restore is not None
    problem.restore.restore(node.state, fresh)
    obs, reward, terminated, truncated = problem.world.step(problem.actions.decode(action))
    kid = Node(None, node.depth + 1, node.value + DISCOUNT**node.depth * reward, node)
    node.kids[action] = kid
    kid.solved = terminated or truncated
    if not kid.solved:
        kid.state, kid.atoms = problem.restore.save(), tuple(enumerate(values_of(obs)))
    return kid


def _novel(kid: Node, least: dict[tuple[int, Any], int]) -> bool:
    """Whether the state has a feature that no state had at a smaller depth; notes its depth for new ones."""
    novel = False
    for atom in kid.atoms:
        known = least.get(atom, kid.depth + 1)
        if kid.depth < known:
            least[atom] = kid.depth
        novel = novel or kid.depth <= known
    return novel


def _solve(node: Node, n: int) -> None:
    """Labels a node, and every ancestor whose children are all labelled."""
    node.solved = True
    above = node.parent
    while above is not None and len(above.kids) == n and all(k.solved for k in above.kids.values()):
        above.solved = True
        above = above.parent
