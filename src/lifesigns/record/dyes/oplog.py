"""The log of one deterministic run: what was computed, where, with a digest of each value and the values of small ones.

Flows in: records from the taps. Flows out: `log.npz`, `values.npy`, `strings.json` in the run's folder (no pickle).
"""

from __future__ import annotations

import json
import os
import sys
from hashlib import blake2b
from typing import Any

KINDS = ("op", "input", "call", "outgrad", "loss", "grad", "step", "action", "reward", "obs", "end", "seed", "batch")
"""What a record is of: a tensor operation's result, a network's input and output, the gradient at that output, the
tensor that backward was called on, an optimiser's gradients and its step, and what an environment was
given and gave."""
KEEP_ELEMENTS, KEEP_STEP, MAX_BYTES, MAX_RECORDS = 8192, 65536, 256 << 20, 600_000
MAX_ROWS = 2048
TAG = "_lifesigns_record"
"""Attribute of a tensor: the record that it is the result of."""


class OpLog:
    """Records in memory until `write`; the columns of one row are appended together."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, int, int, int, int, int, int, int, int]] = []
        self.shapes: list[int] = []
        self.parents: list[int] = []
        self.row_digests: list[bytes] = []
        self.values: list[Any] = []
        self.bytes = self.env_step = self.update = 0
        self.names: dict[str, int] = {}
        self.sites: dict[Any, int] = {}
        self.site_list: list[Any] = []
        self.full = False

    def name(self, text: str) -> int:
        """The number of a name."""
        found = self.names.get(text)
        if found is None:
            found = self.names[text] = len(self.names)
        return found

    def site(self, key: Any) -> int:
        """The number of a place: (file, line) near, (file, line) in the user's code, function."""
        found = self.sites.get(key)
        if found is None:
            found = self.sites[key] = len(self.site_list)
            self.site_list.append(key)
        return found

    def add(
        self, kind: int, name: str, site: int, array: Any, parents: tuple[int, ...] = (), grad: bool = False
    ) -> int:
        """Appends one record of a NumPy array; returns its number. A strided part of a long gradient is kept."""
        if len(self.rows) >= MAX_RECORDS:
            self.full = True
            return -1
        if not array.dtype.isnative:
            array = array.astype(array.dtype.newbyteorder("="))
        data = array.tobytes()
        digest = int.from_bytes(blake2b(data, digest_size=8).digest(), "little", signed=True)
        place, rows_at = -1, -1
        if KINDS[kind] in ("grad", "step") and array.size > KEEP_STEP:
            array = array[:: array.size // KEEP_STEP + 1]
            data = array.tobytes()
        limit = KEEP_STEP if KINDS[kind] in ("grad", "step") else KEEP_ELEMENTS
        if array.size <= limit and self.bytes < MAX_BYTES:
            place = self.bytes
            self.values.append(data)
            self.bytes += len(data)
        elif array.ndim and 1 < array.shape[0] <= MAX_ROWS:
            rows_at = len(self.row_digests)
            width = len(data) // array.shape[0]
            self.row_digests.extend(
                blake2b(data[i * width : (i + 1) * width], digest_size=8).digest() for i in range(array.shape[0])
            )
        number = len(self.rows)
        self.rows.append(
            (kind, self.name(name), site, self.env_step, self.update, digest, _dtype(array), place, rows_at, int(grad))
        )
        self.shapes.append(array.ndim)
        self.shapes.extend(array.shape)
        self.parents.append(len(parents))
        self.parents.extend(parents)
        return number

    def write(self, folder: str, about: dict[str, Any]) -> None:
        """Writes the log; `strings.json` comes last, so that it stands for a whole one."""
        import numpy as np

        np.save(os.path.join(folder, "values.npy"), np.frombuffer(b"".join(self.values), dtype=np.uint8))
        np.savez(
            os.path.join(folder, "log.npz"),
            rows=np.array(self.rows, dtype=np.int64).reshape(-1, 10),
            shapes=np.array(self.shapes, dtype=np.int64),
            parents=np.array(self.parents, dtype=np.int64),
            row_digests=np.frombuffer(b"".join(self.row_digests), dtype=np.int64),
        )
        about = {**about, "names": list(self.names), "sites": self.site_list, "full": self.full}
        with open(os.path.join(folder, "strings.json"), "w", encoding="utf-8") as file:
            json.dump(about, file, default=str)


DTYPES = ("float32", "float64", "int64", "int32", "uint8", "bool", "float16", "int16", "int8", "complex64", "other")


_numbers: dict[str, int] = {}


def _dtype(array: Any) -> int:
    code = array.dtype.str
    found = _numbers.get(code)
    if found is None:
        name = array.dtype.name
        found = _numbers[code] = DTYPES.index(name) if name in DTYPES else len(DTYPES) - 1
    return found


def to_array(tensor: Any) -> Any:
    """The values as a contiguous NumPy array; None for what has no ordinary ones."""
    torch = sys.modules["torch"]
    with torch._C.DisableTorchFunction():  # else each of these calls would go through the mode that logs operations
        if tensor.layout is not torch.strided or tensor.device.type == "meta" or not tensor.numel():
            return None
        if torch._C._functorch.is_functorch_wrapped_tensor(tensor):
            return None
        tensor = tensor.detach()
        if tensor.device.type != "cpu":
            tensor = tensor.cpu()
        if tensor.dtype is torch.bfloat16:
            tensor = tensor.float()
        return tensor.resolve_conj().resolve_neg().numpy()
