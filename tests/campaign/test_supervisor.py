"""Runs of real scripts: limits, what a driver that dies leaves behind, and the whole thing killed and resumed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lifesigns.campaign.driver import Driver
from lifesigns.campaign.engine import Attempt
from lifesigns.campaign.limits import group_memory_bytes, processes_of
from lifesigns.campaign.local import LocalEngine, conclude, supervise
from lifesigns.campaign.supervisor import OVER_MEMORY, OVER_TIME, is_alive

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "campaign" / "run.py"


@pytest.fixture
def attempt(tmp_path: Path) -> Callable[..., Attempt]:
    """An attempt at a script of the given text."""

    def make(text: str, time_limit_s: float | None = 20.0, memory_limit_bytes: int | None = None) -> Attempt:
        (tmp_path / "train.py").write_text(text)
        request = {
            "command": [sys.executable, "train.py"],
            "cwd": str(tmp_path),
            "env": {"GIVEN": "yes"},
            "time_limit_s": time_limit_s,
            "memory_limit_bytes": memory_limit_bytes,
            "meta": {"script": "train.py", "seed": 3},
        }
        return Attempt("seed=3", "seed=3.1", tmp_path / "seed=3.1", request)

    return make


def ended(attempt: Attempt) -> dict[str, Any]:
    """The result of an attempt that is waited for."""
    process = supervise(attempt)
    process.wait(60)
    done = conclude(attempt, process)
    assert done.result is not None, done.why
    return dict(done.result)


def test_a_run_with_its_result_and_its_record(attempt: Any) -> None:
    made = attempt("import os, sys\nprint(os.environ['GIVEN'], sys.stdin.read() == '')\nraise ValueError('mine')")
    result = ended(made)
    assert (result["ended"], result["exit_status"], result["exception"]) == ("crashed", 1, "ValueError: mine")
    assert result["wall_s"] > 0
    assert result["peak_memory_bytes"] > 1e6
    assert (made.folder / "output.log").read_text().startswith("yes True")
    meta = json.loads((made.folder / "run.json").read_text())
    assert (meta["seed"], meta["ended"], meta["script"]) == (3, "crashed", "train.py")
    assert not is_alive(made.folder)


def test_limits(attempt: Any) -> None:
    late = ended(attempt("import time\ntime.sleep(60)", time_limit_s=0.5))
    assert late["ended"] == OVER_TIME
    large = ended(attempt("import time\nheld = b'x' * 300_000_000\ntime.sleep(60)", memory_limit_bytes=200_000_000))
    assert large["ended"] == OVER_MEMORY
    assert large["peak_memory_bytes"] > 200_000_000


def test_nothing_outlives_the_driver(attempt: Any) -> None:
    """Workers that left the script's process group are ended as well."""
    made = attempt(
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)\n"
        "open('began.txt', 'w')\ntime.sleep(60)"
    )
    process = supervise(made)
    while not (made.folder.parent / "began.txt").exists():
        time.sleep(0.02)
    assert is_alive(made.folder)
    assert len(processes_of(made.folder)) == 2
    assert process.stdin is not None
    process.stdin.close()
    process.wait(10)
    until = time.monotonic() + 5
    while processes_of(made.folder) and time.monotonic() < until:
        time.sleep(0.02)
    assert processes_of(made.folder) == []
    assert not is_alive(made.folder)
    done = conclude(made, process)
    assert done.result is None


def test_a_supervisor_that_is_killed_takes_its_script_along(attempt: Any) -> None:
    made = attempt("open('began.txt', 'w')\nimport time\ntime.sleep(60)")
    process = supervise(made)
    while not (made.folder.parent / "began.txt").exists():
        time.sleep(0.02)
    process.kill()
    process.wait(10)
    done = conclude(made, process)
    assert done.result is None
    assert "signal 9" in done.why
    assert processes_of(made.folder) == []


def test_a_script_that_is_killed_from_outside_is_run_again(make_campaign: Any, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import os, signal, sys\nif '1' in sys.argv and not os.path.exists('once'):\n"
        "    open('once', 'w')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    state = Driver(*make_campaign(3), LocalEngine(2)).run()
    assert {r["ended"] for r in state.results.values()} == {"finished"}
    assert state.retried == 1


def test_memory_of_a_group_is_read() -> None:
    child = subprocess.Popen([sys.executable, "-c", "x = b'x' * 50_000_000; input()"], stdin=-1, process_group=0)
    until = time.monotonic() + 10
    while group_memory_bytes(child.pid) < 50_000_000 and time.monotonic() < until:
        time.sleep(0.02)
    assert group_memory_bytes(child.pid) >= 50_000_000
    child.communicate(b"\n")


@pytest.mark.slow
def test_kill_nine_of_the_driver_and_the_same_command_again() -> None:
    """The committed benchmark in small: 12 runs, the driver killed three times at random moments."""
    done = subprocess.run([sys.executable, str(BENCHMARK), "--smoke"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
