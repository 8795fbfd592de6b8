"""Writes W&B transaction logs byte by byte, apart from the reader under test: LevelDB framing, protocol buffers."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

BLOCK = 32768


def varint(value: int) -> bytes:
    """A protocol-buffer varint."""
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def message(number: int, content: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def integer(number: int, value: int) -> bytes:
    """A varint field."""
    return varint(number << 3) + varint(value)


def item(key: str, value: Any, nested: bool = False) -> bytes:
    """A HistoryItem or ConfigItem."""
    names = b"".join(message(2, k.encode()) for k in key.split(".")) if nested else message(1, key.encode())
    return names + message(16, json.dumps(value).encode())


def history(row: Mapping[str, Any]) -> bytes:
    """A Record with one row of history."""
    return message(2, b"".join(message(1, item(k, v)) for k, v in row.items()))


def run(name: str, config: Mapping[str, Any]) -> bytes:
    """A Record that names the run and its configuration."""
    items = b"".join(message(1, item(k, v)) for k, v in config.items())
    return message(17, message(1, b"abcd1234") + message(4, items) + message(8, name.encode()))


def ended(code: int) -> bytes:
    """A Record with the exit status."""
    return message(18, integer(1, code))


def framed(records: Iterable[bytes]) -> bytes:
    """The file: header, then each record in as many parts as the blocks of 32 KiB ask for."""
    data = bytearray(b":W&B" + struct.pack("<HB", 0xBEE1, 0))
    for record in records:
        begun = False
        while True:
            left = BLOCK - len(data) % BLOCK
            if left < 7:
                data += b"\0" * left
                left = BLOCK
            part, record = record[: left - 7], record[left - 7 :]
            kind = (3 if record else 4) if begun else (2 if record else 1)
            data += struct.pack("<IHB", zlib.crc32(bytes([kind]) + part), len(part), kind) + part
            begun = True
            if not record:
                break
    return bytes(data)
