"""The nouns: series, subjects, traces, findings, diagnoses. Frozen, numpy only, no I/O.

Names are loaded when they are asked for: the recorder needs the catalogue alone, in the user's process.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
_HOME = {
    **dict.fromkeys(("CauseOdds", "Defect", "Diagnosis", "Outcome"), "diagnosis"),
    **dict.fromkeys(("Evidence", "Finding", "Location", "Severity", "Verdict"), "finding"),
    **dict.fromkeys(("PlacedRung", "Placing"), "placing"),
    **dict.fromkeys(("CLOCKS", "Series"), "series"),
    **dict.fromkeys(("Event", "Subject", "Trace"), "trace"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(name)
    found = globals()[name] = getattr(import_module(f".{_HOME[name]}", __name__), name)
    return found
