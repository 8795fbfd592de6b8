"""The mutation suite: healthy programs and the faults to plant in them, one at a time.

Every `*.toml` beside this file lists programs and mutations. A mutation is an exact text that occurs once in one
file of a program's folder, and the text that takes its place; the folder is copied before it is changed.

    python -m benchmarks.dyes.suite.apply                     lists all mutations
    python -m benchmarks.dyes.suite.apply --check             plants each, reports those that do not apply
    python -m benchmarks.dyes.suite.apply --try 8 [ID ...]    also runs each for that many seconds
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

SUITE = Path(__file__).resolve().parent
ROOT = SUITE.parents[2]


class SuiteError(ValueError):
    """A list that contradicts itself or the programs it names."""


@dataclass(frozen=True)
class Program:
    """A healthy script; its whole folder belongs to it."""

    name: str
    script: Path
    args: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return self.script.parent


@dataclass(frozen=True)
class Mutation:
    """One planted fault; `dyes` holds the codes of the checks for which it is the right catch.

    A `harmless` fault is wrong and without effect on learning; a `hidden` one is not to be seen in the main script.
    `or_line`: of a deleted statement, a text that occurs once in the changed file, in the statement that then computes
    the wrong value; its line is as right as the place where the deleted one stood (the list says why).
    """

    id: str
    program: str
    file: str
    replace: str
    by: str
    dyes: tuple[str, ...]
    what: str
    harmless: bool = False
    hidden: bool = False
    or_line: str = ""
    source: str = ""


@dataclass(frozen=True)
class Suite:
    """What the lists hold together."""

    programs: dict[str, Program] = field(default_factory=dict)
    mutations: tuple[Mutation, ...] = ()


@dataclass(frozen=True)
class Planted:
    """A changed copy of a program: the script to run, the file that was changed and the line where it was (0: no other
    line is as right)."""

    script: Path
    args: tuple[str, ...]
    file: Path
    line: int
    or_line: int = 0


def load(paths: Iterable[Path] | None = None) -> Suite:
    """Read the given lists, or every list beside this file; ids and program names are unique across them."""
    programs: dict[str, Program] = {}
    mutations: dict[str, Mutation] = {}
    for path in sorted(SUITE.glob("*.toml")) if paths is None else paths:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        for name, entry in table.get("programs", {}).items():
            program = Program(name, ROOT / entry["script"], tuple(entry.get("args", ())))
            if programs.setdefault(name, program) != program:
                raise SuiteError(f"{path.name}: program {name} is listed twice, differently")
        for entry in table.get("mutation", []):
            mutation = Mutation(**{**entry, "dyes": tuple(entry["dyes"]), "source": path.name})
            if mutation.id in mutations:
                raise SuiteError(f"{path.name}: two mutations are called {mutation.id}")
            mutations[mutation.id] = mutation
    for mutation in mutations.values():
        if mutation.program not in programs:
            raise SuiteError(f"{mutation.source}: {mutation.id} names the unknown program {mutation.program}")
    return Suite(programs, tuple(mutations.values()))


def changed_line(before: str, after: str) -> int:
    """The first line of `after`, counted from 1, that differs from `before`."""
    old, new = before.splitlines(), after.splitlines()
    for number, (a, b) in enumerate(zip(old, new, strict=False), start=1):
        if a != b:
            return number
    return min(len(old), len(new))


def plant(mutation: Mutation, program: Program, destination: Path) -> Planted:
    """Copy the program's folder into `destination`, which must not exist yet, and make the one change."""
    original = (program.folder / mutation.file).read_text(encoding="utf-8")
    occurrences = original.count(mutation.replace)
    if occurrences != 1:
        raise SuiteError(f"{mutation.id}: the text to replace occurs {occurrences} times in {mutation.file}")
    if mutation.replace == mutation.by:
        raise SuiteError(f"{mutation.id}: nothing changes")
    changed = original.replace(mutation.replace, mutation.by)
    try:
        ast.parse(changed)
    except SyntaxError as error:
        raise SuiteError(f"{mutation.id}: line {error.lineno} is no longer Python: {error.msg}") from None
    shutil.copytree(program.folder, destination, ignore=shutil.ignore_patterns("__pycache__"))
    target = destination / mutation.file
    target.write_text(changed, encoding="utf-8")
    other = [n for n, text in enumerate(changed.splitlines(), 1) if mutation.or_line and mutation.or_line in text]
    if len(other) != bool(mutation.or_line):
        raise SuiteError(f"{mutation.id}: `or_line` occurs {len(other)} times in {mutation.file}")
    line = changed_line(original, changed)
    return Planted(destination / program.script.name, program.args, target, line, other[0] if other else 0)


def attempt(planted: Planted, seconds: float) -> str | None:
    """Run a planted program for that long; None where it raised nothing, else the end of its error output."""
    command = [sys.executable, str(planted.script), *planted.args]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(command, timeout=seconds, capture_output=True, text=True, env=environment, check=False)
    except subprocess.TimeoutExpired:
        return None
    return None if done.returncode == 0 else "\n".join(done.stderr.splitlines()[-3:])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ids", nargs="*", help="only these mutations, or those of these programs")
    parser.add_argument("--check", action="store_true", help="plant every mutation and say where")
    parser.add_argument("--try", dest="seconds", type=float, help="also run every planted program this long")
    options = parser.parse_args()
    suite = load()
    chosen = [m for m in suite.mutations if not options.ids or {m.id, m.program} & set(options.ids)]
    failures = 0
    for mutation in chosen:
        program, note = suite.programs[mutation.program], ""
        if options.check or options.seconds:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    planted = plant(mutation, program, Path(folder) / mutation.program)
                    note = f"{mutation.file}:{planted.line} "
                    error = attempt(planted, options.seconds) if options.seconds else None
                except SuiteError as problem:
                    error = str(problem)
            if error:
                failures += 1
                note += f"FAILS: {error}\n"
        print(f"{mutation.id:32} {' '.join(mutation.dyes):10} {note}{mutation.what}", flush=True)
    programs, dyes = Counter(m.program for m in chosen), Counter(code for m in chosen for code in m.dyes)
    print(f"\n{len(chosen)} mutations, {sum(m.harmless for m in chosen)} harmless, {failures} failures")
    print("by program:", ", ".join(f"{name} {count}" for name, count in sorted(programs.items())))
    print("by dye:    ", ", ".join(f"{code} {count}" for code, count in sorted(dyes.items())))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
