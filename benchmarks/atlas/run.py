"""Healthy runs, and what every detector says of them: its rate of false alarms, and the statistic it decides by.

`python benchmarks/atlas/run.py record [--first 1] [--seeds 10] [--only NAME]` records what is missing, one run after
the other; `python benchmarks/atlas/run.py evaluate [--pool FILE]` reads the recorded runs and writes results.json and
results.md, with the counts of an earlier results.json of other seeds added where FILE names one.
Recorded runs are kept in ATLAS_HOME (default: `lifesigns-atlas` in the system's folder for temporary files).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

from lifesigns.record.launch import Child, python_command
from lifesigns.store import RunFolder, new_run_folder

HERE = Path(__file__).parent
SCRIPTS = HERE.parent.parent / "gallery" / "scripts"
HOME = Path(os.environ.get("ATLAS_HOME", Path(tempfile.gettempdir()) / "lifesigns-atlas"))
OWN = HERE / "sb3_atlas.py"
LIMIT_S = 900
"""Seconds of a run, on a machine that other work shares."""


def sb3(algo: str, env: str, steps: int) -> tuple[str, list[str]]:
    """A run of the atlas' own script."""
    return str(OWN), ["--algo", algo, "--env", env, "--total-timesteps", str(steps)]


PAIRS: dict[str, tuple[str, list[str]]] = {
    "script-ppo-cartpole": (str(SCRIPTS / "ppo.py"), ["--total-timesteps", "8000"]),
    "script-dqn-cartpole": (str(SCRIPTS / "dqn.py"), ["--total-timesteps", "6000"]),
    "script-sac-pendulum": (str(SCRIPTS / "sac.py"), ["--total-timesteps", "1500"]),
    "script-reinforce-cartpole": (str(SCRIPTS / "reinforce.py"), ["--total-timesteps", "15000"]),
    "script-digits": (str(SCRIPTS / "digits.py"), []),
    "script-transformer": (str(SCRIPTS / "char_transformer.py"), []),
    "ppo-cartpole": sb3("PPO", "CartPole-v1", 12_000),
    "a2c-cartpole": sb3("A2C", "CartPole-v1", 12_000),
    "dqn-cartpole": sb3("DQN", "CartPole-v1", 8_000),
    "trpo-cartpole": sb3("TRPO", "CartPole-v1", 10_000),
    "qrdqn-cartpole": sb3("QRDQN", "CartPole-v1", 5_000),
    "recurrentppo-cartpole": sb3("RecurrentPPO", "CartPole-v1", 4_000),
    "maskableppo-acrobot": sb3("MaskablePPO", "Acrobot-v1", 10_000),
    "ppo-acrobot": sb3("PPO", "Acrobot-v1", 12_000),
    "a2c-acrobot": sb3("A2C", "Acrobot-v1", 15_000),
    "dqn-acrobot": sb3("DQN", "Acrobot-v1", 8_000),
    "trpo-acrobot": sb3("TRPO", "Acrobot-v1", 12_000),
    "dqn-mountaincar": sb3("DQN", "MountainCar-v0", 10_000),
    "ppo-pendulum": sb3("PPO", "Pendulum-v1", 10_000),
    "a2c-pendulum": sb3("A2C", "Pendulum-v1", 15_000),
    "trpo-pendulum": sb3("TRPO", "Pendulum-v1", 10_000),
    "sac-pendulum": sb3("SAC", "Pendulum-v1", 1_200),
    "td3-pendulum": sb3("TD3", "Pendulum-v1", 2_000),
    "ddpg-pendulum": sb3("DDPG", "Pendulum-v1", 1_500),
    "tqc-pendulum": sb3("TQC", "Pendulum-v1", 900),
    "ppo-frozenlake": sb3("PPO", "FrozenLake-v1", 10_000),
    "ars-cartpole": sb3("ARS", "CartPole-v1", 15_000),
}
"""name → script and arguments; budgets that take 5 to 20 seconds of one core."""
FEW_SEEDS = {
    "ppo-pendulum",
    "td3-pendulum",
    "script-sac-pendulum",
    "script-transformer",
    "maskableppo-acrobot",
    "trpo-acrobot",
    "trpo-pendulum",
    "a2c-pendulum",
    "ddpg-pendulum",
    "tqc-pendulum",
    "ars-cartpole",
    "qrdqn-cartpole",
    "recurrentppo-cartpole",
    "dqn-mountaincar",
    "dqn-acrobot",
}
"""Pairs that come after the others have all their seeds."""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["record", "evaluate"])
    parser.add_argument("--first", type=int, default=1, help="first seed")
    parser.add_argument("--seeds", type=int, default=10, help="last seed")
    parser.add_argument("--pool", type=Path, help="an earlier results.json of other seeds, whose counts are added")
    parser.add_argument("--only", default="", help="part of a pair's name")
    parser.add_argument("--home", type=Path, default=HOME)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    args = parser.parse_args()
    if args.what == "record":
        record(args.home, args.first, args.seeds, args.only)
    else:
        from rates import evaluate, write

        write(evaluate(args.home, args.only, args.pool), args.out, head())


def head(script: str = "benchmarks/atlas/run.py") -> dict:
    """What the results were made with."""
    packages = ("lifesigns", "torch", "gymnasium", "stable-baselines3", "sb3-contrib", "numpy")
    return {
        "command": " ".join(["python", script, *sys.argv[1:]]),
        "date": str(date.today()),
        "python": platform.python_version(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, shared with other work",
        "versions": {p: version(p) for p in packages},
    }


def record(home: Path, first: int, last: int, only: str) -> None:
    """Records the runs that are missing, seed by seed, so that all pairs have runs early on."""
    home.mkdir(parents=True, exist_ok=True)
    os.environ["OMP_NUM_THREADS"] = "1"
    wanted = [(seed, name) for seed in range(first, last + 1) for name in PAIRS if only in name]
    for seed, name in sorted(wanted, key=lambda w: (w[1] in FEW_SEEDS, w[0])):
        if not (home / f"{name}-{seed}.json").exists():
            one(home, name, seed)


def one(home: Path, name: str, seed: int) -> None:
    """Records one run; the first of a pair with `lifesigns watch`, which also plays random actions, the others with
    the same recorder alone and the first one's random returns (they do not depend on the agent's seed)."""
    script, arguments = PAIRS[name]
    arguments = [*arguments, "--seed", str(seed)]
    runs = home / "runs" / f"{name}-{seed}"
    started = time.monotonic()
    first = baseline_of(home, name)
    if first is None:
        command = [sys.executable, "-m", "lifesigns.cli", "watch", "--json", "--home", str(runs), script, "--"]
        with (home / f"{name}-{seed}.log").open("wb") as log:
            code = subprocess.run([*command, *arguments], stdout=log, stderr=log, check=False).returncode
    else:
        folder = new_run_folder(script, runs)
        command = python_command("", script, arguments, module=False)
        ending = Child(command, folder, deadline_s=LIMIT_S, own_group=True).run()
        folder.write_meta({"script": script, "argv": arguments, **ending.about(), "wall_s": ending.wall_s})
        if first.is_file():
            shutil.copy(first, folder.baseline_file)
        code = ending.returncode
    row = {"name": name, "seed": seed, "status": code, "seconds": round(time.monotonic() - started, 1)}
    (home / f"{name}-{seed}.json").write_text(json.dumps(row) + "\n", "utf-8")
    print(row, flush=True)


def baseline_of(home: Path, name: str) -> Path | None:
    """The random returns that were measured for a pair's first run; None where there was none yet."""
    found = sorted((home / "runs").glob(f"{name}-[0-9]*/runs/*"))
    return next((f for run in found if (f := RunFolder(run).baseline_file).is_file()), None)


if __name__ == "__main__":
    main()
