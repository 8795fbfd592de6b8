"""The command line: a thin door; `commands/` holds one function for each command."""

from __future__ import annotations

import io
import sys

import typer

from lifesigns.commands import compare, env, learn, lint, saved, scripts, seeds, tail

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Why isn't it learning? Diagnoses unmodified training scripts.\n\n"
    "lifesigns check train.py -- --total-timesteps 20000",
)
for command in (
    scripts.check,
    scripts.dye,
    scripts.watch,
    tail.tail,
    saved.diagnose,
    saved.runs,
    saved.explain,
    seeds.seeds,
    compare.compare,
    lint.lint,
    env.env,
    learn.learn,
):
    app.command()(command)


def main() -> None:
    """Entry point of the `lifesigns` command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app(prog_name="lifesigns")


if __name__ == "__main__":
    main()
