"""The command that trains reference learners: learn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lifesigns.commands.options import (
    Html,
    Json,
    Python,
    console,
    fail,
    keywords,
    must_run,
    print_json,
    say,
    seconds,
    status_line,
    write_page,
)

if TYPE_CHECKING:
    from lifesigns.learners.judgement import Judgement
    from lifesigns.learners.learned import Learned


def learn(
    name: Annotated[str, typer.Argument(metavar="ENV", help="a Gymnasium id, module:factory or file.py:Class")],
    n: Annotated[int, typer.Option("-n", "--seeds", help="seeds, trained side by side", min=1)] = 10,
    learner: Annotated[str, typer.Option(help="dqn, ppo, sac or naf [dqn for discrete actions, else sac]")] = "",
    steps: Annotated[int, typer.Option(help="environment steps of each seed [by learner]", min=0)] = 0,
    target: Annotated[float | None, typer.Option(help="the return that is enough [registered threshold]")] = None,
    budget: Annotated[str, typer.Option(help="most time; training is cut there: 60s, 10m")] = "10m",
    changed: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="a setting of the learner; may be repeated")
    ] = None,
    first_seed: Annotated[int, typer.Option("--first-seed", help="the first seed", min=0)] = 0,
    kwargs: Annotated[str, typer.Option(metavar="JSON", help="arguments of the environment")] = "",
    save: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="also write the curves, for `lifesigns compare`")
    ] = None,
    json: Json = False,
    html: Html = None,
    python: Python = "",
) -> None:
    """Is ENV learnable, and at what success rate? Trains many seeds of a small reference learner in one process.

    Ten seeds cost two to four times what one costs. Exit status: 0 at least one seed succeeded, 1 none did, 2 nothing
    could be learned.
    """
    from lifesigns.learners.ask import Wanted, ask
    from lifesigns.learners.judgement import judge

    must_run(python)
    wanted = Wanted(
        name,
        tuple(range(first_seed, first_seed + n)),
        learner.lower(),
        steps,
        tuple(changed or ()),
        keywords(kwargs),
        target,
        seconds(budget),
    )
    line = status_line()

    def progress(stage: str, step: int, found: Learned) -> None:
        line.show(_told(stage, step, found))

    try:
        found = ask(wanted, progress, python)
    except OSError as error:
        fail(f"the environment's process could not be started: {error}")
    finally:
        line.clear()
    if found.problem:
        if json:
            print_json({"env": name, "problem": found.problem})
        fail(found.problem)
    judged = judge(found)
    _report(found, judged, save, json, html)
    raise typer.Exit(int(not any(judged.good)))


def _told(stage: str, step: int, found: Learned) -> str:
    """`lifesigns learn CartPole-v1 · DQN · 12,000 of 20,000 steps · 7 of 10 seeds at 475`."""
    from lifesigns.learners.judgement import NAMES

    parts = [f"lifesigns learn {found.env}"]
    if stage != "training":
        return " · ".join([*parts, stage])
    parts += [NAMES.get(found.learner, ""), f"{step:,} of {found.asked_steps:,} steps"]
    if found.steps and found.target is not None:
        there = sum(curve[-1] >= found.target for curve in found.curves)
        parts.append(f"{there} of {len(found.seeds)} seeds at {found.target:g}")
    return " · ".join(parts)


def _report(found: Learned, judged: Judgement, save: Path | None, json: bool, html: Path | None) -> None:
    if save is not None:
        from lifesigns.learners.learned import write_table

        try:
            write_table(found, save)
        except OSError as error:
            fail(f"cannot write `{save}`: {error.strerror}")
        say(f"wrote {save}")
    if html is not None:
        from lifesigns.report.learned_page import page

        write_page(html, page(found, judged))
    if json:
        from lifesigns.report.learned import to_json

        print_json(to_json(found, judged))
    else:
        from lifesigns.report.learned import render

        render(found, judged, console())
