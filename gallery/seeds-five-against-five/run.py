"""Five runs against five of the *same* algorithm (Henderson et al. 2018, figure 5): the best split is "significant".

`python run.py` prints the figures, compares them with figures.json beside it and draws plot.svg. The ten runs are those
of ../seeds-naf-pendulum: one script, one setting, ten seeds.
"""

import json
from itertools import combinations
from pathlib import Path

import altair as alt
import numpy as np

from lifesigns.stats import improvement_interval, permutation_test, split_honesty, welch_test

HERE = Path(__file__).parent
RUNS = HERE.parent / "seeds-naf-pendulum" / "runs" / "correct.json"
COLUMNS = ("mean over training", "final return")


def runs():
    """Steps [point] and returns [seed, point]."""
    kept = json.loads(RUNS.read_text("utf-8"))
    return np.array(kept["steps"]), np.array(kept["returns"])


def measure():
    """The best split for two summaries of a run, and what an honest look at ten equal runs says."""
    _, returns = runs()
    rows = {}
    for name, scores in zip(COLUMNS, (returns.mean(axis=1), returns[:, -1]), strict=True):
        found = split_honesty(scores, rng=np.random.default_rng(0))
        a = scores[list(found.split)]
        b = scores[[i for i in range(len(scores)) if i not in found.split]]
        p = [welch_test(scores[list(s)], np.delete(scores, s)).p for s in combinations(range(len(scores)), 5)]
        rows[name] = {
            "splits": found.splits // 2,
            "best_split": list(found.split),
            "means": [round(float(a.mean()), 1), round(float(b.mean()), 1)],
            "welch_t": round(found.t, 2),
            "welch_p": round(found.least_p, 4),
            "permutation_p": round(permutation_test(a, b, rng=np.random.default_rng(0)).p, 4),
            "improvement": str(improvement_interval(b, a, rng=np.random.default_rng(0))),
            "splits_below_5_percent": round(float(np.mean(np.array(p) <= 0.05)), 4),
        }
    return rows


def plot(split):
    """Both groups of the best split: each run thin, the means thick."""
    steps, returns = runs()
    group = ["first five" if i in split else "other five" for i in range(len(returns))]
    points = [
        {"run": i, "group": group[i], "step": int(x), "return": float(y)}
        for i, curve in enumerate(returns)
        for x, y in zip(steps, curve, strict=True)
    ]
    base = alt.Chart(alt.InlineData(values=points)).encode(
        alt.X("step:Q", title="environment steps"),
        alt.Y("return:Q", title="return"),
        alt.Color("group:N", title="the same script and settings"),
    )
    thin = base.mark_line(strokeWidth=0.7, opacity=0.6).encode(alt.Detail("run:N"))
    thick = base.mark_line(strokeWidth=3).encode(alt.Y("mean(return):Q", title="return"))
    return (thin + thick).properties(width=560, height=280)


def main():
    rows = measure()
    for name, row in rows.items():
        print(name, *(f"  {k}: {v}" for k, v in row.items()), sep="\n")
    plot(rows[COLUMNS[0]]["best_split"]).save(HERE / "plot.svg")
    expected = HERE / "figures.json"
    if expected.exists() and json.loads(expected.read_text("utf-8")) != rows:
        raise SystemExit(f"expected the figures of {expected.name}")
    expected.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
