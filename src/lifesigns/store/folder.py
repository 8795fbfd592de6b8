"""A run's folder: `run.json` (what was run, how it ended), `trace.lst` and `trace-PID.lst`, `output.log`."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from .frames import MAGIC, SCHEMA, NewerSchemaError, NotATraceError, TraceError

HOME = ".lifesigns"


@dataclass(frozen=True)
class RunFolder:
    """Paths inside one run's folder."""

    path: Path

    @property
    def trace_file(self) -> Path:
        """The main process' trace."""
        return self.path / "trace.lst"

    @property
    def baseline_file(self) -> Path:
        """What was measured beside the run: returns of random and constant actions."""
        return self.path / "baseline.lst"

    @property
    def dyes_file(self) -> Path:
        """What dye tracing found beside the run."""
        return self.path / "dyes.lst"

    @property
    def lint_file(self) -> Path:
        """What reading the script found."""
        return self.path / "lint.lst"

    @property
    def output_file(self) -> Path:
        """What the script printed."""
        return self.path / "output.log"

    @property
    def meta_file(self) -> Path:
        """Command, versions, times, exit status."""
        return self.path / "run.json"

    def worker_file(self, pid: int) -> Path:
        """The trace of a worker process."""
        return self.path / f"trace-{pid}.lst"

    def parts(self) -> list[Path]:
        """The trace files that exist, the main one first."""
        workers = sorted(self.path.glob("trace-*.lst"))
        beside = (self.baseline_file, self.dyes_file, self.lint_file)
        return [p for p in (self.trace_file, *beside, *workers) if p.is_file()]

    def read_meta(self) -> dict[str, Any]:
        """The metadata; empty where the file is absent or damaged. Raises NewerSchemaError."""
        try:
            value = json.loads(self.meta_file.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        meta = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        if isinstance(schema := meta.get("schema"), int) and schema > SCHEMA:
            raise NewerSchemaError(
                f"`{self.path}` has trace schema {schema}; this lifesigns reads up to {SCHEMA}: "
                "upgrade with `pip install -U lifesigns`"
            )
        return meta

    def write_meta(self, meta: Mapping[str, Any]) -> None:
        """Replaces the metadata in one step."""
        handle, name = tempfile.mkstemp(dir=self.path, prefix=".run-", suffix=".json")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"schema": SCHEMA, **meta}, file, indent=1, default=str)
        os.replace(name, self.meta_file)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """The folder at `path` (or of the trace file `path`). Raises NotATraceError."""
        if path.is_file() and path.name.startswith("trace"):
            path = path.parent
        if not path.exists():
            raise NotATraceError(f"no run at `{path.absolute()}`; `lifesigns runs` lists the runs of this folder")
        folder = cls(path)
        if not path.is_dir() or not (folder.meta_file.is_file() or folder.parts()):
            raise NotATraceError(
                f"`{path.absolute()}` is no lifesigns run (no `run.json`, no `trace.lst`); "
                "`lifesigns runs` lists the runs of this folder"
            )
        return folder


def runs_home(start: Path | None = None) -> Path:
    """Where runs are kept: `LIFESIGNS_HOME`, or `.lifesigns` in the working folder."""
    given = os.environ.get("LIFESIGNS_HOME")
    return Path(given) if given else (start or Path.cwd()) / HOME


def new_run_folder(script: str, home: Path | None = None) -> RunFolder:
    """Creates the folder of a new run, named by time and script. Raises TraceError where nothing can be
    written."""
    home = home or runs_home()
    stem = re.sub(r"[^\w.-]+", "-", Path(script).stem)[:40] or "run"
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for attempt in range(1000):
        path = home / "runs" / (f"{stamp}-{stem}" + (f"-{attempt}" if attempt else ""))
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise TraceError(
                f"cannot create a run folder under `{home}` ({error.strerror}); "
                "name another with `--home FOLDER` or LIFESIGNS_HOME"
            ) from error
        ignore(home)
        return RunFolder(path)
    raise TraceError(f"cannot find a free name for a run under `{home}`")


def ignore(home: Path) -> None:
    """Keeps what is recorded out of the user's own repository."""
    marker = home / ".gitignore"
    if home.name == HOME and not marker.exists():
        marker.write_text("*\n", "utf-8")


def list_runs(home: Path | None = None) -> list[RunFolder]:
    """The runs under `home`, newest first."""
    root = (home or runs_home()) / "runs"
    if not root.is_dir():
        return []
    found = [RunFolder(p) for p in root.iterdir() if p.is_dir()]
    return sorted((f for f in found if f.meta_file.is_file() or f.parts()), key=lambda f: f.path.name, reverse=True)


def looks_like_trace(path: Path) -> bool:
    """Whether a file starts with the magic of a trace."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False
