"""Static findings as SARIF 2.1.0 (OASIS, 2020): one run, rules with their pages, suppressions from comments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lifesigns.lints.base import LintRule
from lifesigns.lints.read import FileReport, Hit
from lifesigns.rules.page import markdown, sections, summary

VERSION = "2.1.0"
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def to_sarif(reports: Sequence[FileReport], rules: Sequence[LintRule], version: str) -> dict[str, Any]:
    """The log. Rules that fired come with their pages; files that were not read are notifications."""
    hits = [h for r in reports for h in (*r.hits, *r.ignored)]
    fired = {h.finding.code for h in hits}
    named = [r for r in rules if r.code in fired]
    index = {r.code: i for i, r in enumerate(named)}
    failed = any(r.unread is not None or r.crashed for r in reports)
    return {
        "$schema": SCHEMA,
        "version": VERSION,
        "runs": [
            {
                "tool": {
                    "driver": {"name": "lifesigns", "version": version, "rules": [_rule(r) for r in named]},
                },
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {"executionSuccessful": not failed, "toolExecutionNotifications": _notifications(reports)}
                ],
                "results": [_result(h, index) for h in hits],
            }
        ],
    }


def _rule(rule: LintRule) -> dict[str, Any]:
    page = sections(rule)
    return {
        "id": rule.code,
        "name": "".join(w.capitalize() for w in rule.name.split("-")),
        "shortDescription": {"text": summary(rule)},
        "fullDescription": {"text": page["What it detects"]},
        "help": {"text": page["What to do"], "markdown": markdown(rule)},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"tags": [rule.subject_folder]},
    }


def _result(hit: Hit, index: dict[str, int]) -> dict[str, Any]:
    one, at = hit.finding, hit.finding.location
    assert at is not None
    region: dict[str, Any] = {"startLine": at.line, "startColumn": hit.column, "endLine": max(hit.end_line, at.line)}
    if hit.end_line > at.line or hit.end_column > hit.column:
        region["endColumn"] = max(hit.end_column, 1)
    if at.text:
        region["snippet"] = {"text": at.text}
    found: dict[str, Any] = {
        "ruleId": one.code,
        "level": one.severity,
        "message": {"text": one.message},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri(at.file)}, "region": region}}],
    }
    if one.code in index:
        found["ruleIndex"] = index[one.code]
    if hit.cell:
        found["properties"] = {"cell": hit.cell}
        found["message"] = {"text": f"cell {hit.cell}: {one.message}"}
    if hit.reason is not None:
        found["suppressions"] = [{"kind": "inSource", **({"justification": hit.reason} if hit.reason else {})}]
    return found


def _notifications(reports: Sequence[FileReport]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for report in reports:
        if (u := report.unread) is not None:
            region = {"startLine": max(u.line, 1), "startColumn": max(u.column, 1)}
            where = {"physicalLocation": {"artifactLocation": {"uri": uri(u.path)}, "region": region}}
            text = f"cell {u.cell}: {u.reason}" if u.cell else u.reason
            found.append({"level": "error", "message": {"text": text}, "locations": [where]})
        for code, trace in report.crashed:
            text = f"rule {code} failed: {trace.strip().splitlines()[-1]}"
            where = {"physicalLocation": {"artifactLocation": {"uri": uri(report.path)}}}
            found.append({"level": "error", "message": {"text": text}, "locations": [where]})
    return found


def uri(path: str) -> str:
    """A relative reference, or a file URI for an absolute path (RFC 3986)."""
    pure = Path(path)
    return pure.as_uri() if pure.is_absolute() else quote(pure.as_posix())
