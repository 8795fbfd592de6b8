"""Vega-Lite charts of the evidence: the series that findings cite, with limits and firing steps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from lifesigns.model import Diagnosis, Evidence, Finding, Series, Trace
from lifesigns.model.catalogue import SERIES
from lifesigns.report.figures import number, plain, subject_name
from lifesigns.report.thinning import MOST_COLUMNS, MOST_POINTS, lines, not_finite, rows

if TYPE_CHECKING:
    import altair as alt

CONFIG: dict[str, Any] = {
    "view": {"stroke": None},
    "axis": {
        "labelColor": "#7a828c",
        "titleColor": "#7a828c",
        "gridColor": "#8a94a040",
        "domainColor": "#8a94a0",
        "tickColor": "#8a94a0",
        "labelFlush": True,
        "labelOverlap": "greedy",
    },
    "legend": {
        "labelColor": "#7a828c",
        "titleColor": "#7a828c",
        "orient": "bottom",
        "columns": 4,
        "labelLimit": 200,
    },
}
"""greys that can be read on light and on dark paper."""
LINE, LIMIT, BAD, STEP, BAND = "#3b82c4", "#c2570c", "#d11f4a", "#8b5cf6", "#8a94a0"
WIDE_POINTS = 400
"""points of each line of a chart with several."""
MOST_CHARTS = 40
"""charts of evidence in a page; findings after that have none."""
LOG_RANGE = 1000.0
"""largest / smallest value from which a chart of positive values gets a logarithmic axis."""
CLOCK_NAMES = {
    "env_step": "environment step",
    "update": "update",
    "backward": "backward call",
    "episode": "episode",
    "wall": "seconds since the start",
    "logged": "logged step",
}


@dataclass(frozen=True)
class Chart:
    """A chart's anchor, its caption and its Vega-Lite specification."""

    id: str
    title: str
    note: str
    spec: dict[str, Any]


Key = tuple[str, str]


def evidence_charts(diagnosis: Diagnosis, trace: Trace) -> dict[Key, Chart]:
    """One chart for each (series, subject) that findings cite and the trace has, in order."""
    cited: dict[Key, list[tuple[Finding, Evidence]]] = {}
    for finding in diagnosis.findings:
        for evidence in finding.evidence:
            cited.setdefault((evidence.series, evidence.subject), []).append((finding, evidence))
    found: dict[Key, Chart] = {}
    for (name, subject), marks in cited.items():
        one = trace.get(name, subject)
        if one is not None and len(one) and len(found) < MOST_CHARTS:
            found[name, subject] = _chart(one, trace, marks)
    return found


def overview_charts(trace: Trace, evidence: Mapping[Key, Chart]) -> list[Chart]:
    """The returns (with the band of random actions) and the losses; from `evidence` where it has them."""
    wanted = [*trace.named("env.episode_return")[:4], *trace.named("loss.value")[:4]]
    return [evidence.get((s.name, s.subject)) or _chart(s, trace, []) for s in wanted if len(s)]


def _chart(one: Series, trace: Trace, marks: list[tuple[Finding, Evidence]]) -> Chart:
    import altair as alt

    cited = tuple(dict.fromkeys(e.column for _, e in marks))
    drawn = list(lines(one, cited))
    logarithmic = _spans_decades(drawn, marks)
    axis = alt.Y(
        "y:Q",
        title=plain(one.unit) or "value",
        scale=alt.Scale(type="log" if logarithmic else "linear", zero=False, nice=True),
    )
    layers = [
        *_band(one, trace),
        *_limits(marks, logarithmic),
        *_steps(one, marks),
        *_curves(one, drawn, cited, axis),
        *_bad_points(one, drawn),
    ]
    chart = alt.layer(*layers).properties(width="container", height=230, background="transparent")
    spec = chart.to_dict()
    spec["config"] = CONFIG
    name = f"{plain(one.name)} of {subject_name(trace, one.subject)}"
    return Chart(anchor(one.name, one.subject), name, _note(one, drawn, logarithmic), spec)


def anchor(name: str, subject: str) -> str:
    """The id of the chart of a series."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", f"{name}-{subject}")
    return f"chart-{readable}-{crc32(f'{name} {subject}'.encode()):08x}"


def _note(one: Series, drawn: list[tuple[str, Any]], logarithmic: bool) -> str:
    entry = SERIES.get(one.name)
    parts = [entry.meaning if entry else ""]
    if one.y.ndim == 2 and len(drawn) < one.y.shape[1]:
        parts.append(f"{len(drawn)} of {one.y.shape[1]} columns are drawn")
    most = MOST_POINTS if len(drawn) == 1 else WIDE_POINTS
    if len(one) > most:
        parts.append(f"{number(len(one))} points, thinned for drawing; peaks are kept")
    if logarithmic:
        parts.append("logarithmic axis")
    return "; ".join(p for p in parts if p)


def _spans_decades(drawn: list[tuple[str, Any]], marks: list[tuple[Finding, Evidence]]) -> bool:
    values = np.concatenate([y for _, y in drawn] + [np.array([e.limit for _, e in marks if e.limit is not None])])
    good = values[np.isfinite(values)]
    return len(good) > 0 and float(good.min()) > 0 and float(good.max()) / float(good.min()) > LOG_RANGE


def _data(points: list[dict[str, Any]]) -> alt.InlineData:
    import altair as alt

    return alt.InlineData(values=points)


def _x(one: Series) -> alt.X:
    import altair as alt

    return alt.X("x:Q", title=CLOCK_NAMES[one.clock], scale=alt.Scale(nice=False))


def _curves(one: Series, drawn: list[tuple[str, Any]], cited: tuple[str, ...], axis: alt.Y) -> list[Any]:
    """The lines, those that findings cite in front of paler ones; shift and scroll zooms."""
    import altair as alt

    single = len(drawn) == 1
    most = MOST_POINTS if single else WIDE_POINTS
    points = [{"x": x, "y": y, "c": plain(name)} for name, values in drawn for x, y in rows(one.x, values, most)]
    names = [plain(name) for name, _ in drawn]
    scale = alt.Scale(scheme="tableau20")
    color = alt.value(LINE) if single else alt.Color("c:N", title=None, scale=scale, sort=names)
    tips = [alt.Tooltip("y:Q", title="value", format=".5~g"), _x_tip(one)]
    if one.y.ndim == 2:
        tips.insert(0, alt.Tooltip("c:N", title="column"))
    base = alt.Chart(_data(points)).encode(x=_x(one), y=axis, color=color, tooltip=tips)
    episodic = one.name.startswith("env.episode")
    curve = base.mark_line(strokeWidth=1, opacity=0.35 if episodic else 0.9, clip=True)
    if not single and (front := [plain(name) for name in cited if name]):
        chosen = alt.FieldOneOfPredicate(field="c", oneOf=front)
        curve = curve.encode(
            opacity=alt.condition(chosen, alt.value(1.0), alt.value(0.3)),
            strokeWidth=alt.condition(chosen, alt.value(2.5), alt.value(1.0)),
        )
    zoom = alt.selection_interval(bind="scales", zoom="wheel![event.shiftKey]")
    hover = base.mark_circle(size=18, opacity=0.5 if episodic else 0.0, clip=True).add_params(zoom)
    return [curve, hover, *(_smooth(one, axis) if episodic else [])]


def _x_tip(one: Series) -> alt.Tooltip:
    import altair as alt

    return alt.Tooltip("x:Q", title=CLOCK_NAMES[one.clock], format=",")


def _smooth(one: Series, axis: alt.Y) -> list[Any]:
    """The moving average over a twentieth of the episodes."""
    import altair as alt

    window = max(1, len(one) // 20)
    good = np.isfinite(one.y)
    if window < 3 or int(good.sum()) < window:
        return []
    with np.errstate(all="ignore"):
        total = np.concatenate([[0.0], np.cumsum(one.y[good])])
        y = (total[window:] - total[:-window]) / window
    x = one.x[good][window - 1 :]
    points = [{"x": a, "y": b} for a, b in rows(x, y, WIDE_POINTS)]
    tips = [
        _x_tip(one),
        alt.Tooltip("y:Q", title=f"mean of {window} episodes", format=".5~g"),
    ]
    return [
        alt.Chart(_data(points))
        .mark_line(color=LINE, strokeWidth=2.5, clip=True)
        .encode(x=_x(one), y=axis, tooltip=tips)
    ]


def _limits(marks: list[tuple[Finding, Evidence]], logarithmic: bool) -> list[Any]:
    import altair as alt

    limits = dict.fromkeys((f.code, e.limit) for f, e in marks if e.limit is not None and np.isfinite(e.limit))
    points = [
        {"y": limit, "t": f"{code} limit {number(limit)}"} for code, limit in limits if limit > 0 or not logarithmic
    ]
    if not points:
        return []
    base = alt.Chart(_data(points)).encode(y="y:Q", tooltip=alt.Tooltip("t:N", title="limit"))
    text = base.mark_text(align="left", dx=4, dy=-6, color=LIMIT, fontSize=11, clip=True)
    return [
        base.mark_rule(color=LIMIT, strokeDash=[6, 4], strokeWidth=1.5, clip=True),
        text.encode(x=alt.value(0), text="t:N"),
    ]


def _steps(one: Series, marks: list[tuple[Finding, Evidence]]) -> list[Any]:
    import altair as alt

    fits = [(f, e) for f, e in marks if e.step is not None and np.isfinite(e.step) and e.clock in ("", one.clock)]
    points = [{"x": e.step, "t": f.code, "m": plain(f.message)[:160]} for f, e in fits]
    if not points:
        return []
    points = list({(p["x"], p["t"]): p for p in points}.values())
    base = alt.Chart(_data(points)).encode(
        x=_x(one),
        tooltip=[
            alt.Tooltip("t:N", title="fired"),
            alt.Tooltip("m:N", title="finding"),
            _x_tip(one),
        ],
    )
    late = float(np.max(one.x[np.isfinite(one.x)], initial=0.0)) * 0.9
    before, after = alt.FieldLTPredicate(field="x", lt=late), alt.FieldGTEPredicate(field="x", gte=late)
    text = [
        base.transform_filter(before).mark_text(align="left", dx=3, color=STEP, clip=True),
        base.transform_filter(after).mark_text(align="right", dx=-3, color=STEP, clip=True),
    ]
    rule = base.mark_rule(color=STEP, strokeWidth=1.5, clip=True)
    return [rule, *(one.encode(y=alt.value(8), text="t:N") for one in text)]


def _band(one: Series, trace: Trace) -> list[Any]:
    """What random actions get: a band from the 5th to the 95th percentile."""
    import altair as alt

    random = trace.get("baseline.random_return", one.subject)
    if one.name != "env.episode_return" or random is None:
        return []
    values = random.y[np.isfinite(random.y)]
    if not len(values):
        return []
    low, high = (float(v) for v in np.quantile(values, (0.05, 0.95)))
    told = f"random actions, 5–95 % of {len(values)} episodes: {number(low)} to {number(high)}"
    point = {"y": low, "y2": high, "t": told}
    base = alt.Chart(_data([point]))
    tip = alt.Tooltip("t:N", title="baseline")
    text = base.mark_text(align="right", dx=-4, dy=-6, color=BAND, fontSize=11, text="random actions (5–95 %)")
    return [
        base.mark_rect(color=BAND, opacity=0.22, clip=True).encode(y="y:Q", y2="y2:Q", tooltip=tip),
        text.encode(y="y2:Q", x=alt.value("width")),
    ]


def _bad_points(one: Series, drawn: list[tuple[str, Any]]) -> list[Any]:
    import altair as alt

    points = [
        {"x": x, "t": kind, "c": plain(name)} for name, y in drawn[:MOST_COLUMNS] for x, kind in not_finite(one.x, y)
    ]
    if not points:
        return []
    tips = [alt.Tooltip("t:N", title="value"), _x_tip(one)]
    if one.y.ndim == 2:
        tips.append(alt.Tooltip("c:N", title="column"))
    return [
        alt.Chart(_data(points))
        .mark_point(shape="triangle-down", filled=True, size=70, color=BAD, clip=True)
        .encode(x=_x(one), y=alt.value(14), tooltip=tips)
    ]
