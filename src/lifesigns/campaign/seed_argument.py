"""How a script is given its seed, read off its source; where the source leaves it open, off what `--help` prints.

Known: argparse, click, typer, tyro and other parsers of dataclasses, absl flags, fire, Hydra. Scripts are run with
`--help` only where their source shows that they parse arguments: another script would begin to train.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence

from lifesigns.campaign.plan import SeedArgument

HELP_S = 60.0
SEED_NAMES = ("seed", "random_seed", "rng_seed", "random_state", "global_seed", "train_seed", "manual_seed")
"""Names that a seed goes by, the likeliest first; `eval_seed` and the like are not the run's seed."""
PARSERS = {
    "argparse": "argparse",
    "tyro": "tyro",
    "click": "click",
    "typer": "typer",
    "absl": "absl flags",
    "simple_parsing": "a dataclass",
    "draccus": "a dataclass",
    "pyrallis": "a dataclass",
    "transformers": "a dataclass",
    "tap": "a dataclass",
    "jsonargparse": "jsonargparse",
    "configargparse": "argparse",
    "fire": "fire",
    "hydra": "Hydra",
}
OPTION = re.compile(r"(?<![\w-])--([A-Za-z][\w.-]*)")


def by_reading(sources: Sequence[str]) -> SeedArgument | None:
    """The seed's argument as the sources define it; None where they do not."""
    trees = list(_trees(sources))
    for tree in trees:
        options = _best(_declared(tree))
        if options:
            return SeedArgument(options, found="the script's source")
    parsers = uses(sources)
    if "Hydra" in parsers and any(_mentions(tree) for tree in trees):
        return SeedArgument("seed", assigns=True, found="the script's source (Hydra)")
    if {"tyro", "a dataclass", "fire", "typer"} & parsers:
        for tree in trees:
            name = _best(_fields(tree, parsers))
            if name:
                return SeedArgument(_as_option(name, parsers), found="the script's source")
    return None


def uses(sources: Sequence[str]) -> set[str]:
    """Which libraries that parse arguments the sources import."""
    found: set[str] = set()
    for tree in _trees(sources):
        for node in ast.walk(tree):
            names = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            found |= {PARSERS[top] for n in names if (top := n.split(".")[0]) in PARSERS}
    return found


def by_help(command: Sequence[str], cwd: str, seconds: float = HELP_S) -> SeedArgument | None:
    """The seed's argument as `command --help` lists it; None where it lists none or takes too long."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    try:
        done = subprocess.run(
            [*command, "--help"],
            cwd=cwd or None,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    name = _best(f"--{n}" for n in OPTION.findall(done.stdout)) if done.returncode == 0 else ""
    return SeedArgument(name, found="`--help`") if name else None


def given(text: str) -> SeedArgument:
    """What `--seed-arg` says: `--seed`, `seed` (the same), or `seed=` for `seed=3`."""
    if text.endswith("="):
        return SeedArgument(text[:-1], assigns=True, found="--seed-arg")
    return SeedArgument(text if text.startswith("-") else f"--{text}", found="--seed-arg")


def _trees(sources: Iterable[str]) -> Iterator[ast.Module]:
    for text in sources:
        try:
            yield ast.parse(text)
        except (SyntaxError, ValueError):
            continue


def _declared(tree: ast.Module) -> Iterator[str]:
    """Option strings that calls define: `add_argument("--seed")`, `click.option("--seed")`, absl's `DEFINE_integer`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        if name in ("add_argument", "option", "Option", "add_option"):
            yield from (t for t in texts if t.startswith("--"))
        elif name.startswith("DEFINE_") and texts:
            yield f"--{texts[0]}"


def _fields(tree: ast.Module, parsers: set[str]) -> Iterator[str]:
    """Annotated fields of classes that a parser may be given, and parameters of functions that fire or typer may be."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and {"tyro", "a dataclass"} & parsers:
            yield from (
                s.target.id for s in node.body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)
            )
        elif isinstance(node, ast.FunctionDef) and _is_entry(node, tree, parsers):
            yield from (a.arg for a in (*node.args.args, *node.args.kwonlyargs))


def _is_entry(node: ast.FunctionDef, tree: ast.Module, parsers: set[str]) -> bool:
    """Whether a function is what the command line calls: decorated by typer, or handed to `run`, `Fire`, `cli`."""
    if "typer" in parsers and any("command" in ast.unparse(d) for d in node.decorator_list):
        return True
    calls = (call for call in ast.walk(tree) if isinstance(call, ast.Call))
    entries = (call for call in calls if ast.unparse(call.func) in ("typer.run", "fire.Fire", "Fire", "tyro.cli"))
    return any(isinstance(a, ast.Name) and a.id == node.name for call in entries for a in call.args)


def _mentions(tree: ast.Module) -> bool:
    """Whether a configuration's `seed` is read."""
    return any(isinstance(n, ast.Attribute) and n.attr == "seed" for n in ast.walk(tree)) or any(
        isinstance(n, ast.Constant) and n.value == "seed" for n in ast.walk(tree)
    )


def _best(names: Iterable[str]) -> str:
    """The likeliest of several names; dotted ones (`--train.seed`) after plain ones. Empty where none is a seed's."""
    ranked: list[tuple[int, int, str]] = []
    for name in names:
        plain = name.lstrip("-").replace("-", "_").lower()
        last = plain.split(".")[-1]
        if last in SEED_NAMES:
            ranked.append((plain.count("."), SEED_NAMES.index(last), name))
    return min(ranked, default=(0, 0, ""))[2]


def _as_option(name: str, parsers: set[str]) -> str:
    """typer and tyro write hyphens; the other parsers of dataclasses take the field's own name."""
    return f"--{name.replace('_', '-') if {'typer', 'tyro'} & parsers else name}"
