"""Ten and forty seeds of NAF on Pendulum: correct code, the time limit stored as terminal, raw rewards (the essay's "7 of 10").

`python run.py` reads the runs that naf.py left in runs/, prints the figures, compares them with figures.json beside it
and draws plot.svg. To make the runs anew see README.md.
"""

import json
from pathlib import Path

import altair as alt
import numpy as np

from lifesigns.stats import fisher_test, rate_difference_interval, seeds_for_rates, success_interval, two_groups

HERE = Path(__file__).parent
SOLVED = -200.0
"""Return from which a run counts as a success; a random start swung up at once costs about 150."""
CASES = {"correct": "correct", "time limit stored as terminal": "time-limit", "raw rewards": "reward-scale"}
"""Case → file of its runs."""


def finals(name):
    """Final returns [seed] of one file of runs."""
    kept = json.loads((HERE / "runs" / f"{name}.json").read_text("utf-8"))
    return np.array(kept["returns"])[:, -1]


def counted(scores):
    """Successes of some runs with their exact interval."""
    wins = int((scores > SOLVED).sum())
    found = success_interval(wins, len(scores))
    return {
        "successes": wins,
        "runs": len(scores),
        "rate": [round(x, 3) for x in (found.estimate, found.low, found.high)],
        "above_-300": int((scores > -300).sum()),
    }


def against(first, row):
    """Whether two rates differ (Fisher, two-sided), by how much (Newcombe), and the seeds that would tell them apart."""
    counts = first["successes"], first["runs"], row["successes"], row["runs"]
    apart = rate_difference_interval(*counts)
    return {
        "fisher_p": float(f"{fisher_test(*counts).p:.2g}"),
        "correct_minus_this": [round(x, 3) for x in (apart.estimate, apart.low, apart.high)],
        "seeds_an_arm_to_tell": seeds_for_rates(first["rate"][0], row["rate"][0]),
    }


def forty():
    """Cases of which forty further seeds are in runs/, with their files."""
    return {case: f"{name}-40" for case, name in CASES.items() if (HERE / "runs" / f"{name}-40.json").exists()}


def measure():
    """Success rates with their intervals, whether the faults show in ten and in forty seeds, and how many would do."""
    rows = {case: counted(finals(name)) for case, name in CASES.items()}
    first = rows["correct"]
    for case in list(CASES)[1:]:
        rows[case] |= against(first, rows[case])
    split = two_groups(finals("correct"), rng=np.random.default_rng(0))
    first["two_groups"] = {"lower": split.lower, "upper": split.upper, "p": round(split.p, 3), "found": split.bimodal}
    more = {case: counted(finals(name)) for case, name in forty().items()}
    for case in list(more)[1:]:
        more[case] |= against(more["correct"], more[case])
    counts = first["successes"], first["runs"], more["correct"]["successes"], more["correct"]["runs"]
    more["correct"]["fisher_p_against_the_ten"] = round(fisher_test(*counts).p, 4)
    return rows | {f"{case}, 40 further seeds": row for case, row in more.items()}


def plot():
    """Final return of each run, one row for each case."""
    rows = CASES | {f"{case}, 40 further seeds": name for case, name in forty().items()}
    points = [
        {"case": case, "return": float(x), "solved": bool(x > SOLVED)}
        for case, name in rows.items()
        for x in finals(name)
    ]
    base = alt.Chart(alt.InlineData(values=points)).encode(
        alt.X("return:Q", title="final return (mean of 20 episodes)"),
        alt.Y("case:N", title=None, sort=list(rows), axis=alt.Axis(labelLimit=300)),
    )
    dots = base.mark_tick(thickness=2, height=22).encode(alt.Color("solved:N", title=f"above {SOLVED:.0f}"))
    return dots.properties(width=460, height=40 * len(rows))


def main():
    rows = measure()
    print(json.dumps(rows, indent=1))
    plot().save(HERE / "plot.svg")
    expected = HERE / "figures.json"
    if expected.exists() and json.loads(expected.read_text("utf-8")) != rows:
        raise SystemExit(f"expected the figures of {expected.name}")
    expected.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
