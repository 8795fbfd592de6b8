"""What is said of a log that another tool wrote: where it came from, what its steps count, what would open checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lifesigns.model.roles import ROLES, Assignment
from lifesigns.report.figures import plain

LINES = {
    "tensorboard": 'writer.add_scalar("{name}", {role}, step)',
    "wandb": 'wandb.log({{"{name}": {role}}})',
    "sb3": 'model.logger.record("{name}", {role})',
    "mlflow": 'mlflow.log_metric("{name}", {role}, step)',
    "lightning": 'self.log("{last}", {role})',
    "transformers": 'trainer.log({{"{last}": {role}}})',
    "rllib": 'metrics_logger.log_value("{last}", {role})',
    "print": 'print(f"step={{step}} {last}={{{role}}}")',
    "csv": "a column `{last}` with {role}",
    "jsonl": 'a key "{last}" with {role}',
}
"""How each logger is given a number; `last` is the name without its folder."""


def logging_line(logger: str, role: str) -> str:
    """The line of code that gives the user's logger the quantity of a role."""
    name = ROLES[role].names[0]
    return LINES.get(logger, LINES["csv"]).format(name=name, last=name.split("/")[-1], role=role)


def log_lines(seen: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Sentences about an imported log, each with whether that is as it should be."""
    about = cast("Mapping[str, Any]", seen["imported"])
    known = about["clock"] != "logged"
    counts = {"env_step": "environment steps", "update": "optimiser steps", "episode": "episodes"}.get(
        about["clock"], ""
    )
    lines = [
        (f"{about['format']}: {about['names']} names in {about['path']}", True),
        (f"its steps count {counts}: {about['why']}" if known else f"{about['why']}; steps are given as logged", known),
    ]
    if about.get("lost"):
        lines.append((f"{about['lost']} damaged or unfinished records were left out", False))
    lines += [(str(note), True) for note in about.get("notes") or ()]
    lines.append((f"which name plays which role:  lifesigns runs --roles {about['path']}", True))
    return lines


def opener_lines(seen: Mapping[str, Any]) -> list[str]:
    """Which one line of logging would open most of the blind checks, and what opens the rest."""
    found = cast("Sequence[Mapping[str, Any]]", seen.get("openers") or ())
    logger = str(seen["imported"]["logger"])
    lines: list[str] = []
    if found:
        codes = [str(c) for c in found[0]["codes"]]
        lines.append(f"{logging_line(logger, str(found[0]['role']))}")
        kind = "check in preview (--preview shows those)" if found[0].get("preview") else "blind check"
        kind = kind.replace("check", "checks", 1) if len(codes) > 1 else kind
        lines.append(f"would open {len(codes)} {kind}: {', '.join(codes)}.")
    if seen.get("unlogged"):
        lines.append(
            f"{len(seen['unlogged'])} read what no logger is given (gradients, activations, random actions), and lints "
            "and dyes need the script:  lifesigns check SCRIPT"
        )
    return lines


def role_rows(found: Sequence[Assignment], points: Mapping[str, int]) -> list[tuple[str, str, str, str]]:
    """(role, logged name, points, series) for each assignment, then what was logged and plays none."""
    rows = [
        (
            a.role.name,
            ("−" if a.sign < 0 else "") + a.logged + (" (given)" if a.given else ""),
            _points(points, a.logged),
            a.role.series,
        )
        for a in found
    ]
    taken = {a.logged for a in found}
    return rows + [("", name, str(n), "") for name, n in points.items() if name not in taken]


def _points(points: Mapping[str, int], name: str) -> str:
    return str(points.get(name, ""))


def _table(*titles: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title, overflow="fold", no_wrap=title in ("role", "points"))
    return table


def sources_table(sources: Sequence[tuple[str, str]]) -> Table:
    """A table of runs found in a folder: (name, format) each."""
    table = _table("run", "format")
    for name, title in sources:
        table.add_row(Text(plain(name)), Text(title, style="dim"))
    return table


def render_roles(rows: Sequence[tuple[str, str, str, str]], about: Mapping[str, Any] | None, console: Console) -> None:
    """Prints which logged name plays which role; then the names that play none."""
    table = _table("role", "logged as", "points", "checks read it as")
    for role, name, points, series in rows:
        if role:
            table.add_row(role, Text(plain(name)), points, Text(series, style="dim"))
    console.print(table)
    rest = [plain(name) for role, name, _, _ in rows if not role]
    if rest:
        console.print(Text(f"No role (kept as logged values): {', '.join(rest)}", style="dim"))
    if about is not None:
        for line, _ in log_lines({"imported": about})[1:2]:
            console.print(Text(plain(line[0].upper() + line[1:]) + "."))
    console.print("Another choice:  lifesigns diagnose RUN --role ROLE=NAME", style="dim")
