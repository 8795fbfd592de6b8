"""False alarms: every report over installed libraries, each read and judged in verdicts.toml."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

from lifesigns.lints.collect import collect
from lifesigns.lints.read import FileReport, Job, lint_files
from lifesigns.lints.rules import lint_rules

HERE = Path(__file__).parent
PACKAGES = (
    "stable_baselines3", "sb3_contrib", "tianshou", "torchrl", "gymnasium", "pytorch_lightning", "timm", "trl",
)  # fmt: skip
HELD_OUT = ("skrl", "rl_games", "pfrl", "d3rlpy", "pytorch_forecasting")
"""packages on which no rule was tried before they were measured"""
TRAINERS = ("trainer*.py", "integrations/*.py", "optimization.py", "loss/*.py", "data/**/*.py")


def folders(places: list[Path], names: tuple[str, ...] = (*PACKAGES, "transformers")) -> dict[str, list[Path]]:
    """Package → what to read of it, found below the places given. Raises SystemExit where one is missing."""
    found: dict[str, list[Path]] = {}
    for name in names:
        at = next((p / name for p in places if (p / name).is_dir()), None)
        if at is None:
            raise SystemExit(f"expected the package {name} below one of the places given")
        found[name] = [at] if name != "transformers" else sorted({f for t in TRAINERS for f in at.glob(t)})
    return found


def reports(name: str, paths: list[Path]) -> list[tuple[str, FileReport]]:
    """(path from the package's folder, report) of every file; none is skipped as a stranger."""
    files = [path for path, _ in collect(paths)]
    root = next(p for p in (files[0], *files[0].parents) if p.name == name).parent
    shown = tuple((f, f.relative_to(root).as_posix()) for f in files)
    job = Job(shown, always=frozenset(files))
    return [(r.path, r) for r in lint_files(job)]


def judge(verdicts: list[dict], path: str, code: str, line: int) -> dict | None:
    """The verdict on a report; one without `line` is about all of that rule in that file."""
    return next(
        (v for v in verdicts if v["file"] == path and v["rule"] == code and v.get("line", line) == line),
        None,
    )


def rows(places: list[Path], names: tuple[str, ...] = (*PACKAGES, "transformers")) -> dict:
    """Lines, reports and verdicts by package, by rule, and the reports themselves."""
    verdicts = tomllib.loads((HERE / "verdicts.toml").read_text("utf-8")).get("report", [])
    packages: list[dict] = []
    listed: list[dict] = []
    for name, paths in folders(places, names).items():
        found = reports(name, paths)
        for path, report in found:
            for hit in report.hits:
                at = hit.finding.location
                assert at is not None
                verdict = judge(verdicts, path, hit.finding.code, at.line)
                listed.append(
                    {
                        "package": name, "file": path, "line": at.line, "rule": hit.finding.code,
                        "true": verdict["true"] if verdict else None, "why": verdict["why"] if verdict else "not read",
                    }
                )  # fmt: skip
        mine = [x for x in listed if x["package"] == name]
        lines = sum(r.lines for _, r in found)
        packages.append(
            {
                "package": name, "files": len(found), "lines": lines, "reports": len(mine),
                "false": sum(x["true"] is not True for x in mine),
                "crashed": sum(len(r.crashed) for _, r in found), "unread": sum(r.unread is not None for _, r in found),
            }
        )  # fmt: skip
    total = sum(p["lines"] for p in packages)
    false = sum(p["false"] for p in packages)
    return {
        "rules": sum(r.status != "preview" for r in lint_rules()),
        "preview_rules": sum(r.status == "preview" for r in lint_rules()),
        "packages": packages,
        "by_rule": dict(Counter(x["rule"] for x in listed)),
        "reports": listed,
        "lines": total,
        "false_per_10000_lines": round(1e4 * false / total, 4),
    }
