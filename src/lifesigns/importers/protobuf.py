"""The wire format of protocol buffers, as far as logs need it: fields of one message, values as numbers or bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def varint(data: bytes, at: int) -> tuple[int, int]:
    """(value, offset after it). Raises ValueError where the data end first or the number has over 64 bits."""
    value = shift = 0
    while at < len(data):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            break
    raise ValueError("a number is cut off or longer than 64 bits")


def fields(data: bytes, at: int = 0, end: int | None = None) -> Iterator[tuple[int, int, int, int]]:
    """(field number, wire type, start, end) of each field's value in `data[at:end]`.

    Raises ValueError where a field reaches beyond the end or has a wire type that logs do not use.
    """
    end = len(data) if end is None else end
    while at < end:
        key, at = varint(data, at)
        wire = key & 7
        if wire == VARINT:
            start = at
            _, at = varint(data, at)
        elif wire == BYTES:
            length, start = varint(data, at)
            at = start + length
        elif wire in (FIXED64, FIXED32):
            start = at
            at += 8 if wire == FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire} is not known")
        if at > end:
            raise ValueError("a field reaches beyond its message")
        yield key >> 3, wire, start, at


def strings(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(field number, value) of the length-delimited fields of a message."""
    for number, wire, start, end in fields(data):
        if wire == BYTES:
            yield number, data[start:end]


def integers(data: bytes) -> Iterator[tuple[int, int]]:
    """(field number, value) of the varint fields of a message, read as signed 64-bit numbers."""
    for number, wire, start, _ in fields(data):
        if wire == VARINT:
            value = varint(data, start)[0]
            yield number, value - (1 << 64) if value >> 63 else value


def double(data: bytes, at: int) -> float:
    """The 64-bit float at `at`."""
    return struct.unpack_from("<d", data, at)[0]
