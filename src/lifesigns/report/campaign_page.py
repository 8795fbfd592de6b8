"""A campaign's answer as one HTML file: every run's curve, the table of runs, causes, the variants compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lifesigns.campaign.judge import Judged
from lifesigns.campaign.plan import Plan
from lifesigns.campaign.verdict import CampaignVerdict, VariantVerdict
from lifesigns.compare.variants import VariantsCompared
from lifesigns.report.campaign import intervention, seen_in
from lifesigns.report.charts import BAD, CONFIG, LINE, STEP, Chart
from lifesigns.report.compare import scored_by
from lifesigns.report.compare_charts import charts
from lifesigns.report.compare_page import Section, answer, arms_section, pairs_section
from lifesigns.report.figures import number, odds, plain, seconds

MOODS = {"nothing": "good", "luck": "open", "unknown": "open"}
COLORS = {"good": LINE, "failed": BAD, "cannot tell": "#8a94a0"}


def page(verdict: CampaignVerdict, variants: VariantsCompared | None, plan: Plan, name: str) -> str:
    """The whole answer as one self-contained page. Text from runs is escaped."""
    sections = [_section(v, i, plan) for i, v in enumerate(verdict.variants)]
    sections += [] if variants is None else _compared(variants)
    for setting in verdict.settings:
        header, rows = ["value", "failed", "runs"], [[v, str(bad), str(told)] for v, bad, told in setting.rates]
        says = "decides" if setting.decides else "is not shown to decide"
        told = f"It {says} how often runs fail (Fisher exact with Bonferroni, p = {setting.p:.2g})."
        sections.append(Section(f"The setting {setting.name}", [told], header, rows))
    label = "all learned" if verdict.kind == "nothing" else f"why: {verdict.kind}"
    mood = MOODS.get(verdict.kind, "bad")
    notes = [intervention(plan)] if plan.seed_argument.imposed else []
    told = [] if variants is None else [variants.sentence]
    told += [] if plan.seed_argument.imposed else [intervention(plan)]
    return answer(name, verdict.headline, label, mood, told, notes, sections)


def _compared(variants: VariantsCompared) -> list[Section]:
    title, found = "The variants against each other", variants.comparison
    if found is None:
        return [Section(title, [variants.sentence, *variants.notes])]
    told = [found.headline, *found.sentences, *variants.notes, *found.scores.notes]
    plots = Section("Plots", charts=charts(found))
    return [Section(title, told), plots, arms_section(found, scored_by(found)), pairs_section(found)]


def _section(one: VariantVerdict, place: int, plan: Plan) -> Section:
    judged = one.judgement
    told = [
        f"Failure rate {len(judged.failed)} of {len(judged.failed) + len(judged.good)}: "
        f"{100 * one.rate.estimate:.0f} % [{100 * one.rate.low:.0f}, {100 * one.rate.high:.0f}] (95 %, exact)."
        if not math.isnan(one.rate.estimate)
        else "Of no run it can be told whether it learned.",
        judged.criterion,
    ]
    if one.parted is not None:
        told.append(f"The failed seeds part from the others for good at {number(one.parted[0])} {one.parted[1]}.")
    told += [one.ladder] if one.ladder else []
    told += [f"Seeds {', '.join(map(str, g))} gave the same run, number for number." for g in one.identical]
    for rank, cause in enumerate(one.causes, 1):
        told.append(
            f"{rank}. {cause.odds.title} [{cause.odds.cause}]: {odds(cause.words, cause.span)} · {cause.odds.kind}"
            f"{seen_in(cause, one)}. Test: {cause.odds.next_test}"
        )
    told += [
        f"Defect proven in {bad} failed and {good} good runs: {cause}{f' at {where}' if where else ''}"
        for cause, where, bad, good in one.defects
    ]
    drawn = _curves(one, place)
    header = ["seed", "ended", "final score", "wall time", "verdict", "run"]
    return Section(one.name or "The runs", told, header, [_row(r) for r in judged.runs], [drawn] if drawn else [])


def _row(run: Judged) -> list[str]:
    verdict = "learned" if run.failed == "" else run.failed or "cannot tell"
    why = f"{verdict}: {run.run.exception}" if run.run.exception else verdict
    score = "–" if math.isnan(run.score) else number(run.score)
    return [str(run.run.seed), run.run.ended, score, seconds(run.run.wall_s), why, run.run.path.name]


def _curves(one: VariantVerdict, place: int) -> Chart | None:
    """Every run's curve, failed ones in red, with the step at which they part."""
    import altair as alt

    if one.lines is None:
        return None
    grid, values = one.lines
    rows = [
        {"x": float(f"{x:.6g}"), "y": float(f"{y:.6g}"), "seed": str(run.run.seed), "run": _standing(run)}
        for run, row in zip(one.judgement.runs, values.tolist(), strict=True)
        for x, y in zip(grid.tolist(), row, strict=True)
        if math.isfinite(y)
    ]
    metric = one.judgement.metric
    scale = alt.Scale(domain=list(COLORS), range=list(COLORS.values()))
    lines = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(strokeWidth=1.5, opacity=0.75, clip=True)
        .encode(
            x=alt.X("x:Q", title=one.parted[1] if one.parted else "steps", scale=alt.Scale(nice=False)),
            y=alt.Y("y:Q", title=metric.name if metric else "", scale=alt.Scale(zero=False)),
            detail="seed:N",
            color=alt.Color("run:N", title=None, scale=scale),
            tooltip=["seed:N", "run:N", "x:Q", "y:Q"],
        )
    )
    layers: Sequence[Any] = [lines]
    if one.parted is not None:
        at = alt.Chart(alt.InlineData(values=[{"x": one.parted[0]}]))
        layers = [lines, at.mark_rule(color=STEP, strokeWidth=1.5, strokeDash=[6, 4]).encode(x="x:Q")]
    chart = alt.layer(*layers).properties(width="container", height=280, background="transparent")
    spec: dict[str, Any] = chart.to_dict()
    spec["config"] = CONFIG
    note = "mean of a moving window; dashed: where the failed seeds part for good" if one.parted else "moving mean"
    return Chart(f"chart-runs-{place}", plain(f"Every seed {one.name}".strip()), note, spec)


def _standing(run: Judged) -> str:
    return "cannot tell" if run.failed is None else "failed" if run.failed else "good"
