"""The planner benchmark: its smoke run, and that the committed results hold what they must."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "planner"


@pytest.mark.slow
def test_smoke(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARK / "run.py"), "--smoke", "--out", str(tmp_path / "r")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads((tmp_path / "r.json").read_text("utf-8"))["rows"]
    assert row["headline"] == "H10"
    assert row["pic"] > 0


def test_committed_headlines_hold() -> None:
    found = json.loads((BENCHMARK / "results.json").read_text("utf-8"))
    assert {"command", "date", "versions", "machine"} <= set(found)
    assert {r["headline"] for r in found["rows"]} == {"H3", "H4", "H5", "H9", "H10"}
    for row in found["rows"]:
        if row["headline"] == "H3" and "must" in row:
            assert row["here"] >= row["must"]
            assert row["cpu_s"] <= row["most_cpu_s"]
        if row["headline"] in ("H4", "H5") and "must" in row:
            assert row["here"] > row["must"]


def test_committed_truth_set_is_whole() -> None:
    found = json.loads((BENCHMARK / "truth.json").read_text("utf-8"))
    assert found["n"] >= 20
    assert found["right"] + len(found["wrong"]) == found["n"]
    assert {"brier", "within_p50", "within_p90"} <= set(found["forecasts"])
