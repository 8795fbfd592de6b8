"""Runs `lifesigns check` on gallery cases and healthy scripts; writes who was named, with which line, and every false
alarm.

`python benchmarks/detection/run.py [--only NAME] [--kind broken] [--budget 60s] [--no-dyes] [--jobs 1]`. The checks
plant dyes as they do for a user, which takes both cores: so one at a time. Results go to results.json and results.md.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
GALLERY = HERE.parent.parent / "gallery"
HEALTHY = {
    "ppo": ["scripts/ppo.py", "--total-timesteps", "20000"],
    "dqn": ["scripts/dqn.py", "--total-timesteps", "20000"],
    "sac": ["scripts/sac.py", "--total-timesteps", "5000"],
    "reinforce": ["scripts/reinforce.py", "--total-timesteps", "40000"],
    "digits": ["scripts/digits.py"],
    "transformer": ["scripts/char_transformer.py"],
    **{
        f"sb3-{algo}-{env}".lower(): ["scripts/sb3_run.py", "--algo", algo, "--env", env, "--total-timesteps", steps]
        for algo, env, steps in [
            ("DQN", "CartPole-v1", "20000"),
            ("PPO", "CartPole-v1", "20000"),
            ("A2C", "CartPole-v1", "20000"),
            ("TRPO", "CartPole-v1", "20000"),
            ("DQN", "Acrobot-v1", "20000"),
            ("PPO", "Acrobot-v1", "30000"),
            ("A2C", "Acrobot-v1", "30000"),
            ("TRPO", "Acrobot-v1", "30000"),
            ("SAC", "Pendulum-v1", "4000"),
            ("TD3", "Pendulum-v1", "5000"),
            ("PPO", "Pendulum-v1", "40000"),
            ("A2C", "Pendulum-v1", "40000"),
            ("TRPO", "Pendulum-v1", "40000"),
        ]
    },
}


def jobs() -> list[dict]:
    """What to run: name, kind (broken, fixed, healthy), script, arguments, what is expected."""
    found = []
    for folder in sorted(p.parent for p in GALLERY.glob("*/expect.toml")):
        expect = tomllib.loads((folder / "expect.toml").read_text("utf-8"))
        for kind in ("broken", "fixed"):
            arguments = expect.get("fixed_args", expect["args"]) if kind == "fixed" else expect["args"]
            found.append(
                {
                    "name": folder.name,
                    "kind": kind,
                    "script": folder / f"{kind}.py",
                    "args": arguments,
                    "expect": expect,
                }
            )
    for name, (script, *arguments) in HEALTHY.items():
        found.append({"name": name, "kind": "healthy", "script": GALLERY / script, "args": arguments, "expect": None})
    return found


def wrong_line(job: dict) -> int:
    """The line of a broken script that its case says is wrong."""
    text = job["expect"]["line_contains"]
    lines = (job["script"].parent / job["expect"]["file"]).read_text("utf-8").splitlines()
    return next(i for i, line in enumerate(lines, 1) if text in line)


def run(job: dict, budget: str, seed: int | None, dyes: bool) -> dict:
    """One check; the row of the results."""
    seeded = [] if seed is None else ["--seed", str(seed)]
    command = [
        sys.executable,
        "-m",
        "lifesigns.cli",
        "check",
        *([] if dyes else ["--no-dyes"]),
        str(job["script"]),
        "--json",
        "-q",
        "--budget",
        budget,
        "--home",
        "/tmp/lifesigns-detection",
        "--",
        *job["args"],
        *seeded,
    ]
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    row = {
        "name": job["name"],
        "kind": job["kind"],
        "args": [*job["args"], *seeded],
        "status": done.returncode,
        "seconds": round(time.monotonic() - started, 1),
    }
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return {**row, "error": done.stderr[-400:]}
    row["outcome"] = answer["outcome"]["learning"]
    row["causes"] = [[c["cause"], round(c["probability"], 3)] for c in answer["causes"][:4]]
    fired = [f for v in answer["verdicts"] for f in v["findings"]]
    row["findings"] = sorted({f"{f['code']}:{f['severity']}" for f in fired})
    row["alarms"] = sorted({f["code"] for f in fired if f["severity"] != "note"})
    row["run"] = Path(answer.get("run", "")).name
    if job["expect"]:
        row["expected"] = job["expect"]["cause"]
        row["rank"] = next((i + 1 for i, c in enumerate(row["causes"]) if c[0] == row["expected"]), None)
    if job["kind"] == "broken" and row["rank"] == 1:
        wrong, file = wrong_line(job), job["expect"]["file"]
        row["line"] = wrong
        row["said_line"] = said(answer["causes"][0]["location"])
        row["said_lines"] = sorted({f"{f['code']} {at}" for f in fired if (at := said(f["location"]))})
        row["line_right"] = any(row["said_line"] == f"{file}:{n}" for n in (wrong - 1, wrong, wrong + 1))
    return row


def said(location: dict | None) -> str:
    """`file:line` of a location, without folders."""
    return f"{Path(location['file']).name}:{location['line']}" if location else ""


def verdict(row: dict) -> str:
    """ok, or what is wrong with a row."""
    if "error" in row:
        return "ERROR"
    if row["kind"] == "broken":
        return "ok" if row["rank"] == 1 else f"rank {row['rank']}"
    return "ok" if not row["alarms"] else "FALSE ALARM " + " ".join(row["alarms"])


def table(rows: list[dict]) -> str:
    """Markdown."""
    lines = ["| case | kind | outcome | first causes | line | findings | s | verdict |", "|---" * 8 + "|"]
    for r in rows:
        causes = ", ".join(f"{c} {p:.0%}" for c, p in r.get("causes", [])[:3])
        expected = f" (expected {r['expected']})" if r["kind"] == "broken" and r.get("rank") != 1 else ""
        place = r.get("said_line", "") or ("none" if "line" in r else "")
        place += f" (is {r['line']})" if "line" in r and not r["line_right"] else ""
        lines.append(
            f"| {r['name']} | {r['kind']} | {r.get('outcome', r.get('error', ''))} | {causes}{expected} | {place} | "
            f"{' '.join(r.get('findings', []))} | {r['seconds']} | {verdict(r)} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Runs all jobs and writes the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--kind", default="")
    parser.add_argument("--budget", default="60s")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--no-dyes", action="store_true", help="without the runs that dyes take")
    parser.add_argument("--update", action="store_true", help="replace these rows in the results that are there")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    args = parser.parse_args()
    chosen = [j for j in jobs() if args.only in j["name"] and args.kind in j["kind"]]
    rows = []
    with ThreadPoolExecutor(args.jobs) as pool:
        for row in pool.map(lambda job: run(job, args.budget, args.seed, not args.no_dyes), chosen):
            rows.append(row)
            told = row.get("causes", row.get("error"))
            found = " ".join(row.get("findings", []))
            print(
                f"{verdict(row):<24} {row['kind']:<8} {row['name']:<28} {row['seconds']:>5} s  {told} {found}",
                flush=True,
            )
    earlier: list[dict] = []
    if args.update:
        before = json.loads(args.out.with_suffix(".json").read_text("utf-8"))
        earlier = before.get("updates", [before["command"]])
        new = {(r["name"], r["kind"]): r for r in rows}
        rows = [new.get((r["name"], r["kind"]), r) for r in before["rows"]]
    broken = [r for r in rows if r["kind"] == "broken"]
    quiet = [r for r in rows if r["kind"] != "broken"]
    first = sum(r.get("rank") == 1 for r in broken)
    alarms = sum(bool(r.get("alarms")) or "error" in r for r in quiet)
    lines = sum(r.get("line_right", False) for r in broken)
    summary = (
        f"{first} of {len(broken)} broken scripts have the true cause first, {lines} show the faulty line or "
        f"one beside it; {alarms} of {len(quiet)} correct scripts have a finding above note."
    )
    print(summary)
    versions = {p: version(p) for p in ("lifesigns", "torch", "gymnasium", "stable-baselines3", "numpy")}
    head = {
        "command": " ".join(["python", "benchmarks/detection/run.py", *sys.argv[1:]]),
        "date": str(date.today()),
        "python": platform.python_version(),
        "versions": versions,
        "updates": [*earlier, " ".join(["python", "benchmarks/detection/run.py", *sys.argv[1:]])],
        "summary": summary,
    }
    args.out.with_suffix(".json").write_text(json.dumps({**head, "rows": rows}, indent=1) + "\n", "utf-8")
    args.out.with_suffix(".md").write_text(
        "# Detection over the gallery\n\n"
        + "\n".join(f"- {k}: {v}" for k, v in head.items())
        + "\n\n"
        + table(rows)
        + "\n",
        "utf-8",
    )


if __name__ == "__main__":
    main()
