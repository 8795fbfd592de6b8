"""Arms from a table: long (seed, step, return, with algorithm and task where there are any), or one column per seed."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lifesigns.campaign.curves import NO_CLOCK, Curve
from lifesigns.compare.arms import GIVEN, Arm, CompareError, Run

COLUMNS = {
    "seed": ("seed", "run", "trial", "replicate", "run_id", "seed_id", "run_seed"),
    "step": (
        "step",
        "steps",
        "timestep",
        "timesteps",
        "env_step",
        "env_steps",
        "environment_step",
        "global_step",
        "total_timesteps",
        "frame",
        "frames",
        "iteration",
        "epoch",
        "episode",
        "update",
    ),
    "value": (
        "return",
        "returns",
        "episodic_return",
        "episode_return",
        "eval_return",
        "score",
        "reward",
        "mean_reward",
        "ep_rew_mean",
        "episode_reward",
        "performance",
        "value",
        "loss",
        "accuracy",
        "success",
    ),
    "arm": ("algorithm", "algo", "agent", "method", "arm", "variant", "model", "config"),
    "task": ("task", "env", "environment", "game", "env_id"),
}
SEED_COLUMN = re.compile(r"^(?:seed|run|s|trial)?[ _=-]*\d+$", re.IGNORECASE)
MISSING = ("", "na", "n/a", "nan", "null", "none", "-")


def is_table(path: Path) -> bool:
    """Whether a file has the first line of a table of seeds; other tables are logs of one run."""
    try:
        header = _rows(path, 1)[0]
    except (OSError, IndexError, CompareError):
        return False
    roles = _roles(header)
    long = "seed" in roles and ("value" in roles or "step" in roles or len(header) - len(roles) == 1)
    return long or bool(_seed_columns(header))


def read_table(path: Path, name: str, metric: str = "") -> list[Arm]:
    """The arms of a table; `metric` names the column of the values. Raises CompareError with the line of a mistake."""
    rows = _rows(path)
    if len(rows) < 2:
        raise CompareError(f"expected a header and rows of numbers in `{path}`, got {len(rows)} lines")
    header, body = rows[0], rows[1:]
    wide = _seed_columns(header)
    return [_wide(path, name, header, body, wide)] if wide else _long(path, name, header, body, metric)


def _rows(path: Path, most: int = 0) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            sample = file.read(4096)
            file.seek(0)
            delimiter = max(",;\t", key=sample.split("\n", 1)[0].count)
            found: list[list[str]] = []
            for row in csv.reader(file, delimiter=delimiter):
                if row and not row[0].startswith("#"):
                    found.append([cell.strip() for cell in row])
                if most and len(found) >= most:
                    break
            return found
    except csv.Error as error:
        raise CompareError(f"expected a table in `{path}`: {error}") from error


def _roles(header: Sequence[str]) -> dict[str, int]:
    """Role → place of its column."""
    names = [re.sub(r"[\s-]+", "_", h.lower()) for h in header]
    found: dict[str, int] = {}
    for role, known in COLUMNS.items():
        place = next((names.index(k) for k in known if k in names), None)
        if place is not None:
            found[role] = place
    return found


def _seed_columns(header: Sequence[str]) -> list[int]:
    """Places of the columns that are a seed each, where all but a step are."""
    places = [i for i, h in enumerate(header) if SEED_COLUMN.match(h)]
    others = [h for i, h in enumerate(header) if i not in places]
    step_only = len(others) <= 1 and all("step" in _roles([h]) or not h for h in others)
    return places if places and step_only else []


def _wide(path: Path, name: str, header: Sequence[str], body: Sequence[Sequence[str]], seeds: Sequence[int]) -> Arm:
    step = next((i for i in range(len(header)) if i not in seeds), None)
    x = np.array(
        [_number(r, step, path, n) for n, r in enumerate(body, 2)] if step is not None else range(1, len(body) + 1)
    )
    runs: list[Run] = []
    for place in seeds:
        y = np.array([_number(row, place, path, n) for n, row in enumerate(body, 2)])
        seed = re.sub(r"\D", "", header[place])
        runs.append(Run({GIVEN: _curve(x, y)}, seed))
    return Arm(name, tuple(runs))


def _long(path: Path, name: str, header: Sequence[str], body: Sequence[Sequence[str]], metric: str) -> list[Arm]:
    roles = _roles(header)
    if "seed" not in roles:
        raise CompareError(
            f"expected columns `seed, step, return` (or one column per seed) in `{path}`, got {', '.join(header)[:120]}"
        )
    rest = [i for i in range(len(header)) if i not in roles.values()]
    value = header.index(metric) if metric in header else roles.get("value", rest[0] if len(rest) == 1 else None)
    if value is None or (metric and metric not in header):
        wanted = f"`{metric}`" if metric else "`return` or `score` (or one named by --metric)"
        raise CompareError(f"expected a column {wanted} in `{path}`, got {', '.join(header)[:120]}")
    points: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    for line, row in enumerate(body, 2):
        key = (_cell(row, roles.get("arm")), _cell(row, roles.get("task")), _cell(row, roles["seed"]))
        there = points.setdefault(key, [])
        at = _number(row, roles["step"], path, line) if "step" in roles else float(len(there) + 1)
        there.append((at, _number(row, value, path, line)))
    _check_twice(points, path, by_step="step" in roles)
    arms: dict[str, list[Run]] = {}
    for (arm, task, seed), found in points.items():
        x, y = np.array(found).T
        arms.setdefault(arm, []).append(Run({GIVEN: _curve(x, y)}, seed, task))
    return [Arm(arm or name, tuple(runs)) for arm, runs in arms.items()]


def _check_twice(points: dict[tuple[str, str, str], list[tuple[float, float]]], path: Path, *, by_step: bool) -> None:
    """A seed that has two values at one step is two runs under one name."""
    for (_, _, seed), found in points.items():
        steps = [at for at, _ in found]
        if by_step and len(set(steps)) < len(steps):
            twice = next(s for s in steps if steps.count(s) > 1)
            raise CompareError(
                f"seed {seed} has {steps.count(twice)} values at step {twice:g} in `{path}`: name the runs apart, or "
                "add a column `algorithm` or `task`"
            )


def _cell(row: Sequence[str], place: int | None) -> str:
    return row[place] if place is not None and place < len(row) else ""


def _number(row: Sequence[str], place: int, path: Path, line: int) -> float:
    text = _cell(row, place)
    if text.lower() in MISSING:
        return float("nan")
    try:
        return float(text.replace("_", ""))
    except ValueError as error:
        raise CompareError(f"expected a number in line {line} of `{path}`, got `{text[:40]}`") from error


def _curve(x: np.ndarray, y: np.ndarray) -> Curve:
    """Sorted, without the missing values at its end."""
    kept = np.isfinite(x)
    order = np.argsort(x[kept], kind="stable")
    x, y = x[kept][order], y[kept][order]
    known = np.flatnonzero(~np.isnan(y))
    last = int(known[-1]) + 1 if len(known) else 0
    return Curve(x[:last], y[:last], "logged" if len(x) > 1 else NO_CLOCK)
