"""Arms from NumPy files: final scores [seed], curves [seed, step], or scores [run, task] where that is said."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lifesigns.campaign.curves import NO_CLOCK, Curve
from lifesigns.compare.arms import GIVEN, Arm, CompareError, Run

Array = NDArray[np.float64]
Anything = NDArray[np.generic]
STEPS, SEEDS, TASKS = ("steps", "step", "x", "timesteps"), ("seeds", "seed"), ("tasks", "games", "envs", "task")
VALUES = ("returns", "return", "scores", "values", "y", "rewards", "results")


def read_arrays(path: Path, name: str, *, tasks: bool = False) -> list[Arm]:
    """The arms of a `.npy` or `.npz` file. Objects are never unpickled. Raises CompareError.

    An archive holds one arm as `returns` (with `steps` [step] or [seed, step], `seeds`, `tasks`), or one array for
    each arm under its own name.
    """
    held = _load(path)
    extra = {key: held.pop(found) for key, found in _extras(held).items()}
    named = next((k for k in VALUES if k in held), "")
    if named and len(held) == 1:
        return [_arm(name, held[named], extra, tasks, path)]
    if path.suffix == ".npy":
        return [_arm(name, next(iter(held.values())), extra, tasks, path)]
    return [_arm(key, array, extra, tasks, path) for key, array in held.items()]


def _load(path: Path) -> dict[str, Anything]:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"values": loaded}
        return {key: loaded[key] for key in loaded.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        what = "objects, which are not read (they could run code)" if "pickle" in str(error).lower() else str(error)
        raise CompareError(f"expected an array of numbers in `{path}`, got {what}") from error


def _extras(held: Mapping[str, Anything]) -> dict[str, str]:
    """Which names of the archive are steps, seeds and tasks."""
    found: dict[str, str] = {}
    for kind, names in (("steps", STEPS), ("seeds", SEEDS), ("tasks", TASKS)):
        match = next((k for k in held if k.lower() in names), None)
        if match is not None and len(held) > 1:
            found[kind] = match
    return found


def _arm(name: str, array: Anything, extra: Mapping[str, Anything], tasks: bool, path: Path) -> Arm:
    try:
        values = np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise CompareError(f"expected numbers in `{name}` of `{path}`, got {array.dtype}") from error
    if values.ndim not in (1, 2, 3) or not values.size:
        raise CompareError(
            f"expected [seed], [seed, step] or [seed, task, step] in `{name}` of `{path}`, got the shape {array.shape}"
        )
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim == 2:
        values = values[:, :, None] if tasks else values[:, None, :]
    runs, number, length = values.shape
    seeds = _labels(extra.get("seeds"), runs, "")
    games = _labels(extra.get("tasks"), number, "task " if number > 1 else "")
    steps = _steps(extra.get("steps"), runs, length, path)
    made = [
        Run({GIVEN: _curve(steps[r], values[r, t])}, seeds[r], games[t])
        for r in range(runs)
        for t in range(number)
        if np.isfinite(values[r, t]).any() or length == 1
    ]
    return Arm(name, tuple(made))


def _labels(given: Anything | None, count: int, prefix: str) -> list[str]:
    """Labels as given; without, numbers after the prefix, or (without one) nothing: rows are not seeds."""
    if given is not None and given.ndim == 1 and len(given) == count:
        return [str(v) for v in given.tolist()]
    return [f"{prefix}{i}" if prefix else "" for i in range(count)]


def _steps(given: Anything | None, runs: int, length: int, path: Path) -> Array:
    """Steps [run, step]; 1, 2, 3, … without."""
    if given is None:
        return np.tile(np.arange(1, length + 1, dtype=np.float64), (runs, 1))
    steps = np.asarray(given, dtype=np.float64)
    if steps.shape == (length,):
        return np.tile(steps, (runs, 1))
    if steps.shape != (runs, length):
        raise CompareError(f"expected steps [{length}] or [{runs}, {length}] in `{path}`, got the shape {steps.shape}")
    return steps


def _curve(x: Array, y: Array) -> Curve:
    """A row without the NaN that pads it at its end; those between stay."""
    known = np.flatnonzero(~np.isnan(y))
    last = int(known[-1]) + 1 if len(known) else 0
    order = np.argsort(x[:last], kind="stable")
    return Curve(x[:last][order], y[:last][order], "logged" if len(x) > 1 else NO_CLOCK)
