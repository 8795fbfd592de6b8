"""Draws docs/images/impulse-response.svg: one reward 1 higher, and which advantages of the rollout answer.

Runs two programs in exact pairs: the gallery's PPO script, and a copy in which one mask is forgotten (the mutation
`ppo-gae-no-mask` of benchmarks/dyes/suite). What is drawn is read off the logs of those four runs; nothing is computed
by formula. Takes about half a minute: `.venv/bin/python docs/make_dye_picture.py`.
"""

from __future__ import annotations

import runpy
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import altair as alt
import numpy as np
import vl_convert
from numpy.typing import NDArray

from lifesigns.paired.experiments import Lab
from lifesigns.paired.runlog import Stain
from lifesigns.paired.runner import Runner, Target

ROOT = Path(__file__).parents[1]
PICTURE = Path(__file__).parent / "images" / "impulse-response.svg"
MUTATION = "ppo-gae-no-mask"
STEPS_INTO_EPISODE = 9
"""The changed reward is that of this step of the second episode of environment 0."""
FIRST_UPDATE = {"updates": 1}
LIMIT_S, SHOWN_AFTER = 60.0, 4
OWN, ACROSS, INK = "#0072B2", "#D55E00", "#333333"
"""Blue and vermilion of Okabe and Ito's palette for colour-blind readers (2008)."""
FONT = "Helvetica, Arial, sans-serif"


@dataclass(frozen=True)
class Response:
    """How much the advantage of each step of environment 0 moves [T]; where episode 2 begins; which reward moved."""

    moved: NDArray[np.float64]
    boundary: int
    changed: int


def measured(script: Path, folder: Path) -> Response:
    """One undyed run, and one with a single reward 1 higher. Raises Blind where a run is no evidence."""
    runner = Runner(Target(str(script), cwd=str(script.parent)), folder, limit_s=LIMIT_S)
    try:
        lab = Lab(runner, time.monotonic() + 2 * LIMIT_S)
        lab.ask("natural", zygote=0, stop=FIRST_UPDATE)
        lab.seeds = (lab.ran("natural").about or {})["seeds"]
        mine = [s for s in lab.plan("natural").training if s.part == 0 and s.episode == 1]
        step = mine[STEPS_INTO_EPISODE - 1].number
        plant = {"kind": "reward", "at": "step", "delta": 1.0, "envs": [0], "step": step}
        lab.ask("reward-once", stop=FIRST_UPDATE, plants=[plant])
        return Response(_advantages(lab.stain("natural", "reward-once"))[:, 0], mine[0].number, step)
    finally:
        runner.close()


def _advantages(stain: Stain) -> NDArray[np.float64]:
    """The change of the advantages [T, N]: the array of a whole rollout that is filled in last before an update."""
    filled = [c for i, c in stain.ops() if c.ndim == 2 and stain.base.name(i) == "__setitem__"]
    return filled[-1]


def panel(response: Response, title: str, line: str, *, last: bool) -> alt.LayerChart:
    """One program: its `line`, a bar for each step, the boundary, the changed reward."""
    end = response.changed + SHOWN_AFTER
    values = [{"step": t, "change": float(response.moved[t]), "across": t < response.boundary} for t in range(end + 1)]
    x = alt.X(
        "step:Q",
        scale=alt.Scale(domain=[-0.6, end + 0.6], nice=False),
        axis=alt.Axis(title="step of the rollout (environment 0)" if last else None, tickCount=8, grid=False),
    )
    y = alt.Y(
        "change:Q",
        scale=alt.Scale(domain=[0, 1.12]),
        axis=alt.Axis(
            title=["change of the advantage", "(units of reward)"], values=[0, 0.25, 0.5, 0.75, 1], format=".2f"
        ),
    )
    bars = (
        alt.Chart(alt.Data(values=values))
        .mark_bar(size=13)
        .encode(x=x, y=y, color=alt.condition("datum.across", alt.value(ACROSS), alt.value(OWN)))
    )
    dots = (
        alt.Chart(alt.Data(values=values))
        .transform_filter("datum.change == 0")
        .mark_point(shape="circle", size=16, filled=True, color="#8a8a8a")
        .encode(x=x, y=y)
    )
    edge = (
        alt.Chart(alt.Data(values=[{"step": response.boundary - 0.5}]))
        .mark_rule(strokeDash=[5, 4], color=INK, strokeWidth=1.5)
        .encode(x=x)
    )
    texts = [
        _text(response.boundary - 1.0, 1.06, "first episode", "right", INK),
        _text(response.boundary, 1.06, "second episode", "left", INK),
        _text(response.changed + 0.7, 0.93, "this reward", "left", OWN),
        _text(response.changed + 0.7, 0.82, "is 1 higher", "left", OWN),
        *_credit(response),
    ]
    return alt.layer(edge, bars, dots, *texts).properties(
        width=700,
        height=190,
        title=alt.TitleParams(
            title,
            subtitle=line,
            anchor="start",
            fontSize=15,
            color=INK,
            offset=10,
            subtitleFont="monospace",
            subtitleFontSize=12,
            subtitleColor=INK,
            subtitlePadding=5,
        ),
    )


def _credit(response: Response) -> list[alt.Chart]:
    across = response.moved[: response.boundary]
    if not across.any():
        return [_text(response.boundary - 2.0, 0.16, "nothing answers here: bit for bit the same", "right", INK)]
    place = response.boundary - 5.0
    return [
        _text(place, 0.55, f"{np.count_nonzero(across)} steps of the episode before answer:", "right", ACROSS),
        _text(place, 0.44, "credit has crossed the boundary", "right", ACROSS),
    ]


def _text(x: float, y: float, text: str, align: str, color: str) -> alt.Chart:
    return (
        alt.Chart(alt.Data(values=[{"step": x, "change": y, "text": text}]))
        .mark_text(align=align, fontSize=13, color=color, baseline="middle")
        .encode(x="step:Q", y="change:Q", text="text:N")
    )


def picture(healthy: Response, faulty: Response, lines: tuple[str, str]) -> alt.VConcatChart:
    """Both programs, one above the other; `lines` is what differs in their sources."""
    own = healthy.moved[healthy.boundary : healthy.changed + 1]
    ratio = float((own[0] / own[-1]) ** (1.0 / (len(own) - 1)))
    good = f"As it should be: each step back answers {ratio:.3f} (γ · λ = 0.98 · 0.9) of the next"
    bad = "One mask forgotten in the sum of advantages: the answer runs on into the episode before"
    both = alt.vconcat(panel(healthy, good, lines[0], last=False), panel(faulty, bad, lines[1], last=True), spacing=24)
    both = both.configure(font=FONT, background="white", padding=14).configure_view(stroke=None)
    return both.configure_axis(
        labelFontSize=13,
        titleFontSize=13,
        titleFontWeight="normal",
        labelColor=INK,
        titleColor=INK,
        gridColor="#e6e6e6",
    )


def main() -> None:
    """Runs both programs and writes the picture."""
    suite = runpy.run_path(str(ROOT / "benchmarks" / "dyes" / "suite" / "apply.py"), run_name="suite")
    held = suite["load"]()
    mutation = next(m for m in held.mutations if m.id == MUTATION)
    program = held.programs[mutation.program]
    with tempfile.TemporaryDirectory() as folder:
        planted = suite["plant"](mutation, program, Path(folder) / "faulty")
        healthy = measured(program.script, Path(folder) / "healthy-runs")
        faulty = measured(planted.script, Path(folder) / "faulty-runs")
    for name, one in (("healthy", healthy), ("faulty", faulty)):
        print(
            name,
            f"episode 2 begins at step {one.boundary}, reward of step {one.changed}:",
            [round(float(v), 4) for v in one.moved[: one.changed + 1]],
        )
    chart = picture(healthy, faulty, (mutation.replace, mutation.by))
    PICTURE.write_text(vl_convert.vegalite_to_svg(chart.to_json()) + "\n", "utf-8")


if __name__ == "__main__":
    main()
