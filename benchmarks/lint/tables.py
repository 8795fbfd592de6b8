"""results.md from results.json."""

from __future__ import annotations

from collections import Counter
from typing import Any


def table(heads: list[str], rows: list[list[Any]]) -> list[str]:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return [*lines, *(f"| {' | '.join(str(c) for c in r)} |" for r in rows), ""]


def page(held: dict[str, Any]) -> str:
    """The page."""
    lines = ["# lifesigns lint, measured", ""]
    for part, write in (
        ("alarms", alarms),
        ("held-out", alarms),
        ("faults", faults),
        ("speed", speed),
        ("history", history),
    ):
        if part in held:
            one = held[part]
            about = ", ".join(f"{k} {v}" for k, v in one["versions"].items())
            lines += [
                f"## {part.capitalize()}",
                "",
                f"`{one['command']}`, {one['date']}; {about}; {one['machine']}.",
                "",
            ]
            lines += write(one["rows"])
    return "\n".join(lines)


def alarms(rows: dict[str, Any]) -> list[str]:
    """False alarms over installed libraries."""
    found = [
        f"{rows['rules']} rules ({rows['preview_rules']} more in preview, not run) over {rows['lines']:,} lines: "
        f"{len(rows['reports'])} reports, {rows['false_per_10000_lines']} false per 10,000 lines.", "",
    ]  # fmt: skip
    keys = ["package", "files", "lines", "reports", "false", "crashed", "unread"]
    found += table(keys, [[p[k] for k in keys] for p in rows["packages"]])
    if rows["reports"]:
        said = {True: "true", False: "false", None: "not judged"}
        heads = ["file", "line", "rule", "verdict", "why"]
        found += table(heads, [[r["file"], r["line"], r["rule"], said[r["true"]], r["why"]] for r in rows["reports"]])
    return found


def faults(rows: list[dict[str, Any]]) -> list[str]:
    """Planted faults by linter, and what each linter sees."""
    tools = [k for k in rows[0] if k not in ("fault", "suite", "what", "at_line")]
    suites = list(dict.fromkeys(r["suite"] for r in rows))
    counts = [
        [s, len(of), *(sum(bool(r[t]) for r in of) for t in tools), sum(bool(r.get("at_line")) for r in of)]
        for s in suites
        if (of := [r for r in rows if r["suite"] == s])
    ]
    at = sum(bool(r.get("at_line")) for r in rows)
    counts.append(["all", len(rows), *(sum(bool(r[t]) for r in rows) for t in tools), at])
    found = [
        "A fault counts as seen if a rule reports more often than on the healthy program, which differs from it by the "
        "fault alone (gallery: more often on broken.py than on fixed.py). The last column: of those that lifesigns "
        "sees, how many are reported within 12 lines of the change (a setting that is no longer read is reported where "
        "it is declared; of the gallery no line is noted).", "",
        *table(["list", "faults", *tools, "at the line"], counts),
    ]  # fmt: skip
    rules = Counter(c for r in rows for c in r["lifesigns"])
    found += ["By rule: " + ", ".join(f"{c} {n}" for c, n in sorted(rules.items())) + ".", ""]
    seen = [r for r in rows if any(r[t] for t in tools)]
    return found + table(["fault", *tools], [[r["fault"], *(" ".join(r[t]) for t in tools)] for r in seen])


def speed(rows: dict[str, Any]) -> list[str]:
    """Processor time per line."""
    if "load" not in rows:
        rows = {**rows, "load": ["?", "?"]}
    keys = ["tool", "files", "lines", "cpu_s", "wall_s", "cpu_us_per_line", "times_lifesigns"]
    many = rows["parallel"]
    return [
        "Seconds with start-up, one process each, over the installed torchrl (the others: every n-th file), in turns: "
        "lifesigns runs before, between and after the others, and the median of its processor times counts. Times on "
        f"the clock are of a shared machine (load {rows['load'][0]} at the start, {rows['load'][1]} at the end).",
        "", *table(keys, [[t.get(k, '') for k in keys] for t in rows["tools"]]),
        f"All cores over {many['lines']:,} lines: {many['cpu_s']} processor seconds, {many['wall_s']} s on the clock "
        f"(load of the machine then: {many['load']}).", "",
    ]  # fmt: skip


def history(rows: list[dict[str, Any]]) -> list[str]:
    """Fix commits."""
    caught = [r for r in rows if r["caught"]]
    quiet = sum(not r["still"] for r in caught)
    new = sum(bool(r["new"]) for r in rows)
    found = [
        f"{len(rows)} files fixed in {len({r['commit'] for r in rows})} commits of two repositories: "
        f"{len(caught)} parents are reported at the fault; {quiet} of those are quiet for the same rule "
        f"once fixed; {new} fixed versions have a report that the parent had not.", "",
    ]  # fmt: skip
    kinds = Counter(r["readable"] for r in rows)
    found += ["Can the fault be told from the text alone? By kind:", ""]
    found += table(["kind", "fixes", "caught"], [[k, n, sum(bool(r["caught"]) for r in rows if r["readable"] == k)]
                                                 for k, n in kinds.most_common()])  # fmt: skip
    heads = ["commit", "file", "line", "fault", "readable", "caught by"]
    return found + table(
        heads,
        [
            [r["commit"][:8], r["path"], (r["lines"] or [""])[0], r["fault"], r["readable"], " ".join(r["caught"])]
            for r in rows
        ],
    )
