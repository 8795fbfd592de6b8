"""Credit for samples: one that other programs interrupted does not use up that of the rest of the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lifesigns.record.budget import FEW_S, INITIAL_CREDIT_S, ODD, SHARES, SURE_S, Budget


def test_an_interrupted_sample_is_charged_at_a_few_times_the_usual() -> None:
    budget = Budget()
    budget.charge("layers", 0.004)
    budget.charge("layers", 3.0)
    assert budget.spent_s == pytest.approx(0.004 + ODD * 0.004)


def test_an_interrupted_first_sample_leaves_what_accrues() -> None:
    budget = Budget()
    budget.charge("optimizer", 5.0)
    assert budget.spent_s == INITIAL_CREDIT_S


def test_samples_that_are_slow_by_nature_are_soon_charged_in_full() -> None:
    """A large model: 100 ms each time."""
    budget = Budget()
    for _ in range(30):
        budget.charge("layers", 0.1)
    before = budget.spent_s
    budget.charge("layers", 0.1)
    assert budget.spent_s - before == pytest.approx(0.1)
    assert not budget.admit("layers", budget.started + 0.3 / SHARES["layers"])


def test_of_two_odd_samples_in_a_row_the_second_is_believed_up_to_a_limit() -> None:
    budget = Budget()
    for seconds in (0.0001, 0.015, 0.015, 5.0):
        budget.charge("layers", seconds)
    assert budget.spent_s == pytest.approx(0.0001 + ODD * 0.0001 + 0.015 + FEW_S)


def test_samples_beyond_the_credit_end_at_a_sum() -> None:
    budget = Budget()
    budget.charge("policies", SURE_S * 0.1)
    began = budget.started
    assert budget.admit("policies", began, overdue=True)
    for _ in range(11):
        budget.charge("policies", SURE_S * 0.1)
    assert not budget.admit("policies", began, overdue=True)
    assert not budget.admit("policies", began)
    budget.charge("layers", INITIAL_CREDIT_S)
    assert budget.admit("layers", began, overdue=True)
    assert not budget.admit("layers", began)


@pytest.mark.slow
@pytest.mark.parametrize(("closely", "fewest"), [("0", 15), ("1", 30)])
def test_without_credit_samples_still_reach_to_the_end_of_the_run(
    record: Callable[..., Any], closely: str, fewest: int
) -> None:
    """600 quick updates, and no kind accrues anything."""
    ran = record(
        """
        import torch
        import lifesigns.record.budget as budget
        for kind in budget.SHARES:
            budget.SHARES[kind] = 1e-9
        net = torch.nn.Linear(3, 2)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(600):
            logits = net(torch.randn(4, 3))
            loss = torch.distributions.Categorical(logits=logits).entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        """,
        LIFESIGNS_DENSE="0",
        LIFESIGNS_CLOSELY=closely,
    )
    for name in ("optimizer.update_norm", "network.input_mean"):
        series = ran.one(name)
        assert len(series.x) >= fewest, name
        assert 1 <= sum(series.x > 420) <= 20, name
    assert len(ran.one("policy.entropy").x) >= fewest / 2
