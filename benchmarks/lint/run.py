"""`lifesigns lint` measured: false alarms, planted faults, speed, real history.

    python benchmarks/lint/run.py alarms --packages FOLDER...          folders that hold the nine packages
    python benchmarks/lint/run.py held-out --packages FOLDER...        folders that hold alarms.HELD_OUT
    python benchmarks/lint/run.py faults [--peers FOLDER]              FOLDER: bin of an environment with the others
    python benchmarks/lint/run.py speed --packages FOLDER... --peers FOLDER
    python benchmarks/lint/run.py history --cleanrl CLONE --sb3 CLONE

Each part replaces its own section of results.json; results.md is written from that file. The others are TorchFix 0.7.0,
torch-preflight and pylint. `--out STEM` writes elsewhere.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

PARTS = ("alarms", "held-out", "faults", "speed", "history")


def peers(folder: Path | None, names: tuple[str, ...]) -> dict[str, list[str]]:
    """Name → command of the other linters that the folder has."""
    commands = {
        "torchfix": ["torchfix", "--select", "ALL", "-j", "1"],
        "torch-preflight": ["torch-preflight", "check", "-f", "github", "-j", "1"],
        "pylint": ["pylint", "-j", "1"],
    }
    if folder is None:
        return {}
    return {n: [str(folder / commands[n][0]), *commands[n][1:]] for n in names if (folder / commands[n][0]).is_file()}


def peer_versions(folder: Path | None) -> dict[str, str]:
    """Versions by what the tools print of themselves."""
    found: dict[str, str] = {}
    for name, command in peers(folder, ("torchfix", "torch-preflight", "pylint")).items():
        done = subprocess.run([command[0], "--version"], capture_output=True, text=True, check=False)
        found[name] = (done.stdout.split("\n")[0].split() or ["?"])[-1]
    return found


def measure(asked: argparse.Namespace) -> object:
    """The rows of one part."""
    if asked.part == "alarms":
        import alarms

        return alarms.rows(asked.packages)
    if asked.part == "held-out":
        import alarms

        return alarms.rows(asked.packages, alarms.HELD_OUT)
    if asked.part == "faults":
        import faults

        return faults.rows(peers(asked.peers, ("torchfix", "torch-preflight")))
    if asked.part == "speed":
        import speed

        torchrl = next(p / "torchrl" for p in asked.packages if (p / "torchrl").is_dir())
        many = [torchrl, *(p / n for p in asked.packages for n in ("tianshou", "timm", "trl") if (p / n).is_dir())]
        return speed.rows(torchrl, peers(asked.peers, ("torchfix", "pylint")), asked.sample, many)
    import history

    return history.rows({"vwxyzjn/cleanrl": asked.cleanrl, "DLR-RM/stable-baselines3": asked.sb3})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=(*PARTS, "tables"))
    parser.add_argument("--packages", type=Path, nargs="+", default=[], metavar="FOLDER")
    parser.add_argument("--peers", type=Path, metavar="FOLDER")
    parser.add_argument("--cleanrl", type=Path, metavar="CLONE")
    parser.add_argument("--sb3", type=Path, metavar="CLONE")
    parser.add_argument("--sample", type=int, default=30, help="of torchrl's files, how many pylint reads")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="file name without ending")
    asked = parser.parse_args()
    file = asked.out.with_suffix(".json")
    held = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    if asked.part != "tables":
        started = time.process_time()
        rows = measure(asked)
        held[asked.part] = {
            "command": f"python benchmarks/lint/run.py {asked.part}",
            "date": str(date.today()),
            "cpu_s": round(time.process_time() - started, 1),
            "versions": {
                "python": platform.python_version(),
                "lifesigns": version("lifesigns"),
                **peer_versions(asked.peers),
            },
            "machine": f"{os.cpu_count()} cores, {platform.machine()}, shared",
            "rows": rows,
        }
        file.write_text(json.dumps(held, indent=1) + "\n", "utf-8")
    import tables

    asked.out.with_suffix(".md").write_text(tables.page(held), "utf-8")
    print(asked.out.with_suffix(".md").read_text("utf-8"))


if __name__ == "__main__":
    main()
