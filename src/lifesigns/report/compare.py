"""A comparison as text for a terminal; 80 columns are enough."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lifesigns.compare.pairs import Pair
from lifesigns.compare.summary import ArmSummary
from lifesigns.compare.verdict import Comparison
from lifesigns.report.figures import number, plain, share
from lifesigns.stats.interval import Interval

STYLES = {"better": "bold green", "equivalent": "bold green", "no winner": "bold yellow", "refused": "bold red"}

FEW_RUNS = 20
SHORT_OF_95 = (
    " Where a run fails now and then, those of IQM and mean hold in 75 to 94 % with so few runs (measured): "
    "look at the failure rate."
)
"""For fewer than FEW_RUNS: docs/statistics.md, *Where it falls short*; at 20 runs 88 %."""


def render(found: Comparison, console: Console) -> None:
    """Prints the answer: the verdict, the table of arms, that of pairs, what was done to the scores."""
    line(console, plain(found.headline), style=STYLES[found.outcome])
    for sentence in found.sentences:
        line(console, plain(sentence))
    console.print()
    line(console, plain(scored_by(found)), style="dim")
    console.print(Padding(_arms(found.summaries), (0, 0, 0, 2), expand=False), highlight=False)
    if len(found.pairs) > 1:
        console.print()
        console.print(Padding(_pairs(found.pairs), (0, 0, 0, 2), expand=False), highlight=False)
    for note in found.scores.notes:
        line(console, plain(note), style="yellow")


def line(console: Console, text: str | Text, indent: int = 0, style: str = "") -> None:
    """A paragraph that is folded at its own indent."""
    shown = text if isinstance(text, Text) else Text(text, style=style)
    console.print(Padding(shown, (0, 0, 0, indent), expand=False), highlight=False)


def scored_by(found: Comparison) -> str:
    """What the numbers of the tables are."""
    scores = found.scores
    kind = f"Final {scores.metric.name} (mean of the last 10 % of the steps"
    kind = f"{kind}, up to step {number(scores.steps[0])})" if scores.has_curves else f"Final {scores.metric.name}"
    kind = kind if len(scores.tasks) == 1 else f"Final {scores.metric.name}s of {len(scores.tasks)} tasks"
    if not scores.metric.higher_is_better:
        kind += "; less is better"
    how = f"; {scores.normalisation}" if scores.normalisation else ""
    few = any(2 <= arm.runs < FEW_RUNS for arm in scores.arms)
    return (
        f"{kind}{how}. Brackets: 95 % intervals (IQM: bootstrap widened for few runs; mean: Student; failures: exact)."
        f"{SHORT_OF_95 if few else ''}"
    )


def interval(one: Interval | None) -> str:
    """`12.3 [10.1, 14.5]`; a dash without one."""
    if one is None or math.isnan(one.estimate):
        return "–"
    return f"{short(one.estimate)} [{short(one.low)}, {short(one.high)}]"


def short(value: float) -> str:
    """Three significant digits, whole numbers in full up to 99,999."""
    if not math.isfinite(value):
        return "never" if value > 0 else str(value)
    return f"{value:,.0f}" if 100 <= abs(value) < 1e5 else f"{value:.3g}"


def _arms(arms: Sequence[ArmSummary]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("arm", overflow="fold")
    curves = any(arm.area is not None for arm in arms)
    for title in ("seeds", "IQM", "mean", "failed", *(("area under curve", "lost since peak") if curves else ())):
        table.add_column(title, justify="right", overflow="fold")
    for arm in arms:
        cells = [
            str(arm.runs),
            interval(arm.iqm),
            interval(arm.mean_interval) if arm.mean_interval else number(arm.mean),
        ]
        cells.append(f"{arm.failed} [{100 * arm.failures.low:.0f}, {100 * arm.failures.high:.0f}] %")
        if curves:
            lost = "–" if arm.lost_since_peak is None else share(arm.lost_since_peak)
            cells += [interval(arm.area), lost]
        table.add_row(Text(plain(arm.name)), *cells)
    return table


def _pairs(pairs: Sequence[Pair]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("ahead", "behind", "P(improvement)", "p (Holm)", "shown"):
        table.add_column(title, overflow="fold")
    for pair in pairs:
        p = "–" if pair.test is None else f"{pair.p:.2g}"
        shown = "refused" if pair.refusal else "better" if pair.different else "no"
        table.add_row(Text(plain(pair.ahead)), Text(plain(pair.behind)), interval(pair.improvement), p, shown)
    return table
