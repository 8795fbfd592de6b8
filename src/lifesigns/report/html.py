"""The diagnosis as one HTML file that opens from disk without a network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

from lifesigns.model import CauseOdds, Diagnosis, Finding, Trace
from lifesigns.report import figures, placing
from lifesigns.report.dyes import dye_rows
from lifesigns.report.grouping import blind_groups, told_in_brief, told_in_full
from lifesigns.report.health import recording_lines
from lifesigns.rules import Rule, all_rules
from lifesigns.rules.page import markdown, summary

if TYPE_CHECKING:
    from markupsafe import Markup

    from lifesigns.report.charts import Chart, Key

FILTERS = (figures.plain, figures.number, figures.place, figures.measured, figures.seconds, figures.share)


def html(diagnosis: Diagnosis, trace: Trace, rules: Iterable[Rule] | None = None) -> str:
    """The whole answer as one self-contained page with interactive charts of the evidence.

    Text from the run is escaped, in the page and in the data of the charts; a content security policy forbids
    the page to load anything. `rules` supply the pages of the rules that fired; all installed by default.
    """
    from jinja2 import Environment
    from markupsafe import Markup

    from lifesigns.report.charts import evidence_charts, overview_charts

    evidence = evidence_charts(diagnosis, trace)
    overview = overview_charts(trace, evidence)
    charts = {c.id: c.spec for c in (*overview, *evidence.values())}
    numbered = {f: f"finding-{i}" for i, f in enumerate(figures.worst_first(diagnosis.findings), 1)}
    by_status = {status: [v for v in diagnosis.verdicts if v.status == status] for status in ("clear", "crashed")}
    codes = {v.code for v in diagnosis.verdicts if v.status == "fired"}
    chosen = [r for r in (all_rules() if rules is None else rules) if r.code in codes]
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    filters = cast("dict[str, Any]", environment.filters)  # pyright: ignore[reportUnknownMemberType]
    filters.update({one.__name__.strip("_"): one for one in (*FILTERS, _prose)})
    text = files("lifesigns.report").joinpath("page.html.j2").read_text("utf-8")
    return environment.from_string(text).render(
        d=diagnosis,
        meta=trace.meta,
        seen=diagnosis.coverage,
        full=_first_told(told_in_full(diagnosis)),
        brief=told_in_brief(diagnosis),
        odds=figures.odds,
        findings=numbered,
        own_charts=_by_finding(numbered, evidence, {c.id for c in overview}),
        overview=overview,
        subject=partial(figures.subject_name, trace),
        dyes_alone=trace.dyes_alone,
        rungs=[] if diagnosis.placing is None else placing.rows(diagnosis.placing),
        dyes=[row for row in dye_rows(trace, diagnosis.findings) if not row.blind],
        blind=blind_groups(diagnosis.verdicts),
        by_status=by_status,
        health=recording_lines(diagnosis.coverage),
        pages=[(r.code, r.name, Markup(_page(r))) for r in chosen],
        specs=Markup(in_script(charts)) if charts else "",
        bundle=Markup(bundle()) if charts else "",
    )


def _prose(text: object) -> Markup:
    """Escaped text in which `names` are set as code."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(figures.plain(text)))))


def _first_told(causes: Iterable[CauseOdds]) -> list[tuple[CauseOdds, list[tuple[Finding, bool]]]]:
    """Each cause with its findings, and whether it is the first cause to tell of them."""
    told: set[Finding] = set()
    found: list[tuple[CauseOdds, list[tuple[Finding, bool]]]] = []
    for cause in causes:
        found.append((cause, [(f, f not in told) for f in cause.findings]))
        told.update(cause.findings)
    return found


def _by_finding(
    findings: Iterable[Finding], evidence: Mapping[Key, Chart], shown: set[str]
) -> dict[Finding, list[tuple[Chart, bool]]]:
    """The charts of each finding, and whether this is the first place that shows it."""
    found: dict[Finding, list[tuple[Chart, bool]]] = {}
    for finding in findings:
        keys = dict.fromkeys((e.series, e.subject) for e in finding.evidence)
        for chart in (evidence[key] for key in keys if key in evidence):
            found.setdefault(finding, []).append((chart, chart.id not in shown))
            shown.add(chart.id)
    return found


def in_script(value: Any) -> str:
    """JSON that can stand inside a script element whatever text it holds."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _page(rule: Rule) -> str:
    """The rule's page; its Markdown may not contain HTML."""
    from markdown_it import MarkdownIt

    try:
        text = markdown(rule)
    except ValueError:
        text = f"# {rule.code} {rule.name}\n\n{summary(rule)}"
    return str(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))


@lru_cache(maxsize=1)
def bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as vl-convert carries them, of the version that Altair writes for."""
    import altair
    import vl_convert  # pyright: ignore[reportMissingTypeStubs]

    wanted = ".".join(altair.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    version = wanted if wanted in vl_convert.get_vegalite_versions() else None
    script = vl_convert.javascript_bundle("window.vegaEmbed=vegaEmbed;", vl_version=version)
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
