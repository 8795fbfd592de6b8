"""Campaigns without scripts: an engine that plays given endings, and runs with given curves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lifesigns.campaign.curves import TRAINING, Curve
from lifesigns.campaign.engine import Attempt, Done
from lifesigns.campaign.results import RunResult
from lifesigns.model import Diagnosis, Outcome

FINISHED = {"ended": "finished", "exit_status": 0, "wall_s": 1.0, "exception": ""}


class PlayedEngine:
    """Ends each attempt as `ending(job, number of the attempt)` says: a result, or a text for a lost one."""

    def __init__(self, ending: Callable[[str, int], dict[str, Any] | str], slots: int = 2) -> None:
        self.ending, self.slots = ending, slots
        self.started: list[str] = []
        self.running: list[Attempt] = []
        self.most = 0
        self.closed = False

    def start(self, attempt: Attempt) -> None:
        """Notes it."""
        self.started.append(attempt.name)
        self.running.append(attempt)
        self.most = max(self.most, len(self.running))

    def wait(self, seconds: float) -> list[Done]:
        """The oldest ends."""
        if not self.running:
            return []
        attempt = self.running.pop(0)
        ending = self.ending(attempt.job, int(attempt.name.rpartition(".")[2]))
        return [Done(attempt, None, ending) if isinstance(ending, str) else Done(attempt, ending)]

    def close(self) -> None:
        """Notes it."""
        self.closed = True


def run_result(seed: int, end: float, learning: str = "learning", ended: str = "finished", **given: Any) -> RunResult:
    """A run whose return goes from 10 to `end` over 1000 steps, parting at step 200."""
    x = np.arange(1, 101) * 10.0
    y = 10.0 + (end - 10.0) * np.clip((x - 200.0) / 600.0, 0.0, 1.0) + 0.1 * np.sin(seed + x)
    diagnosis = Diagnosis(f"run {seed}", Outcome(learning, ""), (), (), ())  # type: ignore[arg-type]
    base = {"curves": {TRAINING: Curve(x, y)}, "diagnosis": diagnosis, "digest": str(seed), "variant": ()}
    job = f"seed={seed}"
    return RunResult(**{"job": job, "seed": seed, "path": Path(job), "ended": ended, **base, **given})
