"""18 million frames, 70 million, never: when the median human-normalised score passes 100 %, from public curves.

`python run.py` prints the figures, compares them with figures.json beside it and draws plot.svg. No training.
"""

import json
from pathlib import Path

import altair as alt
import numpy as np

from lifesigns.curves import atari
from lifesigns.stats import curve_band, frames_to_hours, steps_to_threshold

HERE = Path(__file__).parent
AGENTS = ("Rainbow", "C51", "IQN", "DQN")
ESSAY = {"Rainbow": 18, "C51": 70, "DQN": None}
"""Million frames by the essay's figure (Hessel et al. 2017: no sticky actions, 57 games); C51 is its distributional DQN."""
FRAMES_M = 1.0
"""Million frames of one iteration of the curves."""


def bands(replicates=500):
    """Median human-normalised score over the games with a human score, with its interval over seeds."""
    curves = atari()
    scores = curves.normalised()[:, ~np.isnan(curves.reference)]
    frames = FRAMES_M * np.arange(1, scores.shape[-1] + 1)
    return {
        agent: curve_band(
            scores[curves.agents.index(agent)].transpose(1, 0, 2),
            frames,
            "median",
            rng=np.random.default_rng(0),
            replicates=replicates,
        )
        for agent in AGENTS
    }


def first_m(values, band):
    """Million frames until the values reach 1; None for never."""
    found = steps_to_threshold([values], band.grid, 1.0)
    return float(found.steps[0]) if found.reached[0] else None


def measure(found):
    """Figures of each agent: million frames and hours, the range that the seeds allow, and the score at 195M."""
    rows = {}
    for agent, band in found.items():
        m = first_m(band.estimate, band)
        rows[agent] = {
            "essay_million_frames": ESSAY.get(agent),
            "million_frames": m,
            "earliest": first_m(band.high, band),
            "latest": first_m(band.low, band),
            "hours": None if m is None else round(frames_to_hours(1e6 * m)),
            "median_at_195M": round(float(band.estimate[194]), 2),
        }
    return rows


def plot(found):
    """The four median curves with their intervals and the line of 100 %."""
    points = [
        {"agent": agent, "frames": float(x), "median": float(y), "low": float(a), "high": float(b)}
        for agent, band in found.items()
        for x, y, a, b in zip(band.grid, band.estimate, band.low, band.high, strict=True)
    ]
    base = alt.Chart(alt.InlineData(values=points)).encode(
        alt.X("frames:Q", title="million frames (1 million = 4.6 hours of play)"),
        alt.Color("agent:N", title=None, sort=list(AGENTS)),
    )
    area = base.mark_area(opacity=0.2).encode(alt.Y("low:Q", title="median human-normalised score"), alt.Y2("high:Q"))
    line = base.mark_line(strokeWidth=1.5).encode(alt.Y("median:Q"))
    human = alt.Chart(alt.InlineData(values=[{"y": 1.0}])).mark_rule(strokeDash=[4, 3]).encode(alt.Y("y:Q"))
    return (area + line + human).properties(width=560, height=280)


def main():
    found = bands()
    rows = measure(found)
    for agent, row in rows.items():
        reached = "never" if row["million_frames"] is None else f"{row['million_frames']:.0f}M frames, {row['hours']} h"
        print(f"{agent:8} {reached:20} [{row['earliest']}, {row['latest']}], {row['median_at_195M']} at 195M")
    print("83 hours:", round(frames_to_hours(18e6), 1))
    plot(found).save(HERE / "plot.svg")
    expected = HERE / "figures.json"
    if expected.exists() and json.loads(expected.read_text("utf-8")) != rows:
        raise SystemExit(f"expected the figures of {expected.name}")
    expected.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
