"""What reading the source says, beside a dye or a detector about the same cause."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lifesigns.diagnose import diagnose
from lifesigns.diagnose.lines import line_of, written_lines
from lifesigns.dyes.base import DyeRule
from lifesigns.lints.base import LintRule
from lifesigns.model import CauseOdds, Diagnosis, Event, Finding, Location, Subject, Trace
from lifesigns.model.series import series
from lifesigns.rules import Rule, all_rules

RULES = {r.code: r for r in all_rules()}
CAUSE = "terminal-state-bootstrapped"
LINE = Location("train.py", 41, "target = rewards + gamma * next_q")


def run() -> Trace:
    """A run that does not learn."""
    env = Subject("env/0", "env", "CartPole-v1", info={"role": "train"})
    returns = np.random.default_rng(0).normal(20, 5, 90)
    watched = (series("env.episode_return", "env_step", returns, subject="env/0"),)
    return Trace({"script": "train.py"}, {"env/0": env, "run": Subject("run", "run", "run")}, watched)


def with_dye(trace: Trace, code: str) -> Trace:
    """What the first firing case of a dye's rule saw, without a line."""
    rule = RULES[code]
    assert isinstance(rule, DyeRule)
    case = next(iter(rule.fires_on())).trace
    events = tuple(replace(e, location=None) for e in case.events)
    return replace(trace, subjects={**trace.subjects, **case.subjects}, events=(*trace.events, *events))


def with_reading(trace: Trace, *codes: str, line: Location | None = LINE) -> Trace:
    """As if those static rules had fired, each one line further down."""
    found = [Event("lint", "run", {"looked": list(codes), "files": 1})]
    for number, code in enumerate(codes):
        assert isinstance(RULES[code], LintRule)
        at = replace(line, line=line.line + number) if line is not None else None
        found.append(Event("lint", "run", {"code": code, "message": "read", "severity": "warning"}, location=at))
    return replace(trace, events=(*trace.events, *found))


def odds(told: Diagnosis) -> CauseOdds:
    return next(c for c in told.causes if c.cause == CAUSE)


def test_the_two_strengthen_each_other() -> None:
    read, dyed = odds(diagnose(with_reading(run(), "L202"))), odds(diagnose(with_dye(run(), "Y501")))
    both = odds(diagnose(with_dye(with_reading(run(), "L202"), "Y501")))
    assert both.probability > max(read.probability, dyed.probability)
    assert {f.code for f in both.findings} >= {"L202", "Y501"}


def test_a_cause_has_the_line_that_was_read() -> None:
    assert odds(diagnose(with_dye(run(), "Y501"))).location is None
    assert odds(diagnose(with_dye(with_reading(run(), "L202"), "Y501"))).location == LINE


def test_a_proven_defect_without_a_line_borrows_it_and_says_so() -> None:
    alone = next(d for d in diagnose(with_dye(run(), "Y501")).defects if d.finding.code == "Y501")
    assert alone.finding.location is None
    told = diagnose(with_dye(with_reading(run(), "L202"), "Y501"))
    (defect,) = [d for d in told.defects if d.finding.code == "Y501"]
    assert defect.finding.location == LINE
    assert defect.finding.message == f"{alone.finding.message} (line read by L202)"
    assert defect.finding in odds(told).findings


def test_a_line_about_something_else_is_not_borrowed() -> None:
    told = diagnose(with_dye(with_reading(run(), "L310", "L703"), "Y501"))
    assert [d.finding.location for d in told.defects if d.finding.code == "Y501"] == [None]


def test_of_several_the_likeliest_rule_gives_the_line() -> None:
    told = diagnose(with_dye(with_reading(run(), "L203", "L202"), "Y501"))
    (defect,) = [d for d in told.defects if d.finding.code == "Y501"]
    likeliest = max(("L203", "L202"), key=lambda c: RULES[c].causes[CAUSE].probability)
    assert f"(line read by {likeliest})" in defect.finding.message


def test_a_line_of_its_own_is_kept() -> None:
    trace = with_dye(with_reading(run(), "L202"), "Y501")
    own = Location("agent.py", 7, "loss.backward()")
    moved = tuple(replace(e, location=own) if e.kind == "dye" else e for e in trace.events)
    told = diagnose(replace(trace, events=moved))
    found = {d.finding.location for d in told.defects if d.finding.code == "Y501"}
    assert found <= {own, LINE}


def test_the_line_of_a_cause_is_that_of_the_most_telling_finding() -> None:
    def found(code: str, line: int | None) -> tuple[Rule, Finding]:
        at = Location("train.py", line) if line is not None else None
        return RULES[code], Finding(code, "name", "message", "error", "run", location=at)

    made, dyed, read, other = found("D304", 3), found("Y301", 30), found("L311", 20), found("L310", 40)
    cause = "parameters-not-trained"
    assert line_of(cause, [made, dyed, read]) == read[1].location
    assert line_of(cause, [made, dyed]) == dyed[1].location
    assert line_of(cause, [made]) == made[1].location
    assert line_of(cause, [found("D304", None)]) is None
    assert line_of("gradient-path-broken", [made, dyed, other]) == dyed[1].location  # L310 is about another cause


def with_written(began: list[float], *written: tuple[str, float | None, str, int]) -> Trace:
    rates = series("optimizer.learning_rate", "update", began, subject="optimizer/0")
    events = [
        Event("written", "run", {"what": what, "value": v, "of": of}, location=Location("train.py", n))
        for what, v, of, n in written
    ]
    subjects = {
        "optimizer/0": Subject("optimizer/0", "optimizer", "Adam"),
        "env/0": Subject("env/0", "env", "env", info={"role": "train", "wrappers": ["TimeLimit", "Clock", "Cart"]}),
        "env/1": Subject("env/1", "env", "eval_env", info={"role": "eval", "wrappers": ["Looked", "Cart"]}),
    }
    return Trace({}, subjects, (rates,), tuple(events))


def test_a_learning_rate_is_shown_where_it_is_written() -> None:
    def line(began: list[float], *rates: tuple[float, int]) -> Location | None:
        found = written_lines(with_written(began, *(("learning_rate", v, "", n) for v, n in rates)))
        return found.get("learning_rate")

    place = Location("train.py", 26)
    assert line([0.25, 0.125], (0.25, 26), (0.001, 30)) == place
    assert line([0.1, 0.05], (0.25, 26)) is None  # given on the command line
    assert line([0.1, 0.1], (0.25, 26)) is None
    assert line([0.25, 0.125], (0.25, 26), (0.25, 30)) is None
    assert line([0.001, 0.1, 0.24, 0.2], (0.25, 26)) == place  # warmed up
    assert line([0.001, 0.1, 0.24, 0.2], (0.25, 26), (0.24, 30)) is None
    assert line([0.001, 0.6, 0.1], (0.25, 26)) is None


def test_what_is_written_stands_before_where_things_were_made() -> None:
    place = Location("train.py", 26)
    written = {"learning_rate": place, "observation": place}
    made = (RULES["D305"], Finding("D305", "name", "message", "error", "run", location=Location("train.py", 77)))
    read = (RULES["L311"], Finding("L311", "name", "message", "error", "run", location=Location("train.py", 78)))
    assert line_of("learning-rate-too-high", [made], written) == place
    assert line_of("learning-rate-too-high", [read, made], written) == place
    assert line_of("observation-scale", [made], written) == place
    assert line_of("reward-carries-no-signal", [made], written) == made[1].location
    assert line_of("learning-rate-too-high", [], written) is None


def test_a_wrapper_is_shown_if_it_is_one_of_the_training_environment_and_the_only_one() -> None:
    clock, other, looked = (("observation", None, of, n) for of, n in (("Clock", 7), ("Cart", 9), ("Looked", 11)))
    strange = ("observation", None, "NotUsed", 13)
    assert written_lines(with_written([0.1], clock, looked, strange)) == {"observation": Location("train.py", 7)}
    assert written_lines(with_written([0.1], clock, other)) == {}
    assert written_lines(with_written([0.1], looked)) == {}


def test_without_reading_nothing_changes() -> None:
    plain = diagnose(with_dye(run(), "Y501"))
    assert not [f for f in plain.findings if "line read by" in f.message]
