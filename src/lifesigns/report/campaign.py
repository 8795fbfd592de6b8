"""A campaign's answer as text for a terminal; 80 columns are enough."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lifesigns.campaign.judge import Judged
from lifesigns.campaign.listing import Listed
from lifesigns.campaign.plan import Plan
from lifesigns.campaign.verdict import CampaignVerdict, Explained, SettingVerdict, VariantVerdict
from lifesigns.compare.variants import VariantsCompared
from lifesigns.report import compare
from lifesigns.report.compare import line
from lifesigns.report.figures import number, odds, path, plain, seconds

MOST_ROWS = 40
"""runs that are all listed; of more, only those that failed"""
KIND_STYLES = {"nothing": "bold green", "unknown": "bold"}


def render(
    verdict: CampaignVerdict, variants: VariantsCompared | None, plan: Plan, name: str, console: Console
) -> None:
    """Prints the answer: the headline, each variant, the settings, the variants compared, and what to do next."""
    line(console, plain(name), style="dim")
    line(console, plain(verdict.headline), style=KIND_STYLES.get(verdict.kind, "bold yellow"))
    if variants is not None:
        line(console, plain(variants.sentence), style=compare.STYLES.get(variants.outcome, "bold red"))
    line(console, intervention(plan), style="yellow" if plan.seed_argument.imposed else "dim")
    for criterion in dict.fromkeys(v.judgement.criterion for v in verdict.variants):
        line(console, criterion, style="dim")
    for one in verdict.variants:
        _variant(one, console, named=len(verdict.variants) > 1)
    if verdict.settings:
        _settings(verdict.settings, console)
    if variants is not None:
        _compared(variants, console)
    first = next((j.run.path for v in verdict.variants for j in v.judgement.failed), None)
    console.print()
    if first is not None:
        line(console, "Why a single run failed, in full:")
        console.print(Text(f"  lifesigns diagnose {path(str(first))}"), soft_wrap=True)


def _compared(variants: VariantsCompared, console: Console) -> None:
    _section(console, "VARIANTS AGAINST EACH OTHER")
    if variants.comparison is None:
        line(console, plain(variants.sentence))
    else:
        compare.render(variants.comparison, console)
    for note in variants.notes:
        line(console, plain(note), style="yellow")


def intervention(plan: Plan) -> str:
    """How the seeds were given: what of the script was changed, if anything."""
    seed = plan.seed_argument
    seeds = f"seeds {min(plan.seeds)}–{max(plan.seeds)}"
    if not seed.imposed:
        form = f"{seed.name}=" if seed.assigns else seed.name
        return f"{seeds}, given by `{form}` (from {seed.found})"
    return (
        f"{seeds}, IMPOSED by the recorder ({seed.found}): global random streams begin from it, and seeds "
        "written in the script are moved by a fixed step for each; with seed 0 they are as written"
    )


def _section(console: Console, title: str) -> None:
    console.print()
    line(console, title, style="bold")


def _variant(one: VariantVerdict, console: Console, *, named: bool) -> None:
    judged = one.judgement
    _section(console, f"RUNS{f' WITH {one.name}' if named else ''}")
    told = len(judged.failed) + len(judged.good)
    if told:
        low, high = 100 * one.rate.low, 100 * one.rate.high
        line(
            console,
            f"Failure rate {len(judged.failed)} of {told}: {100 * one.rate.estimate:.0f} % "
            f"[{low:.0f}, {high:.0f}] (95 %, exact).",
            2,
        )
    if judged.open:
        line(console, f"Of {len(judged.open)} runs it cannot be told whether they learned.", 2, style="yellow")
    if one.parted is not None:
        line(console, f"The failed seeds part from the others for good at {number(one.parted[0])} {one.parted[1]}.", 2)
    if one.ladder:
        line(console, plain(one.ladder), 2)
    for group in one.identical:
        listed = ", ".join(map(str, group))
        line(console, f"Seeds {listed} gave the same run, number for number.", 2, style="yellow")
    _table(judged.runs, judged.metric.name if judged.metric else "", console)
    _causes(one, console)


def _table(runs: Sequence[Judged], metric: str, console: Console) -> None:
    shown = list(runs) if len(runs) <= MOST_ROWS else [r for r in runs if r.failed != ""][:MOST_ROWS]
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("seed", justify="right")
    table.add_column("ended", no_wrap=True)
    table.add_column(f"final {metric}" if metric else "final score", justify="right", overflow="fold")
    table.add_column("wall", justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    for run in shown:
        verdict, style = ("learned", "green") if run.failed == "" else (run.failed or "cannot tell", "yellow")
        if run.run.exception and run.run.ended == "crashed":
            verdict = f"{verdict}: {run.run.exception}"
        table.add_row(
            str(run.run.seed),
            plain(run.run.ended),
            number(run.score) if np.isfinite(run.score) else "–",
            seconds(run.run.wall_s),
            Text(plain(verdict)[:200], style=style),
        )
    console.print(Padding(table, (0, 0, 0, 2), expand=False), highlight=False)
    if len(shown) < len(runs):
        line(console, f"{len(runs) - len(shown)} runs that learned are not listed.", 2, style="dim")


def _causes(one: VariantVerdict, console: Console) -> None:
    if one.causes:
        line(console, "What explains the failures (the diagnoses of the failed runs, and how many failed):", 2)
    for rank, cause in enumerate(one.causes, 1):
        _cause(cause, rank, one, console)
    for cause, where, bad, good in one.defects:
        text = f"Defect proven in {bad} of {len(one.judgement.failed)} failed and {good} of "
        text += f"{len(one.judgement.good)} good runs: {cause}" + (f" at {plain(where)}" if where else "")
        line(console, text, 2, style="yellow")


def _cause(cause: Explained, rank: int, one: VariantVerdict, console: Console) -> None:
    head = Text(f"{rank}. {cause.odds.title} ", style="bold")
    head.append(f"[{cause.odds.cause}]", style="dim")
    line(console, head, 4)
    line(console, f"{odds(cause.words, cause.span)} · {cause.odds.kind}{seen_in(cause, one)}", 7)
    if rank == 1:
        line(console, f"test: {plain(cause.odds.next_test)}", 7)


def seen_in(cause: Explained, one: VariantVerdict) -> str:
    """In how many runs a finding supports a cause; empty where none does."""
    if cause.odds.kind == "unknown" or not (cause.failed_with or cause.good_with):
        return ""
    failed, good = len(one.judgement.failed), len(one.judgement.good)
    beside = f" and {cause.good_with} of {good} good" if good else ""
    return f" · seen in {cause.failed_with} of {failed} failed{beside} runs"


def _settings(settings: Sequence[SettingVerdict], console: Console) -> None:
    _section(console, "SETTINGS")
    for one in settings:
        rates = ", ".join(f"{value}: {bad} of {told} failed" for value, bad, told in one.rates)
        judged = "decides how often runs fail" if one.decides else "is not shown to decide how often runs fail"
        line(console, f"`{plain(one.name)}` {judged} (Fisher exact with Bonferroni, p = {one.p:.2g}). {rates}.", 2)


def campaigns_table(campaigns: Sequence[Listed]) -> Table:
    """A table of campaigns in the order given."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("campaign", "script", "runs", "ended"):
        table.add_column(title, overflow="fold", no_wrap=title == "runs")
    for one in campaigns:
        if one.problem:
            table.add_row(Text(plain(one.name)), "", "?", Text(plain(one.problem), style="yellow"))
            continue
        ended = ", ".join(f"{n} {how}" for how, n in one.ended.items()) or "none yet"
        ended += "" if one.done == one.planned else f"; go on: lifesigns seeds --resume {one.name}"
        style = "" if set(one.ended) <= {"finished"} and one.done == one.planned else "yellow"
        row = Text(plain(one.name)), Text(plain(one.script)), f"{one.done} of {one.planned}", Text(plain(ended), style)
        table.add_row(*row)
    return table
