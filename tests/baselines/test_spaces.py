"""Every kind of space is searched in, or says why not."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces

from lifesigns.baselines.spaces import actions, features

ACTION_SPACES = [
    (spaces.Discrete(3), "discrete", 3),
    (spaces.Discrete(3, start=-1), "discrete", 3),
    (spaces.MultiDiscrete([3, 4]), "discrete", 12),
    (spaces.MultiDiscrete([9, 9, 9]), "continuous", 3),
    (spaces.MultiBinary(3), "discrete", 8),
    (spaces.MultiBinary(20), "continuous", 20),
    (spaces.Box(-2, 2, (2, 3), np.float32), "continuous", 6),
    (spaces.Box(np.array([-3.0, 0.0]), np.array([7.0, 1.0]), dtype=np.float64), "continuous", 2),
    (spaces.Box(0, 9, (2,), np.int64), "continuous", 2),
    (spaces.Dict(a=spaces.Discrete(2), b=spaces.Discrete(3)), "discrete", 6),
    (spaces.Dict(a=spaces.Box(-1, 1, (2,)), b=spaces.Discrete(3)), "continuous", 3),
    (spaces.Tuple((spaces.Discrete(2), spaces.MultiBinary(2))), "discrete", 8),
]


@pytest.mark.parametrize(("space", "kind", "n"), ACTION_SPACES, ids=lambda v: str(v)[:30])
def test_what_is_decoded_lies_in_the_space(space: spaces.Space, kind: str, n: int) -> None:
    found = actions(space)
    assert (found.kind, found.n) == (kind, n)
    rng = np.random.default_rng(0)
    ends = list(range(n)) if kind == "discrete" else [np.ones(n), -np.ones(n), np.zeros(n)]
    for action in [*(found.random(rng) for _ in range(20)), *found.candidates(rng), *ends]:
        assert space.contains(found.decode(action)), action


def test_all_actions_of_a_product_are_reached() -> None:
    found = actions(spaces.MultiDiscrete([3, 4]))
    assert len({tuple(found.decode(i)) for i in range(12)}) == 12


def test_the_ends_of_a_box_are_reached_and_not_passed() -> None:
    found = actions(spaces.Box(np.array([-3.0, 0.0]), np.array([7.0, 1.0]), dtype=np.float64))
    assert found.decode(np.ones(2)).tolist() == [7.0, 1.0]
    assert found.decode(np.array([-9.0, 9.0])).tolist() == [-3.0, 1.0]


def test_an_unbounded_component_is_searched_near_zero_and_said() -> None:
    found = actions(spaces.Box(-np.inf, np.inf, (2,)))
    assert np.abs(found.decode(np.ones(2))).max() == 1.0
    assert "unbounded" in found.note


def test_text_can_only_be_sampled() -> None:
    found = actions(spaces.Text(5))
    assert found.kind == ""
    assert "Text" in found.note


OBSERVATION_SPACES = [
    (spaces.Discrete(4), 4),
    (spaces.Box(-1, 1, (2, 3)), 6),
    (spaces.MultiBinary(5), 5),
    (spaces.MultiDiscrete([2, 3]), 5),
    (spaces.Tuple((spaces.Discrete(4), spaces.Box(-1, 1, (2,)))), 6),
    (spaces.Box(0, 255, (64, 48, 3), np.uint8), 64),
    (spaces.Box(0, 255, (3, 64, 48), np.uint8), 64),
    (spaces.Box(0, 255, (84, 84), np.uint8), 72),
]


@pytest.mark.parametrize(("space", "n"), OBSERVATION_SPACES, ids=lambda v: str(v)[:30])
def test_features_are_finite_numbers(space: spaces.Space, n: int) -> None:
    found = features(space)
    space.seed(0)
    if n != 72:
        assert found.n == n
    x = found.of(space.sample())
    assert x.shape == (found.n,)
    assert np.isfinite(x).all()


def test_a_part_without_features_is_left_out_and_named() -> None:
    found = features(spaces.Dict(a=spaces.Box(-1, 1, (2,)), say=spaces.Text(9)))
    assert found.n == 2
    assert "`say`" in found.note
    assert features(spaces.Text(9)).n == 0
