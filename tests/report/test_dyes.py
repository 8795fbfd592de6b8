"""One line a dye: of whole facts, of parts of them, of none; text of the run's is cleaned."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pytest
from rich.console import Console

from lifesigns.dyes.base import DyeRule
from lifesigns.model import Event, Subject, Trace
from lifesigns.paired import tracing
from lifesigns.report.dyes import ANSWERS, PLANTED, dye_rows
from lifesigns.report.terminal import render
from lifesigns.rules import all_rules

READ = sorted({name for name, _ in (*tracing.RL_READERS, *tracing.SUPERVISED_READERS, *tracing.COMMON_READERS)})
DYES = ["reproducible", "seeds", *READ]
CASES = [
    (rule, case) for rule in all_rules() if isinstance(rule, DyeRule) for case in (*rule.fires_on(), *rule.quiet_on())
]


def trace(dye: str, facts: Mapping[str, Any]) -> Trace:
    """A run with one dye."""
    return Trace({"script": "train.py"}, {"dye/0": Subject("dye/0", "dye", dye)}, (), (Event("dye", "dye/0", facts),))


def answer(dye: str, **facts: Any) -> str:
    (row,) = dye_rows(trace(dye, facts))
    assert not row.blind
    return row.answer


def test_every_dye_says_what_was_planted() -> None:
    assert set(PLANTED) == set(DYES)
    assert set(ANSWERS) <= set(DYES)


@pytest.mark.parametrize(("rule", "case"), CASES, ids=lambda x: getattr(x, "code", getattr(x, "name", "")))
def test_whole_and_partial_facts_have_a_sentence(rule: DyeRule, case: Any) -> None:
    for event in case.trace.events:
        if event.kind != "dye":
            continue
        for gone in (None, *event.data):
            facts = {k: v for k, v in event.data.items() if k != gone}
            (row,) = dye_rows(trace(rule.dye, facts))
            assert row.planted == PLANTED[rule.dye]
            assert row.answer.strip() or rule.dye in ("reward-sign", "seeds", "unreached-parameters")
            assert "\n" not in row.answer


@pytest.mark.parametrize("dye", DYES)
@pytest.mark.parametrize("facts", [{}, {"gradients": "many"}, {"blind": ""}])
def test_hardly_any_facts_never_raise(dye: str, facts: Mapping[str, Any]) -> None:
    (row,) = dye_rows(trace(dye, facts))
    assert not row.blind


@pytest.mark.parametrize("dye", DYES)
def test_a_blind_dye_gives_its_reason(dye: str) -> None:
    (row,) = dye_rows(trace(dye, {"blind": "there was \x1b[31mno place\x07"}))
    assert row.blind
    assert row.answer == "there was \N{REPLACEMENT CHARACTER}[31mno place\N{REPLACEMENT CHARACTER}"


def test_numbers_read_off_are_shown_with_those_that_were_set() -> None:
    settings = {"gamma": [["gamma", 0.99]], "lambda": [["gae_lambda", 0.95]], "n_step": [["n_step", 3]]}
    shown = answer("discounting", decay=0.9405, gamma=0.99, responses=20, settings=settings)
    assert shown == "γ = 0.99 (set: 0.99), λ = 0.95 (set: 0.95)"
    assert answer("discounting", bootstrap_weight=0.99**3, responses=3, settings=settings) == (
        "γ = 0.99 (set: 0.99), n = 3 (set: 3)"
    )
    assert answer("discounting", responses=1) == "1 response"
    assert answer("reproducible", same=True, records=1234) == "bit for bit the same (1,234 records)"
    assert answer("reproducible", same=False) == "the two runs differ"
    assert answer("reward", gradients=32, gradients_touched=0) == "none of 32 gradients changed"
    assert answer("reward", gradients=32, gradients_touched=4, largest_effect=0.25) == (
        "4 of 32 gradients changed, by 0.25 of their size at most"
    )
    assert answer("reward", gradients=2, gradients_touched=2, largest_effect=float("nan")) == "2 of 2 gradients changed"
    assert answer("reward-pairing", right=3, shifted=1, other_environment=0) == (
        "3 of 4 stand beside their own observation"
    )


HOSTILE = "evil\x1b]0;title\x07\u202egnp.exe"


@pytest.mark.parametrize(
    ("dye", "facts"),
    [
        ("reward-sign", {"pulls": {HOSTILE: 1.0}, "actor": {"critic": HOSTILE, "sign": -1.0}}),
        ("unreached-parameters", {"optimizers": {HOSTILE: {"never": [0]}}}),
        ("network-rows", {"recalls": [{"network": HOSTILE, "other_rows": 3}]}),
        ("reward", {"blind": HOSTILE}),
    ],
)
def test_text_of_the_runs_is_cleaned(dye: str, facts: Mapping[str, Any]) -> None:
    (row,) = dye_rows(trace(dye, facts))
    assert "evil" in row.answer
    assert not set(row.answer) & set("\x1b\x07\u202e")


def test_text_of_the_runs_is_no_markup_in_the_terminal(told: Any) -> None:
    out = io.StringIO()
    hostile = "[bold]x[/bold][link=http://evil]y"
    facts = {"recalls": [{"network": hostile, "other_rows": 3}]}
    render(told.diagnosis, trace("network-rows", facts), Console(file=out, width=200))
    assert hostile in out.getvalue()


def test_only_dyes_have_rows() -> None:
    assert dye_rows(Trace({})) == []
    events = (Event("dye", "env/0", {}), Event("dye", "gone", {}))
    other = Trace({}, {"env/0": Subject("env/0", "env", "x")}, (), events)
    assert dye_rows(other) == []
