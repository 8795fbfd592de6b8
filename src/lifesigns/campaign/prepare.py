"""From what the user asked for to a plan and a folder: finds how the seed is given, and a campaign to go on with."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from lifesigns.campaign import seed_argument
from lifesigns.campaign.folder import CampaignFolder, find_campaign, new_campaign, unfinished_like
from lifesigns.campaign.plan import Plan, PlanError, SeedArgument, check, parse_grid
from lifesigns.paired.runner import Target, libraries
from lifesigns.record.launch import python_command

IMPOSE = "impose"


def planned(
    script: str,
    arguments: Sequence[str] = (),
    *,
    seeds: int = 10,
    first_seed: int = 0,
    vary: Sequence[str] = (),
    seed_arg: str = "",
    module: bool = False,
    python: str = "",
    time_limit_s: float | None = None,
    memory_limit_bytes: int | None = None,
    metric: str = "",
) -> Plan:
    """The plan of a new campaign, in this working folder. Raises PlanError."""
    target = Target(script, tuple(arguments), module, python)
    sources = libraries(target)[1]
    plan = Plan(
        script,
        tuple(arguments),
        tuple(range(first_seed, first_seed + seeds)),
        _seed_argument(target, sources, seed_arg),
        parse_grid(vary),
        module,
        python,
        os.getcwd(),
        sha256("\0".join(sorted(sources)).encode()).hexdigest()[:16],
        time_limit_s,
        memory_limit_bytes,
        metric,
    )
    check(plan)
    return plan


def _seed_argument(target: Target, sources: Sequence[str], told: str) -> SeedArgument:
    """As told; else as the source or `--help` says; else imposed."""
    if told == IMPOSE:
        return SeedArgument(found="as asked for")
    if told:
        return seed_argument.given(told)
    found = seed_argument.by_reading(sources)
    if found is None and seed_argument.uses(sources):
        command = python_command(target.python or sys.executable, target.script, (), module=target.module)
        found = seed_argument.by_help(command, target.cwd)
    return found or SeedArgument(found="the script takes no seed")


def folder_for(plan: Plan, home: Path | None = None, *, fresh: bool = False) -> tuple[CampaignFolder, Plan]:
    """The newest unfinished campaign of the same sources and settings (with the seeds of both), or a new one.

    Raises CampaignError.
    """
    found = None if fresh else unfinished_like(plan, home)
    if found is None:
        return new_campaign(plan, home), plan
    return found, _with_seeds(found, found.read_plan(), plan.seeds)


def reopened(name: str, home: Path | None = None, seeds: int = 0) -> tuple[CampaignFolder, Plan]:
    """An existing campaign, with more seeds where more are asked for. Raises CampaignError, PlanError."""
    folder = find_campaign(name, home)
    plan = folder.read_plan()
    if not os.path.isdir(plan.cwd):
        raise PlanError(f"the working folder of that campaign, `{plan.cwd}`, is not there")
    first = min(plan.seeds)
    return folder, _with_seeds(folder, plan, tuple(range(first, first + seeds)))


def _with_seeds(folder: CampaignFolder, plan: Plan, seeds: Sequence[int]) -> Plan:
    """The plan with these seeds as well, saved."""
    both = tuple(sorted({*plan.seeds, *seeds}))
    if both != plan.seeds:
        plan = replace(plan, seeds=both)
        folder.write_plan(plan)
    return plan
