"""Scalars in the content of event records: one by one, or thousands of equal layout at once.

An `Event` is wall_time (field 1), step (2) and a Summary (5) of values with tag (1) and simple_value (2) or tensor (8):
tensorboard/compat/proto/{event,summary,tensor}.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lifesigns.importers.protobuf import BYTES, FIXED32, FIXED64, VARINT, double, fields, varint

WALL, STEP, SUMMARY = 1, 2, 5
VALUE = 1
TAG, SIMPLE, TENSOR = 1, 2, 8
DTYPE, CONTENT = 1, 4
TYPED = {5: ("<f4", FIXED32), 6: ("<f8", FIXED64)}
"""Fields of a tensor that hold floats and doubles."""
CONTENT_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}
"""DataType of a tensor → how its content is stored."""


@dataclass(frozen=True)
class Place:
    """Where a scalar is: its tag, and the bytes of the number (`start` counts from the event's first byte)."""

    tag: str
    start: int
    dtype: str
    tag_end: int


def scalars(event: bytes) -> Iterator[Place]:
    """The scalars of one event; values that are no single number have `dtype` "". Raises ValueError."""
    for number, wire, start, end in fields(event):
        if number != SUMMARY or wire != BYTES:
            continue
        for inner, inner_wire, at, stop in fields(event, start, end):
            if inner == VALUE and inner_wire == BYTES:
                yield _scalar(event, at, stop)


def _scalar(event: bytes, at: int, stop: int) -> Place:
    tag, tag_end, place, dtype = "", at, 0, ""
    for number, wire, start, end in fields(event, at, stop):
        if number == TAG and wire == BYTES:
            tag, tag_end = event[start:end].decode("utf-8", "replace"), end
        elif number == SIMPLE and wire == FIXED32:
            place, dtype = start, "<f4"
        elif number == TENSOR and wire == BYTES:
            place, dtype = _tensor(event, start, end)
    return Place(tag, place, dtype, tag_end)


def _tensor(event: bytes, at: int, stop: int) -> tuple[int, str]:
    """Start and type of the only number of a tensor, or (0, "")."""
    kind = 0
    for number, wire, start, end in fields(event, at, stop):
        if number == DTYPE and wire == VARINT:
            kind = varint(event, start)[0]
        elif number in TYPED:
            dtype, single = TYPED[number]
            if wire == single or (wire == BYTES and end - start == np.dtype(dtype).itemsize):
                return start, dtype
        elif number == CONTENT and wire == BYTES:
            dtype = CONTENT_TYPES.get(kind, "")
            if dtype and end - start == np.dtype(dtype).itemsize:
                return start, dtype
    return 0, ""


def step_and_wall(event: bytes) -> tuple[int, float]:
    """The event's step (0 where it is left out, as proto3 does) and wall time (NaN where it has none)."""
    step, wall = 0, float("nan")
    for number, wire, start, _ in fields(event):
        if number == STEP and wire == VARINT:
            value = varint(event, start)[0]
            step = value - (1 << 64) if value >> 63 else value
        elif number == WALL and wire == FIXED64:
            wall = double(event, start)
    return step, wall


def number_at(event: bytes, place: Place) -> float:
    """The value at a place."""
    form = {"<f4": "<f", "<f8": "<d", "<i4": "<i", "<i8": "<q", "<f2": "<e"}[place.dtype]
    return float(struct.unpack_from(form, event, place.start)[0])
