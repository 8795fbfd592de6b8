"""The mutation suite: every planted fault under dye tracing, and every healthy program.

`python benchmarks/dyes/run.py [--only ID,…] [--programs NAME,…] [--healthy|--faults] [--every N --offset K]`,
`--json F` for the rows.
A fault counts as detected if one of the checks that its list names fires above a note; its line counts as named if the
finding's line is within one of the changed line. A healthy program must have no finding above a note.
`--write F…` makes results.json and results.md of such files.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "suite"))

import apply as suite  # noqa: E402

from lifesigns.checkup import suspect_dyes  # noqa: E402
from lifesigns.model import Trace  # noqa: E402
from lifesigns.paired.outcome import add_to  # noqa: E402
from lifesigns.paired.runner import Target, Zygote  # noqa: E402
from lifesigns.paired.tracing import trace  # noqa: E402
from lifesigns.rules import all_rules, run_rules  # noqa: E402

_zygotes: list[Zygote] = []
PRELOAD = (
    "numpy",
    "torch",
    "torch._dynamo",
    "torch.distributions",
    "gymnasium",
    "gymnasium.vector",
    "stable_baselines3",
    "sb3_contrib",
    "sklearn.datasets",
    "sklearn.model_selection",
)


def traced(script: Path, arguments: Sequence[str], cores: int, seconds: float) -> dict[str, Any]:
    """Findings above note, notes, blind checks and seconds of one program; the forking processes serve all programs."""
    target = Target(str(script), tuple(arguments), cwd=str(script.parent))
    if not _zygotes:
        _zygotes.extend(Zygote(Target(str(HERE / "run.py"), cwd=str(HERE)), PRELOAD) for _ in range(cores))
    result = trace(target, seconds, cores, suspects=suspect_dyes, zygotes=_zygotes)
    rules = [r for r in all_rules() if r.code.startswith("Y")]
    verdicts = run_rules(rules, add_to(Trace(), result.facts, str(script.parent)))
    found = [
        {
            "code": f.code,
            "severity": f.severity,
            "message": f.message,
            "file": Path(f.location.file).name if f.location else "",
            "line": f.location.line if f.location else 0,
        }
        for v in verdicts
        for f in v.findings
    ]
    return {
        "findings": [f for f in found if f["severity"] != "note"],
        "notes": [f for f in found if f["severity"] == "note"],
        "blind": {v.code: v.reason for v in verdicts if v.status == "blind"},
        "crashed": {v.code: v.reason for v in verdicts if v.status == "crashed"},
        "wall_s": round(result.wall_s, 1),
        "runs": result.runs,
    }


def judged(mutation: Any, planted: Any, row: dict[str, Any]) -> dict[str, Any]:
    """Whether the right dye fired, and whether its line is the changed one (within one), or the one that the list says
    is as right."""
    hits = [
        f
        for f in [*row["findings"], *(row["notes"] if mutation.harmless or "Y406" in mutation.dyes else [])]
        if f["code"] in mutation.dyes
    ]
    lines = [line for line in (planted.line, planted.or_line) if line]
    mine = [f for f in hits if Path(f["file"]).name == Path(mutation.file).name]
    near = [f for f in mine if any(abs(f["line"] - line) <= 1 for line in lines)]
    return {
        "id": mutation.id,
        "program": mutation.program,
        "file": mutation.file,
        "line": planted.line,
        "or_line": planted.or_line,
        "dyes": list(mutation.dyes),
        "hidden": mutation.hidden,
        "harmless": mutation.harmless,
        "detected": bool(hits),
        "line_named": bool(near),
        **row,
    }


class Rows:
    """Rows that are written as they come, so that a call that is cut short keeps what it has."""

    def __init__(self, file: Path | None) -> None:
        self.file, self.rows = file, list[dict[str, Any]]()

    def add(self, row: dict[str, Any]) -> None:
        """One more."""
        self.rows.append(row)
        about = {
            "command": "python "
            + " ".join(["benchmarks/dyes/run.py", *(Path(a).name if "/" in a else a for a in sys.argv[1:])]),
            "date": str(date.today()),
            "python": platform.python_version(),
            "versions": {p: version(p) for p in ("torch", "gymnasium", "stable-baselines3", "sb3-contrib", "numpy")},
            "finished": time.strftime("%H:%M"),
        }
        if self.file:
            self.file.write_text(json.dumps({"about": about, "rows": self.rows}, indent=1), "utf-8")


def main() -> None:
    """Runs what was asked for and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--programs", default="")
    parser.add_argument("--healthy", action="store_true", help="the healthy programs alone")
    parser.add_argument("--faults", action="store_true", help="the planted faults alone")
    parser.add_argument("--every", type=int, default=1, help="one fault in so many")
    parser.add_argument("--offset", type=int, default=0, help="which of them")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=90.0, help="for one program; more where other work runs too")
    parser.add_argument("--json", type=Path, help="where the rows go; FILE.md beside it holds the tables")
    parser.add_argument("--write", nargs="+", type=Path, help="only write results.json, results.md from these files")
    args = parser.parse_args()
    if args.write:
        write(args.write)
        return
    held = suite.load()
    programs, mutations = held.programs, held.mutations
    only, named = [x for x in args.only.split(",") if x], [x for x in args.programs.split(",") if x]
    rows = Rows(args.json)
    if not args.faults and not only:
        for name, program in programs.items():
            if not named or name in named:
                row = {"program": name, **traced(program.script, program.args, args.cores, args.seconds)}
                rows.add(row)
                print(
                    f"healthy {name:24} {row['wall_s']:5.1f} s  "
                    + ("; ".join(_short(f) for f in row["findings"]) or "nothing"),
                    flush=True,
                )
    if not args.healthy:
        for mutation in mutations[args.offset :: args.every]:
            if (only and not any(mutation.id.startswith(x) for x in only)) or (named and mutation.program not in named):
                continue
            with tempfile.TemporaryDirectory() as folder:
                planted = suite.plant(mutation, programs[mutation.program], Path(folder) / mutation.program)
                row = judged(mutation, planted, traced(planted.script, planted.args, args.cores, args.seconds))
            line = planted.line
            rows.add(row)
            state = "line" if row["line_named"] else "found" if row["detected"] else "MISSED"
            print(
                f"{state:6} {mutation.id:40} {'/'.join(mutation.dyes):12} line {line}: "
                + "; ".join(_short(f) for f in row["findings"]),
                flush=True,
            )
    for zygote in _zygotes:
        zygote.close()


def write(parts: list[Path]) -> None:
    """results.json and results.md from the rows of several calls; the last row of a program or fault counts."""
    held = [json.loads(p.read_text("utf-8")) for p in parts]
    rows = list({(r.get("id"), r["program"]): r for part in held for r in part["rows"]}.values())
    about = [part["about"] for part in held]
    first = about[0]
    whole = {
        "command": [a["command"] for a in about],
        "date": first["date"],
        "versions": first["versions"],
        "rows": rows,
    }
    (HERE / "results.json").write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
    faults = [r for r in rows if "id" in r]
    healthy = [r for r in rows if "id" not in r]
    lines = ["# Dyes: the mutation suite", ""]
    lines += [f"- command: `{a['command']}` (finished {a['finished']})" for a in about]
    lines += [
        f"- date: {first['date']}, python {first['python']}, 2 cores, no GPU",
        f"- versions: {first['versions']}",
        "",
    ]
    for title, chosen in (("all", faults), ("hidden from the main script", [r for r in faults if r["hidden"]])):
        lines.append(_rates(title, chosen))
    codes = sorted({c for r in faults for c in r["dyes"]})
    lines += ["", "| code | faults | detected | line named |", "|---|---|---|---|"]
    for code in codes:
        mine = [r for r in faults if code in r["dyes"]]
        found = [r for r in mine if r["detected"]]
        lines.append(f"| {code} | {len(mine)} | {len(found)} | {sum(r['line_named'] for r in found)} |")
    lines += ["", "## Healthy programs", "", "| program | seconds | findings above note | notes |", "|---|---|---|---|"]
    for r in healthy:
        shown = "; ".join(f"{_short(f)} {f['message']}" for f in r["findings"]) or "none"
        notes = ", ".join(sorted({f["code"] for f in r["notes"]})) or ""
        lines.append(f"| {r['program']} | {r['wall_s']} | {shown} | {notes} |")
    lines += ["", "## Faults", "", "| fault | right | line | result | findings |", "|---|---|---|---|---|"]
    for r in faults:
        state = "line" if r["line_named"] else "found" if r["detected"] else "**missed**"
        shown = ", ".join(dict.fromkeys(_short(f) for f in r["findings"]))
        lines.append(f"| {r['id']} | {'/'.join(r['dyes'])} | {r['file']}:{r['line']} | {state} | {shown} |")
    (HERE / "results.md").write_text("\n".join(lines) + "\n", "utf-8")


def _rates(title: str, rows: list[dict[str, Any]]) -> str:
    found = [r for r in rows if r["detected"]]
    named = sum(r["line_named"] for r in found)
    share = 100 * len(found) / max(len(rows), 1)
    return (
        f"- {title}: {len(found)} of {len(rows)} faults detected by the right dye ({share:.0f} %), "
        f"the line named within one in {named} of those ({100 * named / max(len(found), 1):.0f} %)"
    )


def _short(finding: dict[str, Any]) -> str:
    return f"{finding['code']}@{Path(finding['file']).name}:{finding['line']}"


if __name__ == "__main__":
    main()
