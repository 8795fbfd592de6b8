"""The committed benchmark: its data are whole, its results say how they came about."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

LINT = Path(__file__).parents[2] / "benchmarks" / "lint"


def test_fixes_are_data_without_code() -> None:
    fixes = tomllib.loads((LINT / "history.toml").read_text("utf-8"))["fix"]
    assert len(fixes) >= 40
    for fix in fixes:
        assert set(fix) == {"repository", "commit", "path", "fault", "readable"}
        assert fix["readable"] in ("text", "convention", "use")
        assert fix["repository"] in ("vwxyzjn/cleanrl", "DLR-RM/stable-baselines3")
        assert re.fullmatch(r"[0-9a-f]{40}", fix["commit"])


def test_results_name_their_command_and_no_machine() -> None:
    text = (LINT / "results.json").read_text("utf-8")
    for part in json.loads(text).values():
        assert {"command", "date", "versions", "machine", "rows"} <= set(part)
    assert not re.search(r"/(tmp|home|work|root)/", text)


def test_no_false_alarm_is_left_standing() -> None:
    rows = json.loads((LINT / "results.json").read_text("utf-8"))["alarms"]["rows"]
    assert all(r["true"] is not None for r in rows["reports"])
    assert next(p for p in rows["packages"] if p["package"] == "stable_baselines3")["false"] == 0
    assert rows["false_per_10000_lines"] < 1
