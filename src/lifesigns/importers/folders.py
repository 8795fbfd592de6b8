"""Which runs a path holds: one file, one folder of a run, or a tree of folders with a run each."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from lifesigns.importers import csv_table, json_lines, mlflow_store, monitor, printed, tensorboard, wandb_file
from lifesigns.importers.clocks import step_column
from lifesigns.importers.logged import Log, LogError
from lifesigns.model.roles import role_of

FORMATS: tuple[ModuleType, ...] = (tensorboard, wandb_file, mlflow_store, monitor, csv_table, json_lines, printed)
"""In the order in which they are asked."""
PREFERRED = ("progress.csv", "metrics.csv", json_lines.STATE, "progress.json", "result.json", "progress.txt")
"""Names that tools give the log of a run; of several in one folder, which say the same, the first is read."""
SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages"})
MAX_DEPTH, MAX_ENTRIES = 8, 50_000


@dataclass(frozen=True)
class Source:
    """One run's log: its name below the path that was given, its format, where it is, and monitor files beside it."""

    name: str
    title: str
    path: Path
    load: Callable[[], Log]
    monitors: tuple[Path, ...] = ()


def find(path: Path) -> list[Source]:
    """The runs at `path`, by name. Raises LogError where there are none."""
    base, _, run = str(path).partition("#")
    if run and not path.exists():
        path = Path(base)
    if not path.exists():
        raise LogError(f"no log at `{path.absolute()}`")
    if path.is_file():
        return _file(path, run)
    found = list(_walk(path, path, 0, [MAX_ENTRIES])) or list(_texts(path))
    if not found:
        known = "TensorBoard, W&B, MLflow, CSV, JSON, printed output"
        raise LogError(f"`{path}` is no lifesigns run, and no log of a training run is under it (known are {known})")
    return sorted(found, key=lambda s: re.sub(r"\d+", lambda n: n.group().zfill(12), s.name))


def _file(path: Path, run: str) -> list[Source]:
    module = next((m for m in FORMATS if m.sniff(path)), None)
    if module is None:
        raise LogError(
            f"`{path}` is no lifesigns run and no log of a known form (event file, .wandb, .csv, .jsonl, .json, .db, "
            ".log); name printed output `*.log`"
        )
    if module is mlflow_store:
        return _sqlite(path, path.name, run)
    return [_source(path.name, module, path)]


def _source(name: str, module: ModuleType, path: Path, monitors: tuple[Path, ...] = ()) -> Source:
    return Source(name, module.TITLE, path, lambda: module.read(path), monitors)


def _sqlite(path: Path, name: str, run: str = "") -> list[Source]:
    runs = [(i, n) for i, n in mlflow_store.runs_of(path) if run in ("", i, n)]
    if not runs:
        raise LogError(
            f"expected runs with metrics in the MLflow store `{path}`, got none" + (f" named `{run}`" if run else "")
        )

    def source(one: str, label: str) -> Source:
        return Source(f"{name}#{label}", mlflow_store.TITLE, path, lambda: mlflow_store.read(path, one))

    labels = [n for _, n in runs]
    return [source(i, n if labels.count(n) == 1 else i) for i, n in runs]


def _walk(root: Path, folder: Path, depth: int, left: list[int]) -> Iterator[Source]:
    """The runs of a folder and of those below it."""
    entries = _entries(folder, left)
    files, folders = [e for e in entries if e.is_file()], [e for e in entries if e.is_dir()]
    name = folder.relative_to(root).as_posix()
    name = folder.name or str(folder) if name == "." else name
    for module in (mlflow_store, wandb_file):
        if module.sniff(folder):
            one = _source(name, module, folder)
            label = mlflow_store.name_of(folder) if module is mlflow_store else ""
            yield replace(one, title=f"{one.title}: {label}") if label else one
            return
    state = _last_checkpoint(folder, folders)
    monitors = tuple(f for f in files if monitor.sniff(f))
    main = _main(name, folder, files, monitors)
    if not main and state is not None:
        main = [_source(name, json_lines, state)]
    yield from main
    if not main and monitors:
        yield Source(name, monitor.TITLE, folder, lambda: monitor.read_all(list(monitors)))
    for file in files:
        if file.suffix in (".db", ".sqlite", ".sqlite3") and mlflow_store.sniff(file):
            yield from _sqlite(file, file.relative_to(root).as_posix())
    for inner in folders if depth < MAX_DEPTH else ():
        if state is None or not (inner.name.startswith("checkpoint-") or inner.name == "runs"):
            below = list(_walk(root, inner, depth + 1, left))
            yield from (s for s in below if not (main and _belongs(inner)))


def _belongs(folder: Path) -> bool:
    """Whether a folder was made by the writer of the folder above: add_hparams names it by the time."""
    return re.fullmatch(r"\d{9,}\.\d+", folder.name) is not None


def _entries(folder: Path, left: list[int]) -> list[Path]:
    try:
        names = sorted(os.listdir(folder))[: left[0]]
    except OSError:
        return []
    left[0] -= len(names)
    return [folder / n for n in names if not n.startswith(".") and n not in SKIPPED and not (folder / n).is_symlink()]


def _main(name: str, folder: Path, files: list[Path], monitors: tuple[Path, ...]) -> list[Source]:
    """The log of a folder's run; several where its tables are runs of their own."""
    if any(tensorboard.is_event_file(f) for f in files):
        return [_source(name, tensorboard, folder, monitors)]
    named = {f.name: f for f in files}
    for known in PREFERRED:
        if known in named:
            module = json_lines if known.endswith(".json") else csv_table
            if module.sniff(named[known]):
                return [_source(name, module, named[known], monitors)]
    tables = [f for f in files if f not in monitors and _is_training_table(f)]
    if len(tables) == 1:
        return [_source(name, _module(tables[0]), tables[0], monitors)]
    return [_source(f"{name}/{f.name}", _module(f), f) for f in tables]


def _module(file: Path) -> ModuleType:
    return csv_table if csv_table.sniff(file) else json_lines


def _is_training_table(file: Path) -> bool:
    """Whether a CSV or JSONL file names a step or a known role in its first line: others are data."""
    if csv_table.sniff(file):
        names = [n.strip() for n in re.split(r"[,;\t]", csv_table.first_line(file))]
        return bool(step_column(names)[0]) or any(role_of(n) for n in names)
    if file.suffix.lower() not in (".jsonl", ".ndjson"):
        return False
    names = re.findall(r'"([^"]{1,80})"\s*:', csv_table.first_line(file))
    return bool(step_column(names)[0]) or any(role_of(n) for n in names)


def _last_checkpoint(folder: Path, folders: list[Path]) -> Path | None:
    """Transformers' state in the newest `checkpoint-N`, which holds the history of all before it."""
    if (folder / json_lines.STATE).is_file():
        return folder / json_lines.STATE
    numbered = [(int(m.group(1)), f) for f in folders if (m := re.fullmatch(r"checkpoint-(\d+)", f.name))]
    states = [f / json_lines.STATE for _, f in sorted(numbered) if (f / json_lines.STATE).is_file()]
    return states[-1] if states else None


def _texts(folder: Path) -> Iterator[Source]:
    """Printed output, where a tree holds no other log."""
    for file in sorted(f for f in folder.rglob("*") if printed.sniff(f))[:200]:
        try:
            with file.open(encoding="utf-8", errors="replace") as opened:
                rows = printed.rows_of(opened.read(1 << 16))[0]
        except OSError:
            continue
        if len(rows) >= printed.FEWEST_ROWS:
            yield _source(file.relative_to(folder).as_posix(), printed, file)
