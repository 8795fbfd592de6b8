"""A campaign of short runs whose driver is killed (`kill -9`) at random moments, and resumed until it is done.

`python benchmarks/campaign/run.py [--rounds 10] [--runs 100] [--kills 1] [--seed 0] [--smoke]`. Each round asserts: one
result for each seed, none run again that had one, no process of the campaign left a moment after the kill. Results go
to results.json and results.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
LINGER_S = 3.0
NOTHING_TO_JUDGE = 2
"""Exit status of `lifesigns seeds` for scripts that train nothing, as this one."""
SCRIPT = """
import argparse, os, random, time

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=1)
seed = parser.parse_args().seed
with open("begun.txt", "a") as file:
    file.write(f"{seed} {os.getpid()}\\n")
time.sleep(random.Random(seed).uniform(0.0, 0.3))
with open("ended.txt", "a") as file:
    file.write(f"{seed}\\n")
"""


def start(folder: Path, runs: int, jobs: int) -> subprocess.Popen[bytes]:
    """The driver, in a process group of its own."""
    lifesigns = [sys.executable, "-m", "lifesigns.cli", "seeds", "short.py"]
    command = [*lifesigns, "-n", str(runs), "--jobs", str(jobs), "--json"]
    with (folder / "said.txt").open("ab") as said:
        return subprocess.Popen(command, cwd=folder, stdout=said, stderr=said, process_group=0)


def entries(folder: Path) -> list[dict]:
    """The ledger's whole lines."""
    found = []
    for ledger in (folder / ".lifesigns" / "campaigns").glob("*/ledger.jsonl"):
        for line in ledger.read_bytes().split(b"\n"):
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
    return found


def left(folder: Path) -> list[int]:
    """Processes that still have something to do with the campaign in `folder`."""
    mark, found = os.fsencode(str(folder)), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
                where = os.fsencode(os.readlink(entry / "cwd"))
            except OSError:
                continue
            if mark in text or where == mark:
                found.append(int(entry.name))
    return found


def wait_gone(folder: Path) -> float | None:
    """Seconds until no process of the campaign is left; None where some are after `LINGER_S`."""
    started = time.monotonic()
    while time.monotonic() - started < LINGER_S:
        if not left(folder):
            return time.monotonic() - started
        time.sleep(0.01)
    return None


def killable(folder: Path, moment_s: float, enough: int) -> float:
    """Waits for a moment, or until so many runs have ended (a fast machine may be done before it); seconds waited."""
    started = time.monotonic()
    while time.monotonic() - started < moment_s:
        if sum(e["t"] == "ended" for e in entries(folder)) >= max(enough, 1):
            break
        time.sleep(0.01)
    return time.monotonic() - started


def one_round(runs: int, jobs: int, kills: int, rng: random.Random, span_s: float) -> dict:
    """A campaign, killed `kills` times, then run to its end."""
    moments, gone, had = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        (folder / "short.py").write_text(SCRIPT)
        started = time.monotonic()
        for _ in range(kills):
            driver = start(folder, runs, jobs)
            enough = rng.randint(min(len(had[-1]) if had else 0, runs - 4), runs - 4)
            moments.append(killable(folder, rng.uniform(0.0, span_s / kills), enough))
            os.kill(driver.pid, signal.SIGKILL)
            driver.wait()
            gone.append(wait_gone(folder))
            had.append({e["job"]: e["attempt"] for e in entries(folder) if e["t"] == "ended"})
        status = start(folder, runs, jobs).wait()
        wall_s = time.monotonic() - started
        after = entries(folder)
        results: dict[str, list[str]] = {}
        for e in after:
            if e["t"] == "ended":
                results.setdefault(e["job"], []).append(e["attempt"])
        ended = (folder / "ended.txt").read_text().split()
        begun = [line.split()[0] for line in (folder / "begun.txt").read_text().splitlines()]
        campaigns = len(list((folder / ".lifesigns" / "campaigns").glob("[!.]*")))
    return {
        "killed_at_s": [round(m, 3) for m in moments],
        "results_at_kill": [len(h) for h in had],
        "gone_after_s": [None if g is None else round(g, 3) for g in gone],
        "wall_s": round(wall_s, 2),
        "status": status,
        "campaigns": campaigns,
        "results": sum(len(v) for v in results.values()),
        "distinct": len(results),
        "finished_run_again": sum(results.get(j) != [a] for h in had for j, a in h.items()),
        "scripts_begun": len(begun),
        "scripts_ended": len(ended),
        "seeds_ended": len(set(ended)),
    }


def passed(row: dict, runs: int) -> bool:
    """What must hold of a round."""
    return (
        row["results"] == row["distinct"] == row["seeds_ended"] == runs
        and row["finished_run_again"] == 0
        and None not in row["gone_after_s"]
        and row["campaigns"] == 1
        and row["status"] == NOTHING_TO_JUDGE
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--kills", type=int, default=1)
    parser.add_argument("--span", type=float, default=20.0, help="the kills fall into the first SPAN seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--smoke", action="store_true", help="one round of 12 runs, killed three times; writes nothing")
    args = parser.parse_args()
    if args.smoke:
        args.rounds, args.runs, args.kills, args.span = 1, 12, 3, 7.5
    rng = random.Random(args.seed)
    rows = []
    for _ in range(args.rounds):
        rows.append(one_round(args.runs, args.jobs, args.kills, rng, args.span))
        print(json.dumps(rows[-1]), flush=True)
    good = sum(passed(row, args.runs) for row in rows)
    print(f"{good} of {len(rows)} rounds ended with exactly {args.runs} distinct results")
    if not args.smoke:
        write(rows, args.runs, good)
    sys.exit(good < len(rows))


def write(rows: list[dict], runs: int, good: int) -> None:
    """results.json and results.md."""
    about = {
        "command": " ".join(["python", "benchmarks/campaign/run.py", *sys.argv[1:]]),
        "date": str(date.today()),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, shared with other work",
        "python": platform.python_version(),
        "versions": {"lifesigns": version("lifesigns")},
    }
    whole = {**about, "passed": good, "rows": rows}
    (HERE / "results.json").write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
    lines = ["# A campaign whose driver is killed", "", *(f"- {k}: {v}" for k, v in about.items()), ""]
    lines += [
        f"{good} of {len(rows)} rounds of {runs} runs ended with exactly {runs} distinct results after `kill -9` of "
        "the driver and the same command again; no run that had a result was run again, and no process of the "
        "campaign was left.",
        "",
        "| killed at (s) | results then | last process gone (s later) | results | distinct | again | scripts begun |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            *(", ".join(map(str, row[k])) for k in ("killed_at_s", "results_at_kill", "gone_after_s")),
            *(str(row[k]) for k in ("results", "distinct", "finished_run_again", "scripts_begun")),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "Scripts begun beyond the number of runs are those that the kill cut off: they had no result yet."]
    (HERE / "results.md").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
