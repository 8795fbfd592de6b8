"""One small log of each format: those in `samples/` were written by the tools themselves (`make_samples.py`)."""

from __future__ import annotations

import math
import shutil
import sqlite3
from pathlib import Path

import wandb_bytes as wb

SAMPLES = Path(__file__).parent / "samples"
FORMATS = (
    "tensorboard",
    "wandb",
    "mlflow-files",
    "mlflow-sqlite",
    "monitor",
    "sb3-csv",
    "lightning-csv",
    "rllib-csv",
    "rllib-json",
    "sb3-json",
    "transformers-json",
    "sb3-printed",
    "transformers-printed",
)
COPIED = {
    "tensorboard": "cleanrl/events.out.tfevents.1700000000.sample.0",
    "monitor": "sb3/monitor.csv",
    "sb3-csv": "sb3/progress.csv",
    "lightning-csv": "lightning/metrics.csv",
    "rllib-csv": "rllib/progress.csv",
    "rllib-json": "rllib/result.json",
    "sb3-json": "sb3/progress.json",
    "transformers-json": "transformers/checkpoint-75/trainer_state.json",
    "sb3-printed": "sb3/printed.log",
    "transformers-printed": "transformers/printed.log",
}


def write_sample(name: str, folder: Path) -> Path:
    """Puts the sample of a format into `folder`; returns the file (for MLflow's file store the run's folder)."""
    folder.mkdir(parents=True, exist_ok=True)
    if name in COPIED:
        return Path(shutil.copy(SAMPLES / COPIED[name], folder))
    return {"wandb": wandb_run, "mlflow-files": mlflow_files, "mlflow-sqlite": mlflow_sqlite}[name](folder)


def wandb_run(folder: Path) -> Path:
    """An offline run of 900 rows, more than one block long."""
    rows = [
        wb.history(
            {
                "charts/episodic_return": float(i % 9),
                "losses/approx_kl": math.nan if i == 3 else 0.01,
                "global_step": 25 * i,
                "note": "text",
                "_step": i,
                "_runtime": 0.5 * i,
            }
        )
        for i in range(900)
    ]
    file = folder / "run-abcd1234.wandb"
    file.write_bytes(wb.framed([wb.run("my run", {"lr": 0.1}), *rows, wb.ended(0)]))
    return file


def mlflow_files(folder: Path, name: str = "seed 0") -> Path:
    """A run in a file store."""
    run = folder / "mlruns" / "1" / ("a" * 32 if name == "seed 0" else name)
    (run / "metrics" / "train").mkdir(parents=True)
    (run / "meta.yaml").write_text(f"run_name: {name}\nstatus: 3\nrun_id: {'a' * 32}\n")
    lines = [f"{1700000000000 + 1000 * i} {float(i)} {10 * i}\n" for i in range(40)]
    (run / "metrics" / "train" / "episode_return").write_text("".join(lines))
    (run / "metrics" / "loss").write_text("".join(f"{1700000000000 + i} {1 / (i + 1)} {i}\n" for i in range(40)))
    return run


def mlflow_sqlite(folder: Path, runs: int = 1) -> Path:
    """A SQL store: the two tables that are read, as mlflow 3.17 makes them."""
    file = folder / "mlflow.db"
    store = sqlite3.connect(file)
    store.execute("CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, status TEXT, start_time INT)")
    store.execute("CREATE TABLE metrics (key TEXT, value REAL, timestamp INT, run_uuid TEXT, step INT, is_nan INT)")
    for run in range(runs):
        store.execute("INSERT INTO runs VALUES (?, ?, 'FINISHED', ?)", (f"{run:032x}", f"seed {run}", run))
        for i in range(40):
            value, is_nan = (0.0, 1) if i == 3 else (1.7976931348623157e308, 0) if i == 4 else (1 / (i + 1), 0)
            rows = [("loss", value, 1000 * i, f"{run:032x}", i, is_nan)]
            rows.append(("episode_return", float(i), 1000 * i, f"{run:032x}", i * 10, 0))
            store.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)
    store.commit()
    store.close()
    return file
