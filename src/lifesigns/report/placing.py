"""A run's place among other methods, as lines for a terminal and as plain values."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from lifesigns.model import Placing
from lifesigns.report.figures import number, plain

if TYPE_CHECKING:
    from rich.console import Console

OWN = "this run"


def rows(placing: Placing) -> list[tuple[str, str, str, str, str, str]]:
    """(method, mean return, 95 % interval, episodes, CPU-seconds, what it has), best first, the run among them."""
    found = [
        (
            r.mean,
            (
                plain(r.method),
                number(r.mean),
                f"{number(r.low)} to {number(r.high)}" if isfinite(r.low) and r.low != r.high else "",
                str(r.episodes),
                f"{r.cpu_s:.1f}" if r.cpu_s else "",
                plain(r.unfair),
            ),
        )
        for r in placing.rungs
    ]
    if placing.value is not None:
        found.append((placing.value, (OWN, number(placing.value), "", str(placing.episodes), "", "")))
    return [row for _, row in sorted(found, key=lambda pair: -pair[0])]


def render(placing: Placing, console: Console) -> None:
    """The table under its heading; nothing where there is no rung."""
    if not placing.rungs and not placing.missing and placing.standing != "cannot tell":
        return
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console.print()
    console.print(Text("LADDER (mean returns of other methods in this environment)", style="bold"))
    table = Table.grid(padding=(0, 2), expand=False)
    for i in range(6):
        table.add_column(justify="right" if i in (1, 3, 4) else "left", overflow="fold", no_wrap=i < 5)
    table.add_row(*(Text(t, style="dim") for t in ("method", "return", "95 %", "n", "CPU-s", "")))
    for row in rows(placing):
        style = "bold" if row[0] == OWN else ""
        table.add_row(*(Text(cell, style=style) for cell in row))
    if placing.rungs:
        console.print(Padding(table, (0, 0, 0, 2), expand=False), highlight=False)
    for why in placing.missing:
        console.print(Padding(Text(f"BLIND {plain(why)}", style="dim"), (0, 0, 0, 2), expand=False), highlight=False)
    if placing.standing == "cannot tell":
        console.print(Padding(Text(f"BLIND {plain(placing.sentence)}", style="dim"), (0, 0, 0, 2), expand=False))
    if placing.source:
        text = Text(f"Linear policies and planners: {plain(placing.source)}.", style="dim")
        console.print(Padding(text, (0, 0, 0, 2), expand=False), highlight=False)


def to_json(placing: Placing | None) -> dict[str, Any] | None:
    """Plain values; a bound that is not finite is None."""
    if placing is None:
        return None
    return {
        "sentence": placing.sentence,
        "standing": placing.standing,
        "below": placing.below,
        "above": placing.above,
        "value": placing.value,
        "episodes": placing.episodes,
        "rungs": [
            {
                "method": r.method,
                "kind": r.kind,
                "mean": r.mean,
                "low": r.low if isfinite(r.low) else None,
                "high": r.high if isfinite(r.high) else None,
                "episodes": r.episodes,
                "cpu_s": r.cpu_s,
                "unfair": r.unfair,
            }
            for r in placing.rungs
        ],
        "missing": list(placing.missing),
        "source": placing.source,
    }
