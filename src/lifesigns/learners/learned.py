"""What a reference learner's seeds reached, as plain numbers; to JSON and to a table that `lifesigns compare` reads."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite, nan
from pathlib import Path
from statistics import fmean
from typing import Any


@dataclass
class Learned:
    """The seeds of one learner in one environment.

    `curves[i][k]` is the mean return of seed `seeds[i]` without exploration at `steps[k]`, environment steps of that
    seed; `final[i]` are the returns of its last evaluation, `random` those of random actions in the same episodes.
    """

    env: str
    learner: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    seeds: tuple[int, ...] = ()
    steps: list[int] = field(default_factory=list[int])
    curves: list[list[float]] = field(default_factory=list[list[float]])
    final: list[list[float]] = field(default_factory=list[list[float]])
    random: list[float] = field(default_factory=list[float])
    target: float | None = None
    target_source: str = ""
    notes: list[str] = field(default_factory=list[str])
    """What was changed or left out so that the learner could be used here."""
    problem: str = ""
    """Why nothing was learned, in a sentence; empty otherwise."""
    asked_steps: int = 0
    done_steps: int = 0
    """Steps of each seed; fewer than asked where the time was over."""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    env_steps: int = 0
    """Steps of all environments, those of evaluations too."""
    versions: Mapping[str, str] = field(default_factory=dict[str, str])

    def point(self, step: int, returns: list[float]) -> None:
        """Adds an evaluation of every seed."""
        self.steps.append(step)
        for curve, value in zip(self.curves, returns, strict=True):
            curve.append(value)

    @property
    def scores(self) -> list[float]:
        """Mean return of each seed's last evaluation; NaN where no episode ended."""
        return [fmean(r) if r else nan for r in self.final]

    @property
    def complete(self) -> bool:
        """Whether there is a last evaluation of every seed."""
        return bool(self.final) and all(self.final)


def to_rows(found: Learned) -> list[tuple[str, str, int, int, float]]:
    """(algorithm, task, seed, step, return) of every evaluation."""
    return [
        (found.learner, found.env, seed, step, value)
        for seed, curve in zip(found.seeds, found.curves, strict=True)
        for step, value in zip(found.steps, curve, strict=True)
        if isfinite(value)
    ]


def write_table(found: Learned, file: Path) -> None:
    """A CSV file that `lifesigns compare` reads; raises OSError."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(("algorithm", "task", "seed", "step", "return"))
        writer.writerows(to_rows(found))
