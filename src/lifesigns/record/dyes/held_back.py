"""Records that are held back until it is known whether they are wanted: of a long phase of learning, the last part.

Flows in: records made after an optimiser step. Flows out: the log, if an environment is stepped before the next one.
"""

from __future__ import annotations

from typing import Any

from .oplog import OpLog

FIRST = 1 << 40
"""Numbers of records that are held back begin here; those of the log stay below."""


class HeldBack:
    """Records beside the log; tensors carry their numbers, which are translated once they have entered it."""

    def __init__(self, log: OpLog) -> None:
        self.log = log
        self.waiting: list[tuple[int, str, int, Any, tuple[int, ...], bool]] = []
        self.places: dict[int, int] = {}
        self.first = FIRST

    def add(self, kind: int, name: str, site: int, array: Any, parents: tuple[int, ...], grad: bool) -> int:
        """One record; returns the number that stands for it."""
        self.waiting.append((kind, name, site, array.copy(), parents, grad))
        return self.first + len(self.waiting) - 1

    def drop(self) -> None:
        """None of them is wanted."""
        self.first += len(self.waiting)
        self.waiting.clear()

    def release(self) -> None:
        """All of them enter the log, in order."""
        for number, (kind, name, site, array, parents, grad) in enumerate(self.waiting, start=self.first):
            self.places[number] = self.log.add(kind, name, site, array, self.known(parents), grad)
        self.drop()

    def known(self, parents: tuple[int, ...]) -> tuple[int, ...]:
        """Records of the log by their number there; -1 for those that were dropped."""
        return tuple(p if p < FIRST else self.places.get(p, -1) for p in parents)
