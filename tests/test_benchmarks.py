"""The benchmarks run: their smoke subsets."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.mark.slow
def test_overhead_smoke() -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "overhead" / "run.py"), "--smoke"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    row = next(x for x in done.stdout.splitlines() if x.startswith("| PPO"))
    assert float(row.split("|")[2]) > 0


@pytest.mark.slow
def test_detection_smoke(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARKS / "detection" / "run.py"), "--only", "digits", "--kind", "healthy"]
    done = subprocess.run([*command, "--out", str(tmp_path / "r")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "r.json").read_text("utf-8"))["rows"]
    assert [r["name"] for r in rows] == ["digits"]
    assert rows[0]["alarms"] == []


def test_committed_results_name_their_command_and_versions() -> None:
    for name in ("overhead", "detection"):
        found = json.loads((BENCHMARKS / name / "results.json").read_text("utf-8"))
        assert {"command", "date", "versions", "rows"} <= set(found)
