"""Stop or wait, held out by game: what is predicted from the other games, against what happened.

`python benchmarks/atlas/held_out.py` writes stop_or_wait.json and stop_or_wait.md; a minute.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
from run import head

from lifesigns.curves.outlook import GOOD, Healthy, healthy, outlook

HERE = Path(__file__).parent
FRACTIONS = (0.05, 0.1, 0.2, 0.4, 0.6)
EDGES = (0.0, 0.05, 0.15, 0.3, 0.5, 0.7, 0.9, 1.001)


def predictions(curves: Healthy) -> list[tuple[float, float, bool]]:
    """(fraction, predicted share, whether it ended well) of each curve below half, from the curves of other tasks."""
    found = []
    for task in np.unique(curves.task):
        own = curves.task == task
        rest = Healthy(curves.progress[~own], curves.task[~own])
        for row in curves.progress[own]:
            for fraction in FRACTIONS:
                now = float(row[int(fraction * (len(row) - 1))])
                told = outlook(now, fraction, rest) if now < GOOD else None
                if told is not None:
                    found.append((fraction, told.share, bool(row[-1] > GOOD)))
    return found


def bins(rows: list[tuple[float, float, bool]]) -> list[dict]:
    """Observed share in bins of the predicted one."""
    predicted, happened = np.array([r[1] for r in rows]), np.array([r[2] for r in rows], float)
    told = []
    for low, high in pairwise(EDGES):
        inside = (predicted >= low) & (predicted < high)
        if inside.any():
            told.append(
                {
                    "predicted": round(float(predicted[inside].mean()), 3),
                    "observed": round(float(happened[inside].mean()), 3),
                    "runs": int(inside.sum()),
                }
            )
    return told


def main() -> None:
    """Writes the tables."""
    curves = healthy()
    rows = predictions(curves)
    predicted, happened = np.array([r[1] for r in rows]), np.array([r[2] for r in rows], float)
    brier, base = float(((predicted - happened) ** 2).mean()), float(((happened.mean() - happened) ** 2).mean())
    result = {
        **head("benchmarks/atlas/held_out.py"),
        "curves": len(curves.progress),
        "tasks": len(np.unique(curves.task)),
        "predictions": len(rows),
        "brier": round(brier, 4),
        "brier_of_the_base_rate": round(base, 4),
        "base_rate": round(float(happened.mean()), 3),
        "calibration": bins(rows),
        "by_fraction": {str(f): bins([r for r in rows if r[0] == f]) for f in FRACTIONS},
    }
    (HERE / "stop_or_wait.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    lines = [
        "# Stop or wait, held out by game",
        "",
        f"{len(rows)} predictions for the {result['curves']} curves of {result['tasks']} tasks that stood below "
        f"half of the reference after {', '.join(f'{f:.0%}' for f in FRACTIONS)} of their budget, each from the "
        f"curves of other tasks. Brier score {brier:.3f}; of the base rate ({result['base_rate']:.0%} end well) "
        f"{base:.3f}.",
        "",
        "| predicted to end above half | did | runs |",
        "|---|---|---|",
        *[f"| {b['predicted']:.0%} | {b['observed']:.0%} | {b['runs']} |" for b in result["calibration"]],
    ]
    for fraction in FRACTIONS:
        lines += ["", f"After {fraction:.0%} of the budget:", "", "| predicted | observed | runs |", "|---|---|---|"]
        lines += [
            f"| {b['predicted']:.0%} | {b['observed']:.0%} | {b['runs']} |"
            for b in result["by_fraction"][str(fraction)]
        ]
    lines += ["", f"{result['command']}, {result['date']}, Python {result['python']}, {result['versions']}."]
    (HERE / "stop_or_wait.md").write_text("\n".join(lines) + "\n", "utf-8")
    print("\n".join(lines[:14]))


if __name__ == "__main__":
    main()
