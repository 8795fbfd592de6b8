"""What watching costs: bare and watched runs of five scripts, interleaved; beside wandb, TensorBoard and anomaly mode.

`python benchmarks/overhead/run.py [--pairs 7] [--smoke]`. Ratios are of CPU seconds of the script itself (imports and
interpreter start left out), pair by pair; the A/A control runs the bare script a second time in each round. Results:
results.json, results.md beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import warnings
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
GALLERY = HERE.parent.parent / "gallery" / "scripts"
SCRIPTS = {
    "DQN": ["dqn.py", "--total-timesteps", "7000"],
    "PPO": ["ppo.py", "--total-timesteps", "20000"],
    "SAC": ["sac.py", "--total-timesteps", "1300"],
    "SB3 PPO": ["sb3_run.py", "--algo", "PPO", "--env", "CartPole-v1", "--total-timesteps", "16000"],
    "supervised": ["char_transformer.py", "--steps", "250"],
}
SMOKE = {"PPO": ["ppo.py", "--total-timesteps", "4000"]}
PEERS = ("wandb", "histograms", "anomaly")
WATCHED, CONTROL = "lifesigns watch", "A/A control"


def one(variant: str, script: list[str]) -> dict[str, float]:
    """Seconds of one run; for a watched run also the share that the recorder measured of itself."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "seconds.json"
        name = variant if variant in PEERS else "bare"
        program = [str(HERE / "variant.py"), name, str(out), str(GALLERY / script[0]), *script[1:]]
        if variant == WATCHED:
            command = [sys.executable, "-m", "lifesigns.cli", "watch", "--home", folder, program[0], "--", *program[1:]]
        else:
            command = [sys.executable, *program]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1", "WANDB_SILENT": "true"},
        )
        if not out.exists():
            raise RuntimeError(f"{variant} {script}: {done.stderr[-1000:]}")
        seconds = json.loads(out.read_text("utf-8"))
        return {**seconds, **({"own": own_share(Path(folder))} if variant == WATCHED else {})}


def own_share(home: Path) -> float:
    """The recorder's own measured share of wall time."""
    from lifesigns.store import list_runs, load_run

    return float(load_run(list_runs(home)[0].path).health["own_share"])


def interval(ratios: list[float]) -> tuple[float, float, float]:
    """Median with a 95 % bootstrap interval of the median."""
    rng = np.random.default_rng(0)
    draws = np.median(rng.choice(ratios, (4000, len(ratios))), axis=1)
    return statistics.median(ratios), *np.quantile(draws, [0.025, 0.975]).tolist()


def measure(name: str, script: list[str], pairs: int, peer_pairs: int) -> dict:
    """All variants of one script, interleaved round by round."""
    rounds: list[dict[str, dict[str, float]]] = []
    for i in range(pairs):
        order = ["bare", CONTROL, WATCHED, *(PEERS if i < peer_pairs else ())]
        shift = i % len(order)
        rounds.append({v: one(v, script) for v in order[shift:] + order[:shift]})
        shown = {v: round(r["cpu"] / rounds[-1]["bare"]["cpu"], 3) for v, r in rounds[-1].items()}
        print(name, i + 1, "of", pairs, shown, flush=True)
    row: dict = {
        "script": " ".join(script),
        "bare_cpu_s": statistics.median(r["bare"]["cpu"] for r in rounds),
        "own_share": statistics.median(r[WATCHED]["own"] for r in rounds),
        "ratios": {},
    }
    for variant in (CONTROL, WATCHED, *PEERS):
        for clock in ("cpu", "wall"):
            values = [r[variant][clock] / r["bare"][clock] for r in rounds if variant in r]
            if values:
                row["ratios"].setdefault(variant, {})[clock] = {"pairs": values, "median_low_high": interval(values)}
    return row


def table(rows: dict[str, dict]) -> str:
    """Markdown: median ratio of CPU seconds with its interval."""
    variants = (CONTROL, WATCHED, *PEERS)
    lines = [
        "| script | bare CPU s | " + " | ".join(variants) + " | recorder's own share |",
        "|---|---|" + "---|" * (len(variants) + 1),
    ]
    for name, row in rows.items():
        cells = []
        for variant in variants:
            found = row["ratios"].get(variant, {}).get("cpu")
            cells.append("{:.3f} [{:.3f}, {:.3f}]".format(*found["median_low_high"]) if found else "")
        lines.append(f"| {name} | {row['bare_cpu_s']:.2f} | " + " | ".join(cells) + f" | {row['own_share']:.2%} |")
    return "\n".join(lines)


def main() -> None:
    """Measures and writes the results."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--peer-pairs", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    args = parser.parse_args()
    scripts = SMOKE if args.smoke else {k: v for k, v in SCRIPTS.items() if args.only in k}
    pairs, peers = (1, 0) if args.smoke else (args.pairs, args.peer_pairs)
    rows = {name: measure(name, script, pairs, peers) for name, script in scripts.items()}
    print(table(rows))
    if args.smoke:
        return
    head = {
        "command": " ".join(["python", "benchmarks/overhead/run.py", *sys.argv[1:]]),
        "date": str(date.today()),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, no GPU",
        "python": platform.python_version(),
        "versions": {
            p: version(p) for p in ("lifesigns", "torch", "gymnasium", "stable-baselines3", "wandb", "tensorboard")
        },
    }
    args.out.with_suffix(".json").write_text(json.dumps({**head, "rows": rows}, indent=1) + "\n", "utf-8")
    args.out.with_suffix(".md").write_text(
        "# Overhead: ratio of CPU seconds to the bare script\n\n"
        + "\n".join(f"- {k}: {v}" for k, v in head.items())
        + "\n\nMedian over pairs of interleaved runs [95 % bootstrap interval of the median]. The A/A control is "
        "the bare script against itself: its distance from 1 is the noise.\n\n" + table(rows) + "\n",
        "utf-8",
    )


if __name__ == "__main__":
    main()
