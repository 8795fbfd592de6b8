"""What watching costs: bare and watched runs of five scripts, interleaved; beside wandb, TensorBoard and anomaly mode.

`python benchmarks/overhead/run.py [--pairs 8] [--smoke]`. Ratios are of CPU seconds of the script itself (imports and
interpreter start left out), runs short and in ABBA order, on one processor; the A/A control runs the bare script a
second time in each round. Given are the median of the pairs' ratios with a bootstrap interval, the ratio of the sums
and that of the minima; and `computed`, what each tap costs where it stands (event_cost.py) times its calls, with
samples and flushes. Results: results.json, results.md beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
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
    "DQN": ["dqn.py", "--total-timesteps", "3500"],
    "PPO": ["ppo.py", "--total-timesteps", "9216"],
    "SAC": ["sac.py", "--total-timesteps", "700"],
    "SB3 PPO": ["sb3_run.py", "--algo", "PPO", "--env", "CartPole-v1", "--total-timesteps", "8000"],
    "supervised": ["char_transformer.py", "--steps", "120"],
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
        if shutil.which("taskset"):
            command = ["taskset", "-c", str(max(os.sched_getaffinity(0))), *command]
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


def computed(script: list[str]) -> dict:
    """The computed overhead of a script: what event_cost.py writes."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "cost.json"
        subprocess.run(
            [sys.executable, str(HERE / "event_cost.py"), str(out), str(GALLERY / script[0]), *script[1:]],
            capture_output=True,
            check=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        return json.loads(out.read_text("utf-8"))


def interval(ratios: list[float]) -> tuple[float, float, float]:
    """Median with a 95 % bootstrap interval of the median."""
    rng = np.random.default_rng(0)
    draws = np.median(rng.choice(ratios, (4000, len(ratios))), axis=1)
    return statistics.median(ratios), *np.quantile(draws, [0.025, 0.975]).tolist()


def measure(name: str, script: list[str], pairs: int, peer_pairs: int) -> dict:
    """All variants of one script, interleaved round by round."""
    rounds: list[dict[str, dict[str, float]]] = []
    for i in range(pairs):
        order = ["bare", WATCHED, CONTROL, *(PEERS if i < peer_pairs else ())]
        rounds.append({v: one(v, script) for v in (order if i % 2 == 0 else order[::-1])})
        shown = {v: round(r["cpu"] / rounds[-1]["bare"]["cpu"], 3) for v, r in rounds[-1].items()}
        print(name, i + 1, "of", pairs, shown, flush=True)
    row: dict = {
        "script": " ".join(script),
        "bare_cpu_s": statistics.median(r["bare"]["cpu"] for r in rounds),
        "own_share": statistics.median(r[WATCHED]["own"] for r in rounds),
        "computed": computed(script),
        "ratios": {},
    }
    for variant in (CONTROL, WATCHED, *PEERS):
        for clock in ("cpu", "wall"):
            both = [(r[variant][clock], r["bare"][clock]) for r in rounds if variant in r]
            if both:
                ours, bare = zip(*both, strict=True)
                ratios = [a / b for a, b in both]
                row["ratios"].setdefault(variant, {})[clock] = {
                    "pairs": ratios,
                    "median_low_high": interval(ratios),
                    "sums": sum(ours) / sum(bare),
                    "minima": min(ours) / min(bare),
                }
    return row


def table(rows: dict[str, dict]) -> str:
    """Markdown: ratios of CPU seconds; median of the pairs with its interval, of the sums, of the minima."""
    variants = (CONTROL, WATCHED, *PEERS)
    lines = [
        "| script | bare CPU s | " + " | ".join(variants) + " | computed | recorder's own share |",
        "|---|---|" + "---|" * (len(variants) + 2),
    ]
    for name, row in rows.items():
        cells = []
        for variant in variants:
            found = row["ratios"].get(variant, {}).get("cpu")
            cells.append(
                "{:.3f} [{:.3f}, {:.3f}] · {:.3f} · {:.3f}".format(
                    *found["median_low_high"], found["sums"], found["minima"]
                )
                if found
                else ""
            )
        shares = f" | {1 + row['computed']['computed']:.3f} | {row['own_share']:.2%} |"
        lines.append(f"| {name} | {row['bare_cpu_s']:.2f} | " + " | ".join(cells) + shares)
    return "\n".join(lines)


def main() -> None:
    """Measures and writes the results."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--peer-pairs", type=int, default=2)
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
        + "\n\nMedian over pairs of interleaved runs [95 % bootstrap interval of the median] · ratio of the sums · of "
        "the minima. The A/A control is the bare script against itself: its distance from 1 is the noise. Computed: "
        "1 + (extra time of each tapped call where it stands × calls, and samples and flushes) over the run.\n\n"
        + table(rows)
        + "\n",
        "utf-8",
    )


if __name__ == "__main__":
    main()
