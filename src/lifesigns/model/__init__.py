"""The nouns: series, subjects, traces, findings, diagnoses. Frozen, numpy only, no I/O."""

from lifesigns.model.diagnosis import CauseOdds, Defect, Diagnosis, Outcome
from lifesigns.model.finding import Evidence, Finding, Location, Severity, Verdict
from lifesigns.model.series import CLOCKS, Series
from lifesigns.model.trace import Event, Subject, Trace

__all__ = [
    "CLOCKS",
    "CauseOdds",
    "Defect",
    "Diagnosis",
    "Event",
    "Evidence",
    "Finding",
    "Location",
    "Outcome",
    "Series",
    "Severity",
    "Subject",
    "Trace",
    "Verdict",
]
