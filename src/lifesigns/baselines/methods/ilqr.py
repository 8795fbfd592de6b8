"""iLQR from finite differences (P30): a trajectory is improved by linear dynamics and quadratic rewards along it.

Sources: Li and Todorov 2004 (iLQR), Tassa, Erez and Todorov 2012 (regularisation, line search). The state is a vector
of the numbers that change in play: positions and velocities of MuJoCo, else the environment's own attributes.
Derivatives are central differences through the environment's `step`, so that any smooth environment will do; controls
are clipped to their box.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifesigns.baselines.environment import layers
from lifesigns.baselines.planning import needs_restore
from lifesigns.baselines.problem import EVALUATION_SEED, FIT_SEED, Problem, Slice, finish
from lifesigns.baselines.restore import Attributes
from lifesigns.baselines.restore_simulators import MujocoState
from lifesigns.planner.ladder import Rung

METHOD = "iLQR"
Vector = NDArray[np.float64]
STATE_STEP, CONTROL_STEP = 1e-3, 1e-2
"""Steps of the differences; actions are float32, so theirs is the larger."""
MOST_STATE, CROSSED, MOST_STEPS = 60, 8, 400
"""Largest state; largest state with controls for which mixed second derivatives are taken; longest episode."""
STARTS, ITERATIONS = 6, 40
ALPHAS = (1.0, 0.5, 0.25, 0.1, 0.03)
LEAST_GAIN = 1e-4


class AttributeVector:
    """The floating-point attributes of the environment that change in random play, as one vector."""

    def __init__(self, problem: Problem) -> None:
        self._restore, self._layers = problem.restore, layers(problem.world.env)
        self._parts: list[tuple[int, str, tuple[int, ...]]] = []
        world = problem.world
        world.reset(seed=FIT_SEED)
        seen = [self._floats()]
        for _ in range(10):
            _, _, terminated, truncated = world.step(world.env.action_space.sample())
            seen.append(self._floats())
            if terminated or truncated:
                break
        for key, first in seen[0].items():
            if all(key in s and s[key].shape == first.shape for s in seen) and any(
                (s[key] != first).any() for s in seen
            ):
                self._parts.append((*key, first.shape))
        self.n = sum(int(np.prod(shape)) for *_, shape in self._parts)

    def _floats(self) -> dict[tuple[int, str], Vector]:
        found: dict[tuple[int, str], Vector] = {}
        for i, one in enumerate(self._layers):
            for key, value in vars(one).items():
                plain = isinstance(value, (float, np.ndarray)) or (
                    isinstance(value, (tuple, list))
                    and value
                    and all(isinstance(v, (float, np.floating)) for v in value)
                )
                if plain and np.issubdtype(np.asarray(value).dtype, np.floating):
                    found[(i, key)] = np.array(value, dtype=np.float64)
        return found

    def read(self) -> Vector:
        return np.concatenate([np.ravel(np.asarray(vars(self._layers[i])[k], float)) for i, k, _ in self._parts])

    def put(self, state: Any, x: Vector) -> None:
        """Restores a saved state with these numbers in place of its own."""
        assert self._restore is not None
        self._restore.restore(state)
        at = 0
        for i, key, shape in self._parts:
            size = int(np.prod(shape))
            own, piece = vars(self._layers[i]), x[at : at + size].reshape(shape)
            old = own[key]
            if isinstance(old, np.ndarray):
                own[key] = piece.astype(old.dtype)
            else:
                own[key] = type(old)(piece.tolist()) if isinstance(old, (tuple, list)) else float(piece)
            at += size


class MujocoVector:
    """Positions and velocities."""

    def __init__(self, problem: Problem) -> None:
        base = layers(problem.world.env)[-1]
        self._restore, self._data, self._model = problem.restore, base.data, base.model
        self._forward = importlib.import_module("mujoco").mj_forward
        self._split = self._model.nq
        self.n = self._model.nq + self._model.nv

    def read(self) -> Vector:
        return np.concatenate([self._data.qpos, self._data.qvel])

    def put(self, state: Any, x: Vector) -> None:
        assert self._restore is not None
        self._restore.restore(state)
        self._data.qpos[:], self._data.qvel[:] = x[: self._split], x[self._split :]
        self._forward(self._model, self._data)


@dataclass
class Path:
    """States before each step (the last one after it), controls, saved states, rewards."""

    x: list[Vector]
    u: list[Vector]
    saved: list[Any]
    total: float


def ilqr(problem: Problem, limit: Slice) -> Rung:
    """Optimises the whole episode from each evaluation start, as many as fit."""
    if problem.actions.kind != "continuous":
        return Rung(METHOD, "planner", blind="actions are discrete; there is nothing to differentiate")
    if (no := needs_restore(problem, METHOD)) is not None:
        return no
    if problem.stochastic:
        return Rung(METHOD, "planner", blind="the environment is stochastic")
    if not isinstance(problem.restore, Attributes):
        return Rung(METHOD, "planner", blind=f"restored by {problem.restore and problem.restore.name}: no state vector")
    vector = MujocoVector(problem) if isinstance(problem.restore, MujocoState) else AttributeVector(problem)
    d, steps = vector.n + problem.actions.n, min(problem.world.horizon, problem.expected_steps)
    if not 0 < vector.n <= MOST_STATE:
        return Rung(METHOD, "planner", blind=f"{vector.n} numbers of state; it takes 1 to {MOST_STATE}")
    if steps > MOST_STEPS:
        return Rung(METHOD, "planner", blind=f"episodes of {steps} steps are too long to differentiate as a whole")
    each = 2 * d + (d * (d - 1) // 2 if d <= CROSSED else 0)
    need = 5 * steps * each / problem.sps
    if need > limit.seconds:
        return Rung(METHOD, "planner", blind=f"five improvements of one episode would take {need:.0f} s")
    search = Search(problem, vector)
    returns: list[float] = []
    for i in range(5):
        begun = limit.left
        found = search.optimised(EVALUATION_SEED + i, limit)
        returns.append(found.total)
        if begun - limit.left > limit.left:
            break
    facts = {"state": vector.n, "iterations": search.iterations}
    rung = Rung(METHOD, "planner", tuple(returns), unfair="uses the true model and its state", facts=facts)
    return finish(rung, limit)


class Search:
    """Improves whole trajectories of one problem."""

    def __init__(self, problem: Problem, vector: Any) -> None:
        self.problem, self.vector, self.rng = problem, vector, problem.rng(81)
        self.iterations = 0

    def optimised(self, seed: int, limit: Slice) -> Path:
        """The best of a few random starts, improved until nothing is gained or the time is over."""
        starts = [self._follow(seed, u=self._guess(k)) for k in range(STARTS)]
        path, damping = max(starts, key=lambda p: p.total), 1e-3
        for _ in range(ITERATIONS):
            if limit.over:
                break
            self.iterations += 1
            gains = self._backward(path, damping)
            better = self._line_search(seed, path, gains) if gains is not None else None
            if better is None:
                damping *= 10
                if damping > 1e4:
                    break
                continue
            gained = better.total - path.total
            path, damping = better, max(damping / 5, 1e-6)
            if gained < LEAST_GAIN * max(abs(path.total), 1.0):
                break
        return path

    def _guess(self, k: int) -> list[Vector]:
        """Zero, then random controls held for a while."""
        m, steps = self.problem.actions.n, self.problem.world.horizon
        if not k:
            return [np.zeros(m)] * steps
        hold = 4 * 2 ** (k % 3)
        held = self.rng.uniform(-1, 1, (steps // hold + 1, m))
        return [held[t // hold] for t in range(steps)]

    def _follow(self, seed: int, u: list[Vector], law: Any = None) -> Path:
        """Plays from a seed: controls as given, or by `law(step, state)`."""
        problem, restore = self.problem, self.problem.restore
        assert restore is not None
        problem.world.reset(seed=seed)
        path, over, t = Path([self.vector.read()], [], [], 0.0), False, 0
        while not over and (law is not None or t < len(u)):
            control = np.clip(u[t] if law is None else law(t, path.x[-1]), -1, 1)
            path.saved.append(restore.save())
            _, reward, terminated, truncated = problem.world.step(problem.actions.decode(control))
            path.u.append(control)
            path.x.append(self.vector.read())
            path.total += reward
            over, t = terminated or truncated, t + 1
        return path

    def _line_search(self, seed: int, path: Path, gains: list[tuple[Vector, Vector]]) -> Path | None:
        for alpha in ALPHAS:

            def law(t: int, x: Vector, alpha: float = alpha) -> Vector:
                if t >= len(gains):
                    return path.u[-1]
                k, gain = gains[t]
                return path.u[t] + alpha * k + gain @ (x - path.x[t])

            found = self._follow(seed, [], law)
            if found.total > path.total + 1e-9:
                return found
        return None

    def _backward(self, path: Path, damping: float) -> list[tuple[Vector, Vector]] | None:
        """Open-loop steps and feedback gains; None where the curvature in the controls is not negative."""
        n = self.vector.n
        v, vv = np.zeros(n), np.zeros((n, n))
        gains: list[tuple[Vector, Vector]] = []
        for t in reversed(range(len(path.u))):
            a, b, g, h = self._differences(path.saved[t], path.x[t], path.u[t])
            qx, qu = g[:n] + a.T @ v, g[n:] + b.T @ v
            qxx, qux = h[:n, :n] + a.T @ vv @ a, h[n:, :n] + b.T @ vv @ a
            quu = h[n:, n:] + b.T @ vv @ b
            values, basis = np.linalg.eigh((quu + quu.T) / 2)
            inverse = basis @ np.diag(1 / (np.minimum(values, 0.0) - damping)) @ basis.T
            k, gain = -inverse @ qu, -inverse @ qux
            free = ~(((path.u[t] >= 1) & (k > 0)) | ((path.u[t] <= -1) & (k < 0)))
            k, gain = k * free, gain * free[:, None]
            v = qx + gain.T @ quu @ k + gain.T @ qu + qux.T @ k
            vv = qxx + gain.T @ quu @ gain + gain.T @ qux + qux.T @ gain
            vv = (vv + vv.T) / 2
            if not np.isfinite(vv).all():
                return None
            gains.append((k, gain))
        return gains[::-1]

    def _differences(self, state: Any, x: Vector, u: Vector) -> tuple[Vector, Vector, Vector, Vector]:
        """A [n, n], B [n, m], gradient [n + m] and Hessian of the reward."""
        n, d = len(x), len(x) + len(u)
        z, steps = np.concatenate([x, u]), np.array([STATE_STEP] * n + [CONTROL_STEP] * len(u))
        _, r0 = self._at(state, z, n)
        jacobian, gradient, hessian = np.zeros((n, d)), np.zeros(d), np.zeros((d, d))
        plus = np.zeros(d)
        for i in range(d):
            up, down = z.copy(), z.copy()
            up[i] += steps[i]
            down[i] -= steps[i]
            if i >= n:
                up[i], down[i] = min(up[i], 1.0), max(down[i], -1.0)
            (one, r1), (two, r2) = self._at(state, up, n), self._at(state, down, n)
            width = up[i] - down[i]
            jacobian[:, i], gradient[i] = (one - two) / width, (r1 - r2) / width
            a, b = up[i] - z[i], z[i] - down[i]
            if min(a, b) > 1e-9:
                hessian[i, i] = 2 * (b * r1 - (a + b) * r0 + a * r2) / (a * b * (a + b))
            plus[i] = r1
        if d <= CROSSED:
            for i in range(d):
                for j in range(i):
                    both = z.copy()
                    both[i], both[j] = both[i] + steps[i], both[j] + steps[j]
                    _, r = self._at(state, both, n)
                    hessian[i, j] = hessian[j, i] = (r - plus[i] - plus[j] + r0) / (steps[i] * steps[j])
        return jacobian[:, :n], jacobian[:, n:], gradient, hessian

    def _at(self, state: Any, z: Vector, n: int) -> tuple[Vector, float]:
        """Next state and reward from a state and controls."""
        self.vector.put(state, z[:n])
        _, reward, _, _ = self.problem.world.step(self.problem.actions.decode(z[n:]))
        return self.vector.read(), reward
