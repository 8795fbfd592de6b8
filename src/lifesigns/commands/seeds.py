"""The command that runs a campaign: seeds."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from lifesigns.commands.options import (
    Arguments,
    Home,
    Json,
    Module,
    Python,
    console,
    fail,
    must_exist,
    print_json,
    say,
    seconds,
)

if TYPE_CHECKING:
    from lifesigns.campaign.driver import State
    from lifesigns.campaign.folder import CampaignFolder
    from lifesigns.campaign.plan import Plan
    from lifesigns.campaign.verdict import CampaignVerdict


class EngineName(StrEnum):
    """Where runs are made."""

    local, ray = "local", "ray"


def seeds(
    script: Annotated[str, typer.Argument(metavar="SCRIPT", help="the training script; left out with --resume")] = "",
    arguments: Arguments = None,
    n: Annotated[int, typer.Option("-n", "--seeds", help="seeds of each variant", min=1)] = 10,
    first_seed: Annotated[int, typer.Option(help="the first of them", min=0)] = 0,
    vary: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE,VALUE… of an argument; several make a grid")
    ] = None,
    seed_arg: Annotated[
        str, typer.Option(help="the script's argument for its seed: --seed, seed=; `impose` has the recorder set it")
    ] = "",
    jobs: Annotated[int, typer.Option(help="runs side by side [cores]", min=0)] = 0,
    time_limit: Annotated[str, typer.Option(help="for each run: 10m, 2h")] = "",
    memory_limit: Annotated[str, typer.Option(help="for each run: 4G, 500M")] = "",
    engine: Annotated[
        EngineName, typer.Option(help="local processes, or a Ray cluster (RAY_ADDRESS)")
    ] = EngineName.local,
    gpus: Annotated[float, typer.Option(help="share of a GPU for each run, with --engine ray", min=0.0)] = 0.0,
    success_at: Annotated[float | None, typer.Option(help="final score from which a run counts as good")] = None,
    metric: Annotated[str, typer.Option(help="series that a run is judged by [returns, else losses]")] = "",
    resume: Annotated[str, typer.Option(metavar="CAMPAIGN", help="go on with this one; -n may ask for more")] = "",
    fresh: Annotated[bool, typer.Option("--fresh", help="begin anew even if the same campaign is unfinished")] = False,
    module: Module = False,
    json: Json = False,
    home: Home = None,
    python: Python = "",
) -> None:
    """Run SCRIPT with many seeds, survive crashes, and say whether its result is skill, luck or a bug.

    The same command again goes on where it was interrupted. Exit status: 0 every run learned, 1 some failed, 2 nothing
    could be run.
    """
    from lifesigns.campaign.folder import CampaignError
    from lifesigns.campaign.plan import PlanError
    from lifesigns.campaign.prepare import folder_for, planned, reopened

    try:
        if resume:
            folder, plan = reopened(resume, home, n)
        else:
            if not script:
                fail("name a SCRIPT, or a campaign with --resume")
            if not module:
                must_exist(script)
            wanted = planned(
                script,
                arguments or [],
                seeds=n,
                first_seed=first_seed,
                vary=vary or [],
                seed_arg=seed_arg,
                module=module,
                python=python,
                time_limit_s=seconds(time_limit) if time_limit else None,
                memory_limit_bytes=memory(memory_limit) if memory_limit else None,
                metric=metric,
            )
            folder, plan = folder_for(wanted, home, fresh=fresh)
        state = _run(folder, plan, jobs, engine, gpus)
    except (CampaignError, PlanError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        say("Interrupted; what has ended is kept, and the same command goes on from there.")
        raise typer.Exit(130) from None
    answer = _verdict(folder, plan, state, success_at)
    if json:
        from lifesigns.report.campaign_json import to_json

        print_json(to_json(answer, plan, folder.path.name))
    else:
        from lifesigns.report.campaign import render

        render(answer, plan, folder.path.name, console())
    raise typer.Exit(_status(answer))


def _run(folder: CampaignFolder, plan: Plan, jobs: int, engine: EngineName, gpus: float) -> State:
    from lifesigns.campaign.driver import Driver
    from lifesigns.campaign.local import LocalEngine
    from lifesigns.campaign.progress import Display

    if engine == EngineName.ray:
        from lifesigns.campaign.ray_engine import RayEngine

        made = RayEngine(jobs, gpus)
    else:
        made = LocalEngine(min(jobs or os.cpu_count() or 1, len(plan.jobs())))
    with Display(plan, made.slots) as display:
        return Driver(folder, plan, made, display.show).run()


def _verdict(folder: CampaignFolder, plan: Plan, state: State, success_at: float | None) -> CampaignVerdict:
    from lifesigns.campaign.judge import judge
    from lifesigns.campaign.results import load_results, measure_baselines
    from lifesigns.campaign.verdict import verdict

    if state.stopped:
        say(f"{state.stopped[0].upper()}{state.stopped[1:]}.")
    if not state.results:
        fail("no run has ended")
    measure_baselines(folder, plan, state.results)
    runs = load_results(folder, plan, state.results)
    groups = {v: [r for r in runs if r.variant == v] for v in plan.variants()}
    return verdict({v: judge(g, success_at) for v, g in groups.items() if g})


def _status(answer: CampaignVerdict) -> int:
    """0 every run learned, 1 some failed, 2 of none it can be told."""
    judged = [r.failed for v in answer.variants for r in v.judgement.runs]
    return 2 if all(f is None for f in judged) else int(any(judged))


def memory(text: str) -> int:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT])i?B?\s*", text, re.IGNORECASE)
    if not match:
        fail(f"expected an amount of memory such as `4G` or `500M`, got `{text}` for --memory-limit")
    return int(float(match.group(1)) * 1024 ** ("KMGT".index(match.group(2).upper()) + 1))
