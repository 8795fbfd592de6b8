"""MLflow's file store (`mlruns/EXPERIMENT/RUN/metrics/NAME`) and its SQLite store; needs no MLflow."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from lifesigns.importers.clocks import clock_of_steps
from lifesigns.importers.logged import Builder, Log, LogError
from lifesigns.importers.rows import number

TITLE = "MLflow store"
LARGEST = 1.7976931348623157e308
"""What MLflow's SQL store writes for an infinity (mlflow/store/tracking/sqlalchemy_store.py)."""
STATUS = {
    "3": "finished",
    "FINISHED": "finished",
    "4": "crashed",
    "FAILED": "crashed",
    "5": "killed",
    "KILLED": "killed",
}
MAGIC = b"SQLite format 3\0"


def sniff(path: Path) -> bool:
    """The folder of one run in a file store, or a SQLite file with MLflow's tables."""
    if path.is_dir():
        return (path / "meta.yaml").is_file() and (path / "metrics").is_dir()
    return (
        path.suffix in (".db", ".sqlite", ".sqlite3")
        and _is_sqlite(path)
        and bool(_tables(path) >= {"runs", "metrics"})
    )


def runs_of(path: Path) -> list[tuple[str, str]]:
    """(id, name) of the runs in a SQLite store that logged something. Raises LogError."""
    query = "SELECT run_uuid, name FROM runs WHERE run_uuid IN (SELECT run_uuid FROM metrics) ORDER BY start_time"
    return [(str(i), str(name or i)) for i, name in _query(path, query)]


def read(path: Path, run: str = "") -> Log:
    """The metrics of a run's folder, or of one run of a SQLite store (the only one, if `run` is not given).

    Raises LogError.
    """
    if path.is_dir():
        return _folder(path)
    found = runs_of(path)
    wanted = [i for i, name in found if run in ("", i, name)]
    if len(wanted) != 1:
        raise LogError(
            f"expected one run in `{path}`, got {len(wanted)}; name one as `{path}#RUN`, RUN one of: "
            + (", ".join(name for _, name in found[:8]) or "none, nothing was logged")
        )
    return _from_sqlite(path, wanted[0])


def _folder(path: Path) -> Log:
    built, lost = Builder(), 0
    root = path / "metrics"
    begun: float | None = None
    for file in sorted(p for p in root.rglob("*") if p.is_file()):
        name = file.relative_to(root).as_posix()
        for cells in _lines(file):
            numbers = [number(c) for c in cells]
            if len(numbers) < 2 or any(n is None for n in numbers[:3]):
                lost += 1
                continue
            time, value, step = (*numbers, 0.0)[:3]
            assert time is not None
            begun = time if begun is None else begun
            built.add(name, float(step or 0.0), float(value if value is not None else 0.0), (time - begun) / 1e3)
    return _log(built, path, name_of(path), STATUS.get(_meta(path, "status"), "running"), lost)


def name_of(path: Path) -> str:
    """The name of the run in a folder of a file store, "" where it has none."""
    return _meta(path, "run_name")


def _meta(path: Path, key: str) -> str:
    """A value of `meta.yaml`, of which MLflow writes one `key: value` a line."""
    found = dict(line.split(":", 1) for line in _text(path / "meta.yaml").splitlines() if ":" in line)
    return found.get(key, "").strip().strip("'\"")


def _lines(file: Path) -> Iterator[list[str]]:
    text = _text(file)
    lines = text.splitlines()
    if lines and not text.endswith("\n") and len(lines[-1].split()) < 3:
        lines.pop()
    return (line.split() for line in lines if line.strip())


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace")
    except OSError:
        return ""


def _from_sqlite(path: Path, run: str) -> Log:
    built = Builder()
    begun: float | None = None
    query = "SELECT key, value, timestamp, step, is_nan FROM metrics WHERE run_uuid = ? ORDER BY timestamp, step"
    for key, value, time, step, is_nan in _query(path, query, run):
        at, stamp, one = number(step), number(time), number(value)
        if at is None or stamp is None or one is None:
            continue
        begun = stamp if begun is None else begun
        one = float("nan") if is_nan else float("inf") * (1 if one > 0 else -1) if abs(one) >= LARGEST else one
        built.add(str(key), at, one, (stamp - begun) / 1e3)
    (name, status), *_ = _query(path, "SELECT name, status FROM runs WHERE run_uuid = ?", run)
    return _log(built, path, str(name or run), STATUS.get(str(status), "running"), 0)


def _log(built: Builder, path: Path, name: str, ended: str, lost: int) -> Log:
    columns = built.columns()
    if not columns:
        raise LogError(f"expected metrics in the MLflow run `{path}`, got none")
    clock, why = clock_of_steps(columns)
    return Log(columns, "mlflow", clock, why, name, ended, lost)


def _is_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def _tables(path: Path) -> set[str]:
    try:
        return {str(row[0]) for row in _query(path, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    except LogError:
        return set()


def _query(path: Path, query: str, *values: str) -> list[tuple[object, ...]]:
    """Rows, read only. Raises LogError where the file is damaged or not of this kind."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()
    except (sqlite3.Error, OverflowError) as error:
        raise LogError(f"expected MLflow's tables in `{path}`, got a database that cannot be read: {error}") from error
