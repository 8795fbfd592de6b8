"""Runs in the other tools' environment: what runmedic, gradsnitch and zen-rl say of one exported log, as JSON."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path


def runmedic(log: Path) -> dict:
    """Codes of findings that are critical or warnings."""
    done = subprocess.run(
        [sys.executable, "-m", "runmedic", "diagnose", str(log / "tb"), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(done.stdout)
    runs = told if isinstance(told, list) else told.get("runs", [told])
    found = [f for r in runs for f in r.get("findings", r.get("issues", []))]
    return {
        "alarms": sorted({f.get("check") or f.get("kind") or f.get("id") for f in found if f["severity"] != "info"}),
        "notes": sorted({f.get("check") or f.get("kind") or f.get("id") for f in found if f["severity"] == "info"}),
    }


def gradsnitch(log: Path) -> dict:
    """Codes of its findings, errors and warnings."""
    import gradsnitch as tool

    return {"alarms": sorted({f.code for f in tool.lint_csv(str(log / "table.csv"))})}


def zen(log: Path) -> dict:
    """Failure modes."""
    from zen.detect.rules import detect
    from zen.ingest.tensorboard import load_run

    return {"alarms": sorted({i["mode"] for i in detect(load_run(str(log / "tb")))})}


def main() -> None:
    """Prints one JSON object."""
    log, told = Path(sys.argv[1]), {}
    for name, ask in (("runmedic", runmedic), ("gradsnitch", gradsnitch), ("zen-rl", zen)):
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                told[name] = ask(log)
            except Exception as error:
                told[name] = {"error": f"{type(error).__name__}: {error}"[:200].replace(str(log), "LOG")}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
