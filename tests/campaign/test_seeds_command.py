"""`lifesigns seeds` as a user runs it: a campaign of a small script, bad input, a Ray cluster that loses a worker."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

LIFESIGNS = [sys.executable, "-m", "lifesigns.cli"]
LOTTERY = """
    import argparse
    import random
    import gymnasium

    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gain", type=float, default=1.0)
    args = parser.parse_args()
    rng = random.Random(args.seed)

    class Line(gymnasium.Env):
        observation_space = gymnasium.spaces.Box(-1.0, 1.0, (1,))
        action_space = gymnasium.spaces.Discrete(2)

        def reset(self, seed=None, options=None):
            super().reset(seed=seed)
            self.t = 0
            return self.observation_space.low, {}

        def step(self, action):
            self.t += 1
            return self.observation_space.low, float(action), self.t == 10, False, {}

    gymnasium.register("Line-v0", Line)
    env = gymnasium.make("Line-v0")
    env.reset(seed=args.seed)
    for episode in range(60):
        share = min(1.0, args.gain * episode / 40) if args.seed != 2 else 0.1
        env.reset()
        done = False
        while not done:
            _, _, done, _, _ = env.step(int(rng.random() < share))
"""


def run(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`lifesigns seeds arguments` in a folder."""
    return subprocess.run(
        [*LIFESIGNS, "seeds", *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "80", **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
def test_a_campaign_from_end_to_end(scripts: Any) -> None:
    scripts.write(LOTTERY)
    done = run(scripts.path, "train.py", "-n", "4", "--json", "--html", "page.html")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert found["seed_argument"] == "--seed"
    one = found["variants"][0]
    assert [(r["seed"], r["failed"]) for r in one["runs"]] == [(s, s == 2) for s in range(4)]
    assert found["headline"].startswith("1 of 4 runs failed")
    assert one["parted_at"]["step"] < 400
    assert 'data-spec="chart-runs-0"' in (scripts.path / "page.html").read_text("utf-8")
    name = found["campaign"]
    more = run(scripts.path, "--resume", name, "-n", "5")
    assert more.returncode == 1, more.stderr
    assert "4 of 5 runs have ended already" in more.stderr
    assert "1 of 5 runs failed" in more.stdout
    assert max(map(len, more.stdout.splitlines())) <= 130, "only the last line, a command, may be long"


@pytest.mark.slow
def test_variants_are_compared(scripts: Any) -> None:
    scripts.write(LOTTERY)
    done = run(scripts.path, "train.py", "-n", "5", "--first-seed", "3", "--vary", "gain=0.02,1.0")
    assert done.returncode in (0, 1), done.stderr
    assert "gain=1.0 is better than gain=0.02" in re.sub(r"\s+", " ", done.stdout)
    assert "SETTINGS" in done.stdout


def test_bad_input_gets_one_sentence(scripts: Any) -> None:
    scripts.write("import argparse\np = argparse.ArgumentParser()\np.add_argument('--seed')\n")
    cases = {
        ("trian.py",): "did you mean `train.py`?",
        (): "name a SCRIPT",
        ("train.py", "--vary", "lr"): "NAME=VALUE",
        ("train.py", "--memory-limit", "lots"): "amount of memory",
        ("train.py", "--", "--seed", "3"): "already",
        ("--resume", "nowhere"): "no campaign `nowhere`",
        ("train.py", "--python", "/bin/nowhere"): "no interpreter",
    }
    for arguments, says in cases.items():
        done = run(scripts.path, *arguments)
        ours = [line for line in done.stderr.splitlines() if line.startswith("lifesigns: ")]
        assert done.returncode == 2, (arguments, done.stdout, done.stderr)
        assert len(ours) == 1, (arguments, done.stderr)
        assert says in ours[0]
        assert done.stdout == ""
    assert not (scripts.path / ".lifesigns").exists()


def test_ctrl_c_keeps_what_has_ended(scripts: Any) -> None:
    scripts.write(
        "import argparse, time\np = argparse.ArgumentParser()\np.add_argument('--seed', type=int)\n"
        "time.sleep(0 if p.parse_args().seed < 2 else 60)\n"
    )
    driver = subprocess.Popen(
        [*LIFESIGNS, "seeds", "train.py", "-n", "4", "--jobs", "2"],
        cwd=scripts.path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    ledger = None
    until = time.monotonic() + 60
    while time.monotonic() < until and (ledger is None or ledger.read_text().count('"started"') < 4):
        ledger = next(scripts.path.glob(".lifesigns/campaigns/*/ledger.jsonl"), None)
        time.sleep(0.05)
    driver.send_signal(signal.SIGINT)
    _, said = driver.communicate(timeout=30)
    assert driver.returncode == 130, said
    assert "goes on from there" in said
    assert ledger is not None
    assert ledger.read_text().count('"ended"') == 2 * 2, "two results, each with how it ended"


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed (pip install lifesigns[ray])")
def test_a_ray_worker_is_killed_in_mid_campaign(scripts: Any) -> None:
    """Nothing is lost, nothing that ended is run again; the run of the killed worker is made once more."""
    scripts.write(
        "import argparse, os, signal, time\np = argparse.ArgumentParser()\np.add_argument('--seed', type=int)\n"
        "seed = p.parse_args().seed\n"
        "if seed == 2 and not os.path.exists('once'):\n"
        "    open('once', 'w')\n"
        "    supervisor = os.getppid()\n"
        "    worker = int(open(f'/proc/{supervisor}/stat').read().rpartition(')')[2].split()[1])\n"
        "    os.kill(worker, signal.SIGKILL)\n"
        "    time.sleep(60)\n"
        "open('ended.txt', 'a').write(f'{seed}\\n')\n"
    )
    done = run(scripts.path, "train.py", "-n", "6", "--engine", "ray", "--jobs", "2", "--json")
    assert done.returncode == 2, done.stderr
    runs = json.loads(done.stdout)["variants"][0]["runs"]
    assert [(r["seed"], r["ended"]) for r in runs] == [(s, "finished") for s in range(6)]
    assert sorted(map(int, (scripts.path / "ended.txt").read_text().split())) == list(range(6))
    assert runs[2]["run"] == "seed=2.2"
    assert [r["run"] for r in runs if r["seed"] != 2] == [f"seed={s}.1" for s in range(6) if s != 2]


def test_a_node_without_the_drivers_files_sends_its_folder_back(tmp_path: Path) -> None:
    from lifesigns.campaign.ray_engine import pack, run_attempt, unpack

    (tmp_path / "train.py").write_text("print('here')")
    request = {
        "command": [sys.executable, "train.py"],
        "cwd": str(tmp_path),
        "env": {},
        "time_limit_s": None,
        "memory_limit_bytes": None,
        "meta": {"script": "train.py"},
    }
    why, packed = run_attempt(request, "seed=0", str(tmp_path / "elsewhere" / "runs" / "seed=0.1"), "mark")
    assert why == ""
    unpack(packed, tmp_path / "back")
    assert json.loads((tmp_path / "back" / "result.json").read_text())["ended"] == "finished"
    assert (tmp_path / "back" / "output.log").read_text() == "here\n"
    assert pack(tmp_path / "back")
    with pytest.raises(OSError, match="has no folder"):
        run_attempt({**request, "cwd": str(tmp_path / "nowhere")}, "seed=0", str(tmp_path / "x" / "y"), "mark")
