"""The benchmarks of statistics run, and the committed results hold what the documentation says of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2] / "benchmarks" / "stats"


def committed(part: str) -> dict:
    return json.loads((HERE / "results.json").read_text("utf-8"))[part]


@pytest.mark.slow
@pytest.mark.parametrize("part", ["published", "sizes", "coverage"])
def test_smoke(part: str, tmp_path: Path) -> None:
    command = [sys.executable, str(HERE / "run.py"), part, "--smoke", "--out", str(tmp_path / "r")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "r.json").read_text("utf-8"))[part]["rows"]
    assert len(rows) >= 30
    assert {tuple(r) for r in rows} == {tuple(r) for r in committed(part)["rows"]}
    assert (tmp_path / "r.md").read_text("utf-8").startswith("# Statistics")


def test_every_part_names_its_command_date_and_versions() -> None:
    for part in ("coverage", "sizes", "published", "rliable"):
        assert {"command", "date", "versions", "machine", "rows"} <= set(committed(part))
        assert len(committed(part)["rows"]) >= 4


def test_point_estimates_agreed_with_rliables_to_1e_12_and_ends_within_monte_carlo_error() -> None:
    for row in committed("rliable")["rows"]:
        assert float(row["points_differ_by"]) < 1e-12
        assert row["ends_apart_in_monte_carlo_errors"] < 2.0


def test_sizes_that_are_promised_hold() -> None:
    """Exact tests where their assumption holds, sequential stopping, e-values, corrections: at most 5 % within four
    standard errors."""
    sound = ("Fisher exact", "sequential", "sign e-values", "success e-values", "equivalence", "holm", "benjamini")
    rows = [r for r in committed("sizes")["rows"] if "power" not in r["test"] + r["note"]]
    rows += [r for r in rows if r["test"] in ("permutation", "sign flip") and "4, 5 against 10" not in r["setting"]]
    kept = [r for r in rows if r["test"].startswith((*sound, "permutation", "sign flip"))]
    kept = [r for r in kept if "4, 5 against 10" not in r["setting"] and "effect 1" not in r["setting"]]
    kept = [r for r in kept if "0.6 and" not in r["setting"]]
    assert len(kept) > 30
    for row in kept:
        assert row["size"] <= 0.05 + 4 * max(row["error"], 1e-9), row


def test_the_default_interval_holds_where_the_percentile_interval_does_not() -> None:
    rows = committed("coverage")["rows"]
    found = {(r["what"], r["setting"], r["runs"], r["method"]): r["coverage"] for r in rows}
    normal = "26 games, normal with real means and spreads"
    for runs in (2, 3, 5, 10):
        assert found["mean bootstrap", normal, runs, "widened"] >= 0.94
        assert found["iqm bootstrap", normal, runs, "widened"] >= 0.92
    assert found["iqm bootstrap", normal, 3, "percentile"] < 0.85
