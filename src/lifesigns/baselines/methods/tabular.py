"""Value iteration where the states can be listed: from the environment's own table `P`, or by visiting every state.

A deterministic environment with a restore is explored breadth first; states are told apart by what the adapter
saves, with counters and generators left out.
"""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifesigns.baselines.environment import layers
from lifesigns.baselines.fidelity import digest
from lifesigns.baselines.problem import EVALUATION_SEED, FIT_SEED, Policy, Problem, Slice, evaluate, finish
from lifesigns.baselines.restore import Attributes
from lifesigns.planner.ladder import Rung

DISCOUNT, SWEEPS, PRECISION = 0.999, 3000, 1e-10
MOST_STATES = 5000
COUNTERS = ("_np_random_seed", "_elapsed_steps", "_episode_started", "step_count", "lastaction", "last_action")


@dataclass
class Table:
    """Transitions: for each (state, action) a list of (probability, next state, reward, over)."""

    outcomes: list[list[list[tuple[float, int, float, bool]]]]

    def solve(self) -> NDArray[np.float64]:
        """Action values at the fixed point; episodes count 1 reward for each step however long (γ = 0.999)."""
        states, actions = len(self.outcomes), len(self.outcomes[0])
        rows = [
            (s, a, p, t, r, over)
            for s, per in enumerate(self.outcomes)
            for a, listed in enumerate(per)
            for p, t, r, over in listed
        ]
        s, a, p, t, r, over = (np.array(column) for column in zip(*rows, strict=True))
        index, values = s * actions + a, np.zeros(states)
        q = np.zeros(states * actions)
        for _ in range(SWEEPS):
            q = np.bincount(index, p * (r + DISCOUNT * np.where(over, 0.0, values[t])), minlength=states * actions)
            fresh = q.reshape(states, actions).max(1)
            if np.abs(fresh - values).max() < PRECISION:
                break
            values = fresh
        return np.asarray(q, dtype=np.float64).reshape(states, actions)


def value_iteration(problem: Problem, limit: Slice) -> Rung:
    """The optimal policy of the listed states, played; blind where they cannot be listed."""
    base = layers(problem.world.env)[-1]
    listed = getattr(base, "P", None)
    if isinstance(listed, dict) and type(problem.world.env.observation_space).__name__ == "Discrete":
        table = Table(
            [[[(p, int(t), float(r), bool(o)) for p, t, r, o in listed[s][a]] for a in listed[s]] for s in listed]
        )
        q = table.solve()
        rung = Rung(
            "value iteration",
            "exact",
            evaluate(problem, _greedy(problem, q), limit),
            unfair="uses the true model",
            facts={"states": len(q)},
        )
        return finish(rung, limit)
    if not isinstance(problem.restore, Attributes) or problem.stochastic:
        return Rung(
            "value iteration", "exact", blind="no table of transitions, and states cannot be visited one by one"
        )
    if not _countable(problem.world.env.observation_space):
        return Rung("value iteration", "exact", blind="observations are real numbers, so states cannot be listed")
    return _explored(problem, limit)


def _countable(space: Any) -> bool:
    """Whether observations are whole numbers."""
    if type(space).__name__ == "Box":
        return bool(np.issubdtype(space.dtype, np.integer))
    parts = getattr(space, "spaces", None)
    if parts is None:
        return True
    return all(_countable(p) for p in (parts.values() if isinstance(parts, dict) else parts))


def _greedy(problem: Problem, q: NDArray[np.float64]) -> Policy:
    return lambda obs: problem.actions.decode(int(q[int(obs)].argmax()))


def _explored(problem: Problem, limit: Slice) -> Rung:
    """Visits every state that can be reached from the first states of the evaluation episodes."""
    search = limit.part(0.7)
    counters = step_counters(problem)
    keys: dict[bytes, int] = {}
    frontier: list[Any] = []
    restore = problem.restore
    assert restore is not None

    def number(state: Any) -> int:
        key = state_key(state, counters)
        if key not in keys:
            keys[key] = len(keys)
            frontier.append(state)
        return keys[key]

    for seed in [EVALUATION_SEED + i for i in range(20)] + [FIT_SEED]:
        problem.world.reset(seed=seed)
        number(restore.save())
        if len(keys) > 4 and seed == EVALUATION_SEED + 4:
            break
    outcomes: list[list[list[tuple[float, int, float, bool]]]] = []
    while len(outcomes) < len(keys):
        state = frontier[len(outcomes)]
        row: list[list[tuple[float, int, float, bool]]] = []
        for action in range(problem.actions.n):
            restore.restore(state)
            problem.world.age = 0
            _, reward, terminated, _ = problem.world.step(problem.actions.decode(action))
            row.append([(1.0, 0 if terminated else number(_young(restore.save(), counters)), reward, terminated)])
        outcomes.append(row)
        if len(keys) > MOST_STATES or search.over:
            why = f"more than {len(keys):,} states" if len(keys) > MOST_STATES else "its time was over"
            return finish(Rung("value iteration", "exact", blind=f"states could not all be visited: {why}"), limit)
    return finish(_played_table(problem, Table(outcomes).solve(), keys, counters, limit), limit)


def _young(state: Any, counters: set[str]) -> Any:
    """The state with its time limit far away, so that exploring does not run into it."""
    kept, _ = state
    for plain, *_ in kept:
        for counter in counters | {"_elapsed_steps"}:
            if counter in plain:
                plain[counter] = 1
    return kept, 0


def _played_table(
    problem: Problem, q: NDArray[np.float64], keys: dict[bytes, int], counters: set[str], limit: Slice
) -> Rung:
    restore = problem.restore
    assert restore is not None

    def act(_: Any) -> Any:
        found = keys.get(state_key(restore.save(), counters))
        action = 0 if found is None else int(q[found].argmax())
        return problem.actions.decode(action)

    return Rung(
        "value iteration",
        "exact",
        evaluate(problem, act, limit),
        unfair="uses the true model and state",
        facts={"states": len(keys)},
    )


def step_counters(problem: Problem) -> set[str]:
    """Names of attributes that only count steps: whole numbers that rise by one in every step of random play.

    Such a counter ends episodes, but two states that differ in it alone have the same best action, except near a time
    limit.
    """
    restore, world = problem.restore, problem.world
    assert restore is not None
    found: set[str] | None = None
    for seed in range(3):
        world.reset(seed=FIT_SEED + seed)
        before = _whole_numbers(restore.save())
        for _ in range(12):
            _, _, terminated, truncated = world.step(world.env.action_space.sample())
            after = _whole_numbers(restore.save())
            risen = {k for k, v in after.items() if before.get(k) == v - 1}
            found = risen if found is None else found & risen
            before = after
            if terminated or truncated:
                break
    return found or set()


def _whole_numbers(state: Any) -> dict[str, int]:
    return {k: v for plain, *_ in state[0] for k, v in plain.items() if type(v) is int}


def state_key(state: Any, counters: set[str]) -> bytes:
    """A digest of the saved attributes without counters and generators."""
    kept, _ = state
    parts = hashlib.blake2b(digest_size=16)
    for plain, copied, _, _ in kept:
        for key, value in sorted([*plain.items(), *copied], key=lambda pair: pair[0]):
            if key not in COUNTERS and key not in counters:
                parts.update(key.encode())
                parts.update(_bytes(value))
    return parts.digest()


def _bytes(value: Any) -> bytes:
    if isinstance(value, (np.ndarray, dict, tuple, list, int, float, str, bool)):
        try:
            return digest(value)
        except (TypeError, ValueError):
            pass
    return pickle.dumps(value)
