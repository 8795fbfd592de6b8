"""The ledger: whatever byte it is cut at, it opens, what it says is true, and it can be written on."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from lifesigns.campaign.ledger import Ledger, read_ledger
from lifesigns.campaign.listing import listed
from lifesigns.report.campaign import campaigns_table


def filled(path: Path) -> Ledger:
    """Three jobs: one ended, one lost and ended by another attempt, one open."""
    ledger = Ledger(path)
    ledger.started("a", "a.1")
    ledger.ended("a", "a.1", {"ended": "finished"})
    ledger.started("b", "b.1")
    ledger.lost("b", "b.1", "killed")
    ledger.started("b", "b.2")
    ledger.started("c", "c.1")
    ledger.ended("b", "b.2", {"ended": "crashed", "exception": "é\n"})
    return ledger


def test_what_it_knows(tmp_path: Path) -> None:
    ledger = filled(tmp_path / "l")
    ledger.close()
    for jobs in (ledger.jobs, read_ledger(tmp_path / "l"), Ledger(tmp_path / "l").jobs):
        assert jobs["a"].result == {"ended": "finished", "attempt": "a.1"}
        assert jobs["b"].result == {"ended": "crashed", "exception": "é\n", "attempt": "b.2"}
        assert jobs["b"].attempts == ["b.1", "b.2"]
        assert jobs["b"].lost == {"b.1": "killed"}
        assert jobs["c"].open_attempt == "c.1"
        assert jobs["a"].open_attempt is None


def test_the_first_result_counts(tmp_path: Path) -> None:
    ledger = filled(tmp_path / "l")
    size = (tmp_path / "l").stat().st_size
    ledger.ended("a", "a.2", {"ended": "crashed"})
    assert (tmp_path / "l").stat().st_size == size
    assert ledger.results()["a"]["ended"] == "finished"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 600))
def test_cut_at_any_byte(tmp_path: Path, cut: int) -> None:
    whole = tmp_path / "whole"
    whole.unlink(missing_ok=True)
    filled(whole).close()
    data = whole.read_bytes()[:cut]
    part = tmp_path / "part"
    part.write_bytes(data)
    whole_lines = [n for n in data.split(b"\n") if n.startswith(b"{") and n.count(b"{") == n.count(b"}")]
    ledger = Ledger(part)
    assert sum(len(j.attempts) for j in ledger.jobs.values()) == len({json.loads(n)["attempt"] for n in whole_lines})
    ledger.started("d", "d.1")
    ledger.ended("d", "d.1", {"ended": "finished"})
    ledger.close()
    again = read_ledger(part)
    assert again["d"].result == {"ended": "finished", "attempt": "d.1"}
    assert {k: v.attempts for k, v in again.items() if k != "d"} == {
        k: v.attempts for k, v in ledger.jobs.items() if k != "d"
    }


def test_lines_of_another_kind_are_left_unread(tmp_path: Path) -> None:
    path = tmp_path / "l"
    path.write_text('[1]\n"x"\n{"t":"ended","job":"a","attempt":"a.1"}\n\x00\n{"t":"started"}\n')
    assert read_ledger(path) == {}


def test_campaigns_are_listed_with_how_far_they_have_come(make_campaign: Callable[..., Any], tmp_path: Path) -> None:
    folder, plan = make_campaign(3)
    ledger = Ledger(folder.ledger_file)
    for job, how in zip(plan.jobs()[:2], ("finished", "crashed"), strict=True):
        ledger.started(job.key, f"{job.key}.1")
        ledger.ended(job.key, f"{job.key}.1", {"ended": how})
    (one,) = listed(tmp_path / "home")
    assert (one.done, one.planned, one.ended) == (2, 3, {"finished": 1, "crashed": 1})
    assert one.to_json()["campaign"] == folder.path.name
    console = Console(file=StringIO(), width=80)
    console.print(campaigns_table([one]))
    assert isinstance(console.file, StringIO)
    text = console.file.getvalue()
    assert "2 of 3" in text
    assert "--resume" in text
    folder.plan_file.write_text("{")
    (broken,) = listed(tmp_path / "home")
    assert "is no campaign" in broken.problem
    console.print(campaigns_table([broken]))
