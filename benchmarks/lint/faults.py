"""Faults that were planted (the dyes' mutation suite, the gallery): which linter sees which."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from lifesigns.lints.read import Job, lint_here

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "dyes" / "suite"))

import apply as suite  # noqa: E402

Seen = Counter[tuple[str, str, int]]
_PLAIN = re.compile(r"(?P<name>[^\s/:]+\.py):(?P<line>\d+):\d+:? (?P<code>[A-Z]+\d+)")
_GITHUB = re.compile(r"::\w+ file=(?:[^,]*/)?(?P<name>[^,/]+\.py),line=(?P<line>\d+),.*?title=(?P<code>[A-Z]+\d+)")
NEAR = 12
"""lines between a report and the changed line within which it counts as at the line."""


def ours(files: list[Path]) -> Seen:
    """(rule, file name, line) of every finding, all files read as one project."""
    found = lint_here(Job(tuple((f, f.name) for f in files), always=frozenset(files)))
    return Counter(
        (h.finding.code, r.path, h.finding.location.line) for r in found for h in r.hits if h.finding.location
    )


def theirs(command: list[str], texts: dict[str, bytes]) -> dict[str, Seen]:
    """The same of another linter for each text, all read in one run; the file name is the text's key."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            Path(folder, name).write_bytes(text)
        done = subprocess.run([*command, folder], capture_output=True, text=True, check=False)
    found: dict[str, Seen] = {name: Counter() for name in texts}
    for m in (*_PLAIN.finditer(done.stdout), *_GITHUB.finditer(done.stdout)):
        name, code, line = m["name"], m["code"], int(m["line"])
        found[name][code, name, line] += 1
    return found


def new_rules(before: Seen, after: Seen) -> list[str]:
    """Rules that report more often than before; the fault is all that changed."""
    was, now = by_rule(before), by_rule(after)
    return sorted(c for c in now if now[c] > was[c])


def at_line(rules: list[str], after: Seen, file: str, line: int) -> bool:
    """Whether one of them reports near the changed line."""
    return any(c in rules and f == file and abs(at - line) <= NEAR for c, f, at in after)


def by_rule(seen: Seen) -> Counter[str]:
    return Counter(k[0] for k in seen.elements())


def rows(others: dict[str, list[str]]) -> list[dict]:
    """One row for each fault: the rules of each linter that see it. `others`: name → its command."""
    held = suite.load()
    found: list[dict] = []
    texts: dict[str, bytes] = {}
    base: dict[str, Seen] = {}
    places: list[tuple[str, str]] = []
    for number, m in enumerate(held.mutations):
        program = held.programs[m.program]
        with tempfile.TemporaryDirectory() as folder:
            planted = suite.plant(m, program, Path(folder) / "p")
            if m.program not in base:
                base[m.program] = ours(of_program(program.folder, program.script.name, m.file))
            after = ours(of_program(Path(folder) / "p", program.script.name, m.file))
            seen = new_rules(base[m.program], after)
            near = at_line(seen, after, planted.file.name, planted.line)
            clean, broken = f"clean_{program.name}_{Path(m.file).name}", f"m{number}.py"
            texts[clean], texts[broken] = (program.folder / m.file).read_bytes(), planted.file.read_bytes()
        places.append((clean, broken))
        found.append({"fault": m.id, "suite": m.source, "what": m.what, "lifesigns": seen, "at_line": near})
    for tool, command in others.items():
        given = theirs(command, texts)
        for row, (clean, broken) in zip(found, places, strict=True):
            row[tool] = new_rules(given[clean], given[broken])
    return found + gallery(others)


def of_program(folder: Path, script: str, changed: str) -> list[Path]:
    """The files of a program: its folder, or of a folder of many scripts those two."""
    files = sorted(folder.rglob("*.py"))
    return [f for f in files if f.name in (script, Path(changed).name)] if len(files) > 12 else files


def gallery(others: dict[str, list[str]]) -> list[dict]:
    """Rules that report on `broken.py` of a gallery case more often than on its `fixed.py`."""
    cases = sorted(p.parent for p in (ROOT / "gallery").glob("*/broken.py") if (p.parent / "fixed.py").is_file())
    texts = {f"{c.name}.{n}": (c / n).read_bytes() for c in cases for n in ("broken.py", "fixed.py")}
    found = [{"fault": c.name, "suite": "gallery", "what": "", "at_line": None} for c in cases]
    for tool, command in {"lifesigns": [], **others}.items():
        given = theirs(command, texts) if command else {
            f"{c.name}.{n}": ours([c / n]) for c in cases for n in ("broken.py", "fixed.py")
        }  # fmt: skip
        for row in found:
            broken, fixed = (by_rule(given[f"{row['fault']}.{n}"]) for n in ("broken.py", "fixed.py"))
            row[tool] = sorted(c for c in broken if broken[c] > fixed[c])
    return found
