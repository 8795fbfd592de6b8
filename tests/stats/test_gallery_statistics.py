"""The gallery's cases of statistics: their figures are what their scripts compute, and their pages are whole."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

GALLERY = Path(__file__).parents[2] / "gallery"
CASES = ("curves-83-hours", "seeds-five-against-five", "seeds-naf-pendulum")


def figures(case: str) -> dict:
    return json.loads((GALLERY / case / "figures.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES)
def test_a_case_is_whole(case: str) -> None:
    page = (GALLERY / case / "README.md").read_text("utf-8")
    assert page.startswith("# ")
    assert "plot.svg" in page
    assert (GALLERY / case / "plot.svg").read_text("utf-8").lstrip().startswith("<svg")


@pytest.mark.parametrize("case", CASES[1:])
def test_the_figures_follow_from_the_committed_runs(case: str) -> None:
    script = runpy.run_path(str(GALLERY / case / "run.py"))
    assert json.loads(json.dumps(script["measure"]())) == figures(case)


def test_forty_seeds_tell_what_ten_could_not() -> None:
    found = figures("seeds-naf-pendulum")
    ten, forty = (found[f"time limit stored as terminal{more}"] for more in ("", ", 40 further seeds"))
    assert ten["fisher_p"] > 0.05 > forty["fisher_p"]
    assert ten["correct_minus_this"][1] < 0.0 < forty["correct_minus_this"][1]
    assert forty["rate"][2] < found["correct, 40 further seeds"]["rate"][1], "the exact intervals do not meet"
    page = (GALLERY / "seeds-naf-pendulum" / "README.md").read_text("utf-8")
    for row in (ten, forty):
        apart, low, high = (round(100 * x) for x in row["correct_minus_this"])
        assert f"| {row['successes']} | {100 * row['rate'][1]:.0f} to {100 * row['rate'][2]:.0f} % |" in page
        assert f"{apart} points [{low}, {high}]" in page


def test_the_essays_frames_follow_from_the_bundled_curves() -> None:
    """27M for Rainbow, 108M for C51 (the essay's factor of 4), 16M for IQN, never for DQN (MEASURED H7)."""
    script = runpy.run_path(str(GALLERY / "curves-83-hours" / "run.py"))
    found = script["measure"](script["bands"](replicates=20))
    kept = figures("curves-83-hours")
    for agent, million, hours in (("Rainbow", 27, 125), ("C51", 108, 500), ("IQN", 16, 74), ("DQN", None, None)):
        assert found[agent]["million_frames"] == kept[agent]["million_frames"] == million
        assert found[agent]["hours"] == hours
    assert found["DQN"]["median_at_195M"] == 0.65


@pytest.mark.slow
def test_naf_trains_many_seeds_at_once() -> None:
    script = runpy.run_path(str(GALLERY / "seeds-naf-pendulum" / "naf.py"))
    steps, returns = script["train"](3, 520, 0, 0.1, False, every=260, episodes=2)
    assert steps.tolist() == [260, 520]
    assert returns.shape == (3, 2)
    assert (returns < 0).all()
    again = script["train"](3, 520, 0, 0.1, False, every=260, episodes=2)[1]
    assert (again == returns).all()
