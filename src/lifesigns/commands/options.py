"""What commands share: common options, sentences to the user, JSON on stdout."""

from __future__ import annotations

import os
import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from lifesigns.status_line import StatusLine


class FailOn(StrEnum):
    """From which severity on findings make the exit status 1."""

    note, warning, error, never = "note", "warning", "error", "never"


Script = Annotated[str, typer.Argument(metavar="SCRIPT", help="the training script; its own arguments follow after --")]
Arguments = Annotated[
    list[str] | None, typer.Argument(metavar="-- ARGS", help="arguments of the script", show_default=False)
]
Module = Annotated[bool, typer.Option("-m", "--module", help="SCRIPT is a module, as in python -m")]
Json = Annotated[bool, typer.Option("--json", help="print JSON alone to stdout")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="also write a self-contained HTML page")]
Fail = Annotated[FailOn, typer.Option("--fail-on", help="lowest severity that makes the exit status 1")]
Preview = Annotated[
    bool, typer.Option("--preview", help="also show what checks find that are not calibrated yet; they weigh nothing")
]
Home = Annotated[Path | None, typer.Option("--home", metavar="FOLDER", help="where runs are kept [.lifesigns]")]
Python = Annotated[str, typer.Option("--python", metavar="PATH", help="interpreter that runs the script [this one]")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="keep the script's output in the run only")]


def must_exist(script: str) -> None:
    path = Path(script)
    if path.is_file():
        return
    if path.is_dir():
        fail(f"`{path.absolute()}` is a folder; name the script inside it")
    import difflib

    folder = path.parent if path.parent.is_dir() else Path()
    near = difflib.get_close_matches(path.name, [p.name for p in folder.glob("*.py")], 1, 0.5)
    hint = f"; did you mean `{folder / near[0]}`?" if near else ""
    fail(f"no script at `{path.absolute()}`{hint}")


def must_run(python: str) -> None:
    """Fails where an interpreter is named that cannot be run."""
    if python and not (os.path.isfile(python) and os.access(python, os.X_OK)):
        fail(f"`{python}` is no interpreter that can be run; name one with --python PATH")


def status_line(*, quiet: bool = False) -> StatusLine:
    """The live line on stderr, drawn on a terminal only."""
    from lifesigns.status_line import StatusLine

    return StatusLine(sys.stderr.buffer, sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not quiet)


def write_page(file: Path, text: str, kept: str = "") -> None:
    """Writes an HTML page and says so; `kept` says where what it shows is kept if it cannot be written."""
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        fail(f"cannot write `{file}`: {error.strerror}{kept and f'; {kept}'}")
    say(f"wrote {file}")


def find_run(run: Path) -> Path:
    """The path given, or the run of that name in the default place."""
    from lifesigns.store import runs_home

    named = runs_home() / "runs" / run
    return named if not run.exists() and named.exists() else run


def seconds(text: str, option: str = "--budget") -> float:
    """Seconds of a time such as `60s`; fails, naming the option it was given for, where it is none."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", text)
    if not match or float(match.group(1)) <= 0:
        fail(f"expected a time such as `60s`, `5m` or `1h`, got `{text}` for {option}")
    return float(match.group(1)) * {"": 1, "s": 1, "m": 60, "h": 3600}[match.group(2)]


def keywords(text: str) -> dict[str, Any]:
    """Arguments of an environment, from the JSON object that --kwargs is given; empty for an empty text."""
    import json

    try:
        found = json.loads(text) if text else {}
    except ValueError as error:
        fail(f"expected JSON for --kwargs, got `{text}`: {error}")
    if not isinstance(found, dict):
        fail(f'expected a JSON object such as {{"render_mode": null}} for --kwargs, got `{text}`')
    return found


def console() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=False)


def print_json(value: Any) -> None:
    import json as encoder

    sys.stdout.write(encoder.dumps(value, indent=1, allow_nan=False, default=str) + "\n")


def say(sentence: str) -> None:
    print(f"lifesigns: {sentence}", file=sys.stderr)


def fail(sentence: str) -> NoReturn:
    say(sentence)
    raise typer.Exit(2)
