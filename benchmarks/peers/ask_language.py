"""Runs in the other tools' environment: rldoctor's demonstration logs, written as JSON lines, and its findings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from rl_doctor.simulate import SCENARIOS, simulate


def main() -> None:
    """Prints a JSON list."""
    folder, rows = Path(sys.argv[1]), []
    for scenario in SCENARIOS:
        log = folder / f"{scenario}.jsonl"
        records, _ = simulate(scenario)
        log.write_text("".join(json.dumps(r) + "\n" for r in records), "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "rl_doctor.cli", "diagnose", str(log), "-f", "json"],
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            told = json.loads(done.stdout)
            found = [
                f["detector"]
                for f in told.get("findings", [])
                if str(f.get("severity")).lower() in ("warning", "warn", "critical", "crit")
            ]
        except (ValueError, KeyError):
            found = [f"error: {done.stderr.strip()[-100:]}"]
        rows.append({"scenario": scenario, "log": str(log), "rldoctor": sorted(set(found))})
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
