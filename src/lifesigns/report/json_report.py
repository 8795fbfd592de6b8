"""The diagnosis as strict JSON: NaN and the infinities are the strings "nan", "inf" and "-inf"."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from importlib.resources import files
from numbers import Integral, Real
from typing import Any, cast

from lifesigns.model import CauseOdds, Diagnosis, Evidence, Finding, Location, Outcome, Trace, Verdict
from lifesigns.report import placing


def to_json(diagnosis: Diagnosis, trace: Trace) -> dict[str, Any]:
    """The whole answer as a dict for `json.dumps(..., allow_nan=False)`; see `diagnosis.schema.json`."""
    return {
        "schema": diagnosis.schema,
        "run": diagnosis.run,
        "meta": _plain(trace.meta),
        "outcome": _outcome(diagnosis.outcome),
        "defects": [{"cause": d.cause, "finding": _finding(d.finding)} for d in diagnosis.defects],
        "causes": [_cause(c) for c in diagnosis.causes],
        "verdicts": [_verdict(v) for v in diagnosis.verdicts],
        "preview": [_verdict(v) for v in diagnosis.preview],
        "outlook": diagnosis.outlook,
        "placing": placing.to_json(diagnosis.placing),
        "coverage": _plain(diagnosis.coverage),
        "subjects": {
            s.id: {"kind": s.kind, "name": s.name, "location": _location(s.location)} for s in trace.subjects.values()
        },
    }


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of what `to_json` returns."""
    return json.loads(files("lifesigns.report").joinpath("diagnosis.schema.json").read_text("utf-8"))


def _number(value: float | None) -> float | int | str | None:
    if value is None or isinstance(value, int):
        return value
    if math.isfinite(value):
        return float(value)
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def _plain(value: Any) -> Any:
    """JSON types only; what has none is said by its text."""
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return _number(float(value))
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in cast("list[Any]", value)]
    return str(value)


def _location(one: Location | None) -> dict[str, Any] | None:
    return {"file": one.file, "line": one.line, "text": one.text} if one else None


def _outcome(one: Outcome) -> dict[str, Any]:
    return {
        "learning": one.learning,
        "sentence": one.sentence,
        "measure": one.measure,
        "from_value": _number(one.from_value),
        "to_value": _number(one.to_value),
    }


def _evidence(one: Evidence) -> dict[str, Any]:
    return {
        "series": one.series,
        "subject": one.subject,
        "column": one.column,
        "value": _number(one.value),
        "limit": _number(one.limit),
        "unit": one.unit,
        "clock": one.clock,
        "step": _number(one.step),
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "code": one.code,
        "rule": one.rule,
        "message": one.message,
        "severity": one.severity,
        "subject": one.subject,
        "exact": one.exact,
        "location": _location(one.location),
        "evidence": [_evidence(e) for e in one.evidence],
    }


def _cause(one: CauseOdds) -> dict[str, Any]:
    return {
        "cause": one.cause,
        "kind": one.kind,
        "title": one.title,
        "probability": _number(one.probability),
        "words": one.words,
        "range": list(one.range),
        "location": _location(one.location),
        "findings": [_finding(f) for f in one.findings],
        "remedy": one.remedy,
        "next_test": one.next_test,
        "basis": one.basis,
    }


def _verdict(one: Verdict) -> dict[str, Any]:
    return {
        "code": one.code,
        "rule": one.rule,
        "status": one.status,
        "reason": one.reason,
        "missing": list(one.missing),
        "checked": one.checked,
        "findings": [_finding(f) for f in one.findings],
    }
