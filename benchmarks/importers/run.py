"""How long large logs take: importing a 200 MB event file, diagnosing traces of 1,000,000 points.

`python benchmarks/importers/run.py [--megabytes 200] [--points 1000000] [--repeats 3] [--smoke]`. Each figure is of
a child process of its own (`lifesigns diagnose …` as a user calls it; for the event file also the import alone, and
TensorBoard's own reader on a fortieth of it): wall and CPU seconds, peak resident memory, the best of the repeats and
all of them. Results: results.json, results.md beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
TARGETS = {"import of an event file": (30.0, None), "diagnose": (3.0, 500.0)}
"""Seconds and MB asked for (a 200 MB file, a trace of 1,000,000 points)."""
IMPORT = "import sys; from pathlib import Path; from lifesigns.importers import read; read(Path(sys.argv[1]))"
THEIRS = (
    "import sys; from tensorboard.backend.event_processing.event_accumulator import EventAccumulator as E; "
    "E(sys.argv[1], size_guidance={'scalars': 0}).Reload()"
)


def event_file(folder: Path, megabytes: float) -> Path:
    """An event file with the names and the layout of CleanRL's PPO on torch's SummaryWriter."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    names = ["charts/episodic_return", "charts/episodic_length", "charts/SPS", "charts/learning_rate"]
    names += [
        f"losses/{n}" for n in ("value_loss", "policy_loss", "entropy", "approx_kl", "clipfrac", "explained_variance")
    ]
    rng = np.random.default_rng(0)
    file = folder / "events.out.tfevents.1700000000.benchmark.0"
    block = folder / "block"
    with block.open("wb") as raw:
        writer = RecordWriter(raw)
        for i in range(20_000):
            value = Summary.Value(tag=names[i % len(names)], simple_value=float(rng.normal()))
            event = Event(wall_time=1.7e9 + i / 50, step=1_000_000 + 8 * i, summary=Summary(value=[value]))
            writer.write(event.SerializeToString())
    data = block.read_bytes()
    block.unlink()
    with file.open("wb") as out:
        for _ in range(max(1, round(megabytes * 1e6 / len(data)))):
            out.write(data)
    return file


def recorded_run(folder: Path, points: int, series: int) -> Path:
    """A run folder whose trace holds `points` points, spread over `series` series of the catalogue."""
    from lifesigns.model.catalogue import SERIES
    from lifesigns.store import RunFolder, TraceWriter

    run = RunFolder(folder / f"run-{series}")
    run.path.mkdir()
    run.write_meta({"run": run.path.name, "script": "train.py", "ended": "finished", "wall_s": 3600.0})
    names = [
        n for n, e in SERIES.items() if e.kind not in ("dye", "run") and not n.startswith(("baseline.", "bootstrap."))
    ]
    chosen = ["env.episode_return", "loss.value", "policy.relative_entropy", "optimizer.update_norm"]
    chosen = (chosen + [n for n in names if n not in chosen])[:series]
    each = points // len(chosen)
    rng = np.random.default_rng(0)
    writer = TraceWriter(run.trace_file)
    for kind in dict.fromkeys(SERIES[n].kind for n in chosen):
        writer.record({"t": "subject", "id": f"{kind}/0", "kind": kind, "name": kind, "at": None, "info": {}})
    for name in chosen:
        entry = SERIES[name]
        columns = tuple(f"{i}.weight" for i in range(4)) if entry.wide else ()
        column = writer.series(name, entry.clock, entry.unit, f"{entry.kind}/0", columns)
        y = np.abs(rng.normal(size=(each, max(1, len(columns)))) * 0.1 + 0.5)
        for start in range(0, each, 100):
            rows = y[start : start + 100]
            column.x.extend(np.arange(start, start + len(rows), dtype=np.float64).tolist())
            column.y.extend(rows.ravel().tolist())
            writer.flush()
    writer.close()
    return run.path


def csv_file(folder: Path, points: int) -> Path:
    """A CSV table of `points` numbers with the names of Stable-Baselines3."""
    names = ["time/total_timesteps", "rollout/ep_rew_mean", "rollout/ep_len_mean", "train/approx_kl", "train/loss"]
    rng = np.random.default_rng(0)
    rows = points // (len(names) - 1)
    values = np.column_stack([np.arange(rows) * 2048.0, rng.normal(size=(rows, len(names) - 1)) + 100])
    file = folder / "progress.csv"
    np.savetxt(file, values, delimiter=",", header=",".join(names), comments="", fmt="%.6g")
    return file


def measured(command: list[str], repeats: int) -> dict[str, object]:
    """Wall and CPU seconds and peak memory of a command, each repeat in a process of its own."""
    seconds: list[float] = []
    cpu: list[float] = []
    peak: list[float] = []
    for _ in range(repeats):
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        seconds.append(round(time.monotonic() - started, 2))
        if os.waitstatus_to_exitcode(status) not in (0, 1):
            raise SystemExit(f"{command} failed")
        cpu.append(round(used.ru_utime + used.ru_stime, 2))
        peak.append(round(used.ru_maxrss / 1024))
    return {"wall_s": min(seconds), "cpu_s": min(cpu), "peak_mb": min(peak), "all_wall_s": seconds, "all_peak_mb": peak}


def cases(folder: Path, megabytes: float, points: int) -> Iterator[tuple[str, list[str]]]:
    """(what, command) of each measurement."""
    lifesigns = [sys.executable, "-m", "lifesigns.cli", "diagnose", "--fail-on", "never"]
    events = folder / "events"
    events.mkdir()
    event_file(events, megabytes)
    small = folder / "small"
    small.mkdir()
    event_file(small, megabytes / 40)
    yield f"import of an event file, {megabytes:g} MB", [sys.executable, "-c", IMPORT, str(events)]
    yield f"TensorBoard's own reader, {megabytes / 40:g} MB", [sys.executable, "-c", THEIRS, str(small)]
    for series in (8, 60):
        run = recorded_run(folder, points, series)
        yield f"diagnose a run of {points:,} points in {series} series", [*lifesigns, str(run)]
    yield f"diagnose progress.csv of {points:,} numbers", [*lifesigns, str(csv_file(folder, points))]


def main() -> None:
    """Measures and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=200)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--smoke", action="store_true", help="small sizes, nothing written")
    given = parser.parse_args()
    if given.smoke:
        given.megabytes, given.points, given.repeats = 2, 20_000, 1
    rows: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for what, command in cases(Path(folder), given.megabytes, given.points):
            rows[what] = measured(command, given.repeats)
            print(_row(what, rows[what]), flush=True)
    if not given.smoke:
        _write(rows, given)


def _row(what: str, row: dict[str, object]) -> str:
    seconds, memory = next((t for k, t in TARGETS.items() if what.startswith(k)), (None, None))
    asked = f"{seconds:g} s" + (f", {memory:g} MB" if memory else "") if seconds else ""
    return f"| {what} | {row['wall_s']} | {row['cpu_s']} | {row['peak_mb']} | {asked} |"


def _write(rows: dict[str, dict[str, object]], given: argparse.Namespace) -> None:
    about = {
        "command": "python benchmarks/importers/run.py "
        f"--megabytes {given.megabytes:g} --points {given.points} --repeats {given.repeats}",
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, no GPU; shared with other work",
        "python": platform.python_version(),
        "versions": {n: version(n) for n in ("lifesigns", "numpy", "tensorboard")},
    }
    (HERE / "results.json").write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n")
    lines = ["# Large logs: seconds and memory of a child process", ""]
    lines += [f"- {k}: {v}" for k, v in about.items()]
    lines += ["", "| what | wall s (best) | CPU s | peak MB | asked for |", "|---|---|---|---|---|"]
    lines += [_row(what, row) for what, row in rows.items()]
    (HERE / "results.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
