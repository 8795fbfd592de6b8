"""What a log holds before it is a trace: columns of numbers by name, and what its steps count."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MAX_NAMES = 5000
"""names of one log beyond which the rest is left out; a log with more holds something else than scalars."""


class LogError(Exception):
    """A log that cannot be read; the message is one sentence that says what was expected, and what to do."""


@dataclass(frozen=True)
class Column:
    """The values of one name: `step`, `value`, `wall_s` of shape [n]; `wall_s` is NaN where no time was logged."""

    step: Array
    value: Array
    wall_s: Array


@dataclass
class Log:
    """One run's log. `clock` is what the steps count, `logged` where that is not known; `why` says how it is known.

    `logger` is what the user logs with (`tensorboard`, `wandb`, `print`, …); `lost` counts records or lines that
    could not be read; `notes` are sentences for the user.
    """

    columns: dict[str, Column]
    logger: str
    clock: str = "logged"
    why: str = ""
    name: str = ""
    ended: str = ""
    lost: int = 0
    notes: list[str] = field(default_factory=list[str])
    config: dict[str, Any] = field(default_factory=dict[str, Any])


class Format(Protocol):
    """An importer: a module with these names."""

    TITLE: str

    def sniff(self, path: Path) -> bool:
        """Whether the file or folder is of this format; looks at no more than its first bytes and its name."""
        ...

    def read(self, path: Path) -> Log:
        """The numbers in it. Raises LogError."""
        ...


class Builder:
    """Collects columns row by row."""

    def __init__(self) -> None:
        self._columns: dict[str, tuple[array[float], array[float], array[float]]] = {}
        self.left_out = 0

    def add(self, name: str, step: float, value: float, wall_s: float = float("nan")) -> None:
        """One number."""
        column = self._columns.get(name)
        if column is None:
            if len(self._columns) >= MAX_NAMES:
                self.left_out += 1
                return
            column = self._columns[name] = (array("d"), array("d"), array("d"))
        column[0].append(step)
        column[1].append(value)
        column[2].append(wall_s)

    def add_all(self, values: Mapping[str, float], step: float, wall_s: float = float("nan")) -> None:
        """The numbers of one row."""
        for name, value in values.items():
            self.add(name, step, value, wall_s)

    def columns(self) -> dict[str, Column]:
        """What was collected."""
        return {k: Column(*(np.frombuffer(a, dtype=np.float64) for a in c)) for k, c in self._columns.items()}


def straighten(column: Column) -> tuple[Column, bool]:
    """The column with steps that never go back, and whether it was begun anew.

    Where the step falls back by more than half of what had been covered, the run was started again (or resumed from
    a checkpoint) into the same log: what came before from that step on is superseded, as TensorBoard has it. Smaller
    disorder is sorted.
    """
    step = column.step
    keep = np.isfinite(step)
    if not keep.all():
        column = Column(step[keep], column.value[keep], column.wall_s[keep])
        step = column.step
    if len(step) < 2 or not (np.diff(step) < 0).any():
        return column, False
    highest = np.maximum.accumulate(step)
    falls = np.flatnonzero(highest[:-1] - step[1:] > 0.5 * (highest[:-1] - step.min())) + 1
    begins = [0, *(f for f in falls.tolist() if step[f] < step[f - 1]), len(step)]
    alive = np.ones(len(step), dtype=bool)
    for start in begins[1:-1]:
        alive[:start] &= step[:start] < step[start]
    order = np.flatnonzero(alive)
    order = order[np.argsort(step[order], kind="stable")]
    return Column(step[order], column.value[order], column.wall_s[order]), len(begins) > 2
