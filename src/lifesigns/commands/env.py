"""The command that asks whether RL is the right tool: env."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lifesigns.commands.options import (
    Home,
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
    from lifesigns.appraisal import Appraisal
    from lifesigns.report.env_page import Told


def env(
    name: Annotated[
        str, typer.Argument(metavar="ENV", help="a Gymnasium id, ALE/Pong-v5, module:factory or file.py:Class")
    ],
    budget: Annotated[str, typer.Option(help="time for the whole answer: 30s, 5m")] = "30s",
    target: Annotated[float | None, typer.Option(help="the return that is enough [registered threshold]")] = None,
    kwargs: Annotated[str, typer.Option(metavar="JSON", help="arguments of the environment")] = "",
    restore: Annotated[str, typer.Option(metavar="FILE:SAVE,LOAD", help="your functions that save and restore")] = "",
    contract: Annotated[bool, typer.Option("--contract", help="only check that it keeps Gymnasium's contract")] = False,
    hours: Annotated[float | None, typer.Option(help="core-hours that RL may cost you")] = None,
    core_hour: Annotated[float | None, typer.Option(help="price of a core-hour in dollars [0.05]")] = None,
    real: Annotated[bool, typer.Option("--real", help="it learns on a real system, in its own time")] = False,
    bad_episode: Annotated[float | None, typer.Option(help="what one bad episode costs, in dollars")] = None,
    seed: Annotated[int, typer.Option(help="seed of every method")] = 0,
    json: Json = False,
    html: Html = None,
    home: Home = None,
    python: Python = "",
) -> None:
    """Is RL the right tool for ENV? Plays what RL must beat, measures the environment, says what RL would cost.

    The environment runs in a process of its own. Exit status: 0 answered, 1 the contract is broken (with --contract),
    2 nothing could be measured.
    """
    from lifesigns.appraisal import appraise, record_forecast
    from lifesigns.planner.questions import Answers

    options: dict[str, Any] = {"seed": seed, "target": target, "restore": restore, "contract": contract}
    options |= {"kwargs": keywords(kwargs), "film": html is not None}
    must_run(python)
    limit_s, line = seconds(budget), status_line()

    def progress(stage: str, steps: int, wall_s: float) -> None:
        line.show(f"lifesigns env {wall_s:.0f} of {limit_s:.0f} s · {stage} · {steps:,} steps")

    try:
        found = appraise(name, limit_s, progress, python, Answers(hours, core_hour, real, bad_episode), **options)
    except OSError as error:
        fail(f"the environment's process could not be started: {error}")
    finally:
        line.clear()
    if found.survey.problem:
        _refuse(found, json)
    if contract:
        _contract(found, json)
    _remember(found, limit_s, home)
    answer = told(found)
    if found.forecast is not None:
        try:
            record_forecast(found.forecast, home)
        except OSError as error:
            say(f"the forecast could not be kept: {error}")
    _answer(answer, json, html)


def _remember(found: Appraisal, limit_s: float, home: Path | None) -> None:
    """Keeps the ladder beside the runs, so that `check` and `seeds` place runs of this environment on it."""
    from lifesigns.baselines import placing
    from lifesigns.store import runs_home

    spec, rungs = found.survey.about.get("spec"), tuple(r for r in found.survey.ladder.rungs if r.whole)
    if isinstance(spec, dict) and rungs:
        file = (home or runs_home()) / placing.LADDERS / placing.key(spec, [str(Path.cwd())])
        if placing.read(file)[1] <= limit_s:
            kept = placing.Beside(rungs, source=f"`lifesigns env`, {limit_s:.0f} s")
            placing.write(file, kept, limit_s)


def told(found: Appraisal) -> Told:
    """What the reports are given."""
    from lifesigns.report.env_page import Told

    survey = found.survey
    return Told(
        name=str(survey.about.get("id") or survey.name),
        ladder=survey.ladder,
        properties=survey.properties,
        target=survey.target,
        target_source=survey.target_source,
        cost=found.cost,
        verdict=found.verdict,
        forecast=found.forecast,
        questions=found.questions,
        about=survey.about,
        contract=survey.contract,
        crashes=survey.crashes,
        sweep=survey.sweep,
        sweep_steps=survey.sweep_steps,
        films=survey.films,
        no_film=survey.no_film,
        wall_s=survey.wall_s,
        cpu_s=survey.cpu_s,
        env_steps=survey.env_steps,
        complete=survey.complete,
    )


def _refuse(found: Appraisal, json: bool) -> None:
    survey = found.survey
    pointer = "; `lifesigns env ENV --contract` checks all of it" if survey.contract else ""
    if json:
        print_json({"env": survey.name, "problem": survey.problem, "contract_broken": survey.contract})
    fail(f"{survey.problem}{pointer}")


def _contract(found: Appraisal, json: bool) -> None:
    broken = found.survey.contract
    if json:
        print_json({"env": found.survey.name, "contract_broken": broken})
    else:
        for sentence in broken or [
            "no break of Gymnasium's contract found in 5,000 steps of random and extreme actions"
        ]:
            print(f"{'broken: ' if broken else ''}{sentence}")
    raise typer.Exit(int(bool(broken)))


def _answer(answer: Told, json: bool, html: Path | None) -> None:
    if html is not None:
        from lifesigns.report.env_html import html as page

        write_page(html, page(answer))
    if json:
        from lifesigns.report.env_page import to_json

        print_json(to_json(answer))
    else:
        from lifesigns.report.env_terminal import render

        render(answer, console())
