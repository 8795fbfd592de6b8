"""Verdicts on runs that are known: who failed, how sure the rate is, where they parted, what is to blame."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from io import StringIO

import jsonschema
import numpy as np
import pytest
from played import run_result
from rich.console import Console

from lifesigns.campaign.curves import TRAINING, Curve
from lifesigns.campaign.judge import fell_behind, judge, parted_at
from lifesigns.campaign.plan import Plan, SeedArgument
from lifesigns.campaign.supervisor import OVER_TIME
from lifesigns.campaign.verdict import verdict
from lifesigns.model import CauseOdds, Defect, Finding, Location

FINDING = Finding("D1", "some-rule", "seen", "warning", "env/0")


def cause(name: str, kind: str, probability: float, *findings: Finding) -> CauseOdds:
    return CauseOdds(name, kind, name, probability, "", (0, 0), findings, "", "", "")


LUCK = (
    cause("luck", "luck", 0.4),
    cause("unknown", "unknown", 0.2),
    cause("learning-rate-too-low", "hyperparameter", 0.4),
)
BUG = (cause("gradient-path-broken", "bug", 0.9, FINDING), cause("unknown", "unknown", 0.1))


def explained(run, causes, defects=()):
    return replace(run, diagnosis=replace(run.diagnosis, causes=causes, defects=defects))


def test_a_lottery_of_three_in_ten() -> None:
    runs = [run_result(s, 480.0 + s) for s in range(7)]
    runs += [explained(run_result(s, 12.0, "not learning"), LUCK) for s in (7, 8, 9)]
    answer = verdict({(): judge(runs)})
    one = answer.variants[0]
    assert [r.run.seed for r in one.judgement.failed] == [7, 8, 9]
    assert (one.rate.estimate, round(one.rate.low, 3), round(one.rate.high, 3)) == (0.3, 0.067, 0.652)
    assert "3 of 10 runs failed (7–65 % of seeds): a seed lottery" in answer.headline
    assert answer.kind == "luck"
    assert one.causes[0].odds.cause == "luck"
    assert one.parted is not None
    assert 200.0 <= one.parted[0] <= 350.0
    assert one.parted[1] == "environment steps"


def test_all_fail_is_no_lottery() -> None:
    runs = [explained(run_result(s, 12.0, "not learning"), LUCK) for s in range(10)]
    answer = verdict({(): judge(runs)})
    assert "every one: no lottery" in answer.headline
    assert answer.kind == "hyperparameter", "that all fail speaks against luck"
    assert answer.variants[0].parted is None


def test_a_proven_defect_outweighs_luck_and_is_counted_in_good_runs_too() -> None:
    where = replace(FINDING, location=Location("train.py", 12), exact=True)
    defect = (Defect("gradient-path-broken", where),)
    runs = [explained(run_result(s, 480.0), BUG, defect) for s in range(6)]
    runs += [explained(run_result(s, 12.0, "not learning"), BUG, defect) for s in (6, 7, 8, 9)]
    answer = verdict({(): judge(runs)})
    assert answer.kind == "bug"
    assert answer.variants[0].defects == (("gradient-path-broken", "train.py:12", 4, 6),)
    assert (answer.variants[0].causes[0].failed_with, answer.variants[0].causes[0].good_with) == (4, 6)


def test_none_fails_says_how_often_it_still_may() -> None:
    answer = verdict({(): judge([run_result(s, 480.0 + s) for s in range(10)])})
    assert answer.kind == "nothing"
    assert "up to 26 %" in answer.headline


def test_a_setting_that_decides() -> None:
    judged = {
        (("lr", "1"),): judge([run_result(s, 12.0, "not learning") for s in range(6)]),
        (("lr", "2"),): judge([run_result(s, 480.0) for s in range(6)]),
    }
    answer = verdict(judged)
    assert answer.headline.startswith("Hyperparameters: `lr` decides")
    assert answer.settings[0].p == pytest.approx(2 / 924)
    even = {v: judge([run_result(s, 480.0) for s in range(6)]) for v in judged}
    assert not verdict(even).settings[0].decides


def test_runs_that_are_all_one_run() -> None:
    answer = verdict({(): judge([run_result(s, 480.0, digest="same") for s in range(5)])})
    assert "the seed has no effect" in answer.headline
    assert answer.variants[0].identical == ((0, 1, 2, 3, 4),)
    some = verdict({(): judge([run_result(s, 480.0, digest=str(min(s, 2))) for s in range(5)])})
    assert some.variants[0].identical == ((2, 3, 4),)
    assert "seed has no effect" not in some.headline


def test_how_runs_end() -> None:
    nan = Curve(np.arange(1.0, 51.0), np.full(50, np.nan))
    runs = [
        run_result(0, 480.0, ended="crashed"),
        run_result(1, 480.0, ended=OVER_TIME),
        run_result(2, 480.0, curves={TRAINING: nan}),
        run_result(3, 480.0, "cannot tell"),
        run_result(4, 480.0, curves={}, diagnosis=None),
    ]
    why = [r.failed for r in judge(runs).runs]
    assert why == ["crashed", "", "its last training return is not finite", None, None]
    line = [r.failed for r in judge(runs, success_at=490.0).runs]
    assert line[1] == "did not reach 490"
    assert line[3] == "did not reach 490"


def test_a_group_far_below_the_others_failed_although_it_rose() -> None:
    runs = [run_result(s, 480.0 + s) for s in range(6)] + [run_result(s, 60.0 + s) for s in (6, 7)]
    assert [r.run.seed for r in judge(runs).failed] == [6, 7]
    close = [run_result(s, 480.0 + s) for s in range(6)] + [run_result(s, 455.0 + s) for s in (6, 7)]
    assert judge(close).failed == [], "490 against 460 is no failure"


def test_a_group_is_seldom_seen_where_there_is_none() -> None:
    rng = np.random.default_rng(0)
    alarms = [bool(fell_behind(100.0 + 10.0 * rng.normal(size=10), np.full(10, 100.0))) for _ in range(150)]
    assert np.mean(alarms) <= 0.02


def test_they_part_only_where_they_stay_apart() -> None:
    runs = [run_result(0, 480.0), run_result(1, 480.0)]
    crossing = Curve(np.arange(1.0, 101.0) * 10, np.linspace(900.0, 0.0, 100))
    judged = judge([*runs, run_result(2, 0.0, "not learning", curves={TRAINING: crossing})])
    at = parted_at(judged)
    assert at is not None
    assert 600.0 < at[0] < 800.0
    always_above = Curve(crossing.x, np.full(100, 900.0))
    assert parted_at(judge([*runs, run_result(2, 0.0, "not learning", curves={TRAINING: always_above})])) is None


def test_reports_say_what_was_imposed() -> None:
    from lifesigns.report.campaign import render
    from lifesigns.report.campaign_json import to_json
    from lifesigns.report.campaign_page import page

    runs = [run_result(s, 480.0 + s) for s in range(7)]
    runs += [explained(run_result(s, 12.0, "not learning"), BUG) for s in (7, 8)]
    runs += [run_result(9, 12.0, ended="crashed", exception="ValueError: <b>no</b>")]
    answer = verdict({(): judge(runs)})
    plan = Plan("train.py", (), tuple(range(10)), SeedArgument(found="the script takes no seed"))
    console = Console(file=StringIO(), width=80)
    render(answer, None, plan, "a campaign", console)
    assert isinstance(console.file, StringIO)
    text = console.file.getvalue()
    assert "IMPOSED by the recorder" in text
    assert "ValueError: <b>no</b>" in text
    assert max(map(len, text.splitlines())) <= 80
    value = to_json(answer, None, plan, "a campaign")
    jsonschema.validate(
        value, json.loads(files("lifesigns.report").joinpath("campaign.schema.json").read_text("utf-8"))
    )
    assert value["seeds_imposed"] is True
    assert value["variants"][0]["failed"] == 3
    html = page(answer, None, plan, "a campaign")
    assert "IMPOSED" in html
    assert "<b>no</b>" not in html
    assert "chart-runs-0" in html
