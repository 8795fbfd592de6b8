"""A run's place on the ladder: which returns count, what is searched and kept, what is said where nothing can be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lifesigns.baselines import placing as ladders
from lifesigns.baselines.placing import Beside
from lifesigns.model import Subject, Trace
from lifesigns.model.series import series
from lifesigns.planner.ladder import Rung

SPEC = {
    "id": "CartPole-v1",
    "entry_point": "gymnasium.envs.classic_control.cartpole:CartPoleEnv",
    "kwargs": {},
    "max_episode_steps": 500,
}


def run(mean: float, episodes: int = 80, spec: dict[str, Any] | None = SPEC, **info: Any) -> Trace:
    """A run on CartPole whose returns are around `mean`, with random and constant actions measured beside it."""
    rng = np.random.default_rng(0)
    about = {"role": "train", "spec": spec, "max_episode_steps": 500, "wrappers": ["TimeLimit", "CartPoleEnv"], **info}
    found = (
        series("env.episode_return", "env_step", rng.normal(mean, 2, episodes), subject="env/0"),
        series("baseline.random_return", "episode", rng.normal(22, 3, 50), subject="env/0"),
        series(
            "baseline.constant_return", "episode", rng.normal(9.4, 0.5, (10, 2)), subject="env/0", columns=("0", "1")
        ),
    )
    return Trace({}, {"env/0": Subject("env/0", "env", "env", None, about)}, found, (), {})


CEM = Beside((Rung("linear, CEM", "linear", tuple(np.linspace(480, 500, 20)), 4.2),), source="searched in 10 s")


@pytest.mark.parametrize(
    ("mean", "standing"), [(12, "below random"), (22, "as random"), (60, "below a cheap method"), (495, "above all")]
)
def test_a_run_is_placed(mean: float, standing: str) -> None:
    found = ladders.placing(run(mean), CEM)
    assert found is not None
    assert found.standing == standing
    assert found.episodes == 20
    if standing == "below a cheap method":
        assert "A linear policy (linear, CEM) found in 4 s does better: 490" in found.sentence
        assert found.below == "linear, CEM"
    assert [r.kind for r in found.rungs].count("constant") == 1


def test_without_a_search_what_is_missing_is_said() -> None:
    found = ladders.placing(run(60), Beside(missing="no time was left for a search"))
    assert found is not None
    assert found.standing == "above all"
    assert "above random and constant actions" in found.sentence
    assert found.missing == ("linear policies and planners: no time was left for a search",)


def test_transformed_rewards_cannot_be_placed_without_the_untransformed() -> None:
    found = ladders.placing(run(60, reward_transformed=True), CEM)
    assert found is not None
    assert found.standing == "cannot tell"
    assert "transformed" in found.sentence


def test_the_users_own_wrappers_are_named() -> None:
    found = ladders.placing(run(60, wrappers=["MyShaping", "TimeLimit", "CartPoleEnv"]), CEM)
    assert found is not None
    assert "without `MyShaping`" in found.sentence


def test_few_episodes_and_no_environment() -> None:
    few = ladders.placing(run(60, episodes=3), CEM)
    assert few is not None
    assert few.standing == "cannot tell"
    assert ladders.placing(Trace({}, {}, (), (), {}), CEM) is None


def test_an_environment_that_cannot_be_made_again_is_not_searched(tmp_path: Path) -> None:
    found = ladders.searched(run(60, spec=None), tmp_path)
    assert not found.rungs
    assert "was not made by `gymnasium.make`" in found.missing


def test_an_earlier_search_is_read_and_too_little_time_begins_none(tmp_path: Path) -> None:
    file = tmp_path / ladders.key(SPEC, [])
    none = ladders.searched(run(60), tmp_path, seconds=1.0)
    assert not none.rungs
    assert "lifesigns env CartPole-v1" in none.missing
    ladders.write(file, CEM, 10.0)
    assert ladders.searched(run(60), tmp_path, python="/no/such/python").rungs[0].method == "linear, CEM"


@pytest.mark.parametrize("text", ["", "{", '{"format": 99}', '{"format": 1, "rungs": [{"method": 3}]}', "[1]"])
def test_a_damaged_file_is_no_search(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(text, "utf-8")
    assert ladders.read(file) == (Beside(), 0.0)


def test_the_key_follows_arguments_and_the_users_source(tmp_path: Path) -> None:
    module = tmp_path / "mine.py"
    spec = {**SPEC, "id": "Mine-v0", "entry_point": "mine:Env"}
    module.write_text("a = 1\n", "utf-8")
    before = ladders.key(spec, [str(tmp_path)])
    assert before != ladders.key({**spec, "kwargs": {"size": 2}}, [str(tmp_path)])
    module.write_text("a = 2\n", "utf-8")
    assert before != ladders.key(spec, [str(tmp_path)])


def test_lifesigns_env_and_a_recorded_run_mean_the_same_file() -> None:
    from lifesigns.baselines.environment import open_world, spec_of
    from lifesigns.record.targets.gymnasium_envs import describe

    env = open_world("CartPole-v1", {}, []).env
    noted = describe(env, 0)
    of_env = spec_of(env)
    assert of_env is not None
    assert of_env["max_episode_steps"] == 500
    assert ladders.key(of_env, []) == ladders.key(
        {**noted["spec"], "max_episode_steps": noted["max_episode_steps"]}, []
    )


@pytest.mark.slow
def test_a_search_in_a_child_process_is_kept(tmp_path: Path) -> None:
    found = ladders.searched(run(30), tmp_path, seconds=8.0)
    assert not found.missing, found.missing
    assert any(r.kind == "linear" and r.mean > 60 for r in found.rungs), [(r.method, r.mean) for r in found.rungs]
    (file,) = tmp_path.iterdir()
    assert json.loads(file.read_text("utf-8"))["seconds"] == 8.0
    placed = ladders.placing(run(30), found)
    assert placed is not None
    assert placed.standing == "below a cheap method"
