"""The measured headlines H3, H4, H5, H9 and H10 again: runs the gallery's planner cases, writes results.

python benchmarks/planner/run.py [--only NAME …] [--smoke] [--out FILE-STEM]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
GALLERY = HERE.parent.parent / "gallery"
CASES = {
    "greedy": "H9",
    "reacher": "H4",
    "cheetah": "H3",
    "random-weights": "H10",
    "atari": "H5",
}
SMOKE = {"random-weights": (("CartPole-v1", 475.0, 20, "1.0 % of policies"),)}
"""Arguments of the case that the smoke run takes."""


def case(name: str) -> Any:
    """The module of a gallery case."""
    spec = importlib.util.spec_from_file_location(f"planner_{name}", GALLERY / f"planner-{name}" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("numpy", "scipy", "gymnasium", "mujoco", "ale-py"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def write(rows: list[dict[str, Any]], stem: Path, command: str) -> None:
    about = {
        "command": command,
        "date": time.strftime("%Y-%m-%d"),
        "versions": versions(),
        "machine": f"{os.cpu_count()} CPU cores shared with other programs; times are CPU-seconds of one thread",
    }
    stem.parent.mkdir(parents=True, exist_ok=True)
    stem.with_suffix(".json").write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n", "utf-8")
    lines = [
        "# Planners and cheap search against the figures that the project started from",
        "",
        f"`{command}`, {about['date']}, {about['machine']}. "
        + ", ".join(f"{k} {v}" for k, v in about["versions"].items())
        + ".",
        "",
        "| | what | before | here | CPU-s |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {r['headline']} | {r['what']} | {r['essay']} | {_here(r)} | {r['cpu_s']} |" for r in rows]
    stem.with_suffix(".md").write_text("\n".join(lines) + "\n", "utf-8")


def _here(row: dict[str, Any]) -> str:
    random = row.get("random")
    return f"{row['here']}" + ("" if random is None else f" (random {random:g}, best {row['random_best']:g})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    args = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name in ["random-weights"] if args.smoke else args.only:
        module = case(name)
        for row in module.measure(SMOKE[name]) if args.smoke else module.measure():
            rows.append({"headline": CASES[name], "case": f"gallery/planner-{name}", **row})
            print(f"{row['what']}: {row['here']} (before: {row['essay']}), {row['cpu_s']} CPU-s", flush=True)
        write(rows, args.out, "python benchmarks/planner/run.py")


if __name__ == "__main__":
    main()
