"""Speed: processor seconds of lifesigns, TorchFix and pylint over the same files, one after the other."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path


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
    """Microseconds per line of each, and a parallel run over `many`. the others read every n-th file: they are slow."""
    files = files_below(torchrl)
    mine = [sys.executable, "-m", "lifesigns.cli", "lint"]
    found: list[dict] = []
    for tool, command in {"lifesigns": [*mine, "--cores", "1"], **others}.items():
        chosen = files if tool == "lifesigns" else files[:: max(1, len(files) // sample)]
        cpu, wall = timed([*command, *map(str, chosen)])
        lines = lines_of(chosen)
        found.append(
            {
                "tool": tool, "files": len(chosen), "lines": lines, "cpu_s": round(cpu, 2), "wall_s": round(wall, 2),
                "cpu_us_per_line": round(1e6 * cpu / lines, 2),
            }
        )  # fmt: skip
    first = found[0]["cpu_us_per_line"]
    for row in found:
        row["times_lifesigns"] = round(row["cpu_us_per_line"] / first, 2)
    taken: list[Path] = []
    for path in (p for folder in many for p in files_below(folder)):
        taken.append(path)
        if lines_of(taken[-1:]) and lines_of(taken) >= 100_000:
            break
    cpu, wall = timed([*mine, *map(str, taken)])
    parallel = {"lines": lines_of(taken), "files": len(taken), "cpu_s": round(cpu, 2), "wall_s": round(wall, 2)}
    parallel["load"] = round(os.getloadavg()[0], 1)
    return {"tools": found, "parallel": parallel}
