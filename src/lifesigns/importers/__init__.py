"""Logs that other tools wrote, read as traces: TensorBoard, W&B, MLflow, CSV, JSON, printed output.

Each format is a module with `sniff(path)` and `read(path) -> Log`; `find` lists the runs under a path, `read` gives the
`Trace` of one. Nothing in a log is unpickled or executed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lifesigns.importers.folders import Source, find
from lifesigns.importers.logged import LogError
from lifesigns.importers.traces import trace_of
from lifesigns.model import Trace

__all__ = ["LogError", "SeveralRunsError", "Source", "find", "read"]


class SeveralRunsError(LogError):
    """More than one run was found; `sources` are they."""

    def __init__(self, path: Path, sources: list[Source]) -> None:
        super().__init__(f"expected one run at `{path}`, got {len(sources)}: {', '.join(s.name for s in sources[:5])}")
        self.sources = sources


def read(path: Path, roles: Mapping[str, str] | None = None) -> Trace:
    """The trace of the only run at `path`: a file, or a folder that holds its logs.

    `roles` maps roles (`return`, `kl`, …; see `model.roles`) to logged names and goes before names known here.
    Raises LogError with one sentence: nothing to read, damaged, several runs, or a role or name that does not exist.
    """
    sources = find(path)
    if len(sources) != 1:
        raise SeveralRunsError(path, sources)
    return trace_of(sources[0], roles)
