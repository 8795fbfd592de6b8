"""Frames: kind (1 byte), payload length (4), CRC-32 of kind and payload (4), payload. A torn tail is left
unread."""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Iterator
from typing import Any, cast

MAGIC = b"LIFESIGN"
SCHEMA = 1
HEAD = struct.Struct("<cII")
FILE_HEAD = struct.Struct("<8sI")
MAX_PAYLOAD = 1 << 28
RECORD, CHUNK = b"J", b"S"


class TraceError(Exception):
    """A trace that cannot be read; the message says what to do."""


class NotATraceError(TraceError):
    """The file or folder is no lifesigns trace."""


class NewerSchemaError(TraceError):
    """The trace was written by a newer lifesigns."""


def file_head() -> bytes:
    """The first bytes of a trace file: magic and schema version."""
    return FILE_HEAD.pack(MAGIC, SCHEMA)


def frame(kind: bytes, payload: bytes) -> bytes:
    """One frame, ready to append."""
    return HEAD.pack(kind, len(payload), zlib.crc32(payload, zlib.crc32(kind))) + payload


def read_head(data: bytes, where: str) -> int:
    """Offset of the first frame; 0 where the file was cut within its head.

    Raises NotATraceError or NewerSchemaError.
    """
    if len(data) < FILE_HEAD.size:
        if not MAGIC.startswith(data[: len(MAGIC)]):
            raise NotATraceError(f"`{where}` is not a lifesigns trace: it does not start with {MAGIC!r}")
        return 0
    magic, schema = FILE_HEAD.unpack_from(data)
    if magic != MAGIC:
        raise NotATraceError(f"`{where}` is not a lifesigns trace: it does not start with {MAGIC!r}")
    if schema > SCHEMA:
        raise NewerSchemaError(
            f"`{where}` has trace schema {schema}; this lifesigns reads up to {SCHEMA}: "
            "upgrade with `pip install -U lifesigns`"
        )
    return FILE_HEAD.size


def frames(data: bytes, offset: int) -> Iterator[tuple[bytes, bytes, int]]:
    """(kind, payload, offset after it) of every whole frame from `offset`; stops at the first torn or damaged
    one."""
    while offset + HEAD.size <= len(data):
        kind, length, checksum = HEAD.unpack_from(data, offset)
        end = offset + HEAD.size + length
        if length > MAX_PAYLOAD or end > len(data):
            return
        payload = data[offset + HEAD.size : end]
        if zlib.crc32(payload, zlib.crc32(kind)) != checksum:
            return
        yield kind, payload, end
        offset = end


def to_json(value: Any) -> bytes:
    """Compact UTF-8 JSON in which NaN and ±inf are {"~": "nan"} and so on, since JSON has no such numbers."""
    return json.dumps(_guard(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode(
        "utf-8", "surrogatepass"
    )


def from_json(payload: bytes) -> Any:
    """The inverse of `to_json`."""
    return json.loads(payload.decode("utf-8", "surrogatepass"), object_hook=_unguard)


def _guard(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"~": repr(value)}
    if isinstance(value, dict):
        return {str(k): _guard(v) for k, v in cast("dict[Any, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_guard(v) for v in cast("list[Any]", value)]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if hasattr(value, "item") and getattr(value, "size", 0) == 1:
        return _guard(value.item())
    return str(value)


def _unguard(value: dict[str, Any]) -> Any:
    return float(value["~"]) if value.keys() == {"~"} else value
