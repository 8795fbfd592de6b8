"""Speed beside a second process, memory, entropy of the reward, and where the variance of the return comes from."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import numpy as np
import pytest
from baseline_worlds import WORLDS

from lifesigns.baselines import measures, pace, second, variance
from lifesigns.baselines.problem import Problem, Slice
from lifesigns.planner.properties import Property

Make = Callable[..., Problem]


def test_a_second_process_steps_beside_the_first(problem: Make) -> None:
    made = problem("Corridor")
    rows = {p.name: p for p in pace.beside(made, {"env": f"{WORLDS}:Corridor", "path": []}, Slice(made.world, 60.0))}
    assert rows["second_process"].value is not None, rows["second_process"].text
    assert 0 < rows["second_process"].value < 20
    assert rows["env_memory_mb"].value is not None, rows["env_memory_mb"].text
    assert 0 <= rows["env_memory_mb"].value < 50


@pytest.mark.parametrize(
    ("name", "seconds", "words"), [("Corridor", 0.5, "0.5 s"), ("Absent", 60.0, "has no `Absent`")]
)
def test_without_a_second_process_the_reason_is_said(problem: Make, name: str, seconds: float, words: str) -> None:
    made = problem("Corridor")
    rows = pace.beside(made, {"env": f"{WORLDS}:{name}", "path": []}, Slice(made.world, seconds))
    assert [p.value for p in rows] == [None, None]
    assert all(words in p.text for p in rows)


def test_memory_of_an_environment_is_that_of_its_array(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second, "COPYING_S", 5.0)
    monkeypatch.setattr(second, "COPIES", 4)
    out = io.StringIO()
    second.main({"env": f"{WORLDS}:Heavy"}, out, io.StringIO(""))
    ready = json.loads(out.getvalue())
    assert ready["copies"] == 4
    assert ready["bytes"] / 4 == pytest.approx(8e6, rel=0.2)


def test_bits_of_a_reward() -> None:
    assert measures.reward_bits(np.zeros(50)).value == 0
    assert measures.reward_bits(np.tile([0.0, 1.0, 2.0, 3.0], 25)).value == pytest.approx(2.0)
    p = measures.reward_bits(np.array([1.0] * 10 + [0.0] * 90))
    assert p.value == pytest.approx(-0.1 * np.log2(0.1) - 0.9 * np.log2(0.9))
    assert "or more" in measures.reward_bits(np.arange(40.0)).text


def by_name(rows: list[Property]) -> dict[str, Property]:
    return {p.name: p for p in rows}


@pytest.mark.parametrize(("name", "most"), [("StartDecides", "start"), ("ChanceDecides", "dynamics")])
def test_what_decides_the_return_has_its_variance(problem: Make, name: str, most: str) -> None:
    made = problem(name)
    made.sps = 1e5
    rows = by_name(variance.shares(made, Slice(made.world, 20.0)))
    values = {k.removeprefix("variance_"): p.value for k, p in rows.items()}
    assert all(v is not None for v in values.values()), rows
    assert max(values, key=lambda k: values[k] or 0.0) == most
    assert (values[most] or 0.0) > 0.8


def test_a_policy_that_decides_has_the_variance(problem: Make) -> None:
    made = problem("PolicyDecides")
    made.sps = 1e5
    rows = by_name(variance.shares(made, Slice(made.world, 20.0)))
    assert rows["variance_policy"].value == pytest.approx(1.0)
    assert rows["variance_dynamics"].value == 0


def test_without_fresh_chance_the_seed_stands_for_both(problem: Make) -> None:
    made = problem("ChanceDecides")
    made.restore, made.sps = None, 1e5
    rows = by_name(variance.shares(made, Slice(made.world, 20.0)))
    assert rows["variance_dynamics"].value is None
    assert "the seed" in rows["variance_start"].text


def test_equal_returns_and_too_little_time_are_blind(problem: Make) -> None:
    made = problem("PolicyDecides")
    made.world.env.pay = lambda action: 1.0
    made.sps = 1e5
    rows = variance.shares(made, Slice(made.world, 20.0))
    assert all(p.value is None for p in rows)
    made.sps = 10.0
    assert all("not measured: only" in p.text for p in variance.shares(made, Slice(made.world, 1.0)))
