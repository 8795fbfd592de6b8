"""CSV and TSV files of any tool: Stable-Baselines3, Lightning, RLlib, CleanRL exports, Spinning Up, rl_games."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from lifesigns.importers.logged import Log, LogError
from lifesigns.importers.rows import log_of, number

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
    rows: list[dict[str, float]] = []
    lost = 0
    for row in rows_of(path):
        if row:
            rows.append(row)
        else:
            lost += 1
    logger = _logger(path, rows)
    return log_of(rows, logger, lost=lost, update_step=logger == "lightning", what=f"table `{path}`")


def rows_of(path: Path, comment: str = "") -> Iterator[dict[str, float]]:
    """The numbers of each row by its column's name; an empty dict for a row that has none.

    The last row is left out where the file does not end with a line end: it may be half written. Raises LogError.
    """
    try:
        text = path.read_text("utf-8", "replace")
    except OSError as error:
        raise LogError(f"cannot read `{path}`: {error.strerror}") from error
    lines = [line.replace("\0", "") for line in text.splitlines(keepends=True)]
    if lines and not lines[-1].endswith(("\n", "\r")) and len(lines) > 2:
        lines.pop()
    while comment and lines and lines[0].startswith(comment):
        del lines[0]
    header = next((line for line in lines if line.strip()), "")
    delimiter = max(",\t;", key=header.count)
    if delimiter not in header and len(header.split()) != 1:
        raise LogError(f"expected a table with a header line in `{path}`, got {header.strip()[:60]!r}")
    csv.field_size_limit(MAX_FIELD)
    table = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        names = [n.strip() for n in next(table)]
        if not any(names) or all(number(n) is not None for n in names):
            raise LogError(
                f"expected a header line with the names of the columns in `{path}`, got {header.strip()[:60]!r}"
            )
        for cells in table:
            if cells and [c.strip() for c in cells] != names:
                found = ((n, number(c)) for n, c in zip(names, cells, strict=False))
                yield {n: v for n, v in found if v is not None and n}
    except StopIteration:
        raise LogError(f"expected a table with a header line in `{path}`, got an empty file") from None
    except csv.Error as error:
        raise LogError(f"expected a table in `{path}`, got something else: {error}") from error


def _logger(path: Path, rows: list[dict[str, float]]) -> str:
    names = set(rows[0]) if rows else set[str]()
    for row in rows[:50]:
        names.update(row)
    if "time/total_timesteps" in names or "time/iterations" in names:
        return "sb3"
    if path.name == "metrics.csv" and {"epoch", "step"} <= names:
        return "lightning"
    if "training_iteration" in names:
        return "rllib"
    return "csv"
