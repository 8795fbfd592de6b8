"""The answer of `lifesigns learn` as text for a terminal (80 columns are enough) and as JSON."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lifesigns.learners.judgement import NAMES, Judgement
from lifesigns.learners.learned import Learned
from lifesigns.report.compare import line
from lifesigns.report.compare_json import number as strict
from lifesigns.report.figures import number, plain, seconds

SCHEMA = 1
SPARKS = "▁▂▃▄▅▆▇█"
STYLES = {"learnable": "bold green", "a lottery": "bold yellow", "not learned": "bold red", "no target": "bold"}


def render(found: Learned, judged: Judgement, console: Console) -> None:
    """Prints the headline, what it means, and a line for each seed."""
    line(console, plain(measured(found)), style="dim")
    line(console, plain(judged.headline), style=STYLES[judged.kind])
    for sentence in judged.sentences:
        line(console, plain(sentence), 2)
    for note in found.notes:
        line(console, plain(note), 2, style="yellow")
    console.print()
    line(console, f"SEEDS (mean of the last {len(found.final[0])} episodes, without exploration)", style="bold")
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("seed", "return", "there from step"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("while it learned", no_wrap=True)
    table.add_column("", no_wrap=True)
    low, high = span(found)
    for i, seed in enumerate(found.seeds):
        there = "–" if judged.first[i] is None else f"{judged.first[i]:,}"
        verdict = Text("good", style="green") if judged.good[i] else Text("failed", style="yellow")
        table.add_row(str(seed), short(found.scores[i]), there, spark(found.curves[i], low, high), verdict)
    console.print(Padding(table, (0, 0, 0, 2), expand=False), highlight=False)
    if found.random:
        line(console, f"Random actions: {short(sum(found.random) / len(found.random))}.", 2, style="dim")


def measured(found: Learned) -> str:
    """What was done, in one line."""
    seeds = f"{len(found.seeds)} seeds" if len(found.seeds) > 1 else "1 seed"
    return (
        f"{found.env} · {NAMES[found.learner]}, {seeds} side by side · {found.done_steps:,} steps each · "
        f"{seconds(found.cpu_s)} CPU"
    )


def short(value: float) -> str:
    return f"{value:.1f}" if abs(value) >= 10 else number(value)


def span(found: Learned) -> tuple[float, float]:
    """Least and greatest return of all evaluations."""
    values = [v for curve in found.curves for v in curve if v == v]
    return (min(values), max(values)) if values else (0.0, 1.0)


def spark(curve: list[float], low: float, high: float) -> str:
    """A bar for each evaluation, on the scale of all seeds."""
    wide = high - low or 1.0
    return "".join(SPARKS[min(int((v - low) / wide * 8), 7)] if v == v else "?" for v in curve)


def to_json(found: Learned, judged: Judgement) -> dict[str, Any]:
    """The whole answer as a dict for `json.dumps(..., allow_nan=False)`; see learn.schema.json."""
    rate = judged.rate
    return {
        "schema": SCHEMA,
        "env": found.env,
        "learner": found.learner,
        "settings": dict(found.settings),
        "verdict": judged.kind,
        "headline": judged.headline,
        "sentences": list(judged.sentences),
        "notes": list(found.notes),
        "target": None if found.target is None else strict(found.target),
        "target_source": found.target_source or None,
        "success_rate": {
            "estimate": rate.estimate,
            "low": rate.low,
            "high": rate.high,
            "level": rate.level,
            "method": rate.method,
        },
        "steps": list(found.steps),
        "seeds": [
            {
                "seed": seed,
                "success": judged.good[i],
                "final": strict(found.scores[i]),
                "final_episodes": [strict(r) for r in found.final[i]],
                "there_from_step": judged.first[i],
                "returns": [strict(r) for r in found.curves[i]],
            }
            for i, seed in enumerate(found.seeds)
        ],
        "random": [strict(r) for r in found.random],
        "asked_steps": found.asked_steps,
        "done_steps": found.done_steps,
        "env_steps": found.env_steps,
        "cpu_s": found.cpu_s,
        "wall_s": found.wall_s,
        "versions": dict(found.versions),
    }
