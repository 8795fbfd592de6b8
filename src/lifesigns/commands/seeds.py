"""The command that runs a campaign: seeds."""

from __future__ import annotations

import os
import re
import sys
from contextlib import redirect_stdout
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lifesigns.commands.options import (
    Arguments,
    Home,
    Html,
    Json,
    Module,
    Python,
    console,
    fail,
    must_exist,
    must_run,
    print_json,
    say,
    seconds,
    write_page,
)

if TYPE_CHECKING:
    from lifesigns.campaign.driver import State
    from lifesigns.campaign.engine import Engine
    from lifesigns.campaign.folder import CampaignFolder
    from lifesigns.campaign.plan import Plan
    from lifesigns.campaign.verdict import CampaignVerdict
    from lifesigns.compare.variants import VariantsCompared


class EngineName(StrEnum):
    """Where runs are made."""

    local, ray = "local", "ray"


SEEDS = 10
Script = Annotated[str, typer.Argument(metavar="SCRIPT", help="the training script; left out with --resume")]
Count = Annotated[int, typer.Option("-n", "--seeds", help="seeds of each variant [10]", show_default=False, min=0)]
First = Annotated[int, typer.Option("--first-seed", help="the first of them", min=0)]
Vary = Annotated[list[str] | None, typer.Option("--vary", help="NAME=VALUE,VALUE… of an argument; several make a grid")]
SeedArg = Annotated[
    str, typer.Option("--seed-arg", help="the script's argument: --seed, seed=; `impose`: the recorder sets it")
]
Jobs = Annotated[int, typer.Option("--jobs", help="runs side by side [cores]", min=0)]
TimeLimit = Annotated[str, typer.Option("--time-limit", help="for each run: 10m, 2h")]
MemoryLimit = Annotated[str, typer.Option("--memory-limit", help="for each run: 4G, 500M")]
Where = Annotated[EngineName, typer.Option("--engine", help="local processes, or a Ray cluster (RAY_ADDRESS)")]
Gpus = Annotated[float, typer.Option("--gpus", help="share of a GPU for each run, with --engine ray", min=0.0)]
UntilSettled = Annotated[
    bool, typer.Option("--until-settled", help="stop when the question is settled; -n is the most seeds")
]
SuccessAt = Annotated[float | None, typer.Option("--success-at", help="final score from which a run counts as good")]
MetricName = Annotated[str, typer.Option("--metric", help="series that a run is judged by [returns, else losses]")]
Resume = Annotated[str, typer.Option("--resume", metavar="CAMPAIGN", help="go on with this one; -n may ask for more")]
Fresh = Annotated[bool, typer.Option("--fresh", help="begin anew even if the same campaign is unfinished")]


def seeds(
    script: Script = "",
    arguments: Arguments = None,
    n: Count = 0,
    first_seed: First = 0,
    vary: Vary = None,
    seed_arg: SeedArg = "",
    jobs: Jobs = 0,
    time_limit: TimeLimit = "",
    memory_limit: MemoryLimit = "",
    until_settled: UntilSettled = False,
    success_at: SuccessAt = None,
    metric: MetricName = "",
    engine: Where = EngineName.local,
    gpus: Gpus = 0.0,
    resume: Resume = "",
    fresh: Fresh = False,
    module: Module = False,
    json: Json = False,
    html: Html = None,
    home: Home = None,
    python: Python = "",
) -> None:
    """Run SCRIPT with many seeds, survive crashes, and say whether its result is skill, luck or a bug.

    The same command again goes on where it was interrupted. Exit status: 0 every run learned, 1 some failed, 2 nothing
    could be run or judged.
    """
    from lifesigns.campaign.folder import CampaignError
    from lifesigns.campaign.plan import PlanError
    from lifesigns.campaign.prepare import folder_for, reopened

    try:
        if resume:
            folder, plan = reopened(resume, home, n)
        else:
            limits = time_limit, memory_limit
            wanted = _planned(script, arguments, n or SEEDS, first_seed, vary, seed_arg, metric, limits, module, python)
            folder, plan = folder_for(wanted, home, fresh=fresh)
        with redirect_stdout(sys.stderr):  # Ray prints what became of its workers
            state = _run(folder, plan, _engine(plan, jobs, engine, gpus), success_at if until_settled else False)
    except (CampaignError, PlanError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        say("Interrupted; what has ended is kept, and the same command goes on from there.")
        raise typer.Exit(130) from None
    answer = _verdict(folder, plan, state, success_at)
    _report(answer, _variants(folder, plan, answer, success_at, until_settled), plan, folder, json, html)
    raise typer.Exit(_status(answer))


def _planned(
    script: str,
    arguments: list[str] | None,
    n: int,
    first_seed: int,
    vary: list[str] | None,
    seed_arg: str,
    metric: str,
    limits: tuple[str, str],
    module: bool,
    python: str,
) -> Plan:
    from lifesigns.campaign.prepare import planned

    if not script:
        fail("name a SCRIPT, or a campaign with --resume")
    if not module:
        must_exist(script)
    must_run(python)
    time_limit, memory_limit = limits
    return planned(
        script,
        arguments or [],
        seeds=n,
        first_seed=first_seed,
        vary=vary or [],
        seed_arg=seed_arg,
        module=module,
        python=python,
        time_limit_s=seconds(time_limit, "--time-limit") if time_limit else None,
        memory_limit_bytes=memory(memory_limit) if memory_limit else None,
        metric=metric,
    )


def _engine(plan: Plan, jobs: int, engine: EngineName, gpus: float) -> Engine:
    if engine == EngineName.ray:
        from lifesigns.campaign.ray_engine import RayEngine

        return RayEngine(jobs, gpus)
    from lifesigns.campaign.local import LocalEngine

    return LocalEngine(min(jobs or os.cpu_count() or 1, len(plan.jobs())))


def _run(folder: CampaignFolder, plan: Plan, engine: Engine, success_at: float | bool | None) -> State:
    """Runs what is missing; unless `success_at` is False, only until the question is settled."""
    from lifesigns.campaign.driver import Driver
    from lifesigns.campaign.progress import Display
    from lifesigns.campaign.settle import Settled

    with Display(plan, engine.slots) as display:
        driver = Driver(folder, plan, engine, display.show)
        if success_at is not False:
            driver.settled = Settled(folder, plan, success_at)
        if driver.done:
            say(f"Going on with {folder.path.name}: {driver.done} of {len(plan.jobs())} runs have ended already.")
        return driver.run()


def _verdict(folder: CampaignFolder, plan: Plan, state: State, success_at: float | None) -> CampaignVerdict:
    from lifesigns.campaign import placing
    from lifesigns.campaign.judge import judge
    from lifesigns.campaign.results import load_results, measure_baselines
    from lifesigns.campaign.verdict import verdict

    if state.stopped:
        say(f"{state.stopped[0].upper()}{state.stopped[1:]}.")
    if not state.results:
        fail("no run has ended")
    measure_baselines(folder, plan, state.results)
    placing.search(folder, plan, state.results)
    runs = load_results(folder, plan, state.results)
    groups = {v: [r for r in runs if r.variant == v] for v in plan.variants()}
    return verdict({v: judge(g, success_at) for v, g in groups.items() if g})


def _variants(
    folder: CampaignFolder, plan: Plan, answer: CampaignVerdict, success_at: float | None, looked: bool
) -> VariantsCompared | None:
    """The variants against each other by their scores; None where nothing is varied."""
    from lifesigns.compare.read import campaign_arms
    from lifesigns.compare.variants import compare_variants

    if not plan.grid:
        return None
    return compare_variants(campaign_arms(folder), answer, success_at=success_at, looked=looked)


def _report(
    answer: CampaignVerdict,
    variants: VariantsCompared | None,
    plan: Plan,
    folder: CampaignFolder,
    json: bool,
    html: Path | None,
) -> None:
    if html is not None:
        from lifesigns.report.campaign_page import page

        text = page(answer, variants, plan, folder.path.name)
        write_page(html, text, f"the campaign is kept in `{folder.path}`")
    if json:
        from lifesigns.report.campaign_json import to_json

        print_json(to_json(answer, variants, plan, folder.path.name))
    else:
        from lifesigns.report.campaign import render

        render(answer, variants, plan, folder.path.name, console())


def _status(answer: CampaignVerdict) -> int:
    """0 every run learned, 1 some failed, 2 of none it can be told."""
    judged = [r.failed for v in answer.variants for r in v.judgement.runs]
    return 2 if all(f is None for f in judged) else int(any(judged))


def memory(text: str) -> int:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT])i?B?\s*", text, re.IGNORECASE)
    if not match:
        fail(f"expected an amount of memory such as `4G` or `500M`, got `{text}` for --memory-limit")
    return int(float(match.group(1)) * 1024 ** ("KMGT".index(match.group(2).upper()) + 1))
