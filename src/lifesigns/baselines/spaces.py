"""How baselines see spaces: actions as an index or a vector in [-1, 1], observations as a vector of features.

A space is told by its class's name and attributes, so that nothing here needs Gymnasium. A space that a
method cannot use has an empty kind and a sentence that says why.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
MOST_INDEXED = 256
"""Actions of a product of discrete spaces up to which each combination is an action of its own."""
MOST_FEATURES = 2048
"""Features above which a linear policy is not searched."""
PIXEL_ROWS = 8
"""An image is seen as PIXEL_ROWS² means of blocks of its grey values."""
UNBOUNDED = 1.0
"""Half the range in which an unbounded component of an action is searched."""


@dataclass(frozen=True)
class Actions:
    """`decode` turns an index below `n` (kind `discrete`) or a vector of `n` numbers in [-1, 1] (kind
    `continuous`) into an action of the environment; kind is empty where only sampling is possible."""

    kind: str
    n: int
    decode: Callable[[Any], Any]
    note: str = ""

    def random(self, rng: np.random.Generator) -> Any:
        """One action in the methods' form, uniform."""
        return int(rng.integers(self.n)) if self.kind == "discrete" else rng.uniform(-1.0, 1.0, self.n)

    def candidates(self, rng: np.random.Generator, most: int = 32) -> list[Any]:
        """Actions to choose from: all of a discrete space; a grid of a box, or random corners and points."""
        if self.kind == "discrete":
            return list(range(self.n))
        points = {1: 5, 2: 5, 3: 3}.get(self.n, 0)
        if points and points**self.n <= most:
            return [np.array(c) for c in itertools.product(np.linspace(-1, 1, points), repeat=self.n)]
        corners = rng.choice([-1.0, 0.0, 1.0], size=(most // 2, self.n))
        inside = rng.uniform(-1.0, 1.0, size=(most - most // 2 - 1, self.n))
        return [np.zeros(self.n), *corners, *inside]


def actions(space: Any) -> Actions:
    """How to search in an action space."""
    kind = type(space).__name__
    if kind == "Discrete":
        start = int(getattr(space, "start", 0))
        return Actions("discrete", int(space.n), lambda i: start + int(i))
    if kind in ("MultiDiscrete", "MultiBinary"):
        return _products(space, kind)
    if kind == "Box" and np.issubdtype(space.dtype, np.number):
        return _box(space)
    if kind in ("Dict", "Tuple"):
        return _parts(space, kind)
    return Actions("", 0, lambda _: space.sample(), f"actions of a `{kind}` space can only be sampled")


def _products(space: Any, kind: str) -> Actions:
    """All combinations, where there are few; else a number in [-1, 1] for each component."""
    sizes = np.asarray(space.nvec if kind == "MultiDiscrete" else np.full(space.shape, 2), dtype=np.int64)
    start = np.asarray(getattr(space, "start", 0))
    total = float(np.prod(sizes.astype(float)))
    dtype, shape = space.dtype, space.shape
    if total <= MOST_INDEXED:
        table = np.array(list(itertools.product(*[range(int(k)) for k in sizes.ravel()])), dtype=dtype)
        return Actions("discrete", len(table), lambda i: table[int(i)].reshape(shape) + start.astype(dtype))

    def decode(u: Vector) -> Any:
        bins = np.clip(((np.asarray(u) + 1) / 2 * sizes.ravel()).astype(int), 0, sizes.ravel() - 1)
        return bins.reshape(shape).astype(dtype) + start.astype(dtype)

    return Actions("continuous", int(sizes.size), decode, f"{total:.3g} combinations, searched one number each")


def _box(space: Any) -> Actions:
    low = np.asarray(space.low, dtype=np.float64).ravel()
    high = np.asarray(space.high, dtype=np.float64).ravel()
    open_ends = ~(np.isfinite(low) & np.isfinite(high)) | (high - low > 1e9)
    low = np.where(open_ends, np.where(np.isfinite(low), low, -UNBOUNDED), low)
    high = np.where(open_ends, np.minimum(np.where(np.isfinite(high), high, low + 2 * UNBOUNDED), low + 2), high)
    middle, half, shape, dtype = (low + high) / 2, (high - low) / 2, space.shape, space.dtype
    note = f"{int(open_ends.sum())} unbounded components searched within ±{UNBOUNDED:g}" if open_ends.any() else ""

    def decode(u: Vector) -> Any:
        value = (middle + half * np.minimum(np.maximum(u, -1.0), 1.0)).reshape(shape)
        return np.rint(value).astype(dtype) if np.issubdtype(dtype, np.integer) else value.astype(dtype)

    return Actions("continuous", int(low.size), decode, note)


def _parts(space: Any, kind: str) -> Actions:
    """A dict or tuple: indexed where the product is small, else each part's numbers side by side."""
    named = list(space.spaces.items()) if kind == "Dict" else list(enumerate(space.spaces))
    inner = [(key, actions(part)) for key, part in named]
    bad = [part.note for _, part in inner if not part.kind]
    if bad or not inner:
        return Actions("", 0, lambda _: space.sample(), bad[0] if bad else "an empty action space")

    def together(values: list[Any]) -> Any:
        return dict(zip([k for k, _ in inner], values, strict=True)) if kind == "Dict" else tuple(values)

    if all(p.kind == "discrete" for _, p in inner) and np.prod([float(p.n) for _, p in inner]) <= MOST_INDEXED:
        table = list(itertools.product(*[range(p.n) for _, p in inner]))
        return Actions(
            "discrete",
            len(table),
            lambda i: together([p.decode(j) for (_, p), j in zip(inner, table[int(i)], strict=True)]),
        )
    sizes = [p.n if p.kind == "continuous" else 1 for _, p in inner]
    ends = np.cumsum([0, *sizes])

    def decode(u: Vector) -> Any:
        found: list[Any] = []
        for (_, part), begin, end in zip(inner, ends[:-1], ends[1:], strict=True):
            piece = np.asarray(u)[begin:end]
            found.append(part.decode(piece if part.kind == "continuous" else _bin(float(piece[0]), part.n)))
        return together(found)

    return Actions("continuous", int(ends[-1]), decode)


def _bin(u: float, n: int) -> int:
    return min(max(int((u + 1) / 2 * n), 0), n - 1)


@dataclass(frozen=True)
class Features:
    """`of(obs)` is a vector of `n` finite numbers; `n` is 0 where the space gives none, and `note` says why."""

    n: int
    of: Callable[[Any], Vector]
    note: str = ""
    pixels: bool = False


def features(space: Any) -> Features:
    """How to see an observation space as a vector."""
    kind = type(space).__name__
    if kind == "Discrete":
        n, start = int(space.n), int(getattr(space, "start", 0))
        if n > MOST_FEATURES:
            return Features(0, lambda _: np.zeros(0), f"{n} discrete observations are too many for a linear policy")
        eye = np.eye(n)
        return Features(n, lambda obs: eye[int(obs) - start])
    if kind == "Box":
        return _box_features(space)
    if kind == "MultiBinary":
        return Features(int(np.prod(space.shape)), _flat)
    if kind == "MultiDiscrete":
        sizes = [int(k) for k in np.asarray(space.nvec).ravel()]
        offsets = np.cumsum([0, *sizes])[:-1]
        start = np.asarray(getattr(space, "start", 0)).ravel()

        def one_hot(obs: Any) -> Vector:
            found = np.zeros(sum(sizes))
            found[offsets + np.asarray(obs).ravel() - start] = 1.0
            return found

        return Features(sum(sizes), one_hot)
    if kind in ("Dict", "Tuple"):
        return _part_features(space, kind)
    return Features(0, lambda _: np.zeros(0), f"observations of a `{kind}` space have no features")


def _flat(obs: Any) -> Vector:
    return np.asarray(obs, dtype=np.float64).ravel()


def _finite(obs: Any) -> Vector:
    return np.nan_to_num(_flat(obs), nan=0.0, posinf=1e6, neginf=-1e6)


def _box_features(space: Any) -> Features:
    size = int(np.prod(space.shape))
    image = len(space.shape) in (2, 3) and space.dtype == np.uint8 and size >= 256
    if not image:
        if size > MOST_FEATURES:
            return Features(0, lambda _: np.zeros(0), f"{size} numbers are too many for a linear policy")
        return Features(size, _finite)
    rows, columns = space.shape[:2] if len(space.shape) == 2 or space.shape[2] <= space.shape[0] else space.shape[1:]
    first = len(space.shape) == 3 and space.shape[2] > space.shape[0]
    cut_rows, cut_columns = max(rows // PIXEL_ROWS, 1), max(columns // PIXEL_ROWS, 1)

    def blocks(obs: Any) -> Vector:
        grey = np.asarray(obs, dtype=np.float64)
        grey = grey if grey.ndim == 2 else grey.mean(axis=0 if first else 2)
        kept = grey[: cut_rows * (rows // cut_rows), : cut_columns * (columns // cut_columns)]
        cells = kept.reshape(rows // cut_rows, cut_rows, columns // cut_columns, cut_columns)
        return cells.mean(axis=(1, 3)).ravel() / 255.0

    note = f"an image, seen as {(rows // cut_rows) * (columns // cut_columns)} means of grey blocks"
    return Features((rows // cut_rows) * (columns // cut_columns), blocks, note, True)


def _part_features(space: Any, kind: str) -> Features:
    """The parts that have features side by side; the others are left out and named."""
    named = list(space.spaces.items()) if kind == "Dict" else list(enumerate(space.spaces))
    inner = [(key, features(part)) for key, part in named]
    used = [(key, part) for key, part in inner if part.n]
    left = [f"`{key}`: {part.note}" for key, part in inner if not part.n]
    n = sum(part.n for _, part in used)
    if not n or n > MOST_FEATURES:
        return Features(0, lambda _: np.zeros(0), "; ".join(left) or f"{n} features are too many")
    note = "left out " + "; ".join(left) if left else ""

    def together(obs: Any) -> Vector:
        return np.concatenate([part.of(obs[key]) for key, part in used])

    return Features(n, together, note, any(p.pixels for _, p in used))
