"""What every detector says of the recorded healthy runs: alarms, notes, and the statistic that it decides by."""

from __future__ import annotations

import importlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from lifesigns.curves import atari, mujoco
from lifesigns.model import Subject, Trace
from lifesigns.model.roles import with_roles
from lifesigns.model.series import series
from lifesigns.rules import Rule, all_rules, run_rule
from lifesigns.store import TraceError, load_run

PEERS = Path(os.environ.get("PEERS_HOME", Path(tempfile.gettempdir()) / "lifesigns-peers"))
HERE = Path(__file__).parent
ENOUGH, NOTED = 30, 0.1
"""Healthy runs that a stable rule has looked at, and the largest share of them with a note (docs/detectors.md)."""
BUDGET = 0.05
"""false alarms per healthy run, all stable detectors together."""
RELAXED: dict[str, dict[str, object]] = {
    "D107": {"LARGE_NATS": -1.0},
    "D108": {"MOST": -1.0},
    "D110": {"DOMINATES": -1.0},
    "D111": {"MANY": -1.0},
    "D205": {"LARGE": -1.0},
    "D207": {"MANY": -1.0},
    "D208": {"NOTHING": np.inf},
    "D210": {"ASIDE": -1.0},
    "D211": {"FAR": -1.0},
    "D310": {"NEARLY_ALL": -1.0, "TIMES": 0.0},
    "D311": {"TIMES": 0.0},
    "D314": {"GROWN": -1.0},
    "D315": {"MANY": -1.0, "GROWN_BY": -9.0},
    "D317": {"SWINGS": -1.0},
    "D320": {"NOISY": -1.0},
    "D503": {"TOGETHER": -1.0},
    "D602": {"ALIKE": np.inf},
    "D801": {"HALF": np.inf, "STEADY": 9.0},
    "D805": {"HALF": -1.0},
    "D806": {"THIRD": np.inf},
    "D807": {"LESS": np.inf},
}
"""Thresholds under which a detector always fires, so that the evidence of its finding is the statistic itself."""


def evaluate(home: Path, only: str, earlier: Path | None = None) -> dict:
    """Rows by rule, and the runs; with the counts of earlier results, of other seeds, added."""
    runs = [*traces(home, only), *fixed_traces(PEERS)]
    rules = [r for r in all_rules() if r.code[0] == "D"]
    curves = [] if earlier else list(curve_traces())  # the curves are the same as then
    rows = [row_of(rule, [t for _, t in runs], curves) for rule in rules]
    pairs: dict[str, int] = {}
    for name, _ in runs:
        pairs[name] = pairs.get(name, 0) + 1
    stable = {r.code for r in rules if r.status != "preview"}
    alarmed = sum(any(name in stable for name in row) for row in alarms_by_run(rules, [t for _, t in runs]))
    many = len(curves)
    total, made = sum(r["alarms"] for r in rows if r["code"] in stable), len(runs)
    told = {}
    if earlier is not None:
        before = json.loads(earlier.read_text("utf-8"))
        many = before["curves"]
        add(rows, before["rows"])
        pairs = {name: pairs.get(name, 0) + before["pairs"].get(name, 0) for name in pairs | before["pairs"]}
        total += sum(r["alarms"] for r in before["rows"] if r["code"] in stable)
        alarmed, made = alarmed + before["runs_with_an_alarm"], made + before["runs"]
        told = {"earlier": {"file": earlier.name, "runs": before["runs"], "date": before["date"]}}
    return {
        **told,
        "runs": made,
        "pairs": pairs,
        "curves": many,
        "budget": BUDGET,
        "alarms_per_run": round(total / max(made, 1), 4),
        "runs_with_an_alarm": alarmed,
        "rows": rows,
    }


def add(rows: list[dict], before: list[dict]) -> None:
    """Adds the counts of earlier rows, and takes their statistics, which are of more runs."""
    earlier = {r["code"]: r for r in before}
    for row in rows:
        for key in ("looked", "notes", "alarms", "crashed"):
            row[key] += earlier.get(row["code"], {}).get(key, 0)
        row["alarm_upper_95"] = _bound(row["looked"], row["alarms"])
        row |= {k: v for k, v in earlier.get(row["code"], {}).items() if k.startswith(("curves", "statistic"))}


def _bound(looked: int, alarms: int) -> float | None:
    """95 % bound of a rate of which nothing was seen in so many runs; None where there was something."""
    return round(1.0 - 0.05 ** (1.0 / looked), 4) if looked and not alarms else None


def finished(folder: Path) -> Trace | None:
    """The newest run of a folder, with roles, if it came to its end."""
    found = sorted((folder / "runs").glob("*"))
    try:
        trace = load_run(found[-1]) if found else None
    except TraceError:
        return None
    return with_roles(trace) if trace is not None and trace.meta.get("ended") == "finished" else None


def traces(home: Path, only: str) -> Iterator[tuple[str, Trace]]:
    """(pair, trace) of the recorded runs that came to their end."""
    for told in sorted(home.glob("*.json")):
        row = json.loads(told.read_text("utf-8"))
        if only in row["name"] and (trace := finished(home / "runs" / told.stem)):
            yield row["name"], trace


def fixed_traces(home: Path) -> Iterator[tuple[str, Trace]]:
    """(case, trace) of the gallery's fixed scripts, where benchmarks/peers has recorded them."""
    for folder in sorted(home.glob("*-fixed")):
        if trace := finished(folder):
            yield f"gallery {folder.name.removesuffix('-fixed')}", trace


def curve_traces() -> Iterator[Trace]:
    """The public curves as traces: an iteration counts as an episode."""
    for source in (atari(), mujoco()):
        for y in source.returns.reshape(-1, source.returns.shape[-1]):
            subjects = {"env/0": Subject("env/0", "env", "env", None, {"role": "train"})}
            yield Trace({}, subjects, (series("env.episode_return", "env_step", y, subject="env/0"),))


def row_of(rule: Rule, runs: list[Trace], curves: list[Trace]) -> dict:
    """How often a rule looked, noted and alarmed; and quantiles of its statistic."""
    verdicts = [run_rule(rule, t) for t in runs]
    looked = [v for v in verdicts if v.status in ("fired", "clear")]
    fired = [v for v in looked if v.findings]
    alarms = [v for v in fired if any(f.severity != "note" for f in v.findings)]
    row = {
        "code": rule.code,
        "rule": rule.name,
        "status": rule.status,
        "looked": len(looked),
        "crashed": sum(v.status == "crashed" for v in verdicts),
        "notes": len(fired) - len(alarms),
        "alarms": len(alarms),
        "alarm_upper_95": _bound(len(looked), len(alarms)),
    }
    if curves and set(rule.reads) == {"env.episode_return"} and not rule.across:
        on_curves = [run_rule(rule, t) for t in curves]
        seen = [v for v in on_curves if v.status in ("fired", "clear")]
        row["curves_looked"], row["curves_fired"] = len(seen), sum(bool(v.findings) for v in seen)
    values = statistics(rule, runs)
    if values:
        marks = (0.01, 0.5, 0.95, 0.99, 1.0)
        row["statistic"] = {f"q{round(100 * q)}": float(f"{np.quantile(values, q):.4g}") for q in marks}
    return row


def statistics(rule: Rule, runs: list[Trace]) -> list[float]:
    """The statistic of a rule on each run on which it could look."""
    if rule.code not in RELAXED:
        return []
    with relaxed(rule):
        found = [run_rule(rule, t).findings for t in runs]
    return [f[0].evidence[0].value for f in found if f and np.isfinite(f[0].evidence[0].value)]


@contextmanager
def relaxed(rule: Rule) -> Iterator[None]:
    """The rule's module with thresholds that always fire."""
    module = importlib.import_module(type(rule).__module__)
    before = {name: getattr(module, name) for name in RELAXED[rule.code]}
    try:
        for name, value in RELAXED[rule.code].items():
            setattr(module, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


def alarms_by_run(rules: list[Rule], runs: list[Trace]) -> list[set[str]]:
    """Codes that alarm, for each run."""
    return [
        {r.code for r in rules if any(f.severity != "note" for f in run_rule(r, t).findings)}
        for t in (replace(t) for t in runs)
    ]


def silent(rows: list[dict]) -> list[str]:
    """Why each rule in preview is silent, by the counts and by what it says of the programs in broken_cases.py."""
    file = HERE / "broken.json"
    told = json.loads(file.read_text("utf-8"))["rows"] if file.exists() else []
    caught = {r["rule"] for r in told if r["kind"] == "broken" and r["status"] == "fired"}
    caught |= {code for r in told if r["kind"] == "broken" for code in r.get("others", [])}
    lines = ["| detector | why it is silent | a broken program that it tells of |", "|---|---|---|"]
    for r in rows:
        if r["status"] != "preview":
            continue
        if not r["looked"]:
            why = "no healthy run let it look"
        elif r["alarms"]:
            why = f"alarms on {r['alarms']} of {r['looked']} healthy runs"
        elif r["looked"] < ENOUGH:
            why = f"has looked at {r['looked']} healthy runs, fewer than {ENOUGH}"
        elif r["notes"] > NOTED * r["looked"]:
            why = f"notes on {r['notes']} of {r['looked']} healthy runs"
        else:
            why = "rare enough; no broken program shows that it tells a fault apart"
        lines.append(f"| {r['code']} {r['rule']} | {why} | {'yes' if r['code'] in caught else ''} |")
    return lines


def write(result: dict, out: Path, head: dict) -> None:
    """results.json and results.md."""
    out.with_suffix(".json").write_text(json.dumps({**head, **result}, indent=1) + "\n", "utf-8")
    lines = [
        "# Healthy atlas",
        "",
        f"{result['runs']} seeded runs of correct programs ({len(result['pairs'])} pairs of environment and algorithm) "
        f"and {result['curves']} public curves. An alarm is a finding above note. All stable detectors together: "
        f"**{result['alarms_per_run']:.3f} false alarms per healthy run** (budget {result['budget']}); "
        f"{result['runs_with_an_alarm']} runs have one.",
        "",
        "| detector | status | runs looked at | notes | alarms | 95 % bound of a rate of 0 | "
        "statistic: 1 %, median, 99 % | public curves fired |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in result["rows"]:
        s = r.get("statistic")
        told = f"{s['q1']:g}, {s['q50']:g}, {s['q99']:g}" if s else ""
        bound = f"{r['alarm_upper_95']:.1%}" if r["alarm_upper_95"] is not None else ""
        curves = f"{r['curves_fired']} of {r['curves_looked']}" if r.get("curves_looked") else ""
        lines.append(
            f"| {r['code']} {r['rule']} | {r['status']} | {r['looked']} | {r['notes']} | {r['alarms']} | {bound} | "
            f"{told} | {curves} |"
        )
    lines += ["", "## Silent rules", "", *silent(result["rows"])]
    if "earlier" in result:
        one = result["earlier"]
        lines += [
            "",
            f"Counts include those of {one['runs']} runs of {one['date']} ({one['file']}; other seeds, and the ",
        ]
        lines[-1] += (
            "gallery's fixed scripts), of which the statistics are, where it had one. The recordings of that day "
        )
        lines[-1] += "are not kept: rules that came later have looked at the other runs alone."
    lines += ["", "Runs: " + ", ".join(f"{k} ({n})" for k, n in sorted(result["pairs"].items())) + ".", ""]
    lines.append(f"{head['command']}, {head['date']}, Python {head['python']}, {head['machine']}, {head['versions']}.")
    out.with_suffix(".md").write_text("\n".join(lines) + "\n", "utf-8")
    print("\n".join(lines[:4]))
