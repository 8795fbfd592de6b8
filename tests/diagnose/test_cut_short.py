"""Rules that ask about the whole of a run, where it was ended from outside."""

import numpy as np
import pytest

from lifesigns.detectors.compute.learning_starts_late import LearningStartsLate
from lifesigns.model import Trace
from lifesigns.rules import case, run_rule


@pytest.mark.parametrize(("ended", "severity"), [("stopped early", "note"), ("finished", "warning")])
def test_a_late_start_is_no_warning_where_the_budget_ended_the_run(ended, severity):
    at = np.arange(21.0)
    made = case("late", {"run.updates": (at, np.maximum(at - 18, 0) * 100), "run.env_steps": (at, at * 1000)}).trace
    trace = Trace({"ended": ended}, made.subjects, made.series, made.events)
    (found,) = run_rule(LearningStartsLate(), trace).findings
    assert found.severity == severity
    assert ("cut short" in found.message) == (severity == "note")
