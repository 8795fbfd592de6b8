"""Which line of logging would open most blind checks, counted on rules of a known kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from lifesigns.diagnose.openers import openers
from lifesigns.model import Finding, Trace, Verdict
from lifesigns.model.roles import ROLES
from lifesigns.model.series import series
from lifesigns.report.imported import LINES, logging_line
from lifesigns.rules import Case, Rule, View


def rule(code: str, reads: Mapping[str, int], across: Mapping[str, int] | None = None) -> Rule:
    """A rule that reads these series."""

    class Made(Rule):
        causes: Mapping[str, Any] = {}

        def check(self, view: View) -> Iterable[Finding]:
            return ()

        def fires_on(self) -> Iterable[Case]:
            return ()

        def quiet_on(self) -> Iterable[Case]:
            return ()

    made = Made()
    made.code, made.reads, made.across = code, reads, across or {}  # type: ignore[misc]
    return made


RULES = [
    rule("D1", {"learner.kl": 5}),
    rule("D2", {"learner.kl": 5, "env.mean_return": 5}),
    rule("D3", {"learner.explained_variance": 5}),
    rule("D4", {"learner.clip_fraction": 5, "learner.entropy": 5}),
    rule("D5", {"optimizer.update_norm": 5}),
    rule("D6", {"learner.q_value": 5}),
    rule("D7", {}, {"gradient.total_norm": 1, "optimizer.gradient_norm": 1}),
]
BLIND = [Verdict(r.code, r.code, "blind") for r in RULES]


def trace(*names: str) -> Trace:
    return Trace({}, {}, tuple(series(n, "env_step", [1.0, 2.0]) for n in names))


def test_counts_the_checks_that_a_quantity_opens_alone() -> None:
    found, closed = openers(trace("env.mean_return", "learner.entropy"), RULES, BLIND)
    assert [(o.role, o.codes) for o in found] == [
        ("kl", ("D1", "D2")),
        ("clip_fraction", ("D4",)),
        ("explained_variance", ("D3",)),
        ("q_value", ("D6",)),
        ("gradient_norm", ("D7",)),
    ]
    assert closed == ["D5"], "what the recorder alone measures is opened by no line"


def test_what_an_algorithm_has_not_is_not_asked_for() -> None:
    found, _ = openers(trace("env.mean_return", "learner.q_value"), RULES, BLIND)
    assert {o.role for o in found} == {"gradient_norm"}
    found, _ = openers(trace("env.mean_return", "learner.kl"), RULES, BLIND)
    assert "q_value" not in {o.role for o in found}
    found, _ = openers(trace("loss.value"), RULES, BLIND)
    assert {o.role for o in found} == {"gradient_norm"}, "without an environment nothing of RL is asked for"


def test_checks_that_could_look_count_for_nothing() -> None:
    looked = [Verdict(r.code, r.code, "clear") for r in RULES]
    assert openers(trace("env.mean_return"), RULES, looked) == ([], [])


@pytest.mark.parametrize("logger", sorted(LINES))
def test_the_line_is_one_of_the_users_logger(logger: str) -> None:
    for role in ROLES:
        line = logging_line(logger, role)
        assert role in line
        assert "\n" not in line
    if logger not in ("csv", "jsonl"):
        compile(logging_line(logger, "kl"), "line", "exec")
