"""The gallery's broken and fixed scripts, told of by lifesigns and by other tools that read logs.

`run.py record` runs what is still missing under the recorder, `run.py mortem --peers PYTHON` again with torchmortem,
and `run.py compare --peers PYTHON` exports each run's log, gives the same log to every tool, and writes results.json
and results.md. PYTHON is the interpreter of a virtual environment with runmedic, zen-rl, gradsnitch, torchmortem and
rldoctor.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import tomllib
from datetime import date
from pathlib import Path

from export import export
from score import NAMED_BY, cell, verdict_of

from lifesigns import logs
from lifesigns.checkup import saved
from lifesigns.model import Diagnosis
from lifesigns.store import load_run

HERE = Path(__file__).parent
GALLERY = HERE.parent.parent / "gallery"
HOME = Path(os.environ.get("PEERS_HOME", Path(tempfile.gettempdir()) / "lifesigns-peers"))
TOOLS = ("lifesigns", "lifesigns on the log", "runmedic", "gradsnitch", "zen-rl", "torchmortem")
MORTEM_S = 40


def jobs() -> list[tuple[str, str, Path, list[str], str]]:
    """(case, kind, script, arguments, expected cause)."""
    found = []
    folders = sorted((p.parent for p in GALLERY.glob("*/expect.toml")), key=lambda p: (_slow(p.name), p.name))
    for folder in folders:
        expect = tomllib.loads((folder / "expect.toml").read_text("utf-8"))
        for kind in ("broken", "fixed"):
            arguments = expect.get("fixed_args", expect["args"]) if kind == "fixed" else expect["args"]
            found.append((folder.name, kind, folder / f"{kind}.py", arguments, expect["cause"]))
    return found


def _slow(case: str) -> bool:
    """Whether its runs take long; they come last."""
    return case.startswith(("sac", "sb3", "dqn", "gymnasium"))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["record", "mortem", "compare"])
    parser.add_argument("--peers", default=sys.executable, help="interpreter that has the other tools")
    parser.add_argument("--only", default="")
    parser.add_argument("--home", type=Path, default=HOME)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    args = parser.parse_args()
    chosen = [j for j in jobs() if args.only in j[0]]
    args.home.mkdir(parents=True, exist_ok=True)
    for case, kind, script, arguments, _ in chosen:
        if args.what == "record":
            record(args.home / f"{case}-{kind}", script, arguments)
        elif args.what == "mortem":
            mortem(args.home / f"{case}-{kind}", script, arguments, args.peers)
    if args.what == "compare":
        rows = [compare(args.home / f"{c}-{k}", c, k, cause, args.peers) for c, k, _, _, cause in chosen]
        write([r for r in rows if r], language(args.home, args.peers), args.out, args.peers)


def record(home: Path, script: Path, arguments: list[str]) -> None:
    """One run, with lifesigns' own answer."""
    if (home / "answer.json").exists():
        return
    home.mkdir(exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "lifesigns.cli",
        "watch",
        str(script),
        "--json",
        "--home",
        str(home),
        "--",
        *arguments,
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    (home / "answer.json").write_text(done.stdout, "utf-8")
    print(home.name, done.returncode, flush=True)


def mortem(home: Path, script: Path, arguments: list[str], peers: str) -> None:
    """torchmortem reads no logs: it is attached to a run of its own (attach.py), for `MORTEM_S` seconds."""
    out = home / "mortem.json"
    if out.exists():
        return
    home.mkdir(exist_ok=True)
    place = str(next(Path(peers).parent.parent.glob("lib/python3*/site-packages")))
    command = [sys.executable, str(HERE / "attach.py"), place, str(out), str(MORTEM_S), str(script), *arguments]
    subprocess.run(command, cwd=home, capture_output=True, check=False, timeout=10 * MORTEM_S)
    print(home.name, out.exists(), flush=True)


def compare(home: Path, case: str, kind: str, expected: str, peers: str) -> dict | None:
    """What each tool says of one run."""
    runs = sorted((home / "runs").glob("*"))
    if not runs:
        return None
    log = home / "log"
    if not log.exists():
        export(load_run(runs[-1]), log)
    told = {
        "lifesigns": _answer(saved(runs[-1]).diagnosis),
        "lifesigns on the log": _answer(logs.diagnosed(log / "tb", {}).diagnosis),
        **others(home, log, peers),
    }
    if (home / "mortem.json").exists():
        told["torchmortem"] = json.loads((home / "mortem.json").read_text("utf-8"))
    return {
        "case": case,
        "kind": kind,
        "expected": expected,
        "told": told,
        "verdicts": {tool: verdict_of(tool, told[tool], kind, expected) for tool in TOOLS if tool in told},
    }


def others(home: Path, log: Path, peers: str) -> dict:
    """What the other tools say of a log; asked once."""
    kept = home / "others.json"
    if not kept.exists():
        kept.write_text(_run([peers, str(HERE / "ask.py"), str(log)]) or "{}", "utf-8")
    return json.loads(kept.read_text("utf-8"))


def language(home: Path, peers: str) -> list[dict]:
    """rldoctor's own demonstration logs, told of by rldoctor and by lifesigns (with and without its preview rules)."""
    folder = home / "language"
    folder.mkdir(exist_ok=True)
    told = json.loads(_run([peers, str(HERE / "ask_language.py"), str(folder)]) or "[]")
    for row in told:
        answer = logs.diagnosed(Path(row["log"]), {}).diagnosis
        row["log"] = Path(row["log"]).name
        for key, verdicts in (("lifesigns", answer.verdicts), ("preview", answer.preview)):
            row[key] = sorted({f"{f.code} {f.rule}" for v in verdicts for f in v.findings})
    return told


def _run(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _answer(diagnosis: Diagnosis) -> dict:
    """First cause, and codes above note."""
    return {
        "causes": [c.cause for c in diagnosis.causes[:1]],
        "alarms": sorted({f.code for f in diagnosis.findings if f.severity != "note"}),
    }


def write(rows: list[dict], language_rows: list[dict], out: Path, peers: str) -> None:
    """results.json and results.md."""
    names = ("runmedic", "gradsnitch", "zen-rl", "torchmortem", "rldoctor")
    code = "import importlib.metadata as m, json, sys; print(json.dumps({p: m.version(p) for p in sys.argv[1:]}))"
    head = {
        "command": "python benchmarks/peers/run.py record; … mortem; … compare",
        "date": str(date.today()),
        "python": platform.python_version(),
        "versions": json.loads(_run([peers, "-c", code, *names]) or "{}"),
    }
    broken, fixed = ([r for r in rows if r["kind"] == k] for k in ("broken", "fixed"))
    table = []
    for tool in TOOLS:
        seen = [r["verdicts"][tool] for r in broken if tool in r["verdicts"]]
        quiet = [r["verdicts"][tool] for r in fixed if tool in r["verdicts"]]
        table.append(
            f"| {tool} | {seen.count('named')} of {len(seen)} | {sum(v in ('named', 'flagged') for v in seen)} of "
            f"{len(seen)} | {sum(v != 'quiet' for v in quiet)} of {len(quiet)} |"
        )
    lines = [
        "# The same logs, read by others",
        "",
        "*Named*: the tool's first cause is the true one (lifesigns), or any of its findings speaks of the true cause "
        "(others, by the generous table in score.py). *Flagged*: anything above a note. A *false alarm* is anything "
        "above a note on the fixed script. The others read training logs alone (torchmortem is attached to a run of "
        "its own); lifesigns reads the run it recorded, and in the second row nothing but the log that others read.",
        "",
        "The runs were recorded without dyes on two cores that ten other programs shared (load 10 to 20), where the "
        "recorder's samples are few: the digits-full-scale case stayed blind here and is found on an idle machine "
        "(benchmarks/detection).",
        "",
        "| tool | broken: cause named | broken: flagged | fixed: false alarm |",
        "|---|---|---|---|",
        *table,
        "",
        "| case | kind | expected | " + " | ".join(TOOLS) + " |",
        "|---|---|---|" + "---|" * len(TOOLS),
    ]
    for r in rows:
        cells = [f"{r['verdicts'].get(t, '–')}: {cell(r['told'].get(t))}" if t in r["told"] else "–" for t in TOOLS]
        lines.append(f"| {r['case']} | {r['kind']} | {r['expected']} | " + " | ".join(cells) + " |")
    lines += ["", "## Logs of language-model training: rldoctor's own demonstrations", ""]
    lines += ["| scenario | rldoctor | lifesigns | lifesigns, rules in preview |", "|---|---|---|---|"]
    for row in language_rows:
        cells = [", ".join(row[k]) or "quiet" for k in ("rldoctor", "lifesigns", "preview")]
        lines.append(f"| {row['scenario']} | " + " | ".join(cells) + " |")
    lines += ["", "How findings of others count as naming a cause:", ""]
    lines += [f"- {cause}: {', '.join(sorted(found))}" for cause, found in sorted(NAMED_BY.items())]
    lines.append("")
    lines.append(f"{head['command']}; {head['date']}, Python {head['python']}, {head['versions']}.")
    out.with_suffix(".json").write_text(json.dumps({**head, "rows": rows, "language": language_rows}, indent=1) + "\n")
    out.with_suffix(".md").write_text("\n".join(lines) + "\n", "utf-8")
    print("\n".join(lines[4:12]))


if __name__ == "__main__":
    main()
