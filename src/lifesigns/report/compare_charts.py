"""Vega-Lite charts of a comparison: curves with intervals, each seed's score, profiles, failure share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lifesigns.compare.verdict import Comparison
from lifesigns.report.charts import CONFIG, LIMIT, Chart
from lifesigns.report.figures import plain

if TYPE_CHECKING:
    import altair as alt

    from lifesigns.stats.interval import Band

SCHEME = "tableau10"
HEIGHT = 260
STRIP = 34
"""pixels of height for each arm of a chart by arm"""


def charts(found: Comparison) -> list[Chart]:
    """Those charts that the comparison has the data for, in the order in which they are read."""
    return [c for c in (_curves(found), _strips(found), _profiles(found), _failures(found)) if c is not None]


def _names(found: Comparison) -> list[str]:
    return [plain(arm.name) for arm in found.summaries]


def _color(names: Sequence[str]) -> alt.Color:
    import altair as alt

    return alt.Color("arm:N", title=None, sort=list(names), scale=alt.Scale(scheme=SCHEME, domain=list(names)))


def _finished(anchor: str, title: str, note: str, layers: Sequence[Any], height: int) -> Chart:
    import altair as alt

    chart = alt.layer(*layers).properties(width="container", height=height, background="transparent")
    spec: dict[str, Any] = chart.to_dict()
    spec["config"] = CONFIG
    return Chart(anchor, title, note, spec)


def _data(rows: list[dict[str, Any]]) -> alt.InlineData:
    import altair as alt

    return alt.InlineData(values=rows)


def _banded(
    rows: list[dict[str, Any]], names: Sequence[str], x: str, y: str, *, steps: bool = False, share: bool = False
) -> list[Any]:
    """A line for each arm with its interval as an area; `x` and `y` are the titles of the axes."""
    import altair as alt

    shape = "step-after" if steps else "linear"
    scale = alt.Scale(domain=[0, 1]) if share else alt.Scale(zero=False)
    base = alt.Chart(_data(rows)).encode(
        x=alt.X("x:Q", title=x, scale=alt.Scale(nice=False)), color=_color(names), tooltip=["arm:N", "x:Q", "y:Q"]
    )
    area = base.mark_area(fillOpacity=0.2, interpolate=shape, clip=True).encode(
        y=alt.Y("low:Q", title=y, scale=scale), y2="high:Q"
    )
    return [area, base.mark_line(strokeWidth=2.5, interpolate=shape, clip=True).encode(y=alt.Y("y:Q", scale=scale))]


def _band_rows(bands: Iterable[tuple[str, Band | None]]) -> list[dict[str, Any]]:
    """A row for each point of each arm's band."""
    return [
        {"arm": plain(name), "x": _short(x), "y": _short(y), "low": _short(low), "high": _short(high)}
        for name, band in bands
        if band is not None
        for x, y, low, high in zip(
            band.grid.tolist(), band.estimate.tolist(), band.low.tolist(), band.high.tolist(), strict=True
        )
    ]


def _curves(found: Comparison) -> Chart | None:
    rows = _band_rows((arm.name, arm.band) for arm in found.summaries)
    if not rows:
        return None
    names, scores = _names(found), found.scores
    layers = [*_banded(rows, names, scores.clock, scores.metric.name), *_line(found, horizontal=True)]
    note = "interquartile mean over seeds with its 95 % bootstrap interval at each step, widened for few runs"
    return _finished("chart-curves", "Learning curves", note, layers, HEIGHT)


def _line(found: Comparison, *, horizontal: bool) -> list[Any]:
    """The line between failed and good runs."""
    import altair as alt

    if not math.isfinite(found.scores.line):
        return []
    place = "y" if horizontal else "x"
    chart = alt.Chart(_data([{place: found.scores.line}])).mark_rule(color=LIMIT, strokeDash=[6, 4], strokeWidth=1.5)
    return [chart.encode(y="y:Q") if horizontal else chart.encode(x="x:Q")]


def _strips(found: Comparison) -> Chart:
    """One point for each run."""
    import altair as alt

    names, one = _names(found), len(found.scores.tasks) == 1
    values = [arm.raw if one else arm.oriented for arm in found.scores.arms]
    rows = [
        {
            "arm": plain(arm.name),
            "x": _short(float(score)),
            "seed": plain(arm.seeds[i]) or f"run {i + 1}",
            "task": plain(found.scores.tasks[t]),
            "run": "failed" if arm.failed[i, t] else "good",
        }
        for arm, matrix in zip(found.scores.arms, values, strict=True)
        for i, row in enumerate(matrix.tolist())
        for t, score in enumerate(row)
    ]
    tips = [alt.Tooltip("arm:N"), alt.Tooltip("seed:N"), alt.Tooltip("x:Q", title="score", format=".5~g")]
    points = (
        alt.Chart(_data(rows))
        .mark_point(size=70, strokeWidth=2, opacity=0.75)
        .encode(
            x=alt.X("x:Q", title=f"final {found.scores.metric.name}", scale=alt.Scale(zero=False)),
            y=alt.Y("arm:N", title=None, sort=names),
            color=_color(names),
            shape=alt.Shape("run:N", title=None, scale=alt.Scale(domain=["good", "failed"], range=["circle", "cross"])),
            tooltip=tips if one else [*tips, "task:N"],
        )
    )
    layers = [points, *(_line(found, horizontal=False) if one else [])]
    return _finished("chart-seeds", "Every run", "one mark for each seed", layers, STRIP * len(names) + 20)


def _profiles(found: Comparison) -> Chart | None:
    rows = _band_rows((arm.name, arm.profile) for arm in found.summaries)
    if not rows:
        return None
    axis = "score" if len(found.scores.tasks) == 1 else "normalised score"
    layers = _banded(rows, _names(found), axis, "share of runs above", steps=True, share=True)
    note = "how many runs score above each value; the curve further up and to the right is better"
    if not found.scores.metric.higher_is_better and len(found.scores.tasks) == 1:
        note = "how many runs score above each value; less is better: the curve further to the left"
    return _finished("chart-profiles", "Performance profiles", note, layers, HEIGHT)


def _failures(found: Comparison) -> Chart | None:
    """The share of failed runs with its exact interval."""
    import altair as alt

    if not any(arm.failed for arm in found.summaries):
        return None
    names = _names(found)
    rows = [
        {"arm": plain(a.name), "y": a.failures.estimate, "low": a.failures.low, "high": a.failures.high}
        for a in found.summaries
    ]
    base = alt.Chart(_data(rows)).encode(y=alt.Y("arm:N", title=None, sort=names), color=_color(names))
    axis = alt.Axis(format="%")
    span = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title="share of failed runs", scale=alt.Scale(domain=[0, 1]), axis=axis), x2="high:Q"
    )
    point = base.mark_point(filled=True, size=90).encode(x="y:Q", tooltip=["arm:N", "y:Q", "low:Q", "high:Q"])
    note = "with the exact 95 % interval (Clopper-Pearson)"
    return _finished("chart-failures", "Failed runs", note, [span, point], STRIP * len(names) + 20)


def _short(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None
