"""Dyes that are not all read when a budget is over."""

import sys
import time

from lifesigns import checkup
from lifesigns.model import Trace
from lifesigns.paired.experiments import Facts
from lifesigns.rules import all_rules, run_rules
from lifesigns.status_line import StatusLine
from lifesigns.store import load_run, new_run_folder


def test_what_was_read_in_time_counts_and_the_rest_says_why(monkeypatch, tmp_path):
    def slow(target, seconds, cores, progress, suspects, *, nice, so_far):
        so_far.append(Facts("target-network", {"networks": ["Q#1"], "targets_touched": 0, "gradients": 4}))
        time.sleep(30)

    monkeypatch.setattr(checkup, "trace", slow)
    monkeypatch.setattr(checkup, "nothing_recorded", lambda trace: False)
    folder = new_run_folder("train.py", tmp_path)
    folder.write_meta({"run": folder.path.name, "ended": "time"})
    request = checkup.Request("train.py", budget_s=checkup.DYE_RESERVE_S + 0.5)
    about = checkup._Dyes(request, time.monotonic()).finish(folder, StatusLine(sys.stderr.buffer, False))
    assert about["planted"] == 1
    assert about["error"] == "not read within the budget of 0:04"
    assert [s.name for s in load_run(folder.path).of_kind("dye")] == ["target-network"]


def test_a_rule_whose_dye_was_not_read_names_the_reason():
    found = Trace({"dyes": {"error": "not read within the budget of 1:00"}})
    verdicts = run_rules([r for r in all_rules() if r.per == "dye"], found)
    assert verdicts
    assert all(v.status == "blind" and "not read within the budget of 1:00" in v.reason for v in verdicts)
