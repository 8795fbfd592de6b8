"""Numbers that the user's own logger was given, under the user's names: series `log.<name>`."""

from __future__ import annotations

import numbers
from typing import Any

from ..recorder import Recorder, Thinned, on_fork

MAX_NAMES = 500


class Logged:
    """Columns by name."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.columns: dict[str, Thinned] = {}
        on_fork(lambda _: self.columns.clear())

    def add(self, name: str, value: Any, step: Any) -> None:
        """Takes plain numbers, NumPy scalars and one-element CPU tensors; leaves everything else alone."""
        number = as_number(value)
        if number is None:
            return
        column = self.columns.get(name)
        if column is None:
            if len(self.columns) >= MAX_NAMES:
                return
            column = self.columns[name] = Thinned(self.recorder.series(f"log.{name}", "run", clock="logged"))
        at = as_number(step)
        column.add(self.recorder.env_step or self.recorder.update if at is None else at, number)


def as_number(value: Any) -> float | None:
    """A float, or None for what is no single number on this side of a device."""
    if type(value) is float:
        return value
    if value is None or isinstance(value, (bool, str)):
        return None
    if isinstance(value, numbers.Real):
        return float(value)
    device = getattr(getattr(value, "device", None), "type", "cpu")
    size = value.numel() if callable(getattr(value, "numel", None)) else getattr(value, "size", 0)
    if device == "cpu" and size == 1 and hasattr(value, "item"):
        item = value.item()
        return float(item) if isinstance(item, (int, float)) else None
    return None
