"""Static findings as JSON, and as annotations of GitHub's workflow log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

from lifesigns.lints.read import FileReport, Hit
from lifesigns.report.lint_terminal import summary

SCHEMA = 1


def to_json(reports: Sequence[FileReport]) -> dict[str, Any]:
    """`findings`, those ignored by comments with the reason given, and what was not read."""
    return {
        "schema": SCHEMA,
        "findings": [finding(h) for r in reports for h in r.hits],
        "ignored": [{**finding(h), "reason": h.reason or ""} for r in reports for h in r.ignored],
        "unused_ignores": [
            {"file": i.path, "cell": i.cell, "line": i.line, "codes": list(i.codes)} for r in reports for i in r.unused
        ],
        "unread": [
            {"file": u.path, "cell": u.cell, "line": u.line, "column": u.column, "reason": u.reason}
            for r in reports
            if (u := r.unread) is not None
        ],
        "crashed": [{"file": r.path, "code": code, "trace": t} for r in reports for code, t in r.crashed],
        "files": {
            "read": sum(not r.skipped and r.unread is None for r in reports),
            "skipped": sum(r.skipped for r in reports),
            "lines": sum(r.lines for r in reports),
        },
        "summary": summary(reports),
    }


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of what `to_json` returns."""
    return json.loads(files("lifesigns.report").joinpath("lint.schema.json").read_text("utf-8"))


def finding(hit: Hit) -> dict[str, Any]:
    """One finding; `cell` is 0 outside notebooks, columns count from 1."""
    one = hit.finding
    at = one.location
    assert at is not None
    return {
        "code": one.code,
        "rule": one.rule,
        "severity": one.severity,
        "message": one.message,
        "file": at.file,
        "cell": hit.cell,
        "line": at.line,
        "column": hit.column,
        "end_line": hit.end_line,
        "end_column": hit.end_column,
        "text": at.text.strip(),
    }


def github_lines(reports: Sequence[FileReport]) -> Iterator[str]:
    """`::error file=...,line=...::message` for each finding, rule that failed and file that was not read."""
    level = {"error": "error", "warning": "warning", "note": "notice"}
    for report in reports:
        for hit in report.hits:
            one, at = hit.finding, hit.finding.location
            assert at is not None
            where = f"file={_property(at.file)},line={at.line},col={hit.column},endLine={hit.end_line}"
            cell = f"cell {hit.cell}: " if hit.cell else ""
            title = _property(f"{one.code} {one.rule}")
            yield f"::{level[one.severity]} {where},title={title}::{_data(cell + one.message)}"
        if report.unread is not None:
            u = report.unread
            cell = f"cell {u.cell}: " if u.cell else ""
            yield f"::error file={_property(u.path)},line={u.line},title=L000 not read::{_data(cell + u.reason)}"
        for code, trace in report.crashed:
            said = _data(f"rule {code} failed on this file: {trace.strip().splitlines()[-1]}")
            yield f"::error file={_property(report.path)},line=1,title=L002 rule failed::{said}"
        for one in report.unused:
            yield f"::notice file={_property(one.path)},line={one.line},title=L001 unused ignore::ignores nothing here"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
