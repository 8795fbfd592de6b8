"""Rules in preview are evaluated and weigh nothing; the three states of the return."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from rich.console import Console

from lifesigns.diagnose import diagnose
from lifesigns.diagnose.coverage import against_random
from lifesigns.model import Finding, Trace, Verdict
from lifesigns.report.json_report import to_json
from lifesigns.report.terminal import render
from lifesigns.rules import Case, Likelihood, Rule, View, case


class Always(Rule):
    """Fires on everything."""

    code = "D999"
    name = "always-fires"
    subject_folder = "gradient"
    since = "0"
    reads = {"loss.value": 1}
    causes = {"learning-rate-too-high": Likelihood(0.99, source="test")}
    false_alarm = Likelihood(0.001, source="test")

    def check(self, view: View) -> Iterable[Finding]:
        yield self.finding(view, "always fires", "warning")

    def fires_on(self) -> Iterable[Case]:
        return ()

    def quiet_on(self) -> Iterable[Case]:
        return ()

    per = "loss"


class Quiet(Always):
    """The same in preview."""

    status = "preview"


def _losses() -> Trace:
    return case("losses", {"loss.value": np.linspace(2, 1, 60)}).trace


def test_a_rule_in_preview_weighs_nothing_and_is_no_finding() -> None:
    loud, quiet = diagnose(_losses(), [Always()]), diagnose(_losses(), [Quiet()])
    assert loud.causes[0].cause == "learning-rate-too-high"
    assert quiet.causes[0].cause != "learning-rate-too-high"
    assert loud.findings
    assert not quiet.findings
    assert quiet.coverage["checks"] == 0
    assert [v.status for v in quiet.preview] == ["fired"]
    assert to_json(quiet, _losses())["preview"][0]["findings"]


@pytest.mark.parametrize("asked", [True, False])
def test_it_is_printed_on_request_alone(asked: bool) -> None:
    console = Console(width=80, record=True, file=None, quiet=False)
    with console.capture() as shown:
        render(diagnose(_losses(), [Quiet()]), _losses(), console, preview=asked)
    assert ("always fires" in shown.get()) is asked


@pytest.mark.parametrize(
    ("within", "below", "state"),
    [
        ("clear", "clear", "above random"),
        ("fired", "clear", "indistinguishable from random"),
        ("clear", "fired", "worse than random"),
        ("blind", "blind", "not measured"),
    ],
)
def test_three_states_of_the_return_and_not_measured(within: str, below: str, state: str) -> None:
    verdicts = [
        Verdict("D104", "return-within-random-band", within),  # type: ignore[arg-type]
        Verdict("D105", "return-below-random", below),  # type: ignore[arg-type]
    ]
    assert against_random(verdicts) == state
    assert against_random([]) == "not measured"
