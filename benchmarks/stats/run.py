"""Statistics measured: coverage, sizes of tests, published figures, agreement and speed against rliable.

`python benchmarks/stats/run.py [PART …] [--smoke] [--out STEM] [--rliable-python PYTHON] [--adastop-python PYTHON]`;
the parts are `coverage`, `sizes`, `published`, `spanning`, `learners` (needs torch and Gymnasium), `adastop` and
`rliable` (these two need the interpreter of an environment with adastop, or with rliable 1.2.0, `pandas<3` and
`arch<8`). Each part replaces its own section of results.json, and results.md is written from that file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from datetime import date
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
PARTS = ("coverage", "sizes", "published", "spanning", "learners", "adastop", "rliable")


def section(part: str, rows: list[dict], started: float, asked: argparse.Namespace) -> dict:
    """Rows of a part with how they came about."""
    chosen = [f"--workload {w}" for w in asked.workload] + [f"--algorithms {asked.algorithms}"]
    words = [part, *(chosen if part == "rliable" else []), *(["--smoke"] if asked.smoke else [])]
    words += [f"--learner {asked.learner}"] if asked.learner and part == "learners" else []
    words += [f"--simulations {asked.simulations}"] if asked.simulations and part in ("spanning", "adastop") else []
    return {
        "command": f"python benchmarks/stats/run.py {' '.join(words)}",
        "date": str(date.today()),
        "cpu_s": round(time.process_time() - started, 1),
        "versions": {"python": platform.python_version(), **{p: version(p) for p in ("lifesigns", "numpy", "scipy")}},
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, shared",
        "rows": rows,
    }


def measure(part: str, asked: argparse.Namespace, earlier: list[dict]) -> list[dict]:
    """Rows of one part; workloads against rliable that were not asked for keep their earlier rows."""
    if part == "adastop":
        if asked.adastop_python is None:
            raise SystemExit("expected --adastop-python PYTHON (an environment with adastop) for the part adastop")
        return import_module("against_adastop").rows(asked.adastop_python, asked.smoke, asked.simulations)
    if part == "learners":
        return import_module("learners").rows(asked.smoke, asked.learner, earlier)
    if part == "spanning":
        return import_module("spanning").rows(asked.smoke, asked.simulations)
    if part != "rliable":
        return import_module(part).rows(asked.smoke)
    if asked.rliable_python is None:
        raise SystemExit("expected --rliable-python PYTHON (an environment with rliable) for the part rliable")
    made = import_module("against_rliable").rows(asked.rliable_python, asked.smoke, asked.workload, asked.algorithms)
    new = {r["workload"]: r for r in made}
    kept = [new.pop(r["workload"], r) for r in earlier]
    return [*kept, *new.values()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"out of {', '.join(PARTS)}; the first four if none")
    parser.add_argument("--smoke", action="store_true", help="few simulations")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="file name without ending")
    parser.add_argument("--rliable-python", metavar="PYTHON")
    parser.add_argument("--adastop-python", metavar="PYTHON")
    parser.add_argument("--learner", default="", help="of the part learners: only this one")
    parser.add_argument("--simulations", type=int, default=0, help="of the parts spanning and adastop [600, 100]")
    parser.add_argument("--workload", action="append", default=[], help="of the part rliable; all if none")
    parser.add_argument("--algorithms", type=int, default=5, help="of the part rliable, at most")
    asked = parser.parse_args()
    file = asked.out.with_suffix(".json")
    for part in asked.parts or PARTS[:4]:
        if part not in PARTS:
            parser.error(f"expected parts out of {', '.join(PARTS)}, got {part}")
        started = time.process_time()
        kept = json.loads(file.read_text("utf-8")) if file.exists() else {}
        made = section(part, measure(part, asked, kept.get(part, {}).get("rows", [])), started, asked)
        kept[part] = made
        file.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
        print(f"{part}: {len(made['rows'])} rows, {made['cpu_s']} CPU seconds", flush=True)
    from tables import page

    asked.out.with_suffix(".md").write_text(page(json.loads(file.read_text("utf-8"))), "utf-8")


if __name__ == "__main__":
    main()
