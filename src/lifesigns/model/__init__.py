"""The nouns: series, subjects, traces, findings, diagnoses. Frozen, numpy only, no I/O."""

from .diagnosis import CauseOdds, Defect, Diagnosis, Outcome
from .finding import Evidence, Finding, Location, Severity, Verdict
from .placing import PlacedRung, Placing
from .series import CLOCKS, Series
from .trace import Event, Subject, Trace

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
    "PlacedRung",
    "Placing",
    "Series",
    "Severity",
    "Subject",
    "Trace",
    "Verdict",
]
