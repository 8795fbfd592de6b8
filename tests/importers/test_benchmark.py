"""The benchmark of large logs runs: its smoke subset."""

import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / "benchmarks" / "importers" / "run.py"


@pytest.mark.slow
def test_smoke() -> None:
    pytest.importorskip("tensorboard")
    done = subprocess.run([sys.executable, str(RUN), "--smoke"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sum(line.startswith("| diagnose") for line in done.stdout.splitlines()) == 3
