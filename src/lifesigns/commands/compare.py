"""The command that compares runs: compare."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from lifesigns.commands.options import Html, Json, console, fail, print_json, write_page


class Normalise(StrEnum):
    """How scores of several tasks are put on one scale."""

    none, atari_human, range = "none", "atari-human", "range"


def compare(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="A B…", help="run, campaign or log folders, CSV, .npy, .npz; NAME=PATH gives a name"),
    ],
    metric: Annotated[str, typer.Option(help="series to compare [evaluation returns, else training returns]")] = "",
    success_at: Annotated[float | None, typer.Option(help="final score from which a run counts as good")] = None,
    at: Annotated[float | None, typer.Option(help="step to compare at [the last that all reach]")] = None,
    margin: Annotated[float | None, typer.Option(help="also test whether they differ by less than this")] = None,
    alpha: Annotated[float, typer.Option(help="level of all tests together", min=0.001, max=0.5)] = 0.05,
    normalise: Annotated[Normalise, typer.Option(help="scale of several tasks")] = Normalise.none,
    tasks: Annotated[bool, typer.Option("--tasks", help="columns of arrays are tasks, not steps")] = False,
    lower_is_better: Annotated[bool, typer.Option("--lower-is-better", help="scores are losses or costs")] = False,
    json: Json = False,
    html: Html = None,
) -> None:
    """Say which is better, how sure that is, and how many more seeds would settle it.

    Exit status: 0 one is better (or they are equivalent), 1 no winner can be called, 2 nothing could be compared.
    """
    from lifesigns.compare.arms import CompareError, field_of
    from lifesigns.compare.read import read_arms
    from lifesigns.compare.scores import Normalise as Scale
    from lifesigns.compare.verdict import compare as judge

    try:
        field = field_of(read_arms(paths, metric=metric, tasks=tasks), lower_is_better=lower_is_better)
        scale: Scale = "" if normalise.value == "none" else normalise.value
        found = judge(field, success_at=success_at, at=at, normalise=scale, margin=margin, alpha=alpha)
    except CompareError as error:
        fail(str(error))
    if html is not None:
        from lifesigns.report.compare_page import page

        write_page(html, page(found))
    if json:
        from lifesigns.report.compare_json import to_json

        print_json(to_json(found))
    else:
        from lifesigns.report.compare import render

        render(found, console())
    raise typer.Exit(0 if found.outcome in ("better", "equivalent") else 1)
