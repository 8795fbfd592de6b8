"""The driver: each job gets one result, what was lost is tried again, a crash of the script is a result."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from played import FINISHED, PlayedEngine

from lifesigns.campaign.driver import Driver, State
from lifesigns.campaign.folder import (
    CampaignError,
    CampaignFolder,
    list_campaigns,
    new_campaign,
    unfinished_like,
)
from lifesigns.campaign.supervisor import OVER_TIME

CRASHED = {"ended": "crashed", "exit_status": 1, "exception": "ValueError: no", "wall_s": 0.1}


def drive(campaign: Any, ending: Callable[[str, int], Any], slots: int = 2) -> tuple[State, PlayedEngine]:
    engine = PlayedEngine(ending, slots)
    return Driver(*campaign, engine).run(), engine


def test_every_job_once(make_campaign: Any) -> None:
    state, engine = drive(make_campaign(7), lambda job, n: FINISHED, slots=3)
    assert len(state.results) == 7
    assert sorted(engine.started) == [f"seed={s}.1" for s in range(7)]
    assert engine.most == 3
    assert engine.closed


def test_lost_attempts_are_tried_again_but_not_for_ever(make_campaign: Any) -> None:
    def ending(job: str, n: int) -> Any:
        return "the node is gone" if job == "seed=1" or (job == "seed=2" and n == 1) else FINISHED

    state, engine = drive(make_campaign(4), ending)
    assert state.retried == 3
    assert [s for s in engine.started if s.startswith("seed=1")] == ["seed=1.1", "seed=1.2", "seed=1.3"]
    assert state.results["seed=1"]["ended"] == "lost"
    assert state.results["seed=1"]["exception"] == "the node is gone"
    assert state.results["seed=2"]["ended"] == "finished"


def test_killed_from_outside_is_lost_and_a_crash_is_a_result(make_campaign: Any) -> None:
    endings = {
        "seed=0": {"ended": "killed", "exit_status": -9},
        "seed=1": {"ended": "killed", "exit_status": -11},
        "seed=2": CRASHED,
        "seed=3": {"ended": OVER_TIME, "exit_status": -9},
    }
    state, engine = drive(make_campaign(5), lambda job, n: endings.get(job, FINISHED) if n == 1 else FINISHED)
    assert engine.started.count("seed=0.2") == 1
    assert len(engine.started) == 6
    assert [state.results[f"seed={s}"]["ended"] for s in range(5)] == [
        "finished",
        "killed",
        "crashed",
        OVER_TIME,
        "finished",
    ]


def test_runs_that_all_crash_alike_end_the_campaign(make_campaign: Any) -> None:
    state, _ = drive(make_campaign(50), lambda job, n: CRASHED)
    assert "ValueError: no" in state.stopped
    assert len(state.results) == 3
    state, _ = drive(make_campaign(8), lambda job, n: {**CRASHED, "exception": f"unrecognized arguments: {job}"})
    assert state.stopped, "numbers apart, they say the same"
    words = iter(["no", "file", "of", "that", "name", "is", "there", "now"])
    state, _ = drive(make_campaign(8), lambda job, n: {**CRASHED, "exception": next(words)})
    assert not state.stopped
    state, _ = drive(make_campaign(8), lambda job, n: CRASHED if job != "seed=1" else FINISHED)
    assert not state.stopped


def test_interrupted_and_resumed(make_campaign: Any) -> None:
    folder, plan = make_campaign(6)

    def interrupt(job: str, n: int) -> Any:
        if job == "seed=3":
            raise KeyboardInterrupt
        return FINISHED

    engine = PlayedEngine(interrupt)
    with pytest.raises(KeyboardInterrupt):
        Driver(folder, plan, engine).run()
    assert engine.closed
    assert unfinished_like(plan, folder.path.parents[1]) == folder
    state, again = drive((folder, plan), lambda job, n: FINISHED)
    assert len(state.results) == 6
    assert state.resumed == 3
    assert not {"seed=0.2", "seed=1.2", "seed=2.2"} & set(again.started)
    assert unfinished_like(plan, folder.path.parents[1]) is None


def test_a_run_that_ended_while_nobody_looked_is_taken_over(make_campaign: Any) -> None:
    folder, plan = make_campaign(3)
    first = Driver(folder, plan, PlayedEngine(lambda job, n: FINISHED))
    first.ledger.started("seed=1", "seed=1.1")
    folder.attempt("seed=1.1").mkdir(parents=True)
    (folder.attempt("seed=1.1") / "result.json").write_text(json.dumps({**FINISHED, "wall_s": 42.0}))
    first.ledger.close()
    os.close(first._lock)
    state, engine = drive((folder, plan), lambda job, n: FINISHED)
    assert state.results["seed=1"]["wall_s"] == 42.0
    assert "seed=1.2" not in engine.started


def test_a_driver_that_is_killed_while_it_makes_its_folder_leaves_no_campaign(
    make_campaign: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, plan = make_campaign(2)
    home = folder.path.parents[1]

    def killed(self: Any, plan: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(CampaignFolder, "write_plan", killed)
    with pytest.raises(KeyboardInterrupt):
        new_campaign(plan, home)
    assert list_campaigns(home) == [folder]


def test_two_drivers_at_once_are_refused(make_campaign: Any) -> None:
    folder, plan = make_campaign(2)
    held = folder.lock()
    with pytest.raises(CampaignError, match="another process"):
        Driver(folder, plan, PlayedEngine(lambda job, n: FINISHED))
    os.close(held)


def test_a_settled_question_ends_it(make_campaign: Any) -> None:
    engine = PlayedEngine(lambda job, n: FINISHED)
    driver = Driver(*make_campaign(20), engine)
    driver.settled = lambda state: "settled" if len(state.results) >= 5 else ""
    state = driver.run()
    assert state.stopped == "settled"
    assert len(state.results) == 5


def test_an_engine_that_cannot_start(make_campaign: Any) -> None:
    class Failing(PlayedEngine):
        def start(self, attempt: Any) -> None:
            if attempt.name == "seed=1.1":
                raise OSError("no more processes")
            super().start(attempt)

    engine = Failing(lambda job, n: FINISHED)
    state = Driver(*make_campaign(3), engine).run()
    assert {r["ended"] for r in state.results.values()} == {"finished"}
    assert state.retried == 1
