"""A comparison, or any answer of sentences, tables and charts, as one HTML file that opens without a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, cast

from lifesigns.compare.verdict import Comparison
from lifesigns.report import figures
from lifesigns.report.charts import Chart
from lifesigns.report.compare import interval, scored_by, short
from lifesigns.report.compare_charts import charts
from lifesigns.report.html import bundle, in_script

MOODS = {"better": "good", "equivalent": "good", "no winner": "open", "refused": "bad"}


@dataclass(frozen=True)
class Section:
    """A part of a page: sentences, a table, charts; each may be missing."""

    title: str
    sentences: Sequence[str] = ()
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    charts: Sequence[Chart] = field(default=())
    films: Sequence[tuple[str, str]] = ()
    """(caption, GIF in base64) each."""


def page(found: Comparison) -> str:
    """The whole comparison as one self-contained page. Text from the inputs is escaped."""
    sections = [Section("Plots", charts=charts(found)), arms_section(found, scored_by(found)), pairs_section(found)]
    title = " against ".join(arm.name for arm in found.summaries)
    mood, notes = MOODS[found.outcome], found.scores.notes
    return answer(title, found.headline, found.outcome, mood, found.sentences, notes, sections)


def arms_section(found: Comparison, told: str) -> Section:
    """The table of arms."""
    header = ["arm", "seeds", "IQM", "mean", "failed", "area under the curve", "steps to the line", "lost since peak"]
    rows = [
        [
            arm.name,
            str(arm.runs),
            interval(arm.iqm),
            interval(arm.mean_interval) if arm.mean_interval else short(arm.mean),
            f"{arm.failed} ({100 * arm.failures.low:.0f}–{100 * arm.failures.high:.0f} %)",
            interval(arm.area),
            interval(arm.to_line),
            "–" if arm.lost_since_peak is None else figures.share(arm.lost_since_peak),
        ]
        for arm in found.summaries
    ]
    return Section("The arms", [told], header, rows)


def pairs_section(found: Comparison) -> Section:
    """The table of pairs."""
    told = "P(improvement): how likely a run of the one ahead scores above one of the other. p: corrected (Holm)."
    header = ["ahead", "behind", "P(improvement)", "difference of IQM", "p", "test", "shown"]
    rows = [
        [
            pair.ahead,
            pair.behind,
            interval(pair.improvement),
            interval(pair.difference),
            "–" if pair.test is None else f"{pair.p:.2g}",
            "–" if pair.test is None else pair.test.method,
            pair.refusal or ("better" if pair.different else "no"),
        ]
        for pair in found.pairs
    ]
    return Section("The pairs", [told], header, rows)


def answer(
    title: str,
    headline: str,
    label: str,
    mood: str,
    sentences: Sequence[str],
    notes: Sequence[str],
    sections: Sequence[Section],
) -> str:
    """A page: `mood` is good, open or bad. Text is escaped; a content security policy forbids it to load anything."""
    from jinja2 import Environment
    from markupsafe import Markup

    specs = {c.id: c.spec for section in sections for c in section.charts}
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    cast("dict[str, Any]", environment.filters)["plain"] = figures.plain  # pyright: ignore[reportUnknownMemberType]
    text = files("lifesigns.report").joinpath("answer.html.j2").read_text("utf-8")
    return environment.from_string(text).render(
        title=title,
        headline=headline,
        label=label,
        mood=mood,
        sentences=sentences,
        notes=notes,
        sections=sections,
        specs=Markup(in_script(specs)) if specs else "",
        bundle=Markup(bundle()) if specs else "",
    )
