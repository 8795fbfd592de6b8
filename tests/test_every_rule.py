"""The contract that every rule keeps, generated from its own cases."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifesigns.model import Series, Subject, Trace
from lifesigns.model.catalogue import SERIES, is_known
from lifesigns.model.series import series
from lifesigns.rules import Case, Rule, all_rules, run_rule
from lifesigns.rules.page import HEADINGS, markdown, sections, summary

RULES = all_rules()
FOLDERS = {
    "policy": "1",
    "value": "2",
    "gradient": "3",
    "reward": "4",
    "env": "5",
    "data": "6",
    "seed": "7",
    "compute": "8",
}
LETTERS = {"detectors": "D", "lints": "L", "dyes": "Y", "probes": "P"}
MOST_LINES = 400

every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda r: f"{r.code}-{r.name}")
FIRING = [pytest.param(r, c, id=f"{r.code}-{c.name}") for r in RULES for c in r.fires_on()]
QUIET = [pytest.param(r, c, id=f"{r.code}-{c.name}") for r in RULES for c in r.quiet_on()]
READS = [pytest.param(r, name, id=f"{r.code}-{name}") for r in RULES for name in r.reads]


def declared(rule: Rule) -> set[str]:
    """Names and prefixes of all the series that a rule may see."""
    return {*rule.reads, *rule.may_read, *rule.across}


def without(trace: Trace, *names: str) -> Trace:
    return replace(trace, series=tuple(s for s in trace.series if s.name not in names))


def first_with(rule: Rule, name: str) -> Case:
    """The first firing case that has the series; every one that a rule reads is in each of its cases."""
    return next(c for c in rule.fires_on() if c.trace.named(name))


def test_rules_are_found() -> None:
    assert len(RULES) >= 20


@every_rule
def test_page_has_a_summary_and_the_six_headings(rule: Rule) -> None:
    parts = sections(rule)
    assert tuple(parts) == HEADINGS
    assert all(len(text) > 20 for text in parts.values())
    assert 20 < len(summary(rule)) < 200
    assert rule.code in markdown(rule)


@every_rule
def test_code_says_kind_and_folder(rule: Rule) -> None:
    kind = type(rule).__module__.split(".")[1]
    assert rule.code[0] == LETTERS[kind]
    assert rule.code[1] == FOLDERS[rule.subject_folder]
    assert len(rule.code) == 4
    assert rule.code[1:].isdigit()


def test_codes_and_names_are_unique() -> None:
    assert len({r.code for r in RULES}) == len({r.name for r in RULES}) == len(RULES)


@every_rule
def test_file_is_short_and_starts_with_a_sentence(rule: Rule) -> None:
    text = Path(inspect.getfile(type(rule))).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert text.startswith(f'"""Rule {rule.code}: ')
    assert text.split("\n", 1)[0].endswith('."""')


@every_rule
def test_series_that_it_declares_are_in_the_catalogue(rule: Rule) -> None:
    assert rule.reads or rule.across or rule.needs_events
    assert all(is_known(name) for name in declared(rule) if not name.endswith("*"))
    assert all(points >= 1 for points in (*rule.reads.values(), *rule.may_read.values(), *rule.across.values()))


@every_rule
def test_odds_are_probabilities_with_a_source(rule: Rule) -> None:
    assert [c for c in rule.causes if c != "any fault"]
    for odds in (*rule.causes.values(), rule.false_alarm):
        assert 0.0 <= odds.probability <= 1.0
        assert odds.basis in ("assumed", "measured")
        assert odds.source
    assert rule.false_alarm.probability <= max(p.probability for p in rule.causes.values())


@every_rule
def test_it_brings_enough_cases(rule: Rule) -> None:
    assert len(list(rule.fires_on())) >= 2
    assert len(list(rule.quiet_on())) >= 3


@pytest.mark.parametrize(("rule", "one"), FIRING)
def test_it_fires_on_its_cases(rule: Rule, one: Case) -> None:
    verdict = run_rule(rule, one.trace)
    assert verdict.status == "fired", verdict
    for found in verdict.findings:
        assert (found.code, found.rule) == (rule.code, rule.name)
        assert found.subject in one.trace.subjects
        assert found.message
        assert found.evidence or rule.code[0] == "L"
        assert found.severity != "error" or found.exact or rule.code == "D305"
        assert not found.exact or found.severity == "error"


@pytest.mark.parametrize(("rule", "one"), QUIET)
def test_it_is_clear_on_near_misses(rule: Rule, one: Case) -> None:
    verdict = run_rule(rule, one.trace)
    assert verdict.status == "clear", verdict


@pytest.mark.parametrize(("rule", "name"), READS)
def test_without_a_series_that_it_reads_it_is_blind_and_names_it(rule: Rule, name: str) -> None:
    verdict = run_rule(rule, without(first_with(rule, name).trace, name))
    assert verdict.status == "blind", verdict
    assert name in verdict.missing
    assert name in verdict.reason


@pytest.mark.parametrize(("rule", "name"), READS)
def test_with_a_series_cut_short_it_is_blind_and_names_it(rule: Rule, name: str) -> None:
    trace = first_with(rule, name).trace
    short = tuple(s.head(rule.reads[name] - 1) if s.name == name else s for s in trace.series)
    verdict = run_rule(rule, replace(trace, series=short))
    assert verdict.status == "blind", verdict
    assert name in verdict.missing


@every_rule
def test_with_nothing_recorded_it_is_blind_and_says_why(rule: Rule) -> None:
    verdict = run_rule(rule, Trace())
    assert verdict.status == "blind", verdict
    assert verdict.reason


@pytest.mark.parametrize(("rule", "one"), FIRING + QUIET)
def test_series_that_it_only_may_use_can_be_missing(rule: Rule, one: Case) -> None:
    optional = {*rule.may_read, *rule.across}
    for name in optional & {s.name for s in one.trace.series}:
        assert run_rule(rule, without(one.trace, name)).status in ("fired", "clear", "blind")
    verdict = run_rule(rule, without(one.trace, *optional))
    assert verdict.status in ("fired", "clear", "blind"), verdict


@pytest.mark.parametrize(("rule", "one"), FIRING + QUIET)
def test_renumbered_steps_leave_the_verdict_as_it_is(rule: Rule, one: Case) -> None:
    renumbered = tuple(replace(s, x=s.x * 3.0 + 1000.0) for s in one.trace.series)
    before, after = run_rule(rule, one.trace), run_rule(rule, replace(one.trace, series=renumbered))
    assert after.status == before.status
    assert [f.subject for f in after.findings] == [f.subject for f in before.findings]


@pytest.mark.parametrize(("rule", "one"), FIRING + QUIET)
def test_undeclared_series_leave_the_verdict_as_it_is(rule: Rule, one: Case) -> None:
    rng = np.random.default_rng(0)
    have = {(s.name, s.subject) for s in one.trace.series}
    noise = [
        _noise(rng, name, s.id)
        for name, entry in SERIES.items()
        for s in one.trace.subjects.values()
        if s.kind == entry.kind and name not in declared(rule) and (name, s.id) not in have
    ]
    assert repr(run_rule(rule, one.trace.with_series(noise))) == repr(run_rule(rule, one.trace))


def _noise(rng: np.random.Generator, name: str, subject: str) -> Series:
    entry = SERIES[name]
    return series(name, entry.clock, rng.normal(size=(60, 2) if entry.wide else 60), subject=subject)


NUMBERS = st.one_of(st.floats(), st.sampled_from([0.0, 1.0, -0.0, 1e308, -1e308]))


@st.composite
def wild(draw: st.DrawFn, rule: Rule) -> Trace:
    """A trace with every series that the rule declares, of any length and any values."""
    subjects = {"run": Subject("run", "run", "run")}
    built = []
    for name in sorted(declared(rule) & SERIES.keys()):
        entry = SERIES[name]
        subject = "run" if entry.kind == "run" else f"{entry.kind}/0"
        subjects[subject] = Subject(subject, entry.kind, entry.kind, info=draw(st.sampled_from(INFO)))
        points, width = draw(st.integers(0, 70)), draw(st.integers(1, 3)) if entry.wide else 0
        pool = draw(st.lists(NUMBERS, min_size=1, max_size=6))
        seed = draw(st.integers(0, 5))
        y = np.random.default_rng(seed).choice(pool, size=(points, width) if entry.wide else points)
        built.append(series(name, entry.clock, y, subject=subject))
    return Trace({}, subjects, tuple(built))


INFO = [
    {},
    {"max_episode_steps": 500, "aliased": True, "actions": 2},
    {"max_episode_steps": None, "copy": "network/0", "actions": None},
]


@every_rule
@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=st.data())
def test_noise_never_crashes_it(rule: Rule, data: st.DataObject) -> None:
    verdict = run_rule(rule, data.draw(wild(rule)))
    assert verdict.status != "crashed", verdict.reason


ODD = [None, True, -1, 0, 2, 1e9, float("nan"), float("inf"), "", "text", [], [None], [[1, 2], [3]], {}, {"": None}]
OF_EVENTS = [p for p in FIRING + QUIET if p.values[1].trace.events]


@pytest.mark.parametrize(("rule", "one"), OF_EVENTS)
def test_facts_that_are_missing_or_odd_never_crash_it(rule: Rule, one: Case) -> None:
    """Each fact of each event left out, and replaced by values of other kinds, at both levels."""
    for number, event in enumerate(one.trace.events):
        for data in _odd(event.data):
            events = list(one.trace.events)
            events[number] = replace(event, data=data)
            verdict = run_rule(rule, replace(one.trace, events=tuple(events)))
            assert verdict.status != "crashed", (data, verdict.reason)


def _odd(data: Mapping[str, Any], depth: int = 2) -> Iterator[dict[str, Any]]:
    for key, value in data.items():
        yield {k: v for k, v in data.items() if k != key}
        yield from ({**data, key: odd} for odd in ODD)
        if depth and isinstance(value, dict):
            yield from ({**data, key: inner} for inner in _odd(value, depth - 1))
        if depth and isinstance(value, list):
            for i, item in enumerate(value[:2]):
                inner = _odd(item, depth - 1) if isinstance(item, dict) else ODD
                yield from ({**data, key: [*value[:i], changed, *value[i + 1 :]]} for changed in inner)
