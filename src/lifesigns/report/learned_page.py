"""The answer of `lifesigns learn` as one HTML file: what it says, each seed's curve, the table of seeds."""

from __future__ import annotations

from typing import Any

from lifesigns.learners.judgement import NAMES, Judgement
from lifesigns.learners.learned import Learned
from lifesigns.report.charts import CONFIG, LIMIT, Chart
from lifesigns.report.compare_page import Section, answer
from lifesigns.report.figures import plain
from lifesigns.report.learned import measured, short

MOODS = {"learnable": "good", "a lottery": "open", "not learned": "bad", "no target": "open"}


def page(found: Learned, judged: Judgement) -> str:
    """One self-contained page; text from the environment is escaped."""
    rows = [
        [
            str(seed),
            short(found.scores[i]),
            "–" if judged.first[i] is None else f"{judged.first[i]:,}",
            "good" if judged.good[i] else "failed",
        ]
        for i, seed in enumerate(found.seeds)
    ]
    settings = [[plain(k), plain(v)] for k, v in found.settings.items()]
    return answer(
        f"{found.env}: {NAMES[found.learner]}",
        judged.headline,
        judged.kind,
        MOODS[judged.kind],
        [*judged.sentences, measured(found)],
        found.notes,
        [
            Section("While they learned", charts=[curves(found, judged)]),
            Section(
                "Seeds",
                ["Mean return of the last evaluation, without exploration."],
                ["seed", "return", "there from step", ""],
                rows,
            ),
            Section("Settings", header=["setting", "value"], rows=settings),
        ],
    )


def curves(found: Learned, judged: Judgement) -> Chart:
    """The return of each seed over its steps; good and failed ones in two colours, the target dashed."""
    import altair as alt

    rows = [
        {"step": step, "return": value, "seed": seed, "ended": "good" if judged.good[i] else "failed"}
        for i, seed in enumerate(found.seeds)
        for step, value in zip(found.steps, found.curves[i], strict=True)
        if value == value
    ]
    scale = alt.Scale(domain=["good", "failed"], range=["#4c78a8", "#f58518"])
    lines = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(strokeWidth=1.8, point=alt.OverlayMarkDef(size=18))
        .encode(
            x=alt.X("step:Q", title="environment steps of each seed"),
            y=alt.Y("return:Q", title="return without exploration", scale=alt.Scale(zero=False)),
            color=alt.Color("ended:N", title=None, scale=scale),
            detail="seed:N",
            tooltip=["seed:N", "step:Q", alt.Tooltip("return:Q", format=".4~g")],
        )
    )
    layers: list[Any] = [lines]
    if found.target is not None:
        rule = alt.Chart(alt.InlineData(values=[{"y": found.target}])).mark_rule(color=LIMIT, strokeDash=[6, 4])
        layers.append(rule.encode(y="y:Q"))
    drawn = alt.layer(*layers).properties(width="container", height=300, background="transparent")
    spec: dict[str, Any] = drawn.to_dict()
    spec["config"] = CONFIG
    note = "" if found.target is None else "dashed: enough"
    return Chart("seeds", "Return of each seed", note, spec)
