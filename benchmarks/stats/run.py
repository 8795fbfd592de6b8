"""Statistics measured: coverage, sizes of tests, published figures, agreement and speed against rliable.

`python benchmarks/stats/run.py [PART …] [--smoke] [--out STEM] [--rliable-python PYTHON]`; the parts are `coverage`,
`sizes`, `published` and `rliable` (the last needs the interpreter of an environment with rliable 1.2.0, `pandas<3` and
`arch<8`). Each part replaces its own section of results.json, and results.md is written from that file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
PARTS = ("coverage", "sizes", "published", "rliable")


def section(part: str, rows: list[dict], started: float, smoke: bool) -> dict:
    """Rows of a part with how they came about."""
    return {
        "command": f"python benchmarks/stats/run.py {part}" + (" --smoke" if smoke else ""),
        "date": str(date.today()),
        "cpu_s": round(time.process_time() - started, 1),
        "versions": {"python": platform.python_version(), **{p: version(p) for p in ("lifesigns", "numpy", "scipy")}},
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, shared",
        "rows": rows,
    }


def measure(part: str, smoke: bool, rliable_python: str | None) -> list[dict]:
    """Rows of one part."""
    if part == "rliable":
        import against_rliable

        if rliable_python is None:
            raise SystemExit("expected --rliable-python PYTHON (an environment with rliable) for the part rliable")
        return against_rliable.rows(rliable_python, smoke)
    import importlib

    return importlib.import_module(part).rows(smoke)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"out of {', '.join(PARTS)}; all but rliable if none")
    parser.add_argument("--smoke", action="store_true", help="few simulations")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="file name without ending")
    parser.add_argument("--rliable-python", metavar="PYTHON")
    asked = parser.parse_args()
    file = asked.out.with_suffix(".json")
    for part in asked.parts or PARTS[:3]:
        if part not in PARTS:
            parser.error(f"expected parts out of {', '.join(PARTS)}, got {part}")
        started = time.process_time()
        made = section(part, measure(part, asked.smoke, asked.rliable_python), started, asked.smoke)
        kept = json.loads(file.read_text("utf-8")) if file.exists() else {}
        kept[part] = made
        file.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
        print(f"{part}: {len(made['rows'])} rows, {made['cpu_s']} CPU seconds", flush=True)
    from tables import page

    asked.out.with_suffix(".md").write_text(page(json.loads(file.read_text("utf-8"))), "utf-8")


if __name__ == "__main__":
    main()
