"""What the display says: steps told by the arguments, runs by how they ended, time left."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from played import FINISHED
from rich.console import Console

from lifesigns.campaign.driver import State
from lifesigns.campaign.engine import Attempt
from lifesigns.campaign.plan import Job, Plan, SeedArgument
from lifesigns.campaign.progress import Display, clock, counts, eta_s, overall, told_total


@pytest.mark.parametrize(
    ("arguments", "total"),
    [
        (["--total-timesteps", "20_000"], 20_000.0),
        (["--num-steps=1e6"], 1e6),
        (["--lr", "3", "--n-timesteps", "5"], 5.0),
        (["--steps", "many"], None),
        (["--learning-starts", "100"], None),
        (["--total-timesteps"], None),
    ],
)
def test_steps_that_arguments_tell(arguments: list[str], total: float | None) -> None:
    assert told_total(arguments) == total


def state() -> State:
    """Two of six ended, one of them by a crash; one is running for four seconds."""
    made = State([Job((), s) for s in range(6)])
    made.results = {"seed=0": {**FINISHED, "wall_s": 10.0}, "seed=1": {"ended": "crashed", "wall_s": 10.0}}
    made.running = {"seed=2": (Attempt("seed=2", "seed=2.1", Path("nowhere"), {}), time.monotonic() - 4.0)}
    return made


def test_time_left() -> None:
    assert eta_s(state(), 2) == pytest.approx((6.0 + 30.0) / 2, abs=0.1)
    assert eta_s(State([]), 2) is None
    assert [clock(s) for s in (45, 600, 9000)] == ["45 s", "10 min", "2.5 h"]


def test_one_line_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    said = overall(state(), 2)
    assert said == "2 of 6 · 1 crashed · about 18 s left"
    assert counts(state().results) == {"finished": 1, "crashed": 1}
    plan = Plan("train.py", (), (0,), SeedArgument())
    with Display(plan, 2, Console(force_terminal=True, width=100)) as display:
        display.show(state())
        drawn = display._progress.tasks
        assert [t.description for t in drawn] == ["all runs", "seed=2"]
        assert drawn[0].completed == 2
    capsys.readouterr()


def test_silent_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Display(Plan("train.py", (), (0,), SeedArgument()), 2) as display:
        display.show(state())
    assert capsys.readouterr() == ("", "")
