"""Runs scripts bare and under the recorder, in child processes, as `lifesigns watch` does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from textwrap import dedent

import pytest

from lifesigns.model import Series, Trace
from lifesigns.record.launch import Child
from lifesigns.store import RunFolder, load_run

ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("LIFESIGNS_", "PYTHONWARN", "PYTEST_"))} | {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}


@dataclass
class Ran:
    """A script that has ended: its status, what it printed, and its trace (None where it ran bare)."""

    returncode: int
    out: str
    err: str
    folder: RunFolder | None = None

    @property
    def trace(self) -> Trace:
        """What was recorded."""
        assert self.folder is not None
        return load_run(self.folder.path)

    def one(self, name: str, subject: str = "") -> Series:
        """The only series `name` (of `subject`)."""
        found = [s for s in self.trace.named(name) if not subject or s.subject == subject]
        assert len(found) == 1, [(s.name, s.subject) for s in self.trace.series]
        return found[0]

    def healthy(self) -> Ran:
        """Asserts that the recorder neither failed nor said anything, in any process of the run."""
        assert "lifesigns" not in self.err, self.err
        assert not self.trace.health.get("failures"), self.trace.health
        assert not self.trace.health.get("odd_frames"), self.trace.health
        return self


class Scripts:
    """Writes scripts into a folder of their own and runs them there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._runs = 0

    def write(self, text: str, name: str = "train.py") -> Path:
        """Writes a file, dedented."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), "utf-8")
        return file

    def bare(self, *command: str, stdin: str = "", **env: str) -> Ran:
        """`python command` without us."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.path,
            env={**ENVIRONMENT, **env},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def recorded(self, *command: str, **env: str) -> Ran:
        """The same under the recorder, every sample admitted, the recorder's own errors printed."""
        self._runs += 1
        folder = RunFolder(self.path / "runs" / str(self._runs))
        folder.path.mkdir(parents=True)
        out, err = BytesIO(), BytesIO()
        here = os.getcwd()
        os.chdir(self.path)
        try:
            ending = Child(
                [sys.executable, *command],
                folder,
                out,
                err,
                env={**ENVIRONMENT, "LIFESIGNS_STRICT": "1", "LIFESIGNS_DENSE": "1", **env},
            ).run()
        finally:
            os.chdir(here)
        return Ran(ending.returncode, out.getvalue().decode(), err.getvalue().decode(), folder)


@pytest.fixture
def scripts(tmp_path: Path) -> Scripts:
    """A folder for scripts."""
    return Scripts(tmp_path)


@pytest.fixture
def record(scripts: Scripts) -> Callable[..., Ran]:
    """Runs a script's text under the recorder, and asserts that it ended well and the recorder did."""

    def run(text: str, *arguments: str, **env: str) -> Ran:
        scripts.write(text)
        ran = scripts.recorded("train.py", *arguments, **env)
        assert ran.returncode == 0, ran.err
        return ran.healthy()

    return run


@pytest.fixture
def both(scripts: Scripts) -> Callable[..., Ran]:
    """Runs a script's text bare and recorded, and asserts that status, output and errors are the same."""

    def run(text: str, *arguments: str, **env: str) -> Ran:
        scripts.write(text)
        bare = scripts.bare("train.py", *arguments, **env)
        ran = scripts.recorded("train.py", *arguments, **env)
        assert ran.out == bare.out, ran.err
        assert ran.err == bare.err
        assert ran.returncode == bare.returncode
        return ran

    return run
