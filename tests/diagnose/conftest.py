"""Fake rules: likelihoods and a verdict, nothing to compute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pytest

from lifesigns.model import Finding, Verdict
from lifesigns.rules import Case, Likelihood, Rule, View

MakeRule = Callable[..., Rule]


@pytest.fixture
def make_rule() -> MakeRule:
    """A factory of rules that fire with the findings given, or are clear."""

    def make(
        code: str,
        causes: Mapping[str, float],
        false_alarm: float = 0.02,
        folder: str = "policy",
        findings: Iterable[Finding] = (),
        basis: str = "assumed",
        error: Exception | None = None,
    ) -> Rule:
        class Fake(Rule):
            def check(self, view: View) -> Iterable[Finding]:
                if error:
                    raise error
                return tuple(findings)

            def fires_on(self) -> Iterable[Case]:
                return ()

            def quiet_on(self) -> Iterable[Case]:
                return ()

            name = f"fake-{code.lower()}"
            subject_folder = folder

        Fake.code, Fake.since, Fake.reads = code, "0.1", {}
        Fake.causes = {cause: Likelihood(p, basis) for cause, p in causes.items()}
        Fake.false_alarm = Likelihood(false_alarm, basis)
        return Fake()

    return make


@pytest.fixture
def verdict() -> Callable[..., Verdict]:
    """A factory of verdicts."""

    def make(rule: Rule, status: str, severity: str = "warning", exact: bool = False) -> Verdict:
        found = (Finding(rule.code, rule.name, "measured", severity, "run", exact=exact),)  # type: ignore[arg-type]
        return Verdict(rule.code, rule.name, status, found if status == "fired" else ())  # type: ignore[arg-type]

    return make
