"""Decisions of our sequential test beside those of AdaStop on the same scores, look by look.

5 looks after 5 runs each at 5 %, 1,000 permutations on both sides. AdaStop 0.1.3 compares the *size* of the observed
difference with *signed* permuted ones, so that each look spends about twice what it may; with absolute values in their
place (`Absolute` of adastop_side.py, nothing else changed) it is the same test as ours but for the random permutations.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from lifesigns.stats import sequential_plan, sequential_test

HERE = Path(__file__).parent
LOOKS, RUNS, PERMUTATIONS, SIMULATIONS = 5, 5, 1_000, 100
NAMES = {"MultipleAgentsComparator": "AdaStop", "Absolute": "AdaStop, absolute values"}


def cases(simulations: int) -> dict[str, np.ndarray]:
    """Scores [simulation, arm, look, run] of each case."""
    rng = np.random.default_rng(11)
    shape = (simulations, 2, LOOKS, RUNS)
    normal, failing = rng.normal(size=shape), rng.normal(size=shape)
    failing[rng.random(shape) < 0.2] -= 8.0
    arm = np.array([1.0, 0.0])[None, :, None, None]
    return {
        "equal, normal": normal,
        "equal, 1 run in 5 fails": failing,
        "effect 1": rng.normal(size=shape) + arm,
        "effect 2": rng.normal(size=shape) + 2 * arm,
    }


def ours(scores: np.ndarray, seed: int) -> tuple[str, int]:
    """(decision, look) of one simulation, scores [arm, look, run]."""
    plan = sequential_plan(RUNS, LOOKS)
    for look in range(1, LOOKS + 1):
        a, b = (s[:look].ravel() for s in scores)
        found = sequential_test(a, b, plan, rng=np.random.default_rng(seed), permutations=PERMUTATIONS - 1)
        if found.decision != "continue":
            break
    if found.decision != "different":
        return "equal", look
    return ("larger" if found.statistic > 0 else "smaller"), look


def rows(python: str, smoke: bool, simulations: int = 0) -> list[dict]:
    """Rows of both sides for each case."""
    made = cases(4 if smoke else simulations or SIMULATIONS)
    with tempfile.TemporaryDirectory() as folder:
        scores, out = Path(folder, "scores.npz"), Path(folder, "out.json")
        np.savez(scores, **made)
        command = [python, str(HERE / "adastop_side.py"), str(scores), str(out), str(PERMUTATIONS)]
        subprocess.run(command, check=True)
        theirs = json.loads(out.read_text("utf-8"))
    return [one for name, arrays in made.items() for one in compared(name, arrays, theirs)]


def compared(name: str, arrays: np.ndarray, theirs: dict) -> list[dict]:
    """One row for each form of AdaStop on one case."""
    own = [ours(s, i) for i, s in enumerate(arrays)]
    found = []
    for kind, said in NAMES.items():
        other = [tuple(d) for d in theirs["cases"][name][kind]]
        found.append(
            {
                "case": name,
                "against": f"{said} {theirs['version']}",
                "simulations": len(own),
                "same decision": share(a[0] == b[0] for a, b in zip(own, other, strict=True)),
                "same look too": share(a == b for a, b in zip(own, other, strict=True)),
                "ours says different": share(a[0] != "equal" for a in own),
                "it says different": share(b[0] != "equal" for b in other),
                "our mean looks": round(float(np.mean([a[1] for a in own])), 2),
                "its mean looks": round(float(np.mean([b[1] for b in other])), 2),
            }
        )
    return found


def share(hits) -> float:
    """Share of true values."""
    return round(float(np.mean(list(hits))), 3)
