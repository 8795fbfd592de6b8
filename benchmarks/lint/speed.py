"""Speed: processor seconds of lifesigns, TorchFix and pylint over the same files, one after the other."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median


def timed(command: list[str]) -> tuple[float, float]:
    """(processor seconds with children, wall seconds) of a command; its output goes nowhere."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after, end = os.times(), time.perf_counter()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return cpu, end - start


def files_below(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*.py") if p.is_file())


def lines_of(files: list[Path]) -> int:
    return sum(p.read_bytes().count(b"\n") for p in files)


def rows(torchrl: Path, others: dict[str, list[str]], sample: int, many: list[Path]) -> dict:
    """Microseconds per line of each, in turns, and a parallel run over `many`. The slower a tool, the fewer files."""
    files = files_below(torchrl)
    mine = [sys.executable, "-m", "lifesigns.cli", "lint"]
    load = [round(os.getloadavg()[0], 1)]
    ours: list[tuple[float, float]] = [timed([*mine, "--cores", "1", *map(str, files)])]
    found: list[dict] = []
    for tool, command in others.items():
        chosen = files[:: max(1, len(files) // (sample if tool == "pylint" else 4 * sample))]
        found.append(row(tool, chosen, [timed([*command, *map(str, chosen)])]))
        ours.append(timed([*mine, "--cores", "1", *map(str, files)]))
    found.insert(0, row("lifesigns", files, ours))
    load.append(round(os.getloadavg()[0], 1))
    first = found[0]["cpu_us_per_line"]
    for one in found:
        one["times_lifesigns"] = round(one["cpu_us_per_line"] / first, 2)
    taken: list[Path] = []
    for path in (p for folder in many for p in files_below(folder)):
        taken.append(path)
        if lines_of(taken[-1:]) and lines_of(taken) >= 100_000:
            break
    cpu, wall = timed([*mine, *map(str, taken)])
    parallel = {"lines": lines_of(taken), "files": len(taken), "cpu_s": round(cpu, 2), "wall_s": round(wall, 2)}
    parallel["load"] = round(os.getloadavg()[0], 1)
    return {"tools": found, "load": load, "parallel": parallel}


def row(tool: str, files: list[Path], runs: list[tuple[float, float]]) -> dict:
    """One tool's figures: medians over its runs."""
    lines = lines_of(files)
    cpu, wall = median(r[0] for r in runs), median(r[1] for r in runs)
    return {
        "tool": tool, "files": len(files), "lines": lines, "runs": len(runs), "cpu_s": round(cpu, 2),
        "wall_s": round(wall, 2), "cpu_us_per_line": round(1e6 * cpu / lines, 2),
    }  # fmt: skip
