"""TensorBoard event files: the scalars of a folder's `*tfevents*` files; needs no TensorBoard.

Records of one length whose bytes differ only in wall time, step and value hold the same tag: they are read together.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifesigns.importers import events, tfrecord
from lifesigns.importers.clocks import clock_of_steps
from lifesigns.importers.logged import MAX_NAMES, Array, Column, Log, LogError

TITLE = "TensorBoard event file"
BLOCK = 400_000
"""records that are read together."""
FEW = 6
"""records of one length up to which each is read by itself."""
Bytes = NDArray[np.uint8]
Rows = NDArray[np.int64]


def is_event_file(path: Path) -> bool:
    """Whether the name is one that TensorBoard looks for."""
    return "tfevents" in path.name and not path.name.endswith((".profile-empty", ".tmp"))


def sniff(path: Path) -> bool:
    """An event file, or a folder that holds one."""
    if path.is_dir():
        return any(is_event_file(p) for p in path.iterdir() if p.is_file())
    return path.is_file() and is_event_file(path)


def read(path: Path) -> Log:
    """All scalars of a file or a folder's files. Raises LogError where there are none."""
    files = [path] if path.is_file() else sorted((p for p in path.iterdir() if is_event_file(p)), key=_written)
    found: dict[str, list[Column]] = defaultdict(list)
    lost, other = 0, 0
    for file in files:
        reader = _Reader()
        reader.read(file)
        lost, other = lost + reader.lost, other + reader.other
        for tag, column in reader.columns().items():
            found[tag].append(column)
    if not found:
        held = f"{other} records without scalars" if other else "no whole record"
        raise LogError(f"expected scalars in the event file `{path}`, got {held}; nothing to diagnose was logged there")
    columns = {tag: _joined(parts) for tag, parts in found.items()}
    clock, why = clock_of_steps(columns)
    if clock == "logged" and "epoch" in columns and (path / "hparams.yaml").is_file():
        clock, why = "update", "Lightning, which wrote this folder, counts optimiser steps"
    return Log(columns, "tensorboard", clock, why, lost=lost)


def _written(path: Path) -> tuple[int, str]:
    """Event files are named by the second in which they were begun."""
    stamp = re.search(r"tfevents\.(\d+)", path.name)
    return (int(stamp.group(1)) if stamp else 0, path.name)


def _joined(parts: list[Column]) -> Column:
    return Column(*(np.concatenate([getattr(p, f) for p in parts]) for f in ("step", "value", "wall_s")))


class _Reader:
    """Collects the scalars of one file."""

    def __init__(self) -> None:
        self._parts: dict[str, list[tuple[Rows, Array, Array, Array]]] = defaultdict(list)
        self.lost = self.other = self._seen = 0

    def read(self, path: Path) -> None:
        """Reads a file. Raises LogError."""
        try:
            if path.stat().st_size == 0:
                return
            data: Bytes = np.memmap(path, dtype=np.uint8, mode="r")
        except OSError as error:
            raise LogError(f"cannot read `{path}`: {error.strerror}") from error
        at = 0
        while at < len(data):
            end = self._block(data, at)
            if end == at:
                self.lost += 1
                break
            at = end

    def _block(self, data: Bytes, begin: int) -> int:
        """Reads up to `BLOCK` records; returns where the next begins, `begin` where nothing more can be read."""
        starts, lengths, end = tfrecord.offsets(data.data, begin, BLOCK)
        whole = tfrecord.heads_intact(data, starts)
        if whole < len(starts):
            end = starts[whole] - tfrecord.HEAD
        at, sizes = np.asarray(starts[:whole], dtype=np.int64), np.asarray(lengths[:whole], dtype=np.int64)
        order = np.argsort(sizes, kind="stable")
        edges = np.flatnonzero(np.diff(sizes[order])) + 1
        for group in np.split(order, edges) if whole else []:
            length = int(sizes[group[0]])
            if length:
                self._equal(data, at[group], group + self._seen, length)
        self._seen += whole
        return end

    def _equal(self, data: Bytes, starts: Rows, order: Rows, length: int) -> None:
        """Records of one length."""
        if len(starts) <= FEW or length > 4096:
            for start, position in zip(starts.tolist(), order.tolist(), strict=True):
                row = data[start : start + length]
                if length > 4096 or tfrecord.intact(data, np.asarray([start]), row[None])[0]:
                    self._one(row.tobytes(), position)
                else:
                    self.lost += 1
            return
        rows = tfrecord.rows_of(data, starts, length)
        good = tfrecord.intact(data, starts, rows)
        self.lost += int((~good).sum())
        rows, order = rows[good], order[good]
        plain = (rows[:, 0] == 0x09) if length > 10 else np.zeros(len(rows), dtype=bool)
        for row, position in zip(rows[~plain], order[~plain].tolist(), strict=True):
            self._one(row.tobytes(), position)
        rows, order = rows[plain], order[plain]
        for head, chosen in _step_widths(rows):
            self._alike(rows[chosen], order[chosen], head)

    def _alike(self, rows: Bytes, order: Rows, head: int) -> None:
        """Records of one length whose step is equally wide (`head`: bytes before the summary)."""
        while len(rows):
            first = rows[0].tobytes()
            try:
                places = list(events.scalars(first))
            except ValueError:
                places = []
            if (
                len(places) == 1
                and places[0].dtype
                and events.step_and_wall(first)[0] == int(_steps(rows[:1, 10:head])[0])
            ):
                place = places[0]
                masked = np.ones(rows.shape[1], dtype=bool)
                masked[:head] = False
                masked[place.start : place.start + np.dtype(place.dtype).itemsize] = False
                same = (rows[:, masked] == rows[0, masked]).all(axis=1)
                self._take(rows[same], order[same], head, place)
            elif places and places[0].dtype:
                same = (rows[:, head : places[0].tag_end] == rows[0, head : places[0].tag_end]).all(axis=1)
                for row, position in zip(rows[same], order[same].tolist(), strict=True):
                    self._one(row.tobytes(), position)
            else:
                end = places[0].tag_end if places else rows.shape[1]
                same = (rows[:, head:end] == rows[0, head:end]).all(axis=1)
                self.other += int(same.sum())
            rows, order = rows[~same], order[~same]

    def _take(self, rows: Bytes, order: Rows, head: int, place: events.Place) -> None:
        wall = rows[:, 1:9].copy().view("<f8")[:, 0].astype(np.float64)
        size = np.dtype(place.dtype).itemsize
        value = rows[:, place.start : place.start + size].copy().view(place.dtype)[:, 0].astype(np.float64)
        self._add(place.tag, order, _steps(rows[:, 10:head]).astype(np.float64), value, wall)

    def _one(self, event: bytes, position: int) -> None:
        try:
            places = list(events.scalars(event))
            step, wall = events.step_and_wall(event)
        except ValueError:
            self.lost += 1
            return
        self.other += not places
        for place in places:
            if place.dtype:
                row: list[Any] = [float(step), events.number_at(event, place), wall]
                self._add(place.tag, np.asarray([position]), *(np.asarray([v], dtype=np.float64) for v in row))
            else:
                self.other += 1

    def _add(self, tag: str, order: Rows, step: Array, value: Array, wall: Array) -> None:
        if tag in self._parts or len(self._parts) < MAX_NAMES:
            self._parts[tag].append((order, step, value, wall))

    def columns(self) -> dict[str, Column]:
        """The scalars by tag, in the order in which they were written."""
        first = {tag: min(int(part[0][0]) for part in parts) for tag, parts in self._parts.items()}
        return {tag: _in_order(self._parts[tag]) for tag in sorted(first, key=lambda t: first[t])}


def _step_widths(rows: Bytes) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """(bytes before the summary, which rows) for each width of the step; a step of 0 is left out."""
    if not len(rows):
        return
    left = rows[:, 9] == 0x10 if rows.shape[1] > 10 else np.zeros(len(rows), dtype=bool)
    if (~left).any():
        yield 9, ~left
    for head in range(11, min(rows.shape[1], 20) + 1):
        ends = left & (rows[:, head - 1] < 0x80)
        if ends.any():
            yield head, ends
        left &= ~ends


def _steps(digits: Bytes) -> NDArray[np.int64]:
    """The numbers of which `digits` [n, width] are the varints."""
    step = np.zeros(len(digits), dtype=np.uint64)
    for place, byte in enumerate(digits.T):
        step |= (byte & np.uint8(0x7F)).astype(np.uint64) << np.uint64(7 * place)
    return step.view(np.int64)


def _in_order(parts: list[tuple[Rows, Array, Array, Array]]) -> Column:
    by = np.argsort(np.concatenate([p[0] for p in parts]), kind="stable")
    step, value, wall = (np.concatenate([p[1:][i] for p in parts])[by] for i in range(3))
    return Column(step, value, wall)
