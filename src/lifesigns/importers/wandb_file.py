"""W&B's transaction log (`run-ID.wandb`), as an offline run leaves it; needs no wandb.

The file is a LevelDB log (header `:W&B`, magic, version; blocks of 32 KiB; records of CRC-32, length, type) of protocol
buffers (`Record` in wandb_internal.proto). wandb's own Python reader was removed when its core became a Go binary.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lifesigns.importers.clocks import clock_of_steps, step_column
from lifesigns.importers.logged import Builder, Log, LogError
from lifesigns.importers.protobuf import BYTES, VARINT, fields, integers, strings, varint
from lifesigns.importers.rows import flat

TITLE = "W&B offline run"
HEADER = 7
BLOCK, HEAD = 32768, struct.Struct("<IHB")
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
HISTORY, CONFIG, RUN, EXIT = 2, 5, 17, 18
ITEM, STEP = 1, 2
KEY, NESTED, VALUE = 1, 2, 16
OWN = ("_step", "_runtime", "_timestamp", "_wandb")


def sniff(path: Path) -> bool:
    """A `.wandb` file, or a folder that holds one."""
    return (path.is_file() and path.suffix == ".wandb") or (path.is_dir() and any(path.glob("*.wandb")))


def read(path: Path) -> Log:
    """The history of a run. Raises LogError."""
    file = path if path.is_file() else sorted(path.glob("*.wandb"))[0]
    try:
        data = file.read_bytes()
    except OSError as error:
        raise LogError(f"cannot read `{file}`: {error.strerror}") from error
    if data[:4] != b":W&B":
        raise LogError(f"expected a W&B transaction log at `{file}`, got a file that does not begin with `:W&B`")
    reader = _Reader()
    for record in records(data, reader):
        reader.record(record)
    return reader.log(file)


def records(data: bytes, reader: _Reader) -> Iterator[bytes]:
    """The records; one whose checksum fails is counted as lost, a torn end is left unread."""
    at, parts = HEADER, list[bytes]()
    while at + HEAD.size <= len(data):
        if BLOCK - at % BLOCK < HEAD.size:
            at += BLOCK - at % BLOCK
            continue
        checksum, length, kind = HEAD.unpack_from(data, at)
        end = at + HEAD.size + length
        if end > len(data):
            reader.lost += 1
            return
        if kind == 0 and not length:
            at += BLOCK - at % BLOCK
            continue
        body = data[at + HEAD.size : end]
        at = end
        if zlib.crc32(body, zlib.crc32(bytes([kind]))) != checksum or kind > LAST:
            reader.lost += 1
            parts = []
            at += BLOCK - at % BLOCK
            continue
        if kind in (FULL, FIRST):
            parts = []
        elif not parts:
            continue
        parts.append(body)
        if kind in (FULL, LAST):
            yield b"".join(parts)
            parts = []


class _Reader:
    """Collects rows of history, the run's name and configuration, and how it ended."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.config: dict[str, Any] = {}
        self.name, self.ended, self.lost = "", "running", 0

    def record(self, data: bytes) -> None:
        """Takes one record."""
        try:
            for number, body in strings(data):
                if number == HISTORY:
                    self.rows.append(_row(body))
                elif number == RUN:
                    self._run(body)
                elif number == CONFIG:
                    self._config(body)
                elif number == EXIT:
                    code = dict(integers(body)).get(1, 0)
                    self.ended = "crashed" if code else "finished"
        except (ValueError, RecursionError):
            self.lost += 1

    def _run(self, data: bytes) -> None:
        for number, body in strings(data):
            if number == 8 or (number == 1 and not self.name):
                self.name = body.decode("utf-8", "replace")
            elif number == 4:
                self._config(body)

    def _config(self, data: bytes) -> None:
        for number, body in strings(data):
            if number == 1:
                key, value = _item(body)
                self.config[key] = value

    def log(self, file: Path) -> Log:
        """What was collected. Raises LogError."""
        names = {n: None for row in self.rows for n in row if n not in OWN}
        step, clock, why = step_column(names, [n for n in names if n.endswith("global_step") or "timesteps" in n])
        built = Builder()
        at = 0.0
        for index, row in enumerate(self.rows):
            at = row.get(step, at) if step else row.get("_step", float(index))
            values = {k: v for k, v in row.items() if k != step and k not in OWN and not k.startswith("_wandb")}
            built.add_all(values, at, row.get("_runtime", float("nan")))
        columns = built.columns()
        if not columns:
            raise LogError(f"expected logged numbers in the W&B run `{file}`, got none in {len(self.rows)} rows")
        if not step:
            clock, why = clock_of_steps(columns)
            if clock == "logged":
                why = "W&B counts calls of `wandb.log`; log a `global_step` beside the numbers"
        self.config.pop("_wandb", None)
        return Log(columns, "wandb", clock, why, self.name, self.ended, self.lost, config=self.config)


def _row(data: bytes) -> dict[str, float]:
    row: dict[str, float] = {}
    for number, wire, start, end in fields(data):
        if number == ITEM and wire == BYTES:
            key, value = _item(data[start:end])
            row.update(flat({key: value}, separator="."))
        elif number == STEP and wire == BYTES:
            for inner, kind, at, _ in fields(data, start, end):
                if inner == 1 and kind == VARINT:
                    row.setdefault("_step", float(varint(data, at)[0]))
    return row


def _item(data: bytes) -> tuple[str, Any]:
    key, nested, value = "", list[str](), b""
    for number, body in strings(data):
        if number == KEY:
            key = body.decode("utf-8", "replace")
        elif number == NESTED:
            nested.append(body.decode("utf-8", "replace"))
        elif number == VALUE:
            value = body
    return key or ".".join(nested), json.loads(value) if value else None
