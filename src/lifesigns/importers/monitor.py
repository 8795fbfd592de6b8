"""`monitor.csv` of Stable-Baselines3 and Gym: one row an episode (return, length, seconds) under a JSON header."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from lifesigns.importers.csv_table import cells_of, column_of, first_line
from lifesigns.importers.logged import Column, Log, LogError

TITLE = "Stable-Baselines3 monitor file"


def sniff(path: Path) -> bool:
    """A CSV file whose first line is `#{…}`."""
    return path.suffix.lower() == ".csv" and path.is_file() and first_line(path).startswith("#{")


def read(path: Path) -> Log:
    """The episodes of one environment's file, or of all such files of a folder. Raises LogError."""
    return read_all([path] if path.is_file() else sorted(p for p in path.iterdir() if sniff(p)))


def read_all(paths: list[Path]) -> Log:
    """The episodes of parallel environments, in the order in which they ended. Raises LogError."""
    parts = [part for path in paths if len(part := _episodes(path))]
    if not parts:
        raise LogError(f"expected episodes (columns r, l, t) in `{paths[0] if paths else 'the folder'}`, got none")
    rows = np.concatenate(parts)
    rows = rows[np.argsort(rows[:, 2], kind="stable")]
    step, wall = np.cumsum(rows[:, 1]), rows[:, 2] - min(0.0, float(np.nanmin(rows[:, 2])))
    columns = {f"monitor/{k}": Column(step, rows[:, i].copy(), wall) for i, k in enumerate("rl")}
    return Log(columns, "sb3", "env_step", "the lengths of the episodes add up to them", config=_header(paths[0]))


def _episodes(path: Path) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Rows (r, l, t) of one file, times from the earliest start of the folder's files."""
    start = _header(path).get("t_start")
    begun = float(start) if isinstance(start, (int, float)) and abs(start) < 1e12 else 0.0
    names, cells = cells_of(path, "#")
    if not {"r", "l"} <= set(names):
        return np.empty((0, 3))
    values = dict(zip(names, (column_of(c) for c in cells), strict=True))
    found = np.column_stack([values["r"], values["l"], begun + values.get("t", np.zeros(len(values["r"])))])
    return found[np.isfinite(found[:, 1]) & (found[:, 1] >= 0)]


def _header(path: Path) -> dict[str, object]:
    try:
        value = json.loads(first_line(path).lstrip("#"))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
