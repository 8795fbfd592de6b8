"""Records of TensorBoard's event files: length (8 bytes), its CRC, the record, its CRC (CRC-32C, masked)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

HEAD, TAIL = 12, 4
MAX_RECORD = 1 << 30
_LENGTH = struct.Struct("<Q")


def offsets(data: bytes | memoryview, at: int = 0, limit: int = 1 << 62) -> tuple[list[int], list[int], int]:
    """(starts, lengths) of the contents of whole records from `at`, and where the rest begins.

    Stops at a length that cannot be, and after `limit` records.
    """
    starts: list[int] = []
    lengths: list[int] = []
    size, unpack = len(data), _LENGTH.unpack_from
    while at + HEAD + TAIL <= size and len(starts) < limit:
        length = unpack(data, at)[0]
        end = at + HEAD + length + TAIL
        if length > MAX_RECORD or end > size:
            break
        starts.append(at + HEAD)
        lengths.append(length)
        at = end
    return starts, lengths, at


def _table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(0x82F63B78), table >> 1)
    return table.astype(np.uint32)


_TABLE = _table()


def masked_crcs(rows: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """CRC-32C of each row of `rows` [n, length], masked as TFRecord has it (RFC 3720; TensorFlow's crc32c.h)."""
    crc = np.full(len(rows), 0xFFFFFFFF, dtype=np.uint32)
    for column in np.ascontiguousarray(rows.T):
        crc = _TABLE[(crc ^ column) & np.uint32(0xFF)] ^ (crc >> np.uint32(8))
    crc = ~crc
    return ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(0xA282EAD8)


def rows_of(data: NDArray[np.uint8], starts: NDArray[np.int64], length: int) -> NDArray[np.uint8]:
    """The `length` bytes from each of `starts`, shape [n, length]."""
    return np.lib.stride_tricks.sliding_window_view(data, length)[starts]


def intact(data: NDArray[np.uint8], starts: NDArray[np.int64], rows: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether the checksum behind each record is that of its content."""
    stored = rows_of(data, starts + rows.shape[1], TAIL).copy().view("<u4")[:, 0]
    return masked_crcs(rows) == stored


def heads_intact(data: NDArray[np.uint8], starts: Sequence[int]) -> int:
    """How many records, from the first, have a length whose checksum holds."""
    if not len(starts):
        return 0
    at = np.asarray(starts, dtype=np.int64) - HEAD
    heads = rows_of(data, at, HEAD)
    good = masked_crcs(heads[:, :8]) == heads[:, 8:].copy().view("<u4")[:, 0]
    return len(starts) if good.all() else int(np.argmin(good))
