"""A run followed while it is written: stop-on, tail, and runs whose process is gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from lifesigns import live
from lifesigns.live import Live, StopOn, follow
from lifesigns.model import CauseOdds, Diagnosis, Finding, Outcome
from lifesigns.status_line import StatusLine
from lifesigns.store import RunFolder, TraceWriter, list_runs

LIFESIGNS = [sys.executable, "-m", "lifesigns.cli"]
STUCK = """
import time, torch
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
try:
    for t in range(100000):
        optimizer.zero_grad()
        loss = (model(torch.randn(8, 2)) - 1.0).square().mean()
        loss.backward()
        optimizer.step()
        time.sleep(0.005)
except KeyboardInterrupt:
    print("model saved", flush=True)
    raise
"""


def diagnosis(**odds: float) -> Diagnosis:
    """A diagnosis with these probabilities."""
    causes = tuple(CauseOdds(c.replace("_", "-"), "bug", "", p, "", (0, 0), (), "", "", "") for c, p in odds.items())
    return Diagnosis("run", Outcome("cannot tell", ""), (), causes, ())


def test_stop_on_is_read() -> None:
    assert StopOn.parse("learning-rate-too-high>=0.95") == StopOn("learning-rate-too-high", 0.95)
    assert StopOn.parse(" luck >= 90% ") == StopOn("luck", 0.9)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("learning-rate-too-hig>=0.9", "nearest is `learning-rate-too-high`"),
        ("luck", "expected CAUSE>=PROBABILITY"),
        ("luck>=0.2", "from 0.5 to below 1"),
        ("luck>=95", "from 0.5 to below 1"),
    ],
)
def test_stop_on_that_cannot_be(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        StopOn.parse(text)


def test_one_odd_look_ends_no_run(tmp_path: Path) -> None:
    run = Live(RunFolder(tmp_path), [StopOn("luck", 0.9)])
    looks = [0.95, 0.5, 0.95, 0.95]
    assert [run.must_stop(diagnosis(luck=p), 10.0 * i) for i, p in enumerate(looks)] == [False, False, False, True]
    assert run.stopped_on == "luck was 95 % probable at 0:30 (asked for: 90 %)"


def recorded(tmp_path: Path, **meta: object) -> tuple[RunFolder, Callable[[int], None]]:
    """A run folder, and what adds samples of an optimiser that moves nothing."""
    folder = RunFolder(tmp_path)
    folder.write_meta({"ended": "running", "started": "2026-01-01T00:00:00+00:00", **meta})
    writer = TraceWriter(folder.trace_file)
    writer.record({"t": "subject", "id": "optimizer/0", "kind": "optimizer", "name": "sgd", "at": None, "info": {}})
    update = writer.series("optimizer.update_norm", "update", "", "optimizer/0", ["weight"])
    gradient = writer.series("optimizer.gradient_norm", "update", "", "optimizer/0", ["weight"])
    at = 0

    def more(samples: int) -> None:
        nonlocal at
        for _ in range(samples):
            update.add_row(at, [0.0])
            gradient.add_row(at, [1.0])
            at += 1
        writer.flush()

    return folder, more


def quiet_line() -> StatusLine:
    return StatusLine(BytesIO(), False)


def test_findings_are_told_once_as_they_fire_and_the_end_is_seen(tmp_path: Path) -> None:
    folder, more = recorded(tmp_path)
    told: list[Finding] = []
    steps = iter(range(100))

    def sleep(seconds: float) -> None:
        step = next(steps)
        more(20)
        if step == 1:
            assert told, "a finding is told while the run goes on"
        if step == 2:
            folder.write_meta({"ended": "finished", "wall_s": 12.0})

    more(20)
    assert follow(folder, quiet_line(), lambda one, wall_s: told.append(one), sleep) == "finished"
    assert [one.code for one in told].count("D302") == 1


def test_a_run_whose_process_is_gone_counts_as_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    folder, more = recorded(tmp_path, pid=process.pid)
    more(20)
    monkeypatch.setattr(live, "STILL_S", 0.0)
    told: list[Finding] = []
    assert follow(folder, quiet_line(), lambda one, wall_s: told.append(one), lambda s: time.sleep(0.01)) == "killed"
    assert told


def test_a_run_of_our_own_process_is_alive() -> None:
    assert live.is_alive({"pid": os.getpid()})
    assert live.is_alive({})
    assert not live.is_alive({"pid": 2**22 + 12345})


@pytest.mark.slow
def test_watch_stops_a_hopeless_run_while_tail_follows_it(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(STUCK)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100"}
    watch = subprocess.Popen(
        [*LIFESIGNS, "watch", "train.py", "--stop-on", "parameters-not-trained>=0.5"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until = time.monotonic() + 30
        while not list_runs(tmp_path / ".lifesigns") and time.monotonic() < until:
            time.sleep(0.1)
        tail = subprocess.run(
            [*LIFESIGNS, "tail", "--json"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=110
        )
        err = watch.communicate(timeout=60)[1]
    finally:
        watch.kill()
    assert watch.returncode == 1, err
    assert "Ended the run early: parameters-not-trained was" in err
    folder = list_runs(tmp_path / ".lifesigns")[0]
    assert "model saved" in folder.output_file.read_text()
    assert folder.read_meta()["ended"] == "stopped early"
    events = [json.loads(line) for line in tail.stdout.splitlines()]
    assert tail.returncode == 0, tail.stderr
    assert "D302" in [e.get("code") for e in events]
    assert events[-1]["event"] == "ended"
    assert events[-1]["ended"] == "stopped early"


def test_tail_says_where_there_is_nothing(tmp_path: Path) -> None:
    done = subprocess.run([*LIFESIGNS, "tail"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "no runs here" in done.stderr


@pytest.mark.slow
def test_ctrl_c_detaches_and_leaves_the_run_alone(tmp_path: Path) -> None:
    folder, more = recorded(tmp_path, pid=os.getpid())
    more(20)
    before = folder.meta_file.read_bytes(), folder.trace_file.read_bytes()
    tail = subprocess.Popen(
        [*LIFESIGNS, "tail", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert tail.stderr is not None
    assert "following" in tail.stderr.readline()
    time.sleep(1.0)
    tail.send_signal(signal.SIGINT)
    _, err = tail.communicate(timeout=30)
    assert tail.returncode == 0, err
    assert "detached" in err
    assert (folder.meta_file.read_bytes(), folder.trace_file.read_bytes()) == before
