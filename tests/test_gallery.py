"""The gallery: every case is whole, and lifesigns names the cause of a broken script and leaves its twin alone."""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from lifesigns.diagnose import BY_ID

GALLERY = Path(__file__).parent.parent / "gallery"
CASES = sorted(p.parent for p in GALLERY.glob("*/expect.toml"))
QUICK = ["digits-schedule", "digits-metric-loss", "ppo-learning-rate", "ppo-detached-ratio"]
"""Cases run here; benchmarks/detection runs all."""
MAX_CHANGED_LINES = 8


def expected(case: Path) -> dict[str, object]:
    return tomllib.loads((case / "expect.toml").read_text("utf-8"))


def test_there_are_at_least_ten_cases_and_the_healthy_scripts() -> None:
    assert len(CASES) >= 10
    healthy = {"dqn.py", "ppo.py", "sac.py", "reinforce.py", "digits.py", "char_transformer.py", "sb3_run.py"}
    assert healthy <= {p.name for p in (GALLERY / "scripts").glob("*.py")}


@pytest.mark.parametrize("case", CASES, ids=lambda p: p.name)
def test_a_case_is_whole(case: Path) -> None:
    expect = expected(case)
    cause = BY_ID[str(expect["cause"])]
    assert cause.kind == expect["kind"] or {cause.kind, expect["kind"]} <= {"bug", "hyperparameter", "environment"}
    lines = (case / str(expect["file"])).read_text("utf-8").splitlines()
    assert sum(str(expect["line_contains"]) in line for line in lines) == 1
    assert (case / "README.md").read_text("utf-8").startswith("# ")
    broken, fixed = ((case / f"{k}.py").read_text("utf-8").splitlines() for k in ("broken", "fixed"))
    changed = [
        x for x in difflib.unified_diff(broken, fixed, n=0, lineterm="") if x[0] in "+-" and x[:3] not in ("+++", "---")
    ]
    assert 0 < len(changed) <= MAX_CHANGED_LINES


def answer(case: Path, kind: str, home: Path) -> dict[str, object]:
    expect = expected(case)
    arguments = expect["args"] if kind == "broken" else expect.get("fixed_args", expect["args"])
    assert isinstance(arguments, list)
    command = [sys.executable, "-m", "lifesigns.cli", "check", "--no-dyes", str(case / f"{kind}.py"), "--json", "-q"]
    done = subprocess.run(
        [*command, "--budget", "90s", "--home", str(home), "--", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return {"status": done.returncode, **json.loads(done.stdout)}


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_the_true_cause_comes_first_and_the_twin_is_quiet(name: str, tmp_path: Path) -> None:
    broken = answer(GALLERY / name, "broken", tmp_path)
    assert broken["status"] == 1
    assert broken["causes"][0]["cause"] == expected(GALLERY / name)["cause"]  # type: ignore[index]
    fixed = answer(GALLERY / name, "fixed", tmp_path)
    assert fixed["status"] == 0
    assert fixed["defects"] == []
