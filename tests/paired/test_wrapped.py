"""Layers around environments, read side by side: who swallows, who changes a reward, who hands on another action."""

from __future__ import annotations

import linecache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lifesigns.paired import source, wrapped
from lifesigns.paired.actions import on_cut_line
from lifesigns.record.dyes.observations import space_of


def _log(*layers: dict[str, Any]) -> Any:
    return SimpleNamespace(notes={"layers": list(layers)})


def _layer(name: str, *, file: str = "", line: int = 7, **held: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"obs": [], "reward": [], "action": []}
    return {
        "class": name,
        "depth": 0,
        "file": file,
        "made": {"file": "train.py", "line": line, "text": ""},
        **empty,
        **held,
    }


def test_the_first_layer_that_hands_on_nothing_of_a_change_is_named_where_it_was_made() -> None:
    inner, outer = _layer("Scale", obs=list(range(20))), _layer("Clip", line=9, depth=1, obs=[0] * 20)
    changed = _layer("Scale", obs=list(range(100, 120)))
    found = wrapped.swallowed(_log(inner, outer), _log(changed, outer), "obs")
    assert found is not None
    assert found["class"] == "Clip"
    assert wrapped.option(found) == {"option": {"file": "train.py", "line": 9}}
    assert wrapped.swallowed(_log(inner), _log(changed), "obs") is None
    few = _layer("Clip", obs=[0] * 3)
    assert wrapped.swallowed(_log(few), _log(few), "obs") is None


def test_a_layer_of_the_users_own_is_not_named_by_the_line_that_made_it() -> None:
    assert wrapped.option(_layer("Mine", file="wrappers.py")) == {}


def test_a_reward_is_changed_in_the_first_layer_that_hands_on_another_amount() -> None:
    base = [_layer("Monitor", reward=[[1.0]] * 9), _layer("Normalize", line=4, depth=1, reward=[[0.1]] * 9)]
    dyed = [
        _layer("Monitor", reward=[[1.0]] * 8 + [[2.0]]),
        _layer("Normalize", line=4, depth=1, reward=[[0.1]] * 8 + [[0.2]]),
    ]
    found = wrapped.reward_changed(_log(*base), _log(*dyed), 1.0)
    assert found is not None
    assert found["class"] == "Normalize"
    assert wrapped.reward_changed(_log(base[0]), _log(dyed[0]), 1.0) is None


def test_a_reward_that_moves_those_of_other_environments_is_told_from_a_running_scale() -> None:
    rest = [[1.0, 1.0]] * 8
    centred = wrapped.reward_spread(
        _log(_layer("Centre", reward=[*rest, [0.0, 0.0]])), _log(_layer("Centre", reward=[*rest, [0.5, -0.5]]))
    )
    assert centred is not None
    assert centred[1] == 1
    scaled = (
        _log(_layer("Normalize", reward=[*rest, [0.2, 0.2]])),
        _log(_layer("Normalize", reward=[*rest, [0.4, 0.199]])),
    )
    assert wrapped.reward_spread(*scaled) is None


def test_a_layer_that_sums_rewards_up_is_told_from_a_running_scale() -> None:
    acted = [[0.0]] * 6
    base = _layer("Total", reward=[[], [1.0], [2.0], [3.0], [], [4.0]], action=acted)
    summed = _layer("Total", reward=[[], [1.0], [3.0], [4.0], [], [5.0]], action=acted)
    found = wrapped.reward_kept(_log(base), _log(summed))
    assert found is not None
    assert found["class"] == "Total"
    once = {**base, "reward": [[], [1.0], [3.0], [3.0], [], [4.0]]}
    scaled = {**base, "reward": [[], [1.0], [3.0], [3.01], [], [4.01]]}
    later = {**summed, "action": [*acted[:2], *[[1.0]] * 4]}  # the agent acts otherwise, and is paid otherwise
    for other in (once, scaled, later):
        assert wrapped.reward_kept(_log(base), _log(other)) is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("class Stack:\n    frames = deque(maxlen=2)\n    def step(self):\n        pass\n", 2),
        ("class Stack:\n    def __init__(self, env, frames=[]):\n        self.frames = frames\n", 2),
        ("FRAMES = {}\nclass Stack:\n    def step(self):\n        FRAMES[0] = 1\n", 1),
        ("KEPT = {}\nclass Stack:\n    size: int = 4\n    def __init__(self):\n        self.frames = []\n", 0),
    ],
)
def test_a_layer_whose_objects_share_what_they_keep(tmp_path: Any, text: str, line: int) -> None:
    file = tmp_path / "wrappers.py"
    file.write_text(text)
    base = _layer("Stack", file=str(file), obs=[1, 2, 3, 4, 5, 6, 7, 8])
    both = {**base, "obs": [1, 2, 3, 4, 50, 60, 7, 8]}
    found = wrapped.observation_spread(_log(base), _log(both), 4)
    assert found is not None
    assert wrapped.shared_line(found) == ({"file": str(file), "line": line} if line else None)
    own = {**base, "obs": [1, 2, 30, 4, 5, 6, 70, 8]}  # its own next observation, four calls later
    assert wrapped.observation_spread(_log(base), _log(own), 4) is None


def test_the_layer_that_bounds_a_reward_is_told_from_one_that_scales_it() -> None:
    def run(by: float) -> Any:
        paid = 0.1 * (1.0 + by)
        return _log(_layer("Scale", reward=[[paid]]), _layer("Clip", depth=1, reward=[[min(paid, 0.5)]]))

    found = wrapped.reward_bent(run(0.0), run(1.0), run(100.0), 100.0)
    assert found is not None
    assert found["class"] == "Clip"
    assert wrapped.reward_bent(run(0.0), run(0.02), run(2.0), 100.0) is None


def test_the_outermost_layer_that_hands_on_another_action(tmp_path: Any) -> None:
    file = tmp_path / "wrappers.py"
    file.write_text(
        "class Limit:\n    def step(self, action):\n        action = 0\n        return self.env.step(action)\n"
    )
    sent = [[float(i % 2)] for i in range(12)]
    done = [[0.0]] * 12
    layers = [_layer("Limit", file=str(file), action=sent), _layer("Monitor", depth=1, action=sent)]
    found = wrapped.acts_otherwise(_log(*layers), done)
    assert found is not None
    assert found["class"] == "Limit"
    assert wrapped.action_line(found) == {"file": str(file), "line": 4}
    assert wrapped.reward_line(found) == {"file": str(file), "line": 4}
    assert wrapped.action_line(layers[1]) == {"file": "train.py", "line": 7}
    assert wrapped.acts_otherwise(_log(*layers), sent) is None
    assert wrapped.acts_otherwise(_log(_layer("Vector", action=[[0.0, 1.0]] * 12)), done) is None


def test_what_is_handed_over_by_name_was_computed_where_the_name_was_given(tmp_path: Any) -> None:
    file = tmp_path / "buffers.py"
    file.write_text(
        "def sample(self, rows):\n"
        "    rewards = self.rewards[rows - 1]\n"
        "    return Batch(\n"
        "        rewards=self.to_torch(rewards.reshape(-1, 1)),\n"
        "        centred=self.to_torch(rewards - rewards.mean()),\n"
        "        actions=self.to_torch(self.actions[rows]),\n"
        "    )\n"
    )
    assert [source.handed_over(str(file), line) for line in (4, 5, 6)] == [2, 5, 6]
    assert source.function_of(str(file), 4) == "sample"
    assert source.function_of(str(tmp_path / "none.py"), 4) == ""


def test_an_object_was_given_its_environment_in_the_only_call_that_makes_it(tmp_path: Any) -> None:
    callbacks, main = tmp_path / "callbacks.py", tmp_path / "main.py"
    callbacks.write_text(
        "class Evaluate(Base):\n"
        "    def __init__(self, env, every):\n"
        "        self.env, self.every = env, every\n"
        "    def on_step(self):\n"
        "        evaluate(self.model, self.env, self.every)\n"
        "        evaluate(self.model, self.training_env)\n"
    )
    main.write_text("model.learn(\n    100,\n    callback=Evaluate(env, every=5),\n)\n")
    files = [str(main), str(callbacks)]
    assert source.handed_in(files, str(callbacks), 5) == (str(main), 3)
    assert source.handed_in(files, str(callbacks), 6) is None
    main.write_text("a, b = Evaluate(env, 5), Evaluate(other, 5)\n")
    source.tree_of.cache_clear()
    linecache.clearcache()
    assert source.handed_in(files, str(callbacks), 5) is None


def test_a_layer_that_scales_actions_and_keeps_to_the_bounds_is_a_line_cut_off_at_its_ends() -> None:
    stored = np.linspace(-2.0, 2.0, 60)
    executed = np.clip(2.0 * stored, -2.0, 2.0)
    assert on_cut_line(stored, executed, [-2.0, 2.0]).all()
    assert not on_cut_line(stored, executed, None).any(), "without a layer the bounds are the script's own matter"
    assert not on_cut_line(stored, np.clip(2.0 * stored, 0.0, 2.0), [-2.0, 2.0]).all(), "cut off elsewhere"
    off = executed.copy()
    off[30] += 0.5
    assert on_cut_line(stored, off, [-2.0, 2.0]).sum() == 59
    assert not on_cut_line(stored, np.full(60, 2.0), [-2.0, 2.0]).any(), "too few inside to tell"


def test_bounds_of_a_small_box() -> None:
    space = SimpleNamespace(shape=(2,), low=np.float32([-1, -np.inf]), high=np.float32([1, np.inf]))
    assert space_of(space)["bounds"] == [[-1.0, 1.0], None]
    assert "bounds" not in space_of(SimpleNamespace(n=3, shape=()))
