"""The child process: environments that hang, crash, break their contract or cannot be found end in a sentence."""

from __future__ import annotations

import pytest
from baseline_worlds import WORLDS

from lifesigns.baselines import survey as surveying
from lifesigns.baselines.contract import quick
from lifesigns.baselines.environment import EnvironmentProblem, open_world
from lifesigns.baselines.survey import survey


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("CartPole-v9", "nearest: CartPole-v0, CartPole-v1"),
        ("Cartpol-v1", "CartPole-v1"),
        (f"{WORLDS}:Corridr", "did you mean `Corridor`"),
        (f"{WORLDS}:broken", "no licence"),
        (f"{WORLDS}:NoEnvironment", "without `reset`"),
        ("absent.py:Thing", "no file"),
        ("absent_module:Thing", "no module"),
    ],
)
def test_what_cannot_be_opened_is_said(name: str, words: str) -> None:
    with pytest.raises(EnvironmentProblem, match=words.replace("(", r"\(")):
        open_world(name, {}, [])


@pytest.mark.parametrize(
    ("name", "words", "fatal"),
    [
        ("OldForm", "`reset` returns `ndarray`", True),
        ("Unseeded", "takes no `seed`", True),
        ("NotANumber", "a reward is nan", True),
        ("Outside", "component 0 is 5", False),
        ("SameArray", "changes after it was returned", False),
    ],
)
def test_a_broken_contract_is_said(name: str, words: str, fatal: bool) -> None:
    found = quick(open_world(f"{WORLDS}:{name}", {}, []))
    assert any(words in b.sentence for b in found)
    assert any(b.fatal for b in found) is fatal


@pytest.mark.parametrize("name", ["CartPole-v1", "Pendulum-v1", "FrozenLake-v1"])
def test_sound_environments_keep_it(name: str) -> None:
    assert quick(open_world(name, {}, []), thorough=name == "FrozenLake-v1") == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [("Hangs", "did not come back within"), ("Raises", "the robot fell over"), ("Exits", "ended with status 7")],
)
def test_an_environment_that_misbehaves_ends_in_a_sentence(
    name: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveying, "HANG_S", 2.0)
    found = survey(f"{WORLDS}:{name}", 6.0)
    assert words in found.problem
    if name != "Exits":
        assert "worlds.py:" in found.problem
    assert found.wall_s < 12


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kwargs"), [("factory", {"length": 4})])
def test_a_survey_of_an_environment_of_ones_own(name: str, kwargs: dict[str, int]) -> None:
    found = survey(f"{WORLDS}:{name}", 7.0, kwargs=kwargs)
    assert found.problem == ""
    assert found.complete
    random, best = found.ladder.random, found.ladder.best()
    assert random is not None
    assert best is not None
    assert best.mean > random.mean
    assert found.properties.number("restorable") == 1
