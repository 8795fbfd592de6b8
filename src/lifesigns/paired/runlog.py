"""One run's log as arrays, and the comparison of two logs record by record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

KINDS = ("op", "input", "call", "outgrad", "loss", "grad", "step", "action", "reward", "obs", "end", "seed", "batch")
DTYPES = ("float32", "float64", "int64", "int32", "uint8", "bool", "float16", "int16", "int8", "complex64", "other")
MOST_HELD = 32 << 20
"""bytes of differences that one comparison keeps, to be read again."""
NOTHING: NDArray[np.float64] = np.zeros(0)
KIND, NAME, SITE, ENV_STEP, UPDATE, DIGEST, DTYPE, PLACE, ROWS_AT, GRAD = range(10)


class RunLog:
    """The records of one run: `rows` [n, 10], their shapes, and the values that were kept."""

    def __init__(self, folder: Path) -> None:
        with np.load(folder / "log.npz", allow_pickle=False) as held:
            self.rows: NDArray[np.int64] = held["rows"]
            shapes, parents = held["shapes"], held["parents"]
            self.row_digests: NDArray[np.int64] = held["row_digests"]
        self._values = np.load(folder / "values.npy", allow_pickle=False, mmap_mode="r").view(np.ndarray)
        self.about: dict[str, Any] = json.loads((folder / "strings.json").read_text("utf-8"))
        self.names: list[str] = self.about["names"]
        self.sites: list[Any] = self.about["sites"]
        self.shapes = _unpacked(shapes, len(self.rows))
        self.parents = _unpacked(parents, len(self.rows))
        self._kinds: list[int] = self.rows[:, KIND].tolist()
        self._names: list[int] = self.rows[:, NAME].tolist()
        self._of_kind: dict[tuple[str, ...], NDArray[np.int64]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def notes(self) -> Mapping[str, Any]:
        """What the run noted of itself."""
        return self.about["notes"]

    def name(self, i: int) -> str:
        """The operation, network, optimiser or environment of a record."""
        return self.names[self._names[i]]

    def kind(self, i: int) -> str:
        """What a record is of."""
        return KINDS[self._kinds[i]]

    def of_kind(self, *kinds: str) -> NDArray[np.int64]:
        """The numbers of the records of these kinds."""
        found = self._of_kind.get(kinds)
        if found is None:
            found = np.flatnonzero(np.isin(self.rows[:, KIND], [KINDS.index(k) for k in kinds]))
            found.flags.writeable = False
            self._of_kind[kinds] = found
        return found

    def alike(self, i: int, j: int) -> bool:
        """Whether two records are of one kind and name at one place."""
        return bool((self.rows[i, : SITE + 1] == self.rows[j, : SITE + 1]).all())

    def value(self, i: int) -> NDArray[Any] | None:
        """The value of a record, in its shape; None where it was not kept."""
        place, kind = int(self.rows[i, PLACE]), DTYPES[int(self.rows[i, DTYPE])]
        if place < 0 or kind == "other":
            return None
        dtype = np.dtype(kind)
        shape = self.shapes[i]
        size = int(np.prod(shape)) * dtype.itemsize
        return np.frombuffer(self._values[place : place + size].tobytes(), dtype=dtype).reshape(shape)

    def is_square(self, i: int) -> bool:
        """Whether a record is [N, N], N ≥ 4: every row of a batch paired with every other one."""
        shape = self.shapes[i]
        return len(shape) == 2 and shape[0] == shape[1] >= 4

    def row_digest(self, i: int) -> list[bytes]:
        """Digests of the rows of a record whose values were not kept; none where there are none. `digest_of` is that of
        a row which was."""
        at = int(self.rows[i, ROWS_AT])
        return [] if at < 0 else [d.tobytes() for d in self.row_digests[at : at + self.shapes[i][0]]]

    def site(self, i: int) -> Site | None:
        """Where a record comes from."""
        held = self.sites[int(self.rows[i, SITE])]
        return Site(*held) if held else None

    @cached_property
    def site_keys(self) -> list[str]:
        """Sites as text, to compare those of two logs."""
        return [json.dumps(s) for s in self.sites]


@dataclass(frozen=True)
class Site:
    """The nearest line outside torch, the nearest line of the user's (empty file: none), and that which called it."""

    file: str
    line: int
    user_file: str
    user_line: int
    function: str
    caller_file: str = ""
    caller_line: int = 0


def digest_of(row: NDArray[Any]) -> bytes:
    """The digest that a log keeps of a row whose values it does not keep."""
    return blake2b(row.tobytes(), digest_size=8).digest()


def _unpacked(flat: NDArray[np.int64], count: int) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = []
    held, at = flat.tolist(), 0
    for _ in range(count):
        size = held[at]
        found.append(tuple(held[at + 1 : at + 1 + size]))
        at += 1 + size
    return found


class Stain:
    """Two logs side by side: the records that both have (`common`), and those of them that differ (`at`)."""

    def __init__(self, base: RunLog, dyed: RunLog) -> None:
        self.base, self.dyed = base, dyed
        n = min(len(base), len(dyed))
        same = _structure(base, n) == _structure(dyed, n, base)
        shapes = np.array([a == b for a, b in zip(base.shapes[:n], dyed.shapes[:n], strict=True)], dtype=bool)
        parted = np.flatnonzero(~(same & shapes)) if n else np.array([], dtype=np.int64)
        self.common = int(parted[0]) if len(parted) else n
        self.parted = bool(len(parted))
        different = base.rows[: self.common, DIGEST] != dyed.rows[: self.common, DIGEST]
        self.at: NDArray[np.int64] = np.flatnonzero(different)
        self.marks = set(self.at.tolist())
        self._changes: dict[int, NDArray[np.float64]] = {}
        self._held = 0

    def of_kind(self, *kinds: str) -> list[int]:
        """The stained records of these kinds, in order."""
        return self.at[np.isin(self.base.rows[self.at, KIND], [KINDS.index(k) for k in kinds])].tolist()

    def delta(self, i: int) -> NDArray[np.float64] | None:
        """Dyed minus base, in the record's shape; None where the values were not kept."""
        a, b = self.base.value(i), self.dyed.value(i)
        if a is None or b is None:
            return None
        with np.errstate(all="ignore"):
            change = b.astype(np.float64) - a.astype(np.float64)
        return np.where(_same_bits(a, b), 0.0, change)

    def effect(self, i: int) -> float:
        """‖dyed − base‖ / ‖base‖ of a record; NaN where the values were not kept."""
        change, base = self.delta(i), self.base.value(i)
        if change is None or base is None:
            return float("nan")
        size = float(np.sqrt(np.square(base.astype(np.float64)).sum()))
        moved = float(np.sqrt(np.square(np.nan_to_num(change, nan=1.0)).sum()))
        return moved / size if size > 0 else (float("inf") if moved else 0.0)

    def effects_in_order(self, kind: str) -> list[float]:
        """The same of the first, second, … record of a kind in both runs, for runs whose records part: of those with
        one shape and name."""
        found: list[float] = []
        for i, j in zip(self.base.of_kind(kind).tolist(), self.dyed.of_kind(kind).tolist(), strict=False):
            effect = self.effect_between(i, j)
            if self.base.name(i) != self.dyed.name(j) or effect != effect:
                break
            found.append(effect)
        return found

    def effect_between(self, i: int, j: int) -> float:
        """‖dyed j − base i‖ / ‖base i‖ of two records; NaN where the values were not kept or differ in shape."""
        a, b = self.base.value(i), self.dyed.value(j)
        if a is None or b is None or a.shape != b.shape:
            return float("nan")
        size, moved = (float(np.linalg.norm(x.astype(np.float64))) for x in (a, b.astype(np.float64) - a))
        return moved / size if size > 0 else (float("inf") if moved else 0.0)

    def effects(self, kind: str) -> list[tuple[int, float]]:
        """(record, relative size of the change) of every common record of a kind: 0.0 exactly where it is the same."""
        numbers = [int(i) for i in self.base.of_kind(kind) if i < self.common]
        return [(i, self.effect(i) if i in self.marks else 0.0) for i in numbers]

    @cached_property
    def first_step(self) -> int:
        """The first optimiser step that differs; the number of common records where none does."""
        steps = self.of_kind("step")
        return steps[0] if steps else self.common

    @cached_property
    def secondary(self) -> NDArray[np.bool_]:
        """Records whose difference is a consequence of having learned from the stain: computed from a network that had,
        or, once an action differs for that reason, from data whose origin is not known. Data of unknown origin that are
        the same, bit for bit, as an earlier record (`Variable(target.data)`) are taken to be that."""
        found: set[int] = set()
        acted = next((i for i in self.of_kind("action") if i > self.first_step), self.common)
        calls = set(self.base.of_kind("call").tolist())
        digests: list[int] = self.base.rows[:, DIGEST].tolist()
        latest: dict[int, int] = {}
        for i in range(self.first_step, self.common):
            parents = self.base.parents[i]
            unknown = max(parents, default=-1) < 0
            if unknown:
                parents = (latest.get(digests[i], -1),)
            latest[digests[i]] = i
            late = not found.isdisjoint(parents) or (i > acted and unknown)
            if i in self.marks if i in calls else late:
                found.add(i)
        marks = np.zeros(self.common, dtype=bool)
        marks[list(found)] = True
        return marks

    def ops(self) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """The stained operations whose values were kept and differ as numbers, with the difference; secondary ones are
        left out."""
        for i in self._ops:
            change = self._changes.get(i)
            if change is None:
                change = self.delta(i)
                if change is None or not np.any(change != 0):
                    change = NOTHING
                if self._held + change.nbytes <= MOST_HELD:
                    self._held += change.nbytes
                    self._changes[i] = change
            if change is not NOTHING:
                yield i, change

    @cached_property
    def _ops(self) -> list[int]:
        at = self.at[self.base.rows[self.at, KIND] == KINDS.index("op")]
        return at[~self.secondary[at]].tolist()


def _same_bits(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    both_nan = (a != a) & (b != b)
    return (a == b) | both_nan


def _structure(log: RunLog, n: int, names_of: RunLog | None = None) -> NDArray[np.int64]:
    """(kind, name, site) of each record as one number; those of `log` in the numbering of `names_of`."""
    rows = log.rows[:n]
    if names_of is None or names_of is log:
        names, sites = np.arange(len(log.names)), np.arange(len(log.sites))
    else:
        names = _renumbered(log.names, names_of.names)
        sites = _renumbered(log.site_keys, names_of.site_keys)
    width = np.int64(1 << 20)
    return (rows[:, KIND] * width + names[rows[:, NAME]]) * width + sites[rows[:, SITE]]


def _renumbered(own: list[str], other: list[str]) -> NDArray[np.int64]:
    place = {text: i for i, text in enumerate(other)}
    return np.array([place.get(text, len(other) + i) for i, text in enumerate(own)], dtype=np.int64)
