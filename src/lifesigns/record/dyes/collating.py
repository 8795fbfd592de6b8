"""Whether a batch keeps each sample's label beside its input: the script's own `collate_fn` called again.

A side experiment inside an undyed run, with every random stream put back: one sample's input changed, then the label of
that sample. The row of the batch in which the input answers must be the row in which the label answers.
"""

from __future__ import annotations

import random
import sys
from typing import Any

from .. import callsite
from .oplog import to_array
from .session import Session

TRIED = 4
"""samples of the first batch of a loader that are changed one by one"""


class Collating:
    """The first batch of each loader whose `collate_fn` is the user's."""

    def __init__(self, session: Session) -> None:
        self.found: list[dict[str, Any]] = session.notes.setdefault("collating", [])
        self.session = session
        self.done: set[int] = set()

    def watch(self, loader: Any, number: int) -> None:
        """Before a loader is read: its `collate_fn` also hands the samples to the experiment, once."""
        if number in self.done or getattr(loader, "num_workers", 0):
            return
        self.done.add(number)
        get: Any = getattr(type(loader.dataset), "__getitem__", None)
        if _is_users(get):
            self._quietly({"loader": number}, lambda row: _copies(row, get.__code__, lambda: loader.dataset[0]))
        collate = loader.collate_fn
        if not _is_users(collate):
            return

        def collated(samples: Any) -> Any:
            if loader.collate_fn is collated:
                loader.collate_fn = collate
                self._quietly({"loader": number, "samples": len(samples)}, lambda row: _look(row, collate, samples))
            return collate(samples)

        loader.collate_fn = collated

    def _quietly(self, row: dict[str, Any], experiment: Any) -> None:
        """An experiment that nothing is logged of and that leaves every random stream as it was."""
        session = self.session
        session.quiet += 1
        streams = _streams()
        try:
            experiment(row)
        except Exception as error:
            row["error"] = f"{type(error).__name__}: {error}"[:200]
        finally:
            _restore(streams)
            session.quiet -= 1
        self.found.append(row)


def _is_users(function: Any) -> bool:
    code = getattr(function, "__code__", None)
    return code is not None and callsite.kind_of(code.co_filename) == callsite.USER


def _look(row: dict[str, Any], collate: Any, samples: Any) -> None:
    _copies(row, collate.__code__, lambda: collate(samples))
    pairs = all(isinstance(s, tuple | list) and len(s) >= 2 for s in samples)
    labels = [_plain(s[-1]) for s in samples] if pairs else [None]
    if len(samples) < TRIED or any(x is None for x in labels):
        return
    streams = _streams()

    def again(given: Any) -> Any:
        _restore(streams)
        tensors = [p for p in _tensors(collate(given)) if p.dim() and len(p) == len(samples)]
        return to_array(tensors[0]), to_array(tensors[-1])

    base = again(samples)
    if not _same(base, again(samples)):
        return
    row.update(tried=0, apart=0)
    for k in range(0, len(samples), max(len(samples) // TRIED, 1)):
        other = next((j for j, x in enumerate(labels) if x != labels[k]), None)
        changed = _changed(samples[k][0])
        if other is None or changed is None:
            continue
        relabelled = _with(samples, k, -1, samples[other][-1])
        place = _moved(base[0], again(_with(samples, k, 0, changed))[0])
        answers = _moved(base[1], again(relabelled)[1])
        if place is None or answers is None or len(place) != 1:
            continue  # inputs that are mixed on purpose
        row["tried"] += 1
        if place != answers:
            row["apart"] += 1
            row["at"] = row.get("at") or _line(collate, samples, relabelled, place)


def _tensors(batch: Any) -> list[Any]:
    parts = batch.values() if isinstance(batch, dict) else batch if isinstance(batch, tuple | list) else (batch,)
    return [p for p in parts if isinstance(p, sys.modules["torch"].Tensor)]


def _copies(row: dict[str, Any], code: Any, make: Any) -> None:
    """`copied_at`: the line of the function with this code that made a part of whole numbers equal to the first one."""
    named: list[tuple[int, Any]] = []

    def look(frame: Any, line: int) -> None:
        named.extend((line, value) for value in list(frame.f_locals.values()))

    parts = _tensors(_traced(code, make, look))
    if not parts or parts[0].is_floating_point():
        return
    same = sys.modules["torch"].equal
    for part in parts[1:]:
        if part.dtype == parts[0].dtype and part.numel() > 1 and same(part, parts[0]):
            line = next(
                (line for line, value in named if value is part), named[-1][0] if named else code.co_firstlineno
            )
            row["copied_at"] = callsite.at(code.co_filename, line)


def _with(samples: Any, k: int, part: int, value: Any) -> list[Any]:
    parts = list(samples[k])
    parts[part] = value
    kind = type(samples[k])
    new = kind(*parts) if hasattr(samples[k], "_fields") else kind(parts)
    return [new if j == k else s for j, s in enumerate(samples)]


def _changed(value: Any) -> Any:
    """Another input of the same shape and kind; None for what has no numbers."""
    torch = sys.modules["torch"]
    if not isinstance(value, torch.Tensor) or not value.numel() or value.dtype is torch.bool:
        import numpy as np

        if isinstance(value, np.ndarray) and value.size and value.dtype.kind in "fiu":
            return (value[::-1] if value.dtype.kind != "f" else value + 0.5).astype(value.dtype)
        return None
    return value + 0.5 if value.is_floating_point() else value.flip(0)


def _plain(label: Any) -> Any:
    """A label as a number; None for one that is none."""
    torch = sys.modules["torch"]
    if isinstance(label, torch.Tensor):
        return label.item() if label.numel() == 1 else None
    if hasattr(label, "item") and getattr(label, "size", 0) == 1:
        return label.item()
    return label if isinstance(label, int | float) else None


def _moved(a: Any, b: Any) -> set[int] | None:
    if a is None or b is None or a.shape != b.shape:
        return None
    different = ~((a == b) | ((a != a) & (b != b)))
    return set(different.reshape(len(a), -1).any(axis=1).nonzero()[0].tolist())


def _same(a: Any, b: Any) -> bool:
    return all(x is not None and _moved(x, y) == set() for x, y in zip(a, b, strict=True))


def _line(collate: Any, samples: Any, other: Any, place: set[int]) -> Any:
    """The line of `collate_fn` that gave the first sequence of labels which answers at another place."""
    runs = [_sequences(collate, s) for s in (samples, other)]
    for (line, name, a), (line2, name2, b) in zip(*runs, strict=False):
        if (line, name) != (line2, name2):
            continue
        moved = {i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y}
        if moved and moved != place:
            return callsite.at(collate.__code__.co_filename, line)
    return None


def _sequences(collate: Any, samples: Any) -> list[tuple[int, str, list[Any]]]:
    """(line, variable, labels) of each tuple, list or tensor of one plain number a sample that a line named."""
    found: list[tuple[int, str, list[Any]]] = []
    seen: dict[str, int] = {}

    def look(frame: Any, line: int) -> None:
        for name, value in list(frame.f_locals.items()):
            if seen.get(name) == id(value) or not hasattr(value, "__len__") or len(value) != len(samples):
                continue
            seen[name] = id(value)
            plain = [_plain(v) for v in value]
            if all(p is not None for p in plain):
                found.append((line, name, plain))

    _traced(collate.__code__, lambda: collate(samples), look)
    return found


def _traced(code: Any, make: Any, look: Any) -> Any:
    """What `make` returns; `look(frame, line)` is called after each line of the frames with this code."""

    def trace(frame: Any, event: str, arg: Any) -> Any:
        if frame.f_code is not code:
            return None
        held = [frame.f_lineno]

        def local(frame: Any, event: str, arg: Any) -> Any:
            if event in ("line", "return"):
                look(frame, held[0])
                held[0] = frame.f_lineno
            return local

        return local

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return make()
    finally:
        sys.settrace(before)


def _streams() -> Any:
    import numpy as np

    return random.getstate(), np.random.get_state(), sys.modules["torch"].get_rng_state()


def _restore(streams: Any) -> None:
    import numpy as np

    random.setstate(streams[0])
    np.random.set_state(streams[1])
    sys.modules["torch"].set_rng_state(streams[2])
