"""CSV and TSV files of any tool: Stable-Baselines3, Lightning, RLlib, CleanRL exports, Spinning Up, rl_games."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lifesigns.importers.logged import Array, Log, LogError
from lifesigns.importers.rows import NOT_LOGGED, log_of_table, number

TITLE = "CSV"
SUFFIXES = (".csv", ".tsv")
MAX_FIELD = 1 << 20


def sniff(path: Path) -> bool:
    """A file by its ending, or Spinning Up's `progress.txt`; `monitor.csv` of Stable-Baselines3 is another format."""
    named = path.suffix.lower() in SUFFIXES or path.name == "progress.txt"
    return named and path.is_file() and not first_line(path).startswith("#{")


def first_line(path: Path) -> str:
    """The first 4,096 characters of a file up to the line's end; "" where it cannot be read."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline(4096)
    except OSError:
        return ""


def read(path: Path) -> Log:
    """The numeric columns. Raises LogError."""
    names, cells = cells_of(path)
    values = {name: column_of(column) for name, column in zip(names, cells, strict=True) if name}
    logger = _logger(path, set(names))
    return log_of_table(values, logger, update_step=logger == "lightning", what=f"table `{path}`")


def cells_of(path: Path, comment: str = "") -> tuple[list[str], list[tuple[str, ...]]]:
    """Names of the columns, and the text of their cells; rows that are too short are filled with "".

    The last row is left out where the file does not end with a line end: it may be half written. So are headers that
    are repeated, as by a run that was resumed. Raises LogError.
    """
    try:
        text = path.read_text("utf-8", "replace").replace("\0", "")
    except OSError as error:
        raise LogError(f"cannot read `{path}`: {error.strerror}") from error
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith(("\n", "\r")) and len(lines) > 2:
        lines.pop()
    while comment and lines and lines[0].startswith(comment):
        del lines[0]
    header = next((line for line in lines if line.strip()), "")
    delimiter = max(",\t;", key=header.count)
    if delimiter not in header and len(header.split()) != 1:
        raise LogError(f"expected a table with a header line in `{path}`, got {header.strip()[:60]!r}")
    csv.field_size_limit(MAX_FIELD)
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True) if row]
    except csv.Error as error:
        raise LogError(f"expected a table in `{path}`, got something else: {error}") from error
    names = [n.strip() for n in rows[0]] if rows else []
    if not any(names) or all(number(n) is not None for n in names):
        raise LogError(f"expected a header line with the names of the columns in `{path}`, got {header.strip()[:60]!r}")
    width = len(names)
    body = [
        r if len(r) == width else [*r, *[""] * width][:width] for r in rows[1:] if r[0] != rows[0][0] or r != rows[0]
    ]
    return names, list(zip(*body, strict=True)) if body else [()] * width


def column_of(cells: Sequence[str]) -> Array:
    """The numbers of a column's cells; `NOT_LOGGED` where a cell holds none."""
    try:
        return np.asarray([float(c) for c in cells], dtype=np.float64)
    except ValueError:
        return np.asarray([NOT_LOGGED if (v := number(c)) is None else v for c in cells], dtype=np.float64)


def _logger(path: Path, names: set[str]) -> str:
    if "time/total_timesteps" in names or "time/iterations" in names:
        return "sb3"
    if path.name == "metrics.csv" and {"epoch", "step"} <= names:
        return "lightning"
    if "training_iteration" in names:
        return "rllib"
    return "csv"
