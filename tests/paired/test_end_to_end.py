"""Whole programs: numbers of healthy ones are read off, planted faults are found at their line."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lifesigns.checkup import suspect_dyes
from lifesigns.diagnose import diagnose
from lifesigns.model import Finding, Trace
from lifesigns.paired.experiments import Facts
from lifesigns.paired.outcome import add_to
from lifesigns.paired.runner import Target
from lifesigns.rules import all_rules

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def told(facts: list[Facts], cwd: str) -> list[Finding]:
    """What all rules of dyes say, notes left out."""
    rules = [r for r in all_rules() if r.per == "dye"]
    return [f for f in diagnose(add_to(Trace({}), facts, cwd), rules).findings if f.severity != "note"]


def traced(scripts: Any, script: Path, *arguments: str) -> tuple[list[Facts], list[Finding]]:
    target = Target(str(script), arguments, cwd=str(script.parent))
    facts = scripts.traced(target, 80.0, suspects=suspect_dyes).facts
    return facts, told(facts, target.cwd)


def reading(facts: list[Facts]) -> dict[str, Any]:
    return next(f.data for f in facts if f.dye == "discounting")


def test_a_healthy_ppo_shows_its_gamma_and_lambda_and_nothing_else(scripts: Any) -> None:
    short = ("--num-steps", "64", "--num-envs", "2", "--update-epochs", "2", "--eval-episodes", "1")
    given = ("--gamma", "0.97", "--gae-lambda", "0.93")
    facts, findings = traced(scripts, ROOT / "gallery/scripts/ppo.py", "--total-timesteps", "2048", *short, *given)
    assert [(f.code, f.message) for f in findings] == []
    read = reading(facts)
    assert read["gamma"] == pytest.approx(0.97, abs=1e-4)
    assert read["decay"] == pytest.approx(0.97 * 0.93, abs=1e-4)
    assert {v for _, v in read["settings"]["gamma"]} == {0.97}


def test_a_healthy_dqn_shows_its_gamma_and_nothing_else(scripts: Any) -> None:
    arguments = ("--total-timesteps", "2000", "--learning-starts", "200", "--eval-episodes", "1", "--gamma", "0.96")
    facts, findings = traced(scripts, ROOT / "gallery/scripts/dqn.py", *arguments)
    assert [(f.code, f.message) for f in findings] == []
    assert reading(facts)["bootstrap_weight"] == pytest.approx(0.96, abs=1e-4)
    assert sum(not f.data.get("blind") for f in facts) >= 12


@pytest.fixture(scope="module")
def suite() -> ModuleType:
    """benchmarks/dyes/suite/apply.py."""
    path = ROOT / "benchmarks" / "dyes" / "suite" / "apply.py"
    spec = importlib.util.spec_from_file_location("dye_suite_apply", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["dye_suite_apply"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["dqn-reward-slot", "dqn-done-mask", "char-transformer-not-causal"])
def test_a_planted_fault_is_found_by_its_rule_at_its_line(
    scripts: Any, suite: ModuleType, tmp_path: Path, name: str
) -> None:
    held = suite.load()
    (mutation,) = [m for m in held.mutations if m.id == name]
    planted = suite.plant(mutation, held.programs[mutation.program], tmp_path / "planted")
    _, findings = traced(scripts, planted.script, *planted.args)
    mine = [f for f in findings if f.code in mutation.dyes]
    assert mine, [(f.code, f.message) for f in findings]
    assert (mine[0].location.file, mine[0].location.line) == (mutation.file, pytest.approx(planted.line, abs=1))
