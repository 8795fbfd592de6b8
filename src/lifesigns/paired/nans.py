"""The reading of where the first value comes from that is not a number: a run of its own, asked for where one was seen.

Flows in: the undyed run's log. Flows out: facts of the dye `not-a-number`. Only `tracing` imports it.
"""

from __future__ import annotations

import numpy as np

from lifesigns.paired.experiments import Blind, Facts, Lab
from lifesigns.paired.runlog import RunLog

LOOKED_AT = ("loss", "grad", "step", "call", "outgrad", "action")


def origin(lab: Lab, facts: Facts) -> None:
    """The operation that gave the first NaN, and its line, if a loss, gradient, network output or action of the undyed
    run holds one, or the script ended with an exception that speaks of one."""
    log = lab.log("natural")
    facts.data.update(updates=int(log.about["updates"]), seen=_seen(log))
    if not facts.data["seen"]:
        return
    lab.ask("not-a-number", not_a_number=True)
    found = lab.log("not-a-number").notes.get("not_a_number")
    if not found:
        raise Blind("a value is not a number early in the run, and no operation that was watched gave it")
    facts.data["found"] = {k: v for k, v in found.items() if k not in ("file", "line")}
    if found.get("file"):
        facts.data["line"] = {"file": found["file"], "line": found["line"]}


def _seen(log: RunLog) -> bool:
    if log.about["why"] == "exception" and "nan" in str(log.about["error"]).lower():
        return True
    for i in log.of_kind(*LOOKED_AT).tolist():
        value = log.value(i)
        if value is not None and value.dtype.kind == "f" and bool(np.isnan(value).any()):
            return True
    return False
