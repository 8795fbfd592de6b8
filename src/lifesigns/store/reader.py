"""Reads trace files into a `Trace`: whole files, or as they grow; a file cut off at any byte opens."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model import Event, Location, Series, Subject, Trace
from .folder import RunFolder
from .frames import CHUNK, RECORD, TraceError, frames, from_json, read_head
from .writer import CHUNK_HEAD, TraceWriter


class TraceReader:
    """Follows one growing trace file; `poll` reads what was appended since."""

    def __init__(self, path: Path, prefix: str = "") -> None:
        self.path, self._prefix = path, prefix
        self._offset = 0
        self._declared: dict[int, Series] = {}
        self._chunks: dict[int, list[tuple[NDArray[np.float64], NDArray[np.float64]]]] = {}
        self._subjects: dict[str, Subject] = {}
        self._events: list[Event] = []
        self._meta: dict[str, Any] = {}
        self._health: dict[str, Any] = {}
        self.unread_bytes = self.odd_frames = 0

    def poll(self) -> None:
        """Reads the whole frames that have been appended. Raises TraceError."""
        with self.path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        start = read_head(data, str(self.path)) if self._offset == 0 else 0
        used = start
        for kind, payload, end in frames(data, start):
            used = end
            try:
                if kind == CHUNK:
                    self._chunk(payload)
                elif kind == RECORD:
                    self._record(from_json(payload))
            except (KeyError, TypeError, ValueError, AttributeError, RecursionError, struct.error):
                self.odd_frames += 1
        self._offset += used
        self.unread_bytes = len(data) - used

    def _chunk(self, payload: bytes) -> None:
        number, points, width = CHUNK_HEAD.unpack_from(payload)
        values = np.frombuffer(payload, dtype="<f8", offset=CHUNK_HEAD.size)
        columns = len(self._declared[number].columns) or 1
        if width != columns or len(values) != points * (1 + width):
            raise ValueError(f"expected {points} rows of {columns} in series {number}, got {len(values)} numbers")
        self._chunks.setdefault(number, []).append((values[:points], values[points:]))

    def _record(self, value: Mapping[str, Any]) -> None:
        kind = value.get("t")
        if kind == "series":
            empty = np.empty(0)
            columns = tuple(str(c) for c in value["columns"])
            declared = Series(
                str(value["name"]),
                value["clock"],
                str(value["unit"]),
                empty,
                empty.reshape(0, len(columns)) if columns else empty,
                self._named(value["subject"]),
                columns,
            )
            self._declared[int(value["n"])] = declared
        elif kind == "subject":
            key = self._named(value["id"])
            self._subjects[key] = Subject(
                key, str(value["kind"]), str(value["name"]), _location(value.get("at")), dict(value["info"])
            )
        elif kind == "event":
            self._events.append(
                Event(
                    str(value["kind"]),
                    self._named(value["subject"]),
                    dict(value["data"]),
                    float(value["wall_s"]),
                    int(value["env_step"]),
                    _location(value.get("at")),
                )
            )
        elif kind == "meta":
            self._meta.update(value["data"])
        elif kind == "health":
            self._health.update(value["data"])

    def _named(self, subject: Any) -> str:
        if not isinstance(subject, str):
            raise TypeError(f"expected the id of a subject, got {subject!r}")
        return subject if not self._prefix or subject == "run" else f"{self._prefix}{subject}"

    def trace(self) -> Trace:
        """What has been read so far."""
        built: list[Series] = []
        for number, declared in self._declared.items():
            chunks = self._chunks.get(number)
            if not chunks:
                continue
            x = np.concatenate([c[0] for c in chunks])
            y = np.concatenate([c[1] for c in chunks])
            built.append(replace(declared, x=x, y=y.reshape(len(x), -1) if declared.columns else y))
            self._chunks[number] = [(x, y)]
        return Trace(
            dict(self._meta),
            dict(self._subjects),
            tuple(built),
            tuple(self._events),
            {**self._health, "unread_bytes": self.unread_bytes, "odd_frames": self.odd_frames},
        )


def _location(at: Any) -> Location | None:
    return Location(str(at["file"]), int(at["line"]), str(at.get("text", ""))) if at else None


def _at(one: Location | None) -> dict[str, Any] | None:
    return {"file": one.file, "line": one.line, "text": one.text} if one else None


def load_run(path: Path) -> Trace:
    """The trace of a run folder, workers' parts included. Raises TraceError with a sentence that says what to
    do."""
    folder = RunFolder.open(path)
    meta = folder.read_meta()
    whole = Trace(meta)
    for number, part in enumerate(folder.parts()):
        own = part in (folder.trace_file, folder.baseline_file, folder.dyes_file, folder.lint_file)
        reader = TraceReader(part, "" if own else f"worker{number}/")
        try:
            reader.poll()
        except TraceError:
            if part == folder.trace_file:
                raise
            continue
        whole = _merge(whole, reader.trace(), own=own, is_main=part == folder.trace_file)
    return whole


def _merge(first: Trace, second: Trace, *, own: bool, is_main: bool) -> Trace:
    """Adds a part to a trace; of a worker's, what concerns the whole run is left out."""
    series = second.series if own else tuple(s for s in second.series if s.subject != "run")
    subjects = {k: s for k, s in second.subjects.items() if own or k != "run"}
    return Trace(
        {**second.meta, **first.meta},
        {**first.subjects, **subjects},
        (*first.series, *series),
        (*first.events, *second.events),
        second.health if is_main else first.health,
    )


def save_series(path: Path, added: Iterable[Series]) -> None:
    """Writes series that were measured beside a run as a part of its trace. Raises OSError."""
    save_part(path, (), (), added)


def save_part(path: Path, subjects: Iterable[Subject], events: Iterable[Event], added: Iterable[Series]) -> None:
    """Writes what was found beside a run as a part of its trace. Raises OSError."""
    writer = TraceWriter(path)
    for subject in subjects:
        writer.record(
            {
                "t": "subject",
                "id": subject.id,
                "kind": subject.kind,
                "name": subject.name,
                "at": _at(subject.location),
                "info": dict(subject.info),
            }
        )
    for event in events:
        writer.record(
            {
                "t": "event",
                "kind": event.kind,
                "subject": event.subject,
                "data": dict(event.data),
                "at": _at(event.location),
                "wall_s": event.wall_s,
                "env_step": event.env_step,
            }
        )
    for one in added:
        column = writer.series(one.name, one.clock, one.unit, one.subject, one.columns)
        for at, row in zip(one.x.tolist(), one.y.tolist(), strict=True):
            column.add_row(at, row if one.columns else [row])
    writer.close()
