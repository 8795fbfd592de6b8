"""Logs of runs that never ran: written with the recorder's own `OpLog`, read as those of real runs are."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from lifesigns.paired.runlog import RunLog, Stain
from lifesigns.record.dyes.oplog import KINDS, OpLog

FILE = "/somewhere/train.py"


class Writing:
    """Records of one run, appended in the order of the calls; each call returns its record's number."""

    def __init__(self, **notes: Any) -> None:
        self.log = OpLog()
        self.notes: dict[str, Any] = notes
        self.planted: list[dict[str, Any]] = []

    def add(self, kind: str, name: str, array: Any, line: int = 0, parents: Any = (), grad: bool = False) -> int:
        """Any record; `line` 0 has no place."""
        site = self.log.site((FILE, line, FILE, line, "main") if line else None)
        return self.log.add(KINDS.index(kind), name, site, np.asarray(array), tuple(parents), grad)

    def op(self, name: str, array: Any, line: int = 1, parents: Any = (), grad: bool = False) -> int:
        """A tensor operation."""
        return self.add("op", name, array, line, parents, grad)

    def call(self, name: str, given: Any, put_out: Any, grad: bool = False, parents: Any = ()) -> int:
        """A network's input and output."""
        self.add("input", name, given, 2, parents)
        return self.add("call", name, put_out, 2, (), grad)

    def update(self, gradient: Any, name: str = "Adam#0") -> int:
        """An optimiser's gradients and its step; returns the record of the gradients."""
        number = self.add("grad", name, np.asarray(gradient, dtype=np.float32), 9)
        self.add("step", name, np.asarray(gradient, dtype=np.float32) * -0.1, 9)
        self.log.update += 1
        return number

    def reset(self, env: int, obs: Any) -> int:
        """An environment's first observation."""
        return self.add("obs", f"env{env}.reset", np.atleast_1d(np.asarray(obs, dtype=np.float32)))

    def step(self, env: int, action: Any, reward: float, obs: Any, end: str = "") -> int:
        """An environment's step; returns the record of its action."""
        number = self.add("action", f"env{env}", np.atleast_1d(np.asarray(action)))
        self.add("reward", f"env{env}", np.array([reward], dtype=np.float64))
        self.add("obs", f"env{env}", np.atleast_1d(np.asarray(obs, dtype=np.float32)))
        self.add("end", f"env{env}", np.array([end == "terminated", end == "truncated"]))
        return number

    def read(self, folder: Path | None = None) -> RunLog:
        """The log as the parent reads it."""
        with tempfile.TemporaryDirectory() as own:
            place = str(folder or own)
            about = {"notes": self.notes, "planted": self.planted, "plantings": len(self.planted), "seeds": []}
            self.log.write(place, json.loads(json.dumps(about)))
            return RunLog(Path(place))


def stain(base: Writing, dyed: Writing) -> Stain:
    """The comparison of two of them."""
    return Stain(base.read(), dyed.read())


def arrays(*pairs: tuple[str, Any, Any], line: int = 5) -> Stain:
    """The stain of runs of a few operations (name, undyed value, dyed value), float32, each on a line of its own."""
    base, dyed = Writing(), Writing()
    for number, (name, a, b) in enumerate(pairs):
        base.op(name, np.asarray(a, dtype=np.float32), line + number)
        dyed.op(name, np.asarray(b, dtype=np.float32), line + number)
    return stain(base, dyed)
