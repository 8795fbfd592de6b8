"""Rows of named numbers (CSV, JSONL, printed lines) made into a log: which column is the step, which is time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifesigns.importers.clocks import clock_of_steps, step_column, time_column
from lifesigns.importers.logged import Array, Builder, Column, Log, LogError
from lifesigns.model.roles import normal

MAX_DEPTH = 12


def number(value: Any) -> float | None:
    """A float of what a log holds for a number, NaN and infinities spelled out included; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        try:
            return float(value)
        except OverflowError:
            return math.copysign(math.inf, value)
    if isinstance(value, str) and len(value) < 64:
        try:
            return float(value)
        except ValueError:
            return None
    return None


def flat(
    value: Mapping[str, Any], prefix: str = "", depth: int = 0, separator: str = "/"
) -> Iterable[tuple[str, float]]:
    """The numbers of a nested mapping, names joined by `separator`; lists and text are left out."""
    for key, inner in value.items():
        name = f"{prefix}{key}"
        if isinstance(inner, Mapping):
            if depth < MAX_DEPTH:
                yield from flat(inner, f"{name}{separator}", depth + 1, separator)
        elif not isinstance(inner, str) or inner in ("NaN", "Infinity", "-Infinity", "nan", "inf", "-inf"):
            one = number(inner)
            if one is not None:
                yield name, one


def without_gaps(column: Column) -> Column:
    """The column without NaN that stands for a value which was not logged in that row.

    A table writes NaN where a row has no value, and where a value was NaN. What comes between numbers is the former; at
    the end it is the former only if no longer than twice the longest gap before.
    """
    missing = np.isnan(column.value)
    there = np.flatnonzero(~missing)
    if not missing.any() or not len(there):
        return column
    longest = int(np.diff(there).max(initial=1)) - 1
    after = len(missing) - 1 - int(there[-1])
    keep = ~missing
    if after > 2 * longest:
        keep[there[-1] + 1 :] = True
    return Column(column.step[keep], column.value[keep], column.wall_s[keep])


NOT_LOGGED = float(np.array([0x7FF8000000000DAD], dtype=np.uint64).view(np.float64)[0])
"""A NaN of its own bits, which stands for a cell without a number; a logged NaN has others."""


def log_of_table(values: Mapping[str, Array], logger: str, *, update_step: bool = False, what: str = "table") -> Log:
    """The log of a table's columns [rows], `NOT_LOGGED` in empty cells; otherwise as `log_of`."""
    there = {name: _bits(column) != _bits(np.asarray([NOT_LOGGED]))[0] for name, column in values.items()}
    names = [n for n in values if there[n].any()]
    step, clock, why = step_column(names)
    time = time_column([n for n in names if n != step])
    rows = max((len(v) for v in values.values()), default=0)
    at = _carried(values[step], there[step]) if step else np.arange(rows, dtype=np.float64)
    wall = np.where(there[time], values[time], np.nan) if time else np.full(rows, np.nan)
    first = np.flatnonzero(np.isfinite(wall))
    wall = wall - wall[first[0]] if len(first) else wall
    kept = [n for n in names if n not in (step, time)] or [n for n in names if n == step]
    columns = {n: without_gaps(Column(at[m], values[n][m], wall[m])) for n in kept if (m := there[n]).any()}
    return _log(columns, logger, (step, clock, why), update_step=update_step, what=what)


def _bits(column: Array) -> NDArray[np.uint64]:
    return np.ascontiguousarray(column).view(np.uint64)


def _carried(step: Array, there: NDArray[np.bool_]) -> Array:
    """Steps, where a row has none that of the row before (0 at the start)."""
    last = np.maximum.accumulate(np.where(there, np.arange(len(step)), -1))
    return np.where(last >= 0, step[np.maximum(last, 0)], 0.0)


def log_of(
    rows: Sequence[Mapping[str, float]], logger: str, *, lost: int = 0, update_step: bool = False, what: str = "log"
) -> Log:
    """The log of rows; those without a step take the step before them. Raises LogError where there are no numbers.

    `update_step` says that the format's `step` counts optimiser steps (Lightning, Transformers).
    """
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    step, clock, why = step_column(names)
    time = time_column([n for n in names if n != step])
    built = Builder()
    at, begun = 0.0, float("nan")
    for index, row in enumerate(rows):
        at = row.get(step, at) if step else float(index)
        wall = row.get(time, float("nan")) if time else float("nan")
        begun = wall if math.isnan(begun) else begun
        built.add_all({k: v for k, v in row.items() if k not in (step, time)}, at, wall - begun)
    columns = {name: without_gaps(column) for name, column in built.columns().items()}
    if not columns and step:
        built.add_all({step: rows[-1][step]} if rows and step in rows[-1] else {}, at)
        columns = built.columns()
    return _log(columns, logger, (step, clock, why), lost=lost, update_step=update_step, what=what)


def _log(
    columns: dict[str, Column],
    logger: str,
    steps: tuple[str, str, str],
    *,
    lost: int = 0,
    update_step: bool = False,
    what: str,
) -> Log:
    step, clock, why = steps
    if not columns:
        raise LogError(f"expected named numbers in the {what}, got none; is it the log of a training run?")
    if clock == "logged" and step:
        if update_step and normal(step).endswith("step"):
            clock, why = "update", f"`{step}` counts optimiser steps in this format"
        elif clock_of_steps(columns)[0] != "logged":
            clock, why = clock_of_steps(columns)
    return Log(columns, logger, clock, why, lost=lost)
