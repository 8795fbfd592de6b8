"""The diagnosis as one HTML file that opens from disk without a network."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache, partial
from importlib.resources import files
from typing import Any, cast

from lifesigns.model import Diagnosis, Finding, Trace
from lifesigns.report import figures
from lifesigns.report.blind import blind_groups
from lifesigns.report.health import health_lines
from lifesigns.rules import Rule, all_rules
from lifesigns.rules.page import markdown, summary


Key = tuple[str, str]


def html(diagnosis: Diagnosis, trace: Trace, rules: Iterable[Rule] | None = None) -> str:
    """The whole answer as one self-contained page with interactive charts of the evidence.

    Text from the run is escaped, in the page and in the data of the charts; a content security policy forbids the
    page to load anything. `rules` supply the pages of the rules that fired; all that are installed unless given.
    """
    from jinja2 import Environment, select_autoescape
    from markupsafe import Markup

    from lifesigns.report.charts import evidence_charts, overview_charts

    environment = Environment(
        autoescape=select_autoescape(default=True, default_for_string=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = cast("dict[str, Any]", environment.filters)  # pyright: ignore[reportUnknownMemberType]
    filters.update(
        {
            one.__name__: one
            for one in (
                figures.plain,
                figures.number,
                figures.place,
                figures.measured,
                figures.seconds,
                figures.share,
            )
        }
    )
    evidence = evidence_charts(diagnosis, trace)
    overview = overview_charts(trace, evidence)
    chosen = tuple(all_rules() if rules is None else rules)
    codes = {v.code for v in diagnosis.verdicts if v.status == "fired"}
    numbered = {f: f"finding-{i}" for i, f in enumerate(figures.unique(diagnosis.findings), 1)}
    text = files("lifesigns.report").joinpath("page.html.j2").read_text("utf-8")
    charts = [*overview, *evidence.values()]
    return environment.from_string(text).render(
        d=diagnosis,
        trace=trace,
        seen=diagnosis.coverage,
        odds=figures.odds,
        findings=numbered,
        own_charts=_by_finding(numbered, evidence),
        overview=overview,
        charts=charts,
        subject=partial(figures.subject_name, trace),
        blind=blind_groups(diagnosis.verdicts),
        clear=[v for v in diagnosis.verdicts if v.status == "clear"],
        crashed=[v for v in diagnosis.verdicts if v.status == "crashed"],
        health=health_lines(diagnosis.coverage.get("health") or {}),
        pages=[(r.code, r.name, Markup(_page(r))) for r in chosen if r.code in codes],
        specs=Markup(_in_script({c.id: c.spec for c in charts})),
        bundle=Markup(_bundle()) if charts else "",
    )


def _by_finding(
    numbered: dict[Finding, str], evidence: dict[Key, Any]
) -> dict[Finding, list[tuple[Any, bool]]]:
    """The charts of each finding, and whether this is the first finding that shows it."""
    shown: set[str] = set()
    found: dict[Finding, list[tuple[Any, bool]]] = {}
    for finding in numbered:
        keys = dict.fromkeys((e.series, e.subject) for e in finding.evidence)
        for chart in (evidence[key] for key in keys if key in evidence):
            found.setdefault(finding, []).append((chart, chart.id not in shown))
            shown.add(chart.id)
    return found


def _in_script(value: Any) -> str:
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
def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as vl-convert carries them, of the version that Altair writes for."""
    import altair
    import vl_convert  # pyright: ignore[reportMissingTypeStubs]

    wanted = ".".join(altair.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    version = wanted if wanted in vl_convert.get_vegalite_versions() else None
    script = vl_convert.javascript_bundle("window.vegaEmbed=vegaEmbed;", vl_version=version)
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
