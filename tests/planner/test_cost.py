"""The cost of RL: tables, arithmetic, and forecasts that can be scored."""

from __future__ import annotations

import pytest

from lifesigns.planner import prior
from lifesigns.planner.cost import REWORK, SEEDS, SETTINGS_KNOWN, Facts, estimate, price
from lifesigns.planner.forecast import Forecast, Outcome, score


def test_the_table_is_whole() -> None:
    runs = prior.zoo()
    assert len(runs) == 199
    assert {r.family for r in runs} <= set(prior.FAMILIES)
    cheetah = {r.algorithm: r.score for r in prior.of_environment("HalfCheetah-v5")}
    assert cheetah["sac"] == pytest.approx(9535.451)


@pytest.mark.parametrize(
    ("env", "name"),
    [("HalfCheetah-v5", "HalfCheetah"), ("ALE/Pong-v5", "Pong"), ("PongNoFrameskip-v4", "Pong"), ("a.b:X-v0", "X")],
)
def test_versions_and_prefixes_do_not_matter(env: str, name: str) -> None:
    assert prior.base_name(env) == name


def test_hours_are_steps_over_the_slower_of_environment_and_learner() -> None:
    facts = Facts("CartPole-v1", "classic", True, 50_000.0, {"DQN": 500.0}, 0.02, 475.0)
    cost = estimate(facts)
    assert cost.run_hours.p50 == pytest.approx(cost.run_steps.p50 / 500 / 3600)
    assert "learner (measured)" in cost.bottleneck
    assert cost.project_hours.p50 == pytest.approx(cost.run_hours.p50 * SEEDS * SETTINGS_KNOWN[0] * REWORK[0])
    assert cost.world_hours is not None
    assert cost.world_hours.p50 == pytest.approx(cost.run_steps.p50 * 0.02 / 3600)
    slow = estimate(Facts("CartPole-v1", "classic", True, 5.0, {"DQN": 500.0}, 0.02, 475.0))
    assert slow.bottleneck == "the environment"


def test_a_target_that_few_reach_is_unlikely() -> None:
    low = estimate(Facts("HalfCheetah-v5", "mujoco", False, 5000.0, {}, None, 1000.0))
    high = estimate(Facts("HalfCheetah-v5", "mujoco", False, 5000.0, {}, None, 11_000.0))
    assert low.solves > 0.85 > 0.3 > high.solves


def test_an_environment_can_be_withheld() -> None:
    facts = Facts("Pendulum-v1", "classic", False, 5000.0, {}, None, -200.0)
    assert "Pendulum" in estimate(facts).basis
    withheld = estimate(facts, leave_out="Pendulum-v1")
    assert "Pendulum" not in withheld.basis
    assert withheld.run_steps.p90 > withheld.run_steps.p50


def test_scores_of_forecasts() -> None:
    said = [Forecast("a", "RL", 1.0, 0.9, 100.0, 1000.0), Forecast("b", "RL", 1.0, 0.2, 100.0, 1000.0)]
    then = {"a": Outcome(50.0, 1000.0), "b": Outcome(None, 1000.0)}
    found = score(said, then)
    assert found.n == 2
    assert found.brier == pytest.approx((0.01 + 0.04) / 2)
    assert found.brier_of_base_rate == pytest.approx(0.25)
    assert found.within_p50 == 1.0


def test_a_run_that_was_cut_short_tells_nothing() -> None:
    with pytest.raises(ValueError, match="at least one"):
        score([Forecast("a", "RL", 1.0, 0.9, 100.0, 1000.0)], {"a": Outcome(None, 200.0)})


def test_rates_of_other_environments_leave_one_out() -> None:
    rate, good, of = prior.reach_rate("classic", registered=True)
    assert (good, of) == (4, 4)
    without, good, of = prior.reach_rate("classic", registered=True, leave_out="CartPole-v1")
    assert (good, of) == (3, 3)
    assert 0.5 < without < rate < 1
    hard, good, of = prior.reach_rate("mujoco", registered=True)
    assert (good, of) == (1, 4)
    assert hard < 0.5
    assert 20_000.0 in prior.steps_taken("classic")
    assert 20_000.0 not in prior.steps_taken("classic", "Pendulum-v1")


def test_a_run_that_was_cut_may_count_as_a_failure() -> None:
    found = score([Forecast("a", "RL", 1.0, 0.2, 100.0, 1000.0)], {"a": Outcome(None, 200.0)}, cut_counts=True)
    assert found.brier == pytest.approx(0.04)


def test_the_price_of_a_million_steps_says_what_it_assumes() -> None:
    assumed, named = price(1000.0), price(1000.0, 0.36)
    assert assumed.value == pytest.approx(0.05 * 1e6 / 1000 / 3600)
    assert "assumed; --core-hour" in assumed.text
    assert named.value == pytest.approx(0.1)
    assert "named by you" in named.text
    assert price(None).value is None
