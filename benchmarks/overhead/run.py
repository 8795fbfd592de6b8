"""What watching costs: bare and watched runs of five scripts side by side; with wandb, TensorBoard and anomaly mode.

`python benchmarks/overhead/run.py [--rounds 4] [--smoke]`. In each round the bare script, the bare script again (the
A/A control), the watched one and the peers start together (imports left out) and share one processor: whatever the
machine does to one it does to all, so that their CPU seconds can be compared to half a per cent where runs one after
another differ by twenty. Given are the mean of the rounds' ratios to the mean of the two bare runs, and the lowest and
highest; and `computed`, what each tap costs where it stands (event_cost.py) times its calls, with samples and
flushes. The processor is given in turns of a tenth of a second where the system allows it (variant.py).
Results: results.json, results.md beside it.
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
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
GALLERY = HERE.parent.parent / "gallery" / "scripts"
SCRIPTS = {
    "DQN": ["dqn.py", "--total-timesteps", "20000"],
    "PPO": ["ppo.py", "--total-timesteps", "51200"],
    "SAC": ["sac.py", "--total-timesteps", "5000"],
    "SB3 PPO": ["sb3_run.py", "--algo", "PPO", "--env", "CartPole-v1", "--total-timesteps", "40960"],
    "supervised": ["char_transformer.py", "--steps", "875"],
}
SMOKE = {"PPO": ["ppo.py", "--total-timesteps", "4000"]}
PEERS = ("wandb", "histograms", "anomaly")
BARE, WATCHED, CONTROL = "bare", "lifesigns watch", "A/A control"


def one(variant: str, script: list[str], meeting: str, parties: int) -> dict[str, float]:
    """Seconds of one run of a round; for a watched run also the share that the recorder measured of itself."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "seconds.json"
        name = variant if variant in PEERS else "bare"
        program = [str(HERE / "variant.py"), name, str(out), str(GALLERY / script[0]), *script[1:]]
        if variant == WATCHED:
            command = [sys.executable, "-m", "lifesigns.cli", "watch", "--home", folder, program[0], "--", *program[1:]]
        else:
            command = [sys.executable, *program]
        together = {"OVERHEAD_MEETING": meeting, "OVERHEAD_PARTIES": str(parties)}
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1", "WANDB_SILENT": "true", **together},
        )
        if not out.exists():
            raise RuntimeError(f"{variant} {script}: {done.stderr[-1000:]}")
        seconds = json.loads(out.read_text("utf-8"))
        return {**seconds, **({"own": own_share(Path(folder))} if variant == WATCHED else {})}


def round_of(variants: Sequence[str], script: list[str]) -> dict[str, dict[str, float]]:
    """One run of each variant, all at the same time on one processor."""
    with tempfile.TemporaryDirectory() as meeting, ThreadPoolExecutor(len(variants)) as pool:
        runs = {v: pool.submit(one, v, script, meeting, len(variants)) for v in variants}
        return {v: run.result() for v, run in runs.items()}


def own_share(home: Path) -> float:
    """The recorder's own measured share of wall time."""
    from lifesigns.store import list_runs, load_run

    return float(load_run(list_runs(home)[0].path).health["own_share"])


def computed(script: list[str]) -> dict[str, Any]:
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


def measure(name: str, script: list[str], rounds: int, peer_rounds: int) -> dict[str, Any]:
    """All variants of one script, round by round; the peers in rounds of their own, for anomaly mode takes long."""
    done = [round_of((BARE, CONTROL, WATCHED), script) for _ in range(rounds)]
    done += [round_of((BARE, CONTROL, *PEERS), script) for _ in range(peer_rounds)]
    ratios: dict[str, list[float]] = {}
    for runs in done:
        bare = (runs[BARE]["cpu"] + runs[CONTROL]["cpu"]) / 2
        for variant, run in runs.items():
            if variant != BARE:
                ratios.setdefault(variant, []).append(run["cpu"] / (runs[BARE]["cpu"] if variant == CONTROL else bare))
    row = {
        "script": " ".join(script),
        "bare_cpu_s": statistics.median(r[BARE]["cpu"] for r in done),
        "own_share": statistics.median(r[WATCHED]["own"] for r in done if WATCHED in r),
        "computed": computed(script),
        "ratios": ratios,
    }
    print(name, {v: [round(x, 4) for x in r] for v, r in ratios.items()}, row["computed"]["computed"], flush=True)
    return row


def table(rows: dict[str, dict[str, Any]]) -> str:
    """Markdown: ratios of CPU seconds; mean of the rounds, lowest and highest."""
    variants = (CONTROL, WATCHED, *PEERS)
    lines = [
        "| script | bare CPU s | " + " | ".join(variants) + " | computed | recorder's own share |",
        "|---|---|" + "---|" * (len(variants) + 2),
    ]
    for name, row in rows.items():
        cells = []
        for variant in variants:
            found = row["ratios"].get(variant)
            cells.append(f"{statistics.mean(found):.3f} [{min(found):.3f}, {max(found):.3f}]" if found else "")
        shares = f" | {1 + row['computed']['computed']:.3f} | {row['own_share']:.2%} |"
        lines.append(f"| {name} | {row['bare_cpu_s']:.2f} | " + " | ".join(cells) + shares)
    return "\n".join(lines)


def main() -> None:
    """Measures and writes the results."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--peer-rounds", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    args = parser.parse_args()
    scripts = SMOKE if args.smoke else {k: v for k, v in SCRIPTS.items() if args.only in k}
    rounds, peers = (1, 0) if args.smoke else (args.rounds, args.peer_rounds)
    rows = {name: measure(name, script, rounds, peers) for name, script in scripts.items()}
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
        + "\n\nMean of the rounds' ratios [lowest, highest]; in a round all variants run at the same time on one "
        "processor, so that they meet the same conditions. The A/A control is the bare script against itself: its "
        "distance from 1 is the noise. Computed: 1 + (extra time of each tapped call where it stands × calls, and "
        "samples and flushes) over the run.\n\n" + table(rows) + "\n",
        "utf-8",
    )


if __name__ == "__main__":
    main()
