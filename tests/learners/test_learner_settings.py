"""Settings by name, and what the seeds' scores are judged to say."""

from __future__ import annotations

from math import nan

import pytest

from lifesigns.learners.judgement import judge
from lifesigns.learners.learned import Learned, to_rows
from lifesigns.learners.settings import LEARNERS, SettingError, learner_for, settings_json, settings_of


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_setting_is_changed_by_name(learner: str) -> None:
    found = settings_of(learner, ["lr=3e-4", "steps=1_000", "bootstrap-truncated=false"])
    told = settings_json(found)
    assert (told["lr"], told["steps"], told["bootstrap_truncated"]) == (3e-4, 1000, False)
    assert settings_of(learner, settings_json(found)) == found


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("lr", "name=value"),
        ("speed=3", "has no setting `speed`; it has steps, lr"),
        ("lr=fast", "expected a number for `lr`"),
        ("steps=1.5", "expected a whole number"),
        ("batch=0", "at least 1"),
        ("bootstrap_truncated=maybe", "true or false"),
    ],
)
def test_a_wrong_setting_is_refused_in_a_sentence(word: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        settings_of("dqn", [word])


def test_the_learner_must_fit_the_actions() -> None:
    assert learner_for("discrete", "") == "dqn"
    assert learner_for("continuous", "") == "sac"
    with pytest.raises(SettingError, match="not for continuous actions; use sac or naf or ppo"):
        learner_for("continuous", "dqn")
    with pytest.raises(SettingError, match="expected a learner out of"):
        settings_of("a2c")


def learned(scores: list[float], target: float | None = 100.0, **more: object) -> Learned:
    seeds = tuple(range(len(scores)))
    found = Learned("Task-v0", "dqn", {}, seeds, [500, 1000], [[0.0, s] for s in scores], [[s] * 5 for s in scores])
    found.random, found.target, found.target_source = [0.0, 1.0, 2.0, 3.0, 4.0], target, "named by you"
    found.asked_steps = found.done_steps = 1000
    for name, value in more.items():
        setattr(found, name, value)
    return found


def test_all_seeds_some_and_none() -> None:
    every = judge(learned([100.0] * 10))
    assert every.kind == "learnable"
    assert "10 of 10 seeds of DQN reach 100 within 1,000 steps (success 69 to 100 %" in every.headline
    assert every.first == (1000,) * 10
    some = judge(learned([100.0] * 7 + [3.0] * 3))
    assert some.kind == "a lottery"
    assert "7 of 10" in some.headline
    assert "35 to 93 %" in some.headline
    none = judge(learned([3.0] * 10))
    assert none.kind == "not learned"
    assert "0 to 31 %" in none.headline


def test_without_a_target_seeds_are_held_against_random_actions() -> None:
    found = judge(learned([3.0, 50.0, nan], None))
    assert found.kind == "no target"
    assert found.good == (False, True, False)
    assert "name it with --target" in found.headline


def test_a_seed_that_lost_it_again_is_not_there() -> None:
    found = learned([100.0, 100.0])
    found.steps = [1, 2, 3, 4]
    found.curves = [[100.0, 0.0, 100.0, 100.0], [0.0, 100.0, 100.0, 3.0]]
    assert judge(found).first == (3, None)


def test_a_cut_training_is_told() -> None:
    assert any("after 400 of 1,000" in s for s in judge(learned([1.0] * 3, done_steps=400)).sentences)


def test_rows_leave_out_what_is_not_finite() -> None:
    assert to_rows(learned([5.0, nan])) == [
        ("dqn", "Task-v0", 0, 500, 0.0),
        ("dqn", "Task-v0", 0, 1000, 5.0),
        ("dqn", "Task-v0", 1, 500, 0.0),
    ]


def test_a_result_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="last evaluation"):
        judge(learned([], None))
