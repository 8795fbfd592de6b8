"""The answer of `lifesigns env` as text for a terminal; 80 columns are enough."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lifesigns.planner.cost import BAD_SHARE, Cost, Span
from lifesigns.planner.ladder import Ladder, Rung
from lifesigns.planner.properties import Properties
from lifesigns.planner.questions import Question
from lifesigns.planner.verdict import Verdict
from lifesigns.report.env_page import Told
from lifesigns.report.figures import number, plain, seconds

BAR = 18
"""Columns of an interval bar."""
BAD_EPISODES = "{:.0%} to {:.0%} of its episodes are bad ones (assumed)".format(*BAD_SHARE)
STATUS = {"taken": "bold green", "passed": "dim", "blind": "yellow"}


def render(told: Told, console: Console) -> None:
    """Prints the whole answer: verdict, ladder, properties, cost, what would change it."""
    _head(told, console)
    _ladder(told.ladder, told.target, console)
    _blind(told.ladder, console)
    _properties(told.properties, console)
    if told.cost is not None:
        _cost(told.cost, console)
    if told.verdict is not None:
        _verdict(told.verdict, console)
    _questions(told.questions, console)
    for heading, lines in (("CONTRACT BROKEN", told.contract), ("FAILED ON THE WAY", told.crashes)):
        if lines:
            _section(console, heading)
            for line in lines:
                _line(console, plain(line), 2, "yellow")
    if told.contract:
        _line(console, "`--contract` plays longer and with extreme actions, and checks nothing else.", 2, "dim")


def _line(console: Console, text: str | Text, indent: int = 0, style: str = "") -> None:
    shown = text if isinstance(text, Text) else Text(text, style=style)
    console.print(Padding(shown, (0, 0, 0, indent), expand=False), highlight=False)


def _section(console: Console, title: str) -> None:
    console.print()
    _line(console, title, style="bold")


def _labelled(console: Console, label: str, text: str, width: int = 4) -> None:
    table = Table.grid(padding=(0, 1), expand=False)
    table.add_column(no_wrap=True, min_width=width)
    table.add_column(overflow="fold")
    table.add_row(Text(label, style="dim"), Text(plain(text)))
    console.print(Padding(table, (0, 0, 0, 2), expand=False), highlight=False)


def _head(told: Told, console: Console) -> None:
    facts = f"{plain(told.name)} · {seconds(told.wall_s)} ({seconds(told.cpu_s)} CPU) · {told.env_steps:,} steps"
    _line(console, facts, style="dim")
    if told.verdict is not None:
        head = Text(f"{told.verdict.kind[0].upper()}{told.verdict.kind[1:]}. ", style="bold green")
        head.append(plain(told.verdict.sentence), style="bold")
        _line(console, head)
        for evidence in told.verdict.evidence:
            _line(console, plain(evidence), 2)


def _ladder(ladder: Ladder, target: float | None, console: Console) -> None:
    shown = [r for r in ladder.rungs if r.returns]
    if not shown:
        return
    enough = f"; enough (┊): {number(target)}" if target is not None else ""
    _section(console, f"LADDER (mean return, 95 % interval{enough})")
    whole, left_out = with_one_constant(sorted((r for r in shown if r.whole), key=lambda r: r.mean))
    low, high = span_of(whole, target)
    table = Table.grid(padding=(0, 1), expand=False)
    table.add_column(overflow="fold", min_width=22, max_width=25)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold", style="dim")
    table.add_row(*(Text(t, style="dim") for t in ("method", "return", "", "n", "CPU-s", "")))
    for rung in whole:
        table.add_row(*_row(rung, bar(rung, low, high, target)))
    for rung in (r for r in shown if r.steps):
        then = f"{rung.steps} steps, random {number(rung.random_then)}"
        table.add_row(*_row(rung, Text(then[:BAR] if len(then) <= BAR else "first steps only", style="yellow"), then))
    console.print(Padding(table, (0, 0, 0, 2), expand=False), highlight=False)
    if left_out:
        _line(console, f"{left_out} other constant actions are no better than the best one", 2, "dim")


def with_one_constant(rungs: list[Rung]) -> tuple[list[Rung], int]:
    """The rungs with the best constant action alone, and how many others there are."""
    constants = [r for r in rungs if r.kind == "constant"]
    best = max(constants, key=lambda r: r.mean, default=None)
    return [r for r in rungs if r.kind != "constant" or r is best], max(len(constants) - 1, 0)


def _row(rung: Rung, middle: Text, more: str = "") -> tuple[Text, Text, Text, Text, Text, Text]:
    unfair = "; ".join(t for t in (rung.unfair, more) if t)
    cpu = f"{rung.cpu_s:.2f}" if rung.cpu_s < 10 else f"{rung.cpu_s:.0f}"
    value = f"{rung.mean:.1f}" if 0.1 <= abs(rung.mean) < 1e5 and abs(rung.mean) >= 10 else f"{rung.mean:.3g}"
    name = plain(rung.method)
    return Text(name), Text(value), middle, Text(str(len(rung.returns))), Text(cpu), Text(plain(unfair))


def span_of(rungs: list[Rung], target: float | None) -> tuple[float, float]:
    """The range that the bars are drawn over: from the worst to the best mean, and the target."""
    ends = [r.mean for r in rungs] + ([target] if target is not None else [])
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    return (low, high) if high > low else (low - 1, high + 1)


def bar(rung: Rung, low: float, high: float, target: float | None) -> Text:
    """`━━●━━` from the lower to the upper end of the interval, `┊` at the target."""

    def column(value: float) -> int:
        return min(max(round((value - low) / (high - low) * (BAR - 1)), 0), BAR - 1)

    cells = [" "] * BAR
    if target is not None:
        cells[column(target)] = "┊"
    left, right = rung.interval
    if isfinite(left) and isfinite(right):
        for i in range(column(left), column(right) + 1):
            cells[i] = "━"
    cells[column(rung.mean)] = "●"
    return Text("".join(cells), style="green" if target is not None and rung.mean >= target else "")


def _blind(ladder: Ladder, console: Console) -> None:
    reasons: dict[str, list[str]] = {}
    for rung in ladder.rungs:
        if rung.blind:
            reasons.setdefault(rung.blind, []).append(rung.method)
    for why, methods in reasons.items():
        _line(console, f"BLIND {', '.join(plain(m) for m in methods)}: {plain(why)}", 2, "dim")


def _properties(properties: Properties, console: Console) -> None:
    if not properties.rows:
        return
    _section(console, "MEASURED")
    for one in sorted(properties.rows, key=lambda p: int(p.row[1:] or 99)):
        _labelled(console, one.row, one.text if one.value is not None else f"BLIND {one.text}")


def spread(span: Span, unit: str = "") -> str:
    """`20k to 100k`: the median and the 90 % point."""

    def short(value: float) -> str:
        for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
            if value >= size:
                return f"{value / size:.3g}{letter}"
        return f"{value:.2g}" if value < 10 else f"{value:.0f}"

    return f"{short(span.p50)} (p50) to {short(span.p90)} (p90){' ' + unit if unit else ''}"


def _cost(cost: Cost, console: Console) -> None:
    _section(console, f"WHAT RL WOULD COST ({cost.algorithm})")
    low, high = cost.failing
    rows = [
        ("one run", f"{spread(cost.run_steps, 'steps')}; {spread(cost.run_hours, cost.hours_of)}"),
        (
            "project",
            f"{spread(cost.project_hours, cost.hours_of)}, {spread(cost.dollars, '$')}: 10 seeds, settings, rework",
        ),
        ("reaches it", f"{100 * cost.solves:.0f} % within p90; {cost.basis}"),
        ("seeds fail", f"{100 * low:.0f} to {100 * high:.0f} % ({cost.failing_what})"),
        ("speed", f"set by {cost.bottleneck}"),
    ]
    if cost.world_hours is not None:
        rows.insert(1, ("played", f"{spread(cost.world_hours, 'hours of the world in one run')}"))
    if cost.bad_episodes_dollars is not None:
        rows.append(("bad ones", f"{spread(cost.bad_episodes_dollars, '$')} in one run: {BAD_EPISODES}"))
    for label, text in rows:
        _labelled(console, label, text, 10)


def _verdict(verdict: Verdict, console: Console) -> None:
    _section(console, "EXITS, IN ORDER")
    for step in verdict.steps:
        mark = Text(f"{step.status:<6} ", style=STATUS[step.status])
        mark.append(f"{step.exit}: ", style="default")
        mark.append("as above" if step.status == "taken" else plain(step.reason), style="dim")
        _line(console, mark, 2)
    if verdict.would_change:
        _section(console, "WHAT WOULD CHANGE THIS VERDICT")
        for change in verdict.would_change:
            _line(console, f"- {plain(change)}", 2)


def _questions(asked: Sequence[Question], console: Console) -> None:
    if not asked:
        return
    _section(console, "WHAT ONLY YOU CAN SAY")
    for one in asked:
        taken = "you said" if one.answered else "assumed"
        _line(console, f"{one.question} {plain(one.flag)} ({taken}: {plain(one.answer)})", 2)
