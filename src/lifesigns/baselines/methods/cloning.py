"""Behaviour cloning of the best planner (P32): a small network trained on its observations and actions.

Source of the recipe: Guo et al. 2014 (UCT to classification). The planner needs the model; the clone no longer does,
and decides in microseconds.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifesigns.baselines.planning import Played
from lifesigns.baselines.problem import EVALUATION_SEED, Problem, Slice, finish, play
from lifesigns.planner.ladder import Rung

HIDDEN, BATCH, RATE, DECAY = 64, 64, 3e-3, 1e-4
MOST_UPDATES = 4000
Array = NDArray[np.float64]


@dataclass
class Network:
    """Two layers of tanh, trained by Adam on squared error or cross-entropy; plain NumPy."""

    weights: list[Array]
    classes: bool

    @classmethod
    def fresh(cls, inputs: int, outputs: int, classes: bool, rng: np.random.Generator) -> Network:
        sizes = [inputs, HIDDEN, HIDDEN, outputs]
        weights: list[Array] = []
        for a, b in itertools.pairwise(sizes):
            weights += [rng.normal(size=(a, b)) / np.sqrt(a), np.zeros(b)]
        return cls(weights, classes)

    def forward(self, x: Array) -> list[Array]:
        w = self.weights
        first = np.tanh(x @ w[0] + w[1])
        second = np.tanh(first @ w[2] + w[3])
        return [x, first, second, second @ w[4] + w[5]]

    def gradients(self, x: Array, y: Array) -> list[Array]:
        """Of the mean loss; `y` is one-hot or the target itself."""
        inputs, first, second, out = self.forward(x)
        if self.classes:
            p = np.exp(out - out.max(1, keepdims=True))
            error = (p / p.sum(1, keepdims=True) - y) / len(x)
        else:
            error = 2 * (out - y) / len(x)
        back = (error @ self.weights[4].T) * (1 - second**2)
        further = (back @ self.weights[2].T) * (1 - first**2)
        return [inputs.T @ further, further.sum(0), first.T @ back, back.sum(0), second.T @ error, error.sum(0)]


def train(network: Network, x: Array, y: Array, rng: np.random.Generator, limit: Slice) -> int:
    """Adam until the slice is over; returns the number of updates."""
    moments = [(np.zeros_like(w), np.zeros_like(w)) for w in network.weights]
    updates = 0
    while updates < MOST_UPDATES and not limit.over:
        rows = rng.integers(len(x), size=min(BATCH, len(x)))
        updates += 1
        for i, gradient in enumerate(network.gradients(x[rows], y[rows])):
            first, second = moments[i]
            first += 0.1 * (gradient - first)
            second += 0.001 * (gradient**2 - second)
            step = (first / (1 - 0.9**updates)) / (np.sqrt(second / (1 - 0.999**updates)) + 1e-8)
            network.weights[i] -= RATE * (step + DECAY * network.weights[i])
    return updates


def clone(problem: Problem, limit: Slice, teacher: str, played: list[Played]) -> Rung:
    """A network trained on the planner's whole episodes, played on seeds that the planner did not see."""
    rng, actions = problem.rng(60), problem.actions
    x = np.array([problem.features.of(obs) for p in played for obs in p.observations])
    taken = [a for p in played for a in p.actions]
    discrete = actions.kind == "discrete"
    y = np.eye(actions.n)[np.array(taken, dtype=int)] if discrete else np.array(taken, dtype=np.float64)
    shift, scale = x.mean(0), np.maximum(x.std(0), 1e-3)
    network = Network.fresh(x.shape[1], y.shape[1], discrete, rng)
    updates = train(network, (x - shift) / scale, y, rng, limit.part(0.5))

    def act(obs: Any) -> Any:
        out = network.forward(((problem.features.of(obs) - shift) / scale)[None])[-1][0]
        return actions.decode(int(out.argmax()) if discrete else out)

    fresh = 50 + len(played)

    returns: list[float] = []
    for i in range(20):
        done = play(problem.world, act, EVALUATION_SEED + fresh + i, limit.until)
        if done is None:
            break
        returns.append(done[0])
    rung = Rung(
        f"clone of {teacher}",
        "copy",
        tuple(returns),
        unfair="taught by a planner",
        facts={"demonstrations": len(taken), "updates": updates},
    )
    return finish(rung, limit)
