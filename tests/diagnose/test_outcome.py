import numpy as np
import pytest

from lifesigns.diagnose import outcome_of
from lifesigns.model import Subject, Trace
from lifesigns.model.series import series

NAN, INF = float("nan"), float("inf")


def run(returns, random=None, role: str = "train", losses=None) -> Trace:
    subjects = {"env/0": Subject("env/0", "env", "CartPole-v1", info={"role": role})}
    found = []
    if returns is not None:
        found.append(series("env.episode_return", "env_step", returns, subject="env/0"))
    if random is not None:
        found.append(series("baseline.random_return", "episode", random, subject="env/0"))
    if losses is not None:
        found.append(series("loss.value", "backward", losses, subject="loss/0"))
    return Trace({}, subjects, tuple(found))


NOISE = np.random.default_rng(0).normal(0, 5, 90)


@pytest.mark.parametrize(
    ("returns", "random", "learning"),
    [
        (NOISE + np.linspace(20, 200, 90), None, "learning"),
        (NOISE + 20, None, "not learning"),
        (NOISE + np.linspace(200, 20, 90), None, "worse than at the start"),
        (np.full(90, -200.0), np.full(30, -200.0), "not learning"),
        (NOISE + 200, NOISE[:30] + 20, "learning"),
        (NOISE + np.linspace(-300, 0, 90), NOISE[:30] + 20, "not learning"),
        ([1.0, 2.0, 3.0], None, "cannot tell"),
        (np.full(90, NAN), None, "not learning"),
        (np.r_[NOISE + np.linspace(20, 200, 90), NAN, INF], None, "learning"),
        (np.full(90, 1e308), None, "not learning"),
        (np.r_[NOISE + 20, NOISE[:14] + 250], NOISE[:30] + 22, "learning"),
        (np.r_[NOISE + 20, NOISE[:14] + 24], NOISE[:30] + 22, "not learning"),
        (np.r_[NOISE + 20, NOISE[:14] + 250], NOISE[:30] + 300, "not learning"),
    ],
)
def test_returns(returns, random, learning: str) -> None:
    assert outcome_of(run(returns, random)).learning == learning


def test_the_sentence_has_the_figures_and_the_baseline() -> None:
    told = outcome_of(run(np.repeat([10.0, 20.0, 30.0], 10), np.full(10, 9.0)))
    assert (told.from_value, told.to_value, told.measure) == (10.0, 30.0, "env.episode_return")
    assert "from 10 over the first third of 30 episodes to 30" in told.sentence
    assert "random actions get 9" in told.sentence


def test_what_was_learned_and_lost_is_said() -> None:
    told = outcome_of(run(np.r_[NOISE[:30] + 20, NOISE[30:60] + 200, NOISE[60:] + 20]))
    assert told.learning == "not learning"
    assert "in the middle third" in told.sentence


def test_returns_that_are_not_finite_are_counted() -> None:
    assert "2 of 92 returns were not finite" in outcome_of(run(np.r_[NOISE, NAN, INF])).sentence


def test_an_evaluation_environment_is_not_the_training() -> None:
    assert outcome_of(run(NOISE + np.linspace(20, 200, 90), role="eval")).learning == "cannot tell"


def test_losses_speak_only_where_there_is_no_environment() -> None:
    falling = np.linspace(2, 1, 90)
    assert outcome_of(run(None, losses=falling)).learning == "learning"
    assert outcome_of(run(NOISE + 20, losses=falling)).learning == "not learning"
    assert outcome_of(run(None, losses=falling[::-1])).learning == "worse than at the start"
    assert outcome_of(run(None, losses=np.ones(90))).learning == "not learning"
    assert outcome_of(run(None, losses=[1.0, 0.5])).learning == "cannot tell"


def test_a_loss_that_stops_being_finite_is_not_learning() -> None:
    told = outcome_of(run(None, losses=np.r_[np.linspace(2, 1, 40), np.full(50, NAN)]))
    assert told.learning == "not learning"
    assert "not finite from backward 40 on (50 of 90" in told.sentence


def test_nothing_recorded_cannot_be_told() -> None:
    assert outcome_of(Trace()).learning == "cannot tell"
