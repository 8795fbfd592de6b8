"""Where data came into torch, or into a buffer: walks back from a record through operations that hand numbers on.

Flows in: a log and a record. Flows out: records or places.
"""

from __future__ import annotations

from typing import Any

from lifesigns.paired.runlog import RunLog, Site
from lifesigns.paired.source import handed_over

WRITES = frozenset(("__setitem__", "copy_", "index_copy_", "scatter_", "stack", "cat", "as_tensor", "tensor"))
"""Operations by which data get into a buffer."""
VIEWS = frozenset(
    ("__getitem__", "view", "reshape", "unsqueeze", "detach", "clone", "contiguous", "float", "to", "expand")
)
"""Operations that hand on the numbers of their operand."""


def place(site: Site | None) -> dict[str, Any] | None:
    """The user's line of a site, as rules and reports want it."""
    if site is None or not (site.user_line or site.line):
        return None
    return {"file": site.user_file or site.file, "line": site.user_line or site.line}


def entered(log: RunLog, record: int) -> dict[str, Any] | None:
    """Where the data behind a record came into torch, back through operations that hand them on; of a value that is
    given by name there, the line that computed it."""
    for _ in range(40):
        parents = [p for p in log.parents[record] if p >= 0 and log.kind(p) == "op"]
        if len(parents) != 1 and log.name(record) not in VIEWS:
            break
        if not parents:
            break
        record = parents[0]
    at = place(log.site(record))
    return {"file": at["file"], "line": handed_over(at["file"], at["line"])} if at is not None else None


def written_at(log: RunLog, record: int) -> int:
    """The record by which the data behind a number came into its buffer: back through views and arithmetic with one
    operand; -1 where there is none."""
    for _ in range(40):
        if record < 0:
            return -1
        if log.kind(record) == "op" and log.name(record) in WRITES:
            return record
        parents = [p for p in log.parents[record] if p >= 0]
        if len(parents) != 1:
            return -1
        record = parents[0]
    return -1
