"""A training run of many seeds as its learner sees it: the environments, when to look, when to stop, what to tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifesigns.learners.training.worlds import Worlds, evaluate

POINTS, EPISODES, FINAL_EPISODES = 10, 3, 20
"""Evaluations on the way, episodes of each and of the last."""
Act = Callable[[NDArray[np.float64]], Any]
"""Observations [seed, feature], unscaled → the actions without exploration, one for each seed."""


@dataclass
class Course:
    """`worlds` are trained in; `tests` has one environment for each seed, and evaluating there leaves `worlds` alone.

    `told(step, returns)` hears of each evaluation, `progress(step)` of each step; `until` (seconds of `monotonic`) ends
    the training early.
    """

    seeds: Sequence[int]
    worlds: Worlds
    tests: Worlds
    steps: int
    until: float = np.inf
    told: Callable[[int, list[float]], None] = lambda step, returns: None
    progress: Callable[[int], None] = lambda step: None
    done: int = 0
    """Steps of each seed that were trained."""
    final: list[list[float]] = field(default_factory=list[list[float]])
    """Returns of the last evaluation, [seed][episode]."""

    def goes_on(self, step: int) -> bool:
        """Notes that `step` steps of each seed are behind; False where the training must end here."""
        self.done = step
        self.progress(step)
        return step < self.steps and time.monotonic() < self.until

    def look(self, before: int, step: int, act: Act) -> None:
        """Evaluates where a point lies in (before, step]; the end is left to `finish`."""
        every = max(self.steps // POINTS, 1)
        if before // every < step // every and step < self.steps:
            self._tell(step, evaluate(self.tests, act, EPISODES))

    def finish(self, act: Act) -> None:
        """The last evaluation."""
        self.final = evaluate(self.tests, act, FINAL_EPISODES)
        self._tell(self.done, self.final)

    def _tell(self, step: int, returns: list[list[float]]) -> None:
        self.told(step, [float(np.mean(r)) for r in returns])
