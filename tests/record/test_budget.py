"""Credit for samples: one that other programs interrupted does not use up that of the rest of the run."""

from __future__ import annotations

import pytest

from lifesigns.record.budget import FEW_S, ODD, SHARES, Budget


def test_an_interrupted_sample_is_charged_at_a_few_times_the_usual() -> None:
    budget = Budget()
    budget.charge("layers", 0.004)
    budget.charge("layers", 3.0)
    assert budget.spent_s == pytest.approx(0.004 + max(ODD * 0.004, FEW_S))


def test_an_interrupted_first_sample_leaves_credit() -> None:
    budget = Budget()
    budget.charge("optimizer", 5.0)
    assert budget.spent_s == FEW_S


def test_samples_that_are_slow_by_nature_are_charged_in_full_from_the_second_on() -> None:
    """A large model: 100 ms each time."""
    budget = Budget()
    for _ in range(4):
        budget.charge("layers", 0.1)
    assert budget.spent_s == pytest.approx(FEW_S + 3 * 0.1)
    assert not budget.admit("layers", budget.started + 0.3 / SHARES["layers"])
