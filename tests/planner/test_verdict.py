"""The verdict takes its exits in order, names its evidence, and treats what is blind as no evidence."""

from __future__ import annotations

from typing import Any

import pytest

from lifesigns.planner.cost import Cost, Facts, estimate
from lifesigns.planner.ladder import Ladder, Rung
from lifesigns.planner.properties import Properties, Property
from lifesigns.planner.verdict import Case, decide

RANDOM = Rung("random", "floor", (10.0, 12.0, 9.0, 11.0, 10.0), 0.1)
GOOD_LINEAR = Rung("linear, CEM", "linear", (100.0,) * 10, 2.0)
POOR_LINEAR = Rung("linear, CEM", "linear", (20.0,) * 10, 2.0)
PLANNER = Rung("UCT", "planner", (100.0, 101.0), 30.0, decision_ms=5.0, unfair="uses the true model")


def properties(**values: float | bool | None) -> Properties:
    return Properties(tuple(Property(k, v, f"{k} is {v}") for k, v in values.items()))


def case(*rungs: Rung, target: float | None = 90.0, cost: Cost | None = None, hours: float | None = None, **known: Any):
    return Case(Ladder((RANDOM, *rungs)), properties(**known), target, "named by you", cost, hours)


def test_a_cheap_method_that_is_enough_ends_the_question() -> None:
    verdict = decide(case(GOOD_LINEAR, PLANNER, carry_over=1.0))
    assert verdict.kind == "no RL needed"
    assert "linear, CEM" in verdict.evidence[0]
    assert any("above 100" in c for c in verdict.would_change)


def test_the_cheapest_of_those_that_are_surely_enough_is_named() -> None:
    dear = Rung("linear, ARS", "linear", (200.0,) * 10, 9.0)
    assert "linear, CEM" in decide(case(GOOD_LINEAR, dear)).sentence


def test_no_carry_over_is_a_bandit() -> None:
    assert decide(case(POOR_LINEAR, carry_over=0.0)).kind == "bandit"


def test_blind_carry_over_is_no_bandit() -> None:
    verdict = decide(case(POOR_LINEAR, PLANNER, carry_over=None))
    assert verdict.kind == "plan"
    assert next(s for s in verdict.steps if s.exit == "bandit").status == "blind"


def test_a_world_that_can_be_listed_is_solved() -> None:
    exact = Rung("value iteration", "exact", (95.0,) * 20, 0.1, facts={"states": 16})
    assert decide(case(POOR_LINEAR, PLANNER, exact, carry_over=1.0)).kind == "solve exactly"


def test_a_list_of_states_that_something_beats_is_not_the_whole_world() -> None:
    exact = Rung("value iteration", "exact", (95.0,) * 5 + (-4.0,) * 15, 0.1, facts={"states": 16})
    verdict = decide(case(POOR_LINEAR, PLANNER, exact, carry_over=1.0))
    assert verdict.kind == "plan"
    assert "the 16 states that were listed" in next(s for s in verdict.steps if s.exit == "solve exactly").reason


@pytest.mark.parametrize(("step_s", "kind"), [(None, "plan"), (0.1, "plan"), (0.001, "plan, then distil")])
def test_a_planner_that_is_too_slow_is_distilled(step_s: float | None, kind: str) -> None:
    assert decide(case(POOR_LINEAR, PLANNER, carry_over=1.0, step_seconds=step_s)).kind == kind


def test_a_planner_seen_over_first_steps_alone_is_no_evidence() -> None:
    part = Rung("UCT", "planner", (500.0,), 30.0, steps=20, random_then=1.0)
    verdict = decide(case(POOR_LINEAR, part, carry_over=1.0, reward_in_episodes=1.0))
    assert verdict.kind == "RL"
    assert next(s for s in verdict.steps if s.exit == "plan").status == "blind"


FLAT = Rung("random", "floor", (-200.0,) * 50, 0.1)


def test_no_reward_and_ties_are_a_signal_to_fix() -> None:
    known = properties(carry_over=1.0, reward_in_episodes=0.0, tie_rate=1.0)
    verdict = decide(Case(Ladder((FLAT,)), known, -110.0, "threshold"))
    assert verdict.kind == "fix the signal first"


@pytest.mark.parametrize(("seen", "ties"), [(0.1, 1.0), (0.0, 0.3)])
def test_a_reward_or_a_preference_is_a_signal(seen: float, ties: float) -> None:
    known = properties(carry_over=1.0, reward_in_episodes=seen, tie_rate=ties)
    assert decide(Case(Ladder((FLAT,)), known, -110.0, "threshold")).kind == "RL"


def test_lengths_of_episodes_are_a_signal() -> None:
    known = properties(carry_over=1.0, reward_in_episodes=0.0, tie_rate=1.0)
    assert decide(Case(Ladder((RANDOM,)), known, 90.0, "threshold")).kind == "RL"


def test_an_ending_that_pays_is_a_trap_unless_a_better_way_was_found() -> None:
    known = {"carry_over": 1.0, "reward_in_episodes": 1.0, "trap": 5.0}
    assert decide(case(POOR_LINEAR, **known)).kind == "fix the reward first"
    clone = Rung("clone of UCT", "copy", (120.0,) * 5)
    assert decide(case(POOR_LINEAR, clone, **known)).kind == "RL"


def test_rl_that_costs_more_than_the_user_has_is_refused() -> None:
    cost = estimate(Facts("Humanoid-v5", "mujoco", False, 2000.0, {}, target=None))
    dear = case(POOR_LINEAR, cost=cost, hours=1.0, carry_over=1.0, reward_in_episodes=1.0)
    assert decide(dear).kind == "not by RL"
    assert decide(case(POOR_LINEAR, cost=cost, hours=1e9, carry_over=1.0, reward_in_episodes=1.0)).kind == "RL"


def test_without_a_sufficient_score_it_asks_for_one() -> None:
    verdict = decide(case(GOOD_LINEAR, PLANNER, target=None, carry_over=1.0, reward_in_episodes=1.0))
    assert verdict.kind == "name a sufficient score"
    assert "a sufficient score (--target)" in verdict.would_change


def test_an_environment_without_restore_asks_for_one() -> None:
    verdict = decide(case(POOR_LINEAR, carry_over=1.0, reward_in_episodes=1.0, restorable=False))
    assert any("--restore" in c for c in verdict.would_change)


def test_every_exit_before_the_one_taken_says_why_it_was_not() -> None:
    verdict = decide(case(POOR_LINEAR, PLANNER, carry_over=1.0))
    assert [s.exit for s in verdict.steps] == ["no RL needed", "bandit", "solve exactly", "plan"]
    assert all(s.reason for s in verdict.steps)
    assert verdict.steps[-1].status == "taken"


def test_a_myopic_bandit_is_no_planner() -> None:
    bandit = Rung("myopic bandit", "bandit", (20.0,) * 5, 0.5)
    part = Rung("MPPI", "planner", (500.0,), 30.0, steps=20, random_then=1.0)
    verdict = decide(case(bandit, part, carry_over=1.0, reward_in_episodes=1.0))
    assert "MPPI got 500" in next(s for s in verdict.steps if s.exit == "plan").reason
    assert decide(case(Rung("myopic bandit", "bandit", (95.0,) * 5), carry_over=1.0)).kind == "no RL needed"


def test_a_reward_that_pays_more_without_success_comes_first() -> None:
    verdict = decide(case(POOR_LINEAR, carry_over=1.0, exploit=4.0, reward_in_episodes=1.0, trap=0.0))
    assert verdict.kind == "fix the reward first"
    assert "without success" in verdict.sentence
    assert decide(case(POOR_LINEAR, carry_over=1.0, exploit=0.0, reward_in_episodes=1.0, trap=0.0)).kind == "RL"


def test_a_game_with_hidden_information_is_for_cfr() -> None:
    rung = Rung("CFR+ (self-play)", "equilibrium", (0.2, 0.1, 0.3, 0.2, 0.2), 1.0)
    known = {"carry_over": 1.0, "equilibrium": True, "self_play": True, "exploitability": 0.01}
    verdict = decide(case(rung, target=None, **known))
    assert verdict.kind == "equilibrium"
    assert "exploitability is 0.01" in verdict.sentence
    assert any("CFR+" in e for e in verdict.evidence)
    unrun = decide(case(target=None, carry_over=1.0, equilibrium=True))
    assert "not run" in unrun.sentence
    other = decide(case(POOR_LINEAR, PLANNER, carry_over=1.0, equilibrium=False, self_play=False))
    assert other.kind == "plan"
    assert next(s for s in other.steps if s.exit == "equilibrium").status == "passed"
