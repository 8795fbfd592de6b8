"""Seeds imposed on a script that takes none: the same seed the same run, other seeds other runs, 0 as written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lifesigns.record.impose import Imposed

SCRIPT = """
    import random
    import numpy as np
    import torch
    import gymnasium

    drawn = np.random.default_rng()
    print(random.random(), np.random.rand(), drawn.random(), torch.rand(1).item())
    first, second = gymnasium.make("CartPole-v1"), gymnasium.make("CartPole-v1")
    print(first.reset()[0][0], second.reset()[0][0])

    random.seed(1)
    np.random.seed(2)
    torch.manual_seed(3)
    print(random.random(), np.random.rand(), torch.rand(1).item(), np.random.default_rng(4).random())
    print(first.reset(seed=5)[0][0], first.reset(seed=6)[0][0])
"""
DRAWN = 6
"""numbers that the script prints before it sets a seed"""


@pytest.mark.slow
def test_drawn_and_written_seeds(scripts: Any, record: Callable[..., Any]) -> None:
    zero, again, one = (record(SCRIPT, LIFESIGNS_SEED=s).out.split() for s in ("0", "0", "1"))
    assert zero == again
    assert all(a != b for a, b in zip(zero, one, strict=True))
    assert zero[4] != zero[5], "two environments without a seed are not the same"
    assert scripts.bare("train.py").out.split()[DRAWN:] == zero[DRAWN:], "with seed 0 they are as written"


def test_moved_seeds_stay_seeds() -> None:
    own = Imposed(7, True)
    assert own.moved(None) is None
    assert own.moved("text") == "text#7"
    assert own.moved([1, 2]) == [1, 2, 7]
    assert own.moved(1.5) == 1.5
    assert 0 <= own.moved(2**32 - 1) < 2**32
    assert own.moved(-5) >= 0
    assert len({own.moved(k) for k in range(1000)}) == 1000
    assert [Imposed(0, True).moved(k) for k in (0, 5, "a")] == [0, 5, "a"]


def test_entropy_differs_from_draw_to_draw_and_repeats() -> None:
    first, again = Imposed(3, True), Imposed(3, True)
    drawn = [first.entropy(64) for _ in range(20)]
    assert len(set(drawn)) == 20
    assert [again.entropy(64) for _ in range(20)] == drawn
