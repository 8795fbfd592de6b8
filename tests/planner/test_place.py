"""A run's place on the ladder, in the sentences that `check` and `seeds` print."""

from __future__ import annotations

import numpy as np
import pytest

from lifesigns.planner.ladder import Ladder, Rung
from lifesigns.planner.place import place


def around(mean: float, n: int = 20, width: float = 1.0) -> tuple[float, ...]:
    return tuple(np.random.default_rng(0).normal(mean, width, n).tolist())


LADDER = Ladder(
    (
        Rung("random", "floor", around(20)),
        Rung("constant 1", "constant", around(30), 0.1),
        Rung("linear, CEM", "linear", around(100), 4.0),
        Rung("UCT", "planner", (200.0,), 30.0, unfair="uses the true model"),
    )
)


@pytest.mark.parametrize(
    ("mean", "standing", "words"),
    [
        (10, "below random", ": below random actions"),
        (20, "as random", "no better than random actions"),
        (30, "as a constant action", "no better than a constant action"),
        (60, "below a cheap method", "A linear policy (linear, CEM) found in 4 s does better"),
        (150, "below a planner", "A planner (UCT)"),
        (300, "above all", "not clearly below any method"),
    ],
)
def test_places(mean: float, standing: str, words: str) -> None:
    found = place(around(mean), LADDER)
    assert found.standing == standing
    assert words in found.sentence


def test_few_episodes_or_no_random_actions_cannot_be_placed() -> None:
    assert place([1.0, 2.0], LADDER).standing == "cannot tell"
    assert place(around(5), Ladder(LADDER.rungs[1:])).standing == "cannot tell"
