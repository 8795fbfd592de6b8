"""The answer of `lifesigns env` as one HTML file: the ladder, the horizon sweep, animations, properties, cost."""

from __future__ import annotations

from math import isfinite, log10
from typing import TYPE_CHECKING, Any

from lifesigns.planner.cost import Cost
from lifesigns.planner.ladder import Rung
from lifesigns.report.charts import CONFIG, LIMIT, LINE, Chart
from lifesigns.report.compare_page import Section, answer
from lifesigns.report.env_page import Told
from lifesigns.report.env_terminal import BAD_EPISODES, spread, with_one_constant
from lifesigns.report.figures import number, plain, seconds

if TYPE_CHECKING:
    import altair as alt

MOODS = {
    **dict.fromkeys(("no RL needed", "bandit", "equilibrium", "solve exactly", "plan", "plan, then distil"), "good"),
    **dict.fromkeys(("fix the signal first", "fix the reward first", "not by RL"), "bad"),
}
LABEL_LINES, LABEL_LETTERS = 22, 130
"""Lines of labels that fit into the height of the ladder's chart, and letters into its width."""
LEAST_CPU_S = 1e-3
"""Left end of the axis of CPU-seconds."""


def html(told: Told) -> str:
    """The whole answer as one self-contained page; text from the environment is escaped."""
    verdict = told.verdict
    measured = f"{seconds(told.wall_s)}, {seconds(told.cpu_s)} of CPU, {told.env_steps:,} environment steps."
    return answer(
        told.name,
        verdict.sentence if verdict else "Nothing could be concluded.",
        verdict.kind if verdict else "no verdict",
        MOODS.get(verdict.kind if verdict else "", "open"),
        [*(verdict.evidence if verdict else ()), measured],
        [*(f"Contract broken: {c}" for c in told.contract), *(f"Failed on the way: {c}" for c in told.crashes)],
        [s for s in _sections(told) if s is not None],
    )


def _sections(told: Told) -> list[Section | None]:
    return [
        _change(told),
        _ladder(told),
        _sweep(told),
        _films(told),
        _properties(told),
        _cost(told.cost),
        _exits(told),
        _questions(told),
    ]


def _change(told: Told) -> Section | None:
    changes = told.verdict.would_change if told.verdict else ()
    return Section("What would change this verdict", [f"• {c}" for c in changes]) if changes else None


def _ladder(told: Told) -> Section:
    whole, _ = with_one_constant(told.ladder.measured())
    rows = [
        _row(r)
        for r in [*whole, *(r for r in told.ladder.rungs if r.steps), *(r for r in told.ladder.rungs if r.blind)]
    ]
    said = [] if told.target is None else [f"Enough is {number(told.target)}: {told.target_source}."]
    return Section(
        "The ladder",
        said,
        ["Method", "Mean return", "95 % interval", "Episodes", "CPU-s", "Steps", "ms a decision", "What it has"],
        rows,
        [_ladder_chart(whole, told.target)] if whole else [],
    )


def _row(rung: Rung) -> list[str]:
    if rung.blind:
        return [rung.method, "BLIND", rung.blind, "", "", "", "", ""]
    low, high = rung.interval
    span = f"{number(low)} to {number(high)}" if isfinite(low) else "–"
    more = f"first {rung.steps} steps; random then {number(rung.random_then)}" if rung.steps else ""
    return [
        rung.method,
        number(rung.mean),
        span,
        str(len(rung.returns)),
        f"{rung.cpu_s:.3g}",
        f"{rung.env_steps:,}",
        f"{rung.decision_ms:.3g}" if rung.decision_ms else "",
        "; ".join(t for t in (rung.unfair, more) if t),
    ]


def _chart(anchor: str, title: str, note: str, layers: list[Any], height: int = 300) -> Chart:
    import altair as alt

    drawn = alt.layer(*layers).properties(width="container", height=height, background="transparent")
    spec: dict[str, Any] = drawn.to_dict()
    spec["config"] = CONFIG
    return Chart(anchor, title, note, spec)


def _data(rows: list[dict[str, Any]]) -> alt.InlineData:
    import altair as alt

    return alt.InlineData(values=rows)


def _ladder_chart(rungs: list[Rung], target: float | None) -> Chart:
    """Return against CPU-seconds, both of fitting and of the evaluation."""
    import altair as alt

    rows: list[dict[str, Any]] = []
    for rung in rungs:
        low, high = rung.interval
        ends = {"low": low, "high": high} if isfinite(low) else {"low": rung.mean, "high": rung.mean}
        has = rung.unfair or "plays fair"
        cpu_s = max(rung.cpu_s, LEAST_CPU_S)
        rows.append(
            {"method": plain(rung.method), "kind": rung.kind, "cpu": cpu_s, "mean": rung.mean, "has": has} | ends
        )
    _spread_labels(rows)
    x = alt.X("cpu:Q", title="CPU-seconds", scale=alt.Scale(type="log"))
    y = alt.Y("mean:Q", title="mean return", scale=alt.Scale(zero=False))
    base = alt.Chart(_data(rows)).encode(x=x)
    tips = [alt.Tooltip("method:N"), alt.Tooltip("mean:Q", format=".5~g"), alt.Tooltip("cpu:Q", format=".3~g")]
    tips.append(alt.Tooltip("has:N", title="it"))
    colour = alt.Color("has:N", title=None, scale=alt.Scale(scheme="tableau10"))
    layers: list[Any] = [
        base.mark_rule(strokeWidth=2, opacity=0.6).encode(
            y=alt.Y("low:Q", title="mean return"), y2="high:Q", color=colour
        ),
        base.mark_circle(size=70, opacity=1).encode(y=y, tooltip=tips, color=colour),
        base.mark_text(align="left", dx=7, dy=-5, fontSize=11, color="#7a828c").encode(
            y=alt.Y("beside:Q", title="mean return"), text="method:N"
        ),
    ]
    if target is not None:
        rule = alt.Chart(_data([{"y": target}])).mark_rule(color=LIMIT, strokeDash=[6, 4])
        layers.append(rule.encode(y="y:Q"))
    note = "dashed: enough; bars: 95 % interval of the mean"
    return _chart("ladder", "Return against CPU-seconds, by method", note, layers, 340)


def _spread_labels(rows: list[dict[str, Any]]) -> None:
    """Heights of labels (`beside`) such that none lies on another: a label moves down where its place is taken."""
    means = [r["mean"] for r in rows]
    line = max(max(means) - min(means), 1e-9) / LABEL_LINES
    decades = [log10(r["cpu"]) for r in rows]
    letter = max(max(decades) - min(decades), 0.5) / LABEL_LETTERS
    taken: list[tuple[float, float, float]] = []
    for row, left in sorted(zip(rows, decades, strict=True), key=lambda pair: (-pair[0]["mean"], pair[1])):
        right, height = left + letter * (len(row["method"]) + 2), row["mean"]
        while any(a < right and left < b and abs(height - at) < line for a, b, at in taken):
            height -= line
        taken.append((left, right, height))
        row["beside"] = height


def _sweep(told: Told) -> Section | None:
    if not told.sweep:
        return None
    import altair as alt

    rows = [{"horizon": int(h), "return": r} for h, r in told.sweep.items()]
    base = alt.Chart(_data(rows)).encode(
        x=alt.X("horizon:Q", title="planning horizon in steps"),
        y=alt.Y("return:Q", title=f"return of the first {told.sweep_steps} steps", scale=alt.Scale(zero=False)),
        tooltip=[alt.Tooltip("horizon:Q"), alt.Tooltip("return:Q", format=".4~g")],
    )
    layers = [base.mark_line(color=LINE, strokeWidth=2), base.mark_circle(size=60, opacity=1, color=LINE)]
    chart = _chart("horizon", "Return over the planner's horizon", "equal numbers of samples", layers, 220)
    return Section("How far one must look ahead", charts=[chart])


def _films(told: Told) -> Section | None:
    if told.films:
        return Section("What it looks like", films=[(m, gif) for m, gif in told.films.items()])
    return Section("What it looks like", [f"No animation: {told.no_film}."]) if told.no_film else None


def _properties(told: Told) -> Section:
    ordered = sorted(told.properties.rows, key=lambda p: int(p.row[1:] or 99))
    rows = [[p.row, p.name.replace("_", " "), p.text if p.value is not None else f"BLIND {p.text}"] for p in ordered]
    return Section("Measured properties", header=["", "Property", "Measured"], rows=rows)


def _cost(cost: Cost | None) -> Section | None:
    if cost is None:
        return None
    low, high = cost.failing
    rows = [
        ["One run", f"{spread(cost.run_steps, 'steps')}; {spread(cost.run_hours, cost.hours_of)}"],
        [
            "A project (10 seeds, settings, rework)",
            f"{spread(cost.project_hours, cost.hours_of)}; {spread(cost.dollars, '$')}",
        ],
        ["Reaches the score within p90", f"{100 * cost.solves:.0f} %; {cost.basis}"],
        ["Seeds that fail", f"{100 * low:.0f} to {100 * high:.0f} % ({cost.failing_what})"],
        ["Speed is set by", cost.bottleneck],
    ]
    if cost.world_hours is not None:
        rows.insert(1, ["Played in one run", spread(cost.world_hours, "hours of the world")])
    if cost.bad_episodes_dollars is not None:
        rows.append(["Bad episodes of one run", f"{spread(cost.bad_episodes_dollars, '$')}; {BAD_EPISODES}"])
    return Section(f"What RL would cost ({cost.algorithm})", header=["", "Guess"], rows=rows)


def _exits(told: Told) -> Section | None:
    if told.verdict is None:
        return None
    rows = [[s.exit, s.status, s.reason] for s in told.verdict.steps]
    return Section("Exits, in order", header=["Exit", "", "Why"], rows=rows)


def _questions(told: Told) -> Section | None:
    if not told.questions:
        return None
    rows = [[q.question, q.flag, f"{'you said' if q.answered else 'assumed'}: {q.answer}"] for q in told.questions]
    return Section("What only you can say", header=["Question", "Option", "Taken here"], rows=rows)
