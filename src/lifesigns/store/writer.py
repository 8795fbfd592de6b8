"""Writes one process' part of a trace: buffers points, appends whole flushes with a single write."""

from __future__ import annotations

import os
import struct
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .frames import CHUNK, RECORD, file_head, frame, to_json

CHUNK_HEAD = struct.Struct("<III")


class Column:
    """The unwritten points of one series."""

    __slots__ = ("number", "width", "x", "y")

    def __init__(self, number: int, width: int) -> None:
        self.number, self.width = number, width
        self.x, self.y = array("d"), array("d")

    def add(self, x: float, y: float) -> None:
        """Appends a scalar point."""
        self.x.append(x)
        self.y.append(y)

    def add_row(self, x: float, values: Sequence[float]) -> None:
        """Appends a point of `width` components."""
        self.x.append(x)
        self.y.extend(values)


class TraceWriter:
    """Append-only; the file is created by the first flush. Not safe to share between processes or threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None
        self._records: list[bytes] = []
        self._columns: list[Column] = []

    def series(self, name: str, clock: str, unit: str, subject: str, columns: Sequence[str] = ()) -> Column:
        """Declares a series; its points go to the returned column."""
        column = Column(len(self._columns), len(columns) or 1)
        self._columns.append(column)
        self.record(
            {
                "t": "series",
                "n": column.number,
                "name": name,
                "clock": clock,
                "unit": unit,
                "subject": subject,
                "columns": list(columns),
            }
        )
        return column

    def record(self, value: Mapping[str, Any]) -> None:
        """Queues a JSON record: a subject, an event, metadata."""
        self._records.append(frame(RECORD, to_json(value)))

    def flush(self) -> int:
        """Appends everything queued in one write; returns the bytes written. Raises OSError."""
        parts = self._records
        self._records = []
        for column in self._columns:
            if column.x:
                head = CHUNK_HEAD.pack(column.number, len(column.x), column.width)
                parts.append(frame(CHUNK, head + column.x.tobytes() + column.y.tobytes()))
                column.x, column.y = array("d"), array("d")
        if not parts:
            return 0
        return self._append(b"".join(parts))

    def discard(self) -> None:
        """Drops everything queued: nothing can be written any more."""
        self._records = []
        for column in self._columns:
            column.x, column.y = array("d"), array("d")

    def _append(self, data: bytes) -> int:
        if self._fd is None:
            self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            if os.fstat(self._fd).st_size == 0:
                data = file_head() + data
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]
        return len(data)

    def close(self) -> None:
        """Flushes and closes; the writer can still be flushed again later."""
        self.flush()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
