"""Numbers read off a stain: the impulse response of a reward, the weight of a bootstrap value, signs, pairs of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifesigns.paired.plan import Plan
from lifesigns.paired.runlog import GRAD, Site, Stain

LEAST = 0.02
"""Part of the largest response below which a response is left out: float32 rounding of advantages of size 100."""
DENSE, ENOUGH = 0.95, 0.8
"""An operation of which a larger share of numbers moves has spread the reward over the batch (a mean was taken off);
among those with about the most responses, the earliest is read."""
MOST_WEIGHT = 1.5
"""of a value in its target, that is read as such; assumed (a discount is 1 at most)."""
LEAST_WEIGHT = 1e-3
"""of a value in its target, below which what moved is rounding; assumed."""
GEOMETRIC = 2e-3
"""Relative spread of the ratios of neighbouring responses that still counts as one ratio."""


BENDING = frozenset(
    ("pow", "pow_", "__pow__", "square", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
)  # fmt: skip
"""Operations that move rows by amounts of their own for one and the same reward, as does what is computed from them."""


@dataclass(frozen=True)
class Impulse:
    """Responses to one reward, largest first [n]: `scale` of the first, ratio of neighbours (NaN for one response), and
    how many rows answered at one place at once."""

    responses: NDArray[np.float64]
    scale: float
    ratio: float
    site: Site | None
    record: int
    rows: int = 1

    @property
    def count(self) -> int:
        """How many different responses there are."""
        return len(self.responses)


def impulse(stain: Stain, delta: float, until: int) -> Impulse | None:
    """The longest geometric sequence of responses among the operations before record `until`.

    Operations of one line and name are taken together (minibatches see parts of a rollout in turn); those that answer
    before the first optimiser step that differs come first.
    """
    groups: dict[tuple[int, int], list[NDArray[np.float64]]] = {}
    first: dict[tuple[int, int], int] = {}
    bent: set[int] = set()
    for i, change in stain.ops():
        if i >= until:
            break
        if stain.base.name(i) in BENDING or not bent.isdisjoint(stain.base.parents[i]):
            bent.add(i)
            continue
        moved = np.count_nonzero(change)
        if change.ndim == 0 or (change.size >= 8 and moved > DENSE * change.size):
            continue
        key = (int(stain.base.rows[i, 1]), int(stain.base.rows[i, 2]))
        groups.setdefault(key, []).append(change[change != 0])
        first.setdefault(key, i)
    found = [r for key, parts in groups.items() if (r := _sequence(parts, delta, stain, first[key])) is not None]
    # a line that has its first answer after learning may be one of parameters: a target network that follows by hand
    found = [r for r in found if r.record < stain.first_step] or found
    most = max((r.count for r in found), default=0)
    return min((r for r in found if r.count >= ENOUGH * most), key=lambda r: r.record, default=None)


def _sequence(parts: list[NDArray[np.float64]], delta: float, stain: Stain, record: int) -> Impulse | None:
    levels = _levels(np.concatenate(parts))
    if not len(levels) or not np.all(np.isfinite(levels)):
        return None
    scale = float(levels[0]) / delta
    if abs(scale) < 1e-6:
        return None
    kept = levels[np.abs(levels) >= LEAST * abs(levels[0])]
    if len(kept) == 1:
        return Impulse(kept, scale, float("nan"), stain.base.site(record), record, max(len(p) for p in parts))
    ratios = kept[1:] / kept[:-1]
    strong = np.abs(kept[1:]) >= 0.1 * abs(kept[0])
    if not strong.any():
        return None  # rounding, or a reward that was spread over the atoms of a distribution
    middle = float(np.median(ratios[strong]))
    if not 0 < middle < 1 + GEOMETRIC or np.any(np.abs(ratios[strong] - middle) > GEOMETRIC * middle + 1e-4):
        return None
    last = int(np.flatnonzero(strong)[-1]) + 1
    ratio = float((kept[last] / kept[0]) ** (1.0 / last))
    return Impulse(kept, scale, ratio, stain.base.site(record), record)


def _levels(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Different values, largest size first; those closer than float32 rounding are one (their median)."""
    ordered = values[np.argsort(-np.abs(values))]
    found: list[list[float]] = []
    for value in ordered[:20_000].tolist():
        if found and abs(value - found[-1][0]) <= 2e-4 * abs(found[-1][0]) + 2e-6:
            found[-1].append(value)
        else:
            found.append([value])
        if len(found) > 400:
            break
    return np.array([float(np.median(group)) for group in found])


def meeting(stain: Stain, other: Stain, until: int) -> tuple[int, NDArray[np.float64]] | None:
    """The first operation that both stains reach, and the change of the first one there."""
    for i, change in stain.ops():
        if i >= until:
            return None
        if i in other.marks:
            return i, change
    return None


def overlap(stain: Stain, other: Stain, until: int) -> int:
    """The first operation in which both stains reach one and the same number; the first that both reach where there is
    none; -1 where they never meet."""
    together = -1
    for i, change in stain.ops():
        if i >= until:
            break
        if i not in other.marks:
            continue
        together = i if together < 0 else together
        beside = other.delta(i)
        if beside is not None and np.any((beside != 0) & (change != 0)):
            return i
    return together


def bootstrap_weights(values: Stain, rewards: Stain, until: int, delta: float) -> tuple[list[float], int] | None:
    """How much of a value that is `delta` too large targets take over (γ, γⁿ), the largest first, and the record of the
    target.

    None where values and rewards never meet.
    """
    found = meeting(values, rewards, until)
    if found is None:
        return None
    record, change = found
    levels = _levels(change[change != 0])
    if np.any(np.abs(levels[:8]) > MOST_WEIGHT * delta):
        return None  # the plant went through a policy or a network as well
    if not len(levels) or abs(levels[0]) < LEAST_WEIGHT * delta:
        return None  # rounding: what the network put out is known but for a constant (logits)
    return ((levels[:8] / delta).tolist(), record) if len(levels) else None


def value_weights(stain: Stain, like: int, ratio: float, until: int) -> float | None:
    """γ from one changed value of a rollout, read where record `like` shows the rewards' impulse response.

    `ratio` is γλ. A value that serves as baseline and as next value moves its own advantage by −1 and the one before by
    γ(1 − λ); a next value of its own moves one by γ and the ones before by less. None where only the baseline moved.
    """
    name, site = stain.base.rows[like, 1], stain.base.rows[like, 2]
    parts = [
        change[change != 0]
        for i, change in stain.ops()
        if i < until and stain.base.rows[i, 1] == name and stain.base.rows[i, 2] == site and change.ndim
    ]
    moved = np.concatenate(parts) if parts else np.array([])
    if not len(moved):
        return None
    low, high = float(moved.min()), float(moved.max())
    if abs(low + 1.0) < 2e-3:
        before = moved[(np.abs(moved) < 0.999) & (np.abs(moved) > 1e-5)]
        rest = float(before[np.abs(before).argmax()]) if len(before) else 0.0
        return None if rest < -1e-4 else rest + ratio
    if low > -1e-4 and 0 < high < 1.002:
        return high
    return None


def rows_of(plan: Plan, grad: int) -> list[tuple[int, NDArray[np.float32]]]:
    """(record, rows [n, dims]) of what networks whose output needs a gradient were given before a gradient."""
    return [(i, rows) for i, rows in all_rows(plan, grad) if _needs_gradient(plan, i)]


def all_rows(plan: Plan, grad: int) -> list[tuple[int, NDArray[np.float32]]]:
    """(record, rows [n, dims]) of what any network was given in the update before a gradient."""
    start, end = plan.window(grad)
    log = plan.log
    found: list[tuple[int, NDArray[np.float32]]] = []
    for i in range(start, end):
        if log.kind(i) == "input" and len(log.shapes[i]) >= 2:
            value = log.value(i)
            if value is not None and value.dtype.kind in "fiu":
                found.append((i, value.astype(np.float32).reshape(value.shape[0], -1)))
    return found


def _needs_gradient(plan: Plan, record: int) -> bool:
    name = plan.log.name(record)
    for i in range(record + 1, min(record + 400, len(plan.log))):
        if plan.log.kind(i) == "call" and plan.label(i) == name:
            return bool(plan.log.rows[i, 9])
    return False


@dataclass(frozen=True)
class Pairs:
    """Rows that a changed reward reached in full, by whose observation they stand beside; and how often the right row
    answered, by another amount."""

    right: int
    shifted: int
    other_env: int
    example: str
    record: int
    otherwise: int = 0


def pairs(
    plan: Plan, stain: Stain, planted: Sequence[dict[str, Any]], level: float, until: int, *, constant: bool = False
) -> Pairs | None:
    """Whether rows of a batch whose reward moved by `level` stand beside the observation that the agent acted on.

    With `constant`, earlier steps of an episode may answer by the same amount (returns that are not discounted).
    Rows are recognised by their bytes as float32; None where no such row is in a batch with known observations.
    """
    wanted = {(p["env"], p["step"]) for p in planted}
    width = {len(o) for o in plan.acted_on.values()}
    if len(width) != 1:
        return None
    dims = width.pop()
    right = shifted = other = otherwise = 0
    example, record = "", -1
    ops = [(i, c) for i, c in stain.ops() if c.ndim in (1, 2) and c.size == c.shape[0] and c.shape[0] > 1]
    for grad in [g for g in plan.grads if g < until][:64]:
        start, end = plan.window(grad)
        inputs = [(i, rows) for i, rows in rows_of(plan, grad) if rows.shape[1] >= dims]
        for i, change in ops:
            if not start <= i < end:
                continue
            flat = change.reshape(-1)
            rows = np.flatnonzero(np.abs(flat - level) <= 1e-3 * abs(level))
            mine = [r for j, r in inputs if len(r) == len(flat) and _is_learned_from(plan, r, grad)]
            beside = set(np.flatnonzero(flat).tolist()) - set(rows.tolist())
            beside = beside if len(beside) <= 0.5 * len(flat) else set()  # a mean was taken off
            otherwise += sum(bool(wanted & set(_owners(plan, mine, row, dims))) for row in beside)
            if not len(rows) or not mine or len(rows) > 0.5 * len(flat) + 1:
                continue
            for row in rows.tolist():
                owners = _owners(plan, mine, row, dims)
                if not owners:
                    continue
                if owners & wanted:
                    right += 1
                elif constant and any(p == q and s < t for p, s in owners for q, t in wanted):
                    continue
                elif any(p in {w[0] for w in wanted} for p, _ in owners):
                    shifted, record = shifted + 1, i
                    example = example or _example(owners, wanted)
                else:
                    other, record = other + 1, i
                    example = example or _example(owners, wanted)
    if not right + shifted + other:
        return None
    return Pairs(right, shifted, other, example, record, otherwise)


def _is_learned_from(plan: Plan, batch: NDArray[np.float32], grad: int) -> bool:
    """Whether a batch holds an observation that was acted on before a gradient: where none was, they are those that a
    rollout ended with, whose values it is continued with."""
    owners = (plan.observations.get(row[: plan.dims].tobytes(), []) for row in batch)
    return any(plan.action_of.get(o, grad) < grad for some in owners for o in some)


def _owners(plan: Plan, batches: Sequence[NDArray[np.float32]], row: int, dims: int) -> set[tuple[int, int]]:
    """The steps whose observation stands in a row of one of these batches."""
    return {o for m in batches for o in plan.observations.get(m[row][:dims].tobytes(), [])}


def stacked_pairs(
    plan: Plan, stain: Stain, planted: Sequence[dict[str, Any]], level: float, until: int, *, constant: bool = False
) -> Pairs | None:
    """The same for a rollout that keeps the graph of its own forward passes: row t of arrays [steps, environments] is
    that of the t-th output that was stacked. None where nothing is stacked so, or no such array moves by `level`."""
    wanted = {(p["env"], p["step"]) for p in planted}
    numbers = _stacked_steps(plan, min(until, plan.first_grad))
    shape = (len(numbers), len(plan.train_parts))
    right = shifted = other = 0
    example, record = "", -1
    for i, change in stain.ops() if numbers else ():
        if i >= min(until, plan.first_grad):
            break
        if change.shape != shape:
            continue
        for t, env in np.argwhere(np.abs(change - level) <= 1e-3 * abs(level)).tolist():
            owner = (plan.train_parts[env], numbers[t].get(plan.train_parts[env], -1))
            if owner in wanted:
                right += 1
            elif constant and any(owner[0] == p and owner[1] < s for p, s in wanted):
                continue
            else:
                mine = owner[0] in {p for p, _ in wanted}
                shifted, other, record = shifted + mine, other + (not mine), record if record >= 0 else i
                example = example or _example({owner}, wanted)
    return Pairs(right, shifted, other, example, record) if right + shifted + other else None


def _stacked_steps(plan: Plan, until: int) -> list[dict[int, int]]:
    """Of the steps whose outputs for acting, with their graph, are stacked before record `until`: environment → number
    of its step (none in rows that an autoreset inserts). Empty where there is no such stack."""
    log = plan.log
    for i in log.of_kind("op").tolist():
        parents = log.parents[i]
        if i >= until:
            break
        if log.name(i) not in ("stack", "cat") or len(parents) < 2 or not log.rows[i, GRAD]:
            continue
        behind = [(p, *sorted(plan.ancestors(p, 40), reverse=True)) for p in parents]
        calls = [next((c for c in some if c in plan.acting_calls), -1) for some in behind]
        if calls[0] >= 0 and calls == sorted(set(calls)):
            ends = [*calls[1:], until]
            return [
                {s.part: s.number for s in plan.training if start < s.action < end}
                for start, end in zip(calls, ends, strict=True)
            ]
    return []


def _example(owners: set[tuple[int, int]], wanted: set[tuple[int, int]]) -> str:
    part, step = min(owners)
    near = min(wanted, key=lambda w: (w[0] != part, abs(w[1] - step)))
    return f"step {step} of environment {part} beside a reward of step {near[1]} of environment {near[0]}"
